package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/maximhq/bifrost/core/schemas"
)

// Plugin is a native plugin that answers as a host of wasm plugins would answer for its guest: the typed answer of a hook
// becomes the return values of the native hook.
type Plugin struct {
	script    PluginScript
	watch     []string
	recorder  *Recorder
	preCalls  int
	postCalls int
}

// GetName is the name in traces.
func (p *Plugin) GetName() string { return p.script.Name }

// Cleanup has nothing to do.
func (p *Plugin) Cleanup() error { return nil }

// PreLLMHook plays the next step of pre_hook.
func (p *Plugin) PreLLMHook(ctx *schemas.BifrostContext, req *schemas.BifrostRequest) (*schemas.BifrostRequest, *schemas.LLMPluginShortCircuit, error) {
	if p.script.Pre == nil {
		return req, nil, nil
	}
	p.recorder.add(Event{
		"call":    p.script.Name + ".pre_hook",
		"context": p.seen(ctx),
		"request": shortRequest(req.ChatRequest),
	})
	step := p.script.Pre.at(p.preCalls)
	p.preCalls++
	if step.Raises != "" {
		return req, nil, fmt.Errorf("pre_hook: %s: scripted", step.Raises)
	}
	setContext(ctx, step.Context)
	if step.Request != nil {
		// A wasm plugin answers with a new document: the request that others hold is not touched.
		changed, chat := *req, *req.ChatRequest
		changeRequest(&chat, *step.Request)
		changed.ChatRequest = &chat
		req = &changed
	}
	if step.Native == "nil-request" {
		req = nil
	}
	var short *schemas.LLMPluginShortCircuit
	if step.ShortCircuit != nil {
		short = &schemas.LLMPluginShortCircuit{}
		if step.ShortCircuit.Response != nil {
			short.Response = &schemas.BifrostResponse{ChatResponse: message(*step.ShortCircuit.Response)}
		}
		if step.ShortCircuit.Error != nil {
			short.Error = failure(step.ShortCircuit.Error)
		}
	}
	return req, short, asError(step.Error)
}

// PostLLMHook plays the next step of post_hook.
func (p *Plugin) PostLLMHook(ctx *schemas.BifrostContext, resp *schemas.BifrostResponse, bifrostErr *schemas.BifrostError) (*schemas.BifrostResponse, *schemas.BifrostError, error) {
	if p.script.Post == nil {
		return resp, bifrostErr, nil
	}
	event := Event{"call": p.script.Name + ".post_hook", "context": p.seen(ctx)}
	if resp != nil {
		event["response"] = shortChat(resp.ChatResponse)
	}
	if bifrostErr != nil {
		event["error"] = shortError(bifrostErr)
	}
	p.recorder.add(event)
	step := p.script.Post.at(p.postCalls)
	p.postCalls++
	if step.Raises != "" {
		return resp, bifrostErr, fmt.Errorf("post_hook: %s: scripted", step.Raises)
	}
	setContext(ctx, step.Context)
	switch step.Effect {
	case "response":
		resp = replaced(resp, *step.Response)
	case "error":
		if step.Native != "keeps-response" {
			resp = nil
		}
		bifrostErr = failure(step.Failure)
	case "recovered":
		resp, bifrostErr = replaced(resp, *step.Response), nil
		if step.Native == "empty-error" {
			bifrostErr = &schemas.BifrostError{Error: &schemas.ErrorField{}}
		}
	case "", "unchanged":
		if step.Native == "drops-error" {
			bifrostErr = nil
		}
	default:
		panic("unknown effect " + step.Effect)
	}
	return resp, bifrostErr, asError(step.HookError)
}

// seen is what the plugin can read in the context, of the keys that the scenario watches.
func (p *Plugin) seen(ctx *schemas.BifrostContext) Event {
	values := Event{}
	for _, key := range p.watch {
		if value := ctx.Value(contextKey(key)); value != nil {
			values[key] = p.recorder.name(value)
		}
	}
	return values
}

// contextKey is the native key of a member of the JSON context: wasm plugins know the request id as request_id.
func contextKey(key string) schemas.BifrostContextKey {
	if key == "request_id" {
		return schemas.BifrostContextKeyRequestID
	}
	return schemas.BifrostContextKey(key)
}

func setContext(ctx *schemas.BifrostContext, values map[string]any) {
	for key, value := range values {
		ctx.SetValue(contextKey(key), value)
	}
}

func asError(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

func changeRequest(request *schemas.BifrostChatRequest, change RequestChange) {
	if change.Provider != nil {
		request.Provider = schemas.ModelProvider(*change.Provider)
	}
	if change.Model != nil {
		request.Model = *change.Model
	}
	if change.Content != nil {
		request.Input = []schemas.ChatMessage{{
			Role:    schemas.ChatMessageRoleUser,
			Content: &schemas.ChatMessageContent{ContentStr: change.Content},
		}}
	}
	if change.Fallbacks != nil {
		request.Fallbacks = nil
		for _, fallback := range change.Fallbacks {
			provider, model, _ := strings.Cut(fallback, "/")
			request.Fallbacks = append(request.Fallbacks, schemas.Fallback{Provider: schemas.ModelProvider(provider), Model: model})
		}
	}
}

// message is a chat response with one choice.
func message(text string) *schemas.BifrostChatResponse {
	return &schemas.BifrostChatResponse{
		ID: "r", Model: "m", Object: "chat.completion",
		Choices: []schemas.BifrostResponseChoice{{
			ChatNonStreamResponseChoice: &schemas.ChatNonStreamResponseChoice{Message: &schemas.ChatMessage{
				Role:    schemas.ChatMessageRoleAssistant,
				Content: &schemas.ChatMessageContent{ContentStr: &text},
			}},
		}},
	}
}

// replaced is a response of the same kind, a message or a chunk, with another text.
func replaced(response *schemas.BifrostResponse, text string) *schemas.BifrostResponse {
	changed := message(text)
	if response != nil && response.ChatResponse != nil {
		choice := response.ChatResponse.Choices[0]
		if choice.ChatStreamResponseChoice != nil {
			changed.Choices = []schemas.BifrostResponseChoice{{
				FinishReason:             choice.FinishReason,
				ChatStreamResponseChoice: &schemas.ChatStreamResponseChoice{Delta: &schemas.ChatStreamResponseChoiceDelta{Content: &text}},
			}}
		}
	}
	return &schemas.BifrostResponse{ChatResponse: changed}
}

func failure(script *Failure) *schemas.BifrostError {
	return &schemas.BifrostError{
		StatusCode:     script.StatusCode,
		AllowFallbacks: script.AllowFallbacks,
		Error:          &schemas.ErrorField{Message: script.Message, Type: script.Type, Code: script.Code},
	}
}

func shortRequest(request *schemas.BifrostChatRequest) Event {
	event := Event{"provider": request.Provider, "model": request.Model}
	if count := len(request.Input); count > 0 {
		event["content"] = request.Input[count-1].Content.ContentStr
	}
	return event
}

// shortChat is the text of a response or of a chunk; of the last chunk also why the stream ended.
func shortChat(response *schemas.BifrostChatResponse) any {
	if response == nil || len(response.Choices) == 0 {
		return nil
	}
	var text *string
	choice := response.Choices[0]
	if choice.ChatNonStreamResponseChoice != nil && choice.Message != nil && choice.Message.Content != nil {
		text = choice.Message.Content.ContentStr
	}
	if choice.ChatStreamResponseChoice != nil && choice.Delta != nil {
		text = choice.Delta.Content
	}
	if choice.ChatStreamResponseChoice != nil && choice.FinishReason != nil {
		event := Event{"finish_reason": *choice.FinishReason}
		if text != nil {
			event["text"] = *text
		}
		return event
	}
	if text == nil {
		return nil
	}
	return *text
}

func shortError(bifrostErr *schemas.BifrostError) Event {
	event := Event{}
	if bifrostErr.Error != nil {
		event["message"] = bifrostErr.Error.Message
		if bifrostErr.Error.Type != nil {
			event["type"] = *bifrostErr.Error.Type
		}
		if bifrostErr.Error.Code != nil {
			event["code"] = *bifrostErr.Error.Code
		}
	}
	if bifrostErr.StatusCode != nil {
		event["status_code"] = *bifrostErr.StatusCode
	}
	if bifrostErr.AllowFallbacks != nil {
		event["allow_fallbacks"] = *bifrostErr.AllowFallbacks
	}
	return event
}
