// Drives the vendor's own pipeline for native plugins with scripted plugins and scripted providers.
//
// Standard input: a JSON array of scenarios (scenario.go). Standard output: a JSON object, scenario name to trace. A trace is a
// list of events in the order in which they happened; every event is an object with one of the members "call", "provider",
// "warning" and "answer". Providers are real ones of the module, in the OpenAI form, and talk to a server on the loopback
// interface that answers as the scenario says.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	bifrost "github.com/maximhq/bifrost/core"
	"github.com/maximhq/bifrost/core/schemas"
)

func main() {
	var scenarios []Scenario
	if err := json.NewDecoder(os.Stdin).Decode(&scenarios); err != nil {
		fail("scenarios: %v", err)
	}
	traces := make(map[string][]Event, len(scenarios))
	for _, scenario := range scenarios {
		trace, err := run(scenario)
		if err != nil {
			fail("%s: %v", scenario.Name, err)
		}
		traces[scenario.Name] = trace
	}
	if err := json.NewEncoder(os.Stdout).Encode(traces); err != nil {
		fail("traces: %v", err)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

// run plays one scenario in a pipeline of its own.
func run(scenario Scenario) ([]Event, error) {
	recorder := &Recorder{}
	providers := newProviders(scenario, recorder)
	defer providers.Close()

	plugins := make([]schemas.LLMPlugin, 0, len(scenario.Plugins))
	for _, script := range scenario.Plugins {
		plugins = append(plugins, &Plugin{script: script, watch: scenario.Watch, recorder: recorder})
	}
	client, err := bifrost.Init(context.Background(), schemas.BifrostConfig{
		Account:    providers,
		LLMPlugins: plugins,
		Logger:     &Logger{recorder: recorder},
	})
	if err != nil {
		return nil, err
	}
	defer client.Shutdown()

	ctx := schemas.NewBifrostContext(context.Background(), schemas.NoDeadline)
	setContext(ctx, scenario.Context)
	request := &schemas.BifrostChatRequest{}
	changeRequest(request, scenario.Request)
	recorder.add(Event{"answer": ask(client, ctx, request, scenario.Stream)})
	return recorder.events, nil
}

// ask makes the request. A panic of the module in the caller's own goroutine is an answer too.
func ask(client *bifrost.Bifrost, ctx *schemas.BifrostContext, request *schemas.BifrostChatRequest, stream bool) (result any) {
	defer func() {
		if reason := recover(); reason != nil {
			result = Event{"panic": fmt.Sprint(reason)}
		}
	}()
	if stream {
		return streamAnswer(client.ChatCompletionStreamRequest(ctx, request))
	}
	return answer(client.ChatCompletionRequest(ctx, request))
}

func answer(response *schemas.BifrostChatResponse, failure *schemas.BifrostError) any {
	if failure != nil {
		return Event{"error": shortError(failure)}
	}
	return Event{"response": shortChat(response)}
}

func streamAnswer(stream chan *schemas.BifrostStreamChunk, failure *schemas.BifrostError) any {
	if failure != nil {
		return Event{"error": shortError(failure)}
	}
	chunks := []any{}
	for chunk := range stream {
		if chunk.BifrostError != nil {
			chunks = append(chunks, Event{"error": shortError(chunk.BifrostError)})
		} else {
			chunks = append(chunks, shortChat(chunk.BifrostChatResponse))
		}
	}
	return Event{"stream": chunks}
}
