package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/maximhq/bifrost/core/schemas"
)

// Providers is the account that the pipeline asks, and the loopback server behind each provider of the scenario. The first
// segment of the path is the provider's name.
type Providers struct {
	scripts  map[string][]Reply
	recorder *Recorder
	server   *httptest.Server
	mutex    sync.Mutex
	calls    map[string]int
}

func newProviders(scenario Scenario, recorder *Recorder) *Providers {
	providers := &Providers{scripts: scenario.Providers, recorder: recorder, calls: map[string]int{}}
	providers.server = httptest.NewServer(http.HandlerFunc(providers.serve))
	return providers
}

// Close ends the loopback server.
func (p *Providers) Close() { p.server.Close() }

// GetConfiguredProviders names the providers that the scenario scripts.
func (p *Providers) GetConfiguredProviders() ([]schemas.ModelProvider, error) {
	names := make([]schemas.ModelProvider, 0, len(p.scripts))
	for name := range p.scripts {
		names = append(names, schemas.ModelProvider(name))
	}
	return names, nil
}

// GetKeysForProvider has no keys: the custom providers need none.
func (p *Providers) GetKeysForProvider(context.Context, schemas.ModelProvider) ([]schemas.Key, error) {
	return nil, nil
}

// GetConfigForProvider is a custom provider of the OpenAI form without retries.
func (p *Providers) GetConfigForProvider(name schemas.ModelProvider) (*schemas.ProviderConfig, error) {
	if _, ok := p.scripts[string(name)]; !ok {
		return nil, fmt.Errorf("no provider %s", name)
	}
	return &schemas.ProviderConfig{
		NetworkConfig:            schemas.NetworkConfig{BaseURL: p.server.URL + "/" + string(name), DefaultRequestTimeoutInSeconds: 10},
		ConcurrencyAndBufferSize: schemas.ConcurrencyAndBufferSize{Concurrency: 1, BufferSize: 4},
		CustomProviderConfig:     &schemas.CustomProviderConfig{IsKeyLess: true, BaseProviderType: schemas.OpenAI},
	}, nil
}

func (p *Providers) serve(writer http.ResponseWriter, request *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
	var body struct {
		Model    string
		Stream   bool
		Messages []struct{ Content string }
	}
	if err := json.NewDecoder(request.Body).Decode(&body); err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	event := Event{"provider": name, "model": body.Model, "content": body.Messages[len(body.Messages)-1].Content}
	if body.Stream {
		event["stream"] = true
	}
	p.recorder.add(event)

	p.mutex.Lock()
	number := p.calls[name]
	p.calls[name]++
	p.mutex.Unlock()
	script := p.scripts[name]
	if number >= len(script) {
		number = len(script) - 1
	}
	switch reply := script[number]; {
	case reply.Error != nil:
		status := http.StatusInternalServerError
		if reply.Error.StatusCode != nil {
			status = *reply.Error.StatusCode
		}
		writer.Header().Set("Content-Type", "application/json")
		writer.WriteHeader(status)
		write(writer, wireError(reply.Error))
	case reply.Response != nil:
		writer.Header().Set("Content-Type", "application/json")
		write(writer, message(*reply.Response))
	default:
		writer.Header().Set("Content-Type", "text/event-stream")
		for _, chunk := range reply.Stream {
			fmt.Fprint(writer, "data: ")
			write(writer, wireChunk(chunk))
			fmt.Fprint(writer, "\n\n")
		}
		fmt.Fprint(writer, "data: [DONE]\n\n")
	}
}

func write(writer http.ResponseWriter, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	_, _ = writer.Write(data)
}

func wireError(script *Failure) any {
	return Event{"error": Event{"message": script.Message, "type": script.Type, "code": script.Code}}
}

func wireChunk(chunk Chunk) any {
	if chunk.Error != nil {
		return wireError(chunk.Error)
	}
	delta := Event{}
	if chunk.Text != nil {
		delta["content"] = *chunk.Text
	}
	choice := Event{"index": 0, "delta": delta, "finish_reason": chunk.FinishReason}
	return Event{"id": "r", "model": "m", "object": "chat.completion.chunk", "choices": []any{choice}}
}
