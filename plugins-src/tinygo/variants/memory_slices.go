//go:build pinned || unpinned

package main

import "unsafe"

// Slices of the collector's heap, as authors do it who do not know that the runtime has an allocator.

//export plugin_malloc
func pluginMalloc(size uint32) uint32 {
	if size == 0 {
		return 0
	}
	block := make([]byte, size)
	pin(block)
	return uint32(uintptr(unsafe.Pointer(&block[0])))
}

//export plugin_free
func pluginFree(pointer uint32) { unpin(pointer) }

func answer(result []byte) uint64 {
	if len(result) == 0 {
		return 0
	}
	pin(result)
	return uint64(uintptr(unsafe.Pointer(&result[0])))<<32 | uint64(len(result))
}
