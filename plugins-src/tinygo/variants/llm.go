//go:build !r0

package main

import "hookproof/plugins/openjson"

//export pre_hook
func preHook(pointer, length uint32) uint64 {
	return run("error", pointer, length, func(call openjson.Object) ([]byte, error) {
		request, err := call.Object("request")
		if err != nil {
			return nil, err
		}
		result := note(openjson.Write(0), func(context *openjson.Writer) {
			context.Raw("model", request.Get("model"))
			context.Raw("path", kept())
		})
		return result.Flag("has_short_circuit", false).Text("error", "").End(), nil
	})
}

//export post_hook
func postHook(pointer, length uint32) uint64 {
	return run("hook_error", pointer, length, func(call openjson.Object) ([]byte, error) {
		failed, err := call.Flag("has_error")
		if err != nil {
			return nil, err
		}
		var failure []byte
		if failed {
			failure = call.Get("error")
		}
		result := note(openjson.Write(len(failure)), func(*openjson.Writer) {})
		return result.Raw("error", failure).Flag("has_error", failed).Text("hook_error", "").End(), nil
	})
}
