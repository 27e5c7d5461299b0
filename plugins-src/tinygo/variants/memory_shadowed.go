//go:build shadowed

package main

import (
	"unsafe"

	_ "hookproof/plugins/guest" // what the runtime needs of a C library
)

// An allocator that exports the names of the document's table. The runtime's own malloc and free shadow these two
// without a message, so that none of the host's buffers is in the map.
var buffers = map[uint32][]byte{}

//export malloc
func malloc(size uint32) uint32 {
	block := make([]byte, size)
	pointer := uint32(uintptr(unsafe.Pointer(&block[0])))
	buffers[pointer] = block
	return pointer
}

//export free
func free(pointer uint32) { delete(buffers, pointer) }

func input(pointer, length uint32) []byte {
	if length == 0 {
		return nil
	}
	return buffers[pointer][:length]
}

func answer(result []byte) uint64 {
	pointer := malloc(uint32(len(result)))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(uintptr(pointer))), len(result)), result)
	return uint64(pointer)<<32 | uint64(len(result))
}
