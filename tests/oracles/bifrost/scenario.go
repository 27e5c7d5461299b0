package main

import (
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/maximhq/bifrost/core/schemas"
)

// Event is one line of a trace.
type Event = map[string]any

// Scenario is what the scenario files say, made explicit by the runner: each hook has a list of steps, one a call; calls beyond
// the list repeat the last step where Repeat is set, and pass through where it is not.
type Scenario struct {
	Name      string             `json:"name"`
	Context   map[string]any     `json:"context"`
	Watch     []string           `json:"watch"`
	Request   RequestChange      `json:"request"`
	Stream    bool               `json:"stream"`
	Plugins   []PluginScript     `json:"plugins"`
	Providers map[string][]Reply `json:"providers"`
}

// RequestChange names the members of a chat request that are set.
type RequestChange struct {
	Provider  *string  `json:"provider"`
	Model     *string  `json:"model"`
	Content   *string  `json:"content"`
	Fallbacks []string `json:"fallbacks"`
}

// PluginScript says what a plugin answers, call by call. A hook that is nil is not exported.
type PluginScript struct {
	Name string  `json:"name"`
	Pre  *Script `json:"pre_hook"`
	Post *Script `json:"post_hook"`
}

// Script is the answers of one hook.
type Script struct {
	Steps  []Step `json:"steps"`
	Repeat bool   `json:"repeat"`
}

// Step is one answer. Effect, Response and Failure belong to post_hook; Request and ShortCircuit to pre_hook.
type Step struct {
	Context      map[string]any `json:"context"`
	Request      *RequestChange `json:"request"`
	ShortCircuit *ShortCircuit  `json:"short_circuit"`
	Error        string         `json:"error"`
	Effect       string         `json:"effect"`
	Response     *string        `json:"response"`
	Failure      *Failure       `json:"failure"`
	HookError    string         `json:"hook_error"`
	Raises       string         `json:"raises"`
	// Native asks for an answer that a native plugin can give and a wasm plugin cannot.
	Native string `json:"native"`
}

// ShortCircuit is an answer without the provider.
type ShortCircuit struct {
	Response *string  `json:"response"`
	Error    *Failure `json:"error"`
}

// Failure is an LLM error.
type Failure struct {
	Message        string  `json:"message"`
	Type           *string `json:"type"`
	Code           *string `json:"code"`
	StatusCode     *int    `json:"status_code"`
	AllowFallbacks *bool   `json:"allow_fallbacks"`
}

// Reply is what a provider answers to one call: a response, an error, or a stream of chunks.
type Reply struct {
	Response *string  `json:"response"`
	Error    *Failure `json:"error"`
	Stream   []Chunk  `json:"stream"`
}

// Chunk is one chunk of a stream: text, the end, or an error.
type Chunk struct {
	Text         *string  `json:"text"`
	FinishReason *string  `json:"finish_reason"`
	Error        *Failure `json:"error"`
}

// at gives the step of the n-th call, counted from 0.
func (s *Script) at(n int) Step {
	if n < len(s.Steps) {
		return s.Steps[n]
	}
	if s.Repeat && len(s.Steps) > 0 {
		return s.Steps[len(s.Steps)-1]
	}
	return Step{}
}

// Recorder collects events; provider goroutines and the caller share it.
type Recorder struct {
	mutex  sync.Mutex
	events []Event
	fresh  map[string]string
}

func (r *Recorder) add(event Event) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.events = append(r.events, event)
}

// name replaces a random identifier by the order in which it was first seen.
func (r *Recorder) name(value any) any {
	text, ok := value.(string)
	if !ok || uuid.Validate(text) != nil {
		return value
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.fresh == nil {
		r.fresh = map[string]string{}
	}
	if _, ok := r.fresh[text]; !ok {
		r.fresh[text] = fmt.Sprintf("<fresh %d>", len(r.fresh)+1)
	}
	return r.fresh[text]
}

// Logger turns the warnings about hooks into events; everything else is dropped.
type Logger struct{ recorder *Recorder }

func (l *Logger) Debug(string, ...any) {}
func (l *Logger) Info(string, ...any)  {}
func (l *Logger) Error(string, ...any) {}
func (l *Logger) Fatal(string, ...any) {}

// Warn knows the two messages that the pipeline writes about a failed hook.
func (l *Logger) Warn(message string, arguments ...any) {
	hooks := map[string]string{
		"error in PreLLMHook for plugin %s: %s":  "pre_hook",
		"error in PostLLMHook for plugin %s: %v": "post_hook",
	}
	if hook, ok := hooks[message]; ok {
		l.recorder.add(Event{"warning": fmt.Sprintf("%v.%s", arguments[0], hook), "text": fmt.Sprint(arguments[1])})
	}
}

func (l *Logger) SetLevel(schemas.LogLevel)              {}
func (l *Logger) SetOutputType(schemas.LoggerOutputType) {}
func (l *Logger) LogHTTPRequest(schemas.LogLevel, string) schemas.LogEventBuilder {
	return schemas.NoopLogEvent
}
