//go:build wasmexport

package main

// What is exported so refuses to run until the host has called _initialize.

//go:wasmexport allocate
func exportedAllocate(size uint32) pointer { return pointer(&take(int(max(size, 1)))[0]) }

//go:wasmexport deallocate
func exportedDeallocate(block pointer, _ uint32) { give(block) }

//go:wasmexport get_string_size
func exportedSize(start pointer) uintptr { return size(start) }

//go:wasmexport sum
func exportedSum(a, b int32) int32 { return a + b }

//go:wasmexport hello
func exportedHello(name pointer) pointer { return hello(name) }

//go:wasmexport reverse
func exportedReverse(in pointer) pointer { return reverse(in) }

//go:wasmexport callback
func exportedCallback() pointer { return callback() }

//go:wasmexport fail
func exportedFail() { fail() }
