// Token meter counts what a request costs: the tokens of the prompt, of the answer, and of each chunk while an
// answer streams. It refuses prompts above a limit, and tells the provider with a header that it is there.
//
// Tokens are estimated at four characters each, until the provider tells its own count. In the context:
//
//	token_meter_team    the caller's team, from its header
//	token_meter_prompt  tokens of the prompt
//	token_meter_stream  tokens of the chunks so far
//	token_meter_total   what the provider counted
//	token_meter_status  the HTTP status of the answer
//
// Configuration, every member optional:
//
//	{"header": "X-Token-Meter", "team_header": "X-Team", "max_prompt_tokens": 4000}
package main

import (
	"errors"

	"hookproof/plugins/gateway"
	"hookproof/plugins/guest"
	"hookproof/plugins/openjson"
)

func main() {}

// settings are set by init and only read after: nothing of a request stays in the instance.
var settings = defaults()

//go:wasmexport get_name
func getName() uint64 { return guest.Answer([]byte("token-meter")) }

//go:wasmexport init
func initialize(pointer, length uint32) int32 {
	parsed, err := parseSettings(guest.Input(pointer, length))
	if err != nil {
		return 1
	}
	settings = parsed
	return 0
}

//go:wasmexport cleanup
func cleanup() int32 {
	settings = defaults()
	return 0
}

//go:wasmexport http_pre_hook
func httpPreHook(pointer, length uint32) uint64 {
	return run("error", pointer, length, func(call openjson.Object) ([]byte, error) {
		request, err := call.Object("request")
		if err != nil {
			return nil, err
		}
		headers, err := request.Object("headers")
		if err != nil {
			return nil, err
		}
		return openjson.Write(len(call.Get("request"))).
			Nested("context", func(context *openjson.Writer) {
				if team, ok := gateway.LookUp(headers, settings.teamHeader); ok {
					context.Text("token_meter_team", team)
				}
			}).
			Nested("request", func(changed *openjson.Writer) {
				gateway.WriteWithHeader(changed, request, headers, settings.header, "on")
			}).
			Raw("response", nil).
			Flag("has_response", false).
			Text("error", "").
			End(), nil
	})
}

//go:wasmexport http_post_hook
func httpPostHook(pointer, length uint32) uint64 {
	return run("error", pointer, length, func(call openjson.Object) ([]byte, error) {
		response, err := call.Object("response")
		if err != nil {
			return nil, err
		}
		return openjson.Write(0).
			Nested("context", func(context *openjson.Writer) {
				if status, ok := response.Get("status_code").Int(); ok {
					context.Int("token_meter_status", status)
				}
			}).
			Text("error", "").
			End(), nil
	})
}

//go:wasmexport http_stream_chunk_hook
func httpStreamChunkHook(pointer, length uint32) uint64 {
	return run("error", pointer, length, func(call openjson.Object) ([]byte, error) {
		chunk := call.Get("chunk")
		if !chunk.IsObject() {
			return nil, errors.New("cannot read the input: chunk is no object")
		}
		// The sum travels in the context: another instance may get the next chunk.
		sum, _ := call.Get("context").Member("token_meter_stream").Int()
		return openjson.Write(len(chunk)).
			Nested("context", func(context *openjson.Writer) {
				context.Int("token_meter_stream", chunkTokens(sum, chunk))
			}).
			Raw("chunk", chunk).
			Flag("has_chunk", true).
			Flag("skip", false).
			Text("error", "").
			End(), nil
	})
}

//go:wasmexport pre_hook
func preHook(pointer, length uint32) uint64 {
	return run("error", pointer, length, func(call openjson.Object) ([]byte, error) {
		request := call.Get("request")
		if request != nil && !request.IsObject() {
			return nil, errors.New("cannot read the input: request is no object")
		}
		prompt := promptTokens(request)
		refused := settings.maxPromptTokens > 0 && prompt > settings.maxPromptTokens
		result := openjson.Write(0).
			Nested("context", func(context *openjson.Writer) { context.Int("token_meter_prompt", prompt) }).
			Raw("request", nil)
		if refused {
			result.Nested("short_circuit", func(short *openjson.Writer) { writeRefusal(short, prompt) })
		} else {
			result.Raw("short_circuit", nil)
		}
		return result.Flag("has_short_circuit", refused).Text("error", "").End(), nil
	})
}

//go:wasmexport post_hook
func postHook(pointer, length uint32) uint64 {
	return run("hook_error", pointer, length, func(call openjson.Object) ([]byte, error) {
		response := call.Get("response")
		if response != nil && !response.IsObject() {
			return nil, errors.New("cannot read the input: response is no object")
		}
		failure, err := failure(call)
		if err != nil {
			return nil, err
		}
		return openjson.Write(len(failure)).
			Nested("context", func(context *openjson.Writer) {
				if total, ok := totalTokens(response); ok {
					context.Int("token_meter_total", total)
				}
			}).
			Raw("response", nil).
			Raw("error", failure).
			Flag("has_error", failure != nil).
			Text("hook_error", "").
			End(), nil
	})
}

// run reads the input, runs the hook, and turns what was not understood into the hook's error member.
func run(member string, pointer, length uint32, hook func(openjson.Object) ([]byte, error)) uint64 {
	call, err := openjson.Parse(guest.Input(pointer, length))
	var result []byte
	if err == nil {
		result, err = hook(call)
	}
	if err != nil {
		result = openjson.Write(0).Raw("context", []byte("{}")).Text(member, err.Error()).End()
	}
	return guest.Answer(result)
}

// failure is the error that post_hook must keep: nil for none. The flag decides; where it is set and the object
// is missing, one is made, so that the flag is never lost.
func failure(call openjson.Object) ([]byte, error) {
	failed, err := call.Flag("has_error")
	if err != nil || !failed {
		return nil, err
	}
	members, err := call.Object("error")
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return []byte(`{"is_bifrost_error":true,"error":{"message":"unknown error"}}`), nil
	}
	return call.Get("error"), nil
}

func writeRefusal(shortCircuit *openjson.Writer, prompt int) {
	shortCircuit.Nested("error", func(failure *openjson.Writer) {
		failure.Flag("is_bifrost_error", false).
			Int("status_code", 413).
			Nested("error", func(inner *openjson.Writer) {
				inner.Text("type", "prompt_too_long").Text("message", limitMessage(prompt))
			}).
			Flag("allow_fallbacks", false) // another model would be asked the same
	})
}
