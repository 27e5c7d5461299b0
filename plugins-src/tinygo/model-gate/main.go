// Model gate refuses requests for models that the house does not want used: 403, as an HTTP answer before the
// request is understood, and as an error before a provider is asked.
//
// It speaks the first revision of the ABI: each document has its own pointer and length, the allocator is called
// plugin_malloc and plugin_free, and no hook returns a context. Configuration, optional:
//
//	{"blocked_models": ["gpt-3.5-turbo"]}
package main

import (
	"encoding/base64"
	"errors"
	"unsafe"

	"hookproof/plugins/gateway"
	"hookproof/plugins/guest"
	"hookproof/plugins/openjson"
)

func main() {}

// blockedModels are set by init and only read after: nothing of a request stays in the instance.
var blockedModels []string

//go:wasmexport plugin_malloc
func pluginMalloc(size uint32) uint32 { return uint32(uintptr(guest.Malloc(uintptr(size)))) }

//go:wasmexport plugin_free
func pluginFree(pointer uint32) { guest.Free(unsafe.Pointer(uintptr(pointer))) }

//go:wasmexport get_name
func getName() uint64 { return guest.Answer([]byte("model-gate")) }

//go:wasmexport init
func initialize(pointer, length uint32) int32 {
	models, err := parseConfig(guest.Input(pointer, length))
	if err != nil {
		return 1
	}
	blockedModels = models
	return 0
}

//go:wasmexport cleanup
func cleanup() int32 {
	blockedModels = nil
	return 0
}

//go:wasmexport http_transport_intercept
func httpTransportIntercept(contextPointer, contextLength, requestPointer, requestLength uint32) uint64 {
	return run(guest.Input(contextPointer, contextLength), func() ([]byte, error) {
		request, err := openjson.Parse(guest.Input(requestPointer, requestLength))
		if err != nil {
			return nil, err
		}
		model, err := bodyModel(request)
		if err != nil {
			return nil, err
		}
		result := openjson.Write(0)
		if isBlocked(model) {
			result.Nested("response", func(response *openjson.Writer) { writeForbidden(response, model) })
		} else {
			result.Raw("response", nil)
		}
		return result.Text("error", "").End(), nil
	})
}

//go:wasmexport pre_hook
func preHook(contextPointer, contextLength, requestPointer, requestLength uint32) uint64 {
	return run(guest.Input(contextPointer, contextLength), func() ([]byte, error) {
		request := guest.Input(requestPointer, requestLength)
		if _, err := openjson.Parse(request); err != nil {
			return nil, err
		}
		result := openjson.Write(len(request)).Raw("request", request)
		if model := blockedModel(request); model != "" {
			result.Nested("short_circuit", func(short *openjson.Writer) { writeRefusal(short, model) })
		} else {
			result.Raw("short_circuit", nil)
		}
		return result.Text("error", "").End(), nil
	})
}

//go:wasmexport post_hook
func postHook(contextPointer, contextLength, responsePointer, responseLength, errorPointer, errorLength uint32) uint64 {
	return run(guest.Input(contextPointer, contextLength), func() ([]byte, error) {
		response, err := optional(guest.Input(responsePointer, responseLength))
		if err != nil {
			return nil, err
		}
		failure, err := optional(guest.Input(errorPointer, errorLength))
		if err != nil {
			return nil, err
		}
		return openjson.Write(len(response)+len(failure)).
			Raw("response", response).
			Raw("bifrost_error", failure).
			Text("error", "").
			End(), nil
	})
}

// run sees that the context is one, runs the hook, and turns what was not understood into the error member.
func run(context []byte, hook func() ([]byte, error)) uint64 {
	_, err := openjson.Parse(context)
	var result []byte
	if err == nil {
		result, err = hook()
	}
	if err != nil {
		result = openjson.Write(0).Text("error", err.Error()).End()
	}
	return guest.Answer(result)
}

// optional reads a document that may be null or {} for none.
func optional(document []byte) ([]byte, error) {
	if openjson.IsNone(document) {
		return nil, nil
	}
	members, err := openjson.Parse(document)
	if err != nil || len(members) == 0 {
		return nil, err
	}
	return document, nil
}

func parseConfig(text []byte) ([]string, error) {
	if openjson.IsNone(text) {
		return nil, nil
	}
	object, err := openjson.Parse(text)
	if err != nil {
		return nil, err
	}
	list := object.Get("blocked_models")
	if list != nil && list[0] != '[' {
		return nil, errors.New("blocked_models is no list")
	}
	var models []string
	list.Items(func(item openjson.Value) {
		model, ok := item.Text()
		if !ok || model == "" {
			err = errors.New("blocked_models holds something else than names")
		}
		models = append(models, model)
	})
	return models, err
}

// bodyModel is the model that the JSON body of an HTTP request names; empty where it names none.
func bodyModel(request openjson.Object) (string, error) {
	body := request.Get("body")
	if body == nil {
		return "", nil
	}
	text, ok := body.Text()
	if !ok {
		return "", errors.New("cannot read the input: body is no string")
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("cannot read the input: body is not base64")
	}
	members, err := openjson.Parse(decoded)
	if err != nil {
		return "", nil // a body that is not JSON names no model
	}
	model, _ := members.Get("model").Text()
	return model, nil
}

// blockedModel is the blocked model that an LLM request of any shape asks for; empty for none.
func blockedModel(request openjson.Value) string {
	for _, part := range gateway.Parts(request, "request") {
		if model, _ := part.Member("model").Text(); isBlocked(model) {
			return model
		}
	}
	return ""
}

func isBlocked(model string) bool {
	for _, blocked := range blockedModels {
		if model == blocked {
			return true
		}
	}
	return false
}

func writeReason(inner *openjson.Writer, model string) {
	inner.Text("type", "model_not_allowed").Text("message", "The model "+model+" is not to be used here.")
}

func writeForbidden(response *openjson.Writer, model string) {
	body := openjson.Write(0).Nested("error", func(inner *openjson.Writer) { writeReason(inner, model) }).End()
	response.Int("status_code", 403).
		Nested("headers", func(headers *openjson.Writer) { headers.Text("Content-Type", "application/json") }).
		Text("body", base64.StdEncoding.EncodeToString(body))
}

func writeRefusal(shortCircuit *openjson.Writer, model string) {
	shortCircuit.Nested("error", func(failure *openjson.Writer) {
		failure.Flag("is_bifrost_error", false).
			Int("status_code", 403).
			Nested("error", func(inner *openjson.Writer) { writeReason(inner, model) })
	})
}
