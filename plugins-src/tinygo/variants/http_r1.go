//go:build r1 || r1b

package main

//export http_intercept
func httpIntercept(pointer, length uint32) uint64 { return runHTTPRequest(pointer, length) }
