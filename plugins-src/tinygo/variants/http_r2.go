//go:build r2

package main

import "hookproof/plugins/openjson"

//export http_pre_hook
func httpPreHook(pointer, length uint32) uint64 { return runHTTPRequest(pointer, length) }

//export http_post_hook
func httpPostHook(pointer, length uint32) uint64 {
	return runHTTP(pointer, length, func(call openjson.Object, context *openjson.Writer) {
		context.Raw("status", call.Get("response").Member("status_code"))
	})
}
