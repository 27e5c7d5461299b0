//go:build r0

package main

import "hookproof/plugins/openjson"

//export http_transport_intercept
func httpTransportIntercept(contextPointer, contextLength, requestPointer, requestLength uint32) uint64 {
	return runAll(func(documents ...[]byte) []byte {
		return openjson.Write(0).Raw("response", nil).Text("error", "").End()
	}, input(contextPointer, contextLength), input(requestPointer, requestLength))
}

//export pre_hook
func preHook(contextPointer, contextLength, requestPointer, requestLength uint32) uint64 {
	return runAll(func(documents ...[]byte) []byte {
		return openjson.Write(len(documents[1])).Raw("request", documents[1]).Text("error", "").End()
	}, input(contextPointer, contextLength), input(requestPointer, requestLength))
}

//export post_hook
func postHook(contextPointer, contextLength, responsePointer, responseLength, errorPointer, errorLength uint32) uint64 {
	return runAll(func(documents ...[]byte) []byte {
		response, failure := documents[1], documents[2]
		return openjson.Write(len(response)+len(failure)).
			Raw("response", response).
			Raw("bifrost_error", failure).
			Text("error", "").
			End()
	}, input(contextPointer, contextLength), input(responsePointer, responseLength), input(errorPointer, errorLength))
}

// runAll sees that all documents are objects, or null, and runs the hook.
func runAll(hook func(documents ...[]byte) []byte, documents ...[]byte) uint64 {
	for _, document := range documents {
		if openjson.IsNone(document) {
			continue
		}
		if _, err := openjson.Parse(document); err != nil {
			return answer(openjson.Write(0).Text("error", err.Error()).End())
		}
	}
	return answer(hook(documents...))
}
