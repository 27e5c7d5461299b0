//go:build !wasmexport

package main

//export allocate
func exportedAllocate(size uint32) pointer { return pointer(&take(int(max(size, 1)))[0]) }

//export deallocate
func exportedDeallocate(block pointer, _ uint32) { give(block) }

//export get_string_size
func exportedSize(start pointer) uintptr { return size(start) }

//export sum
func exportedSum(a, b int32) int32 { return a + b }

//export hello
func exportedHello(name pointer) pointer { return hello(name) }

//export reverse
func exportedReverse(in pointer) pointer { return reverse(in) }

//export callback
func exportedCallback() pointer { return callback() }

//export fail
func exportedFail() { fail() }
