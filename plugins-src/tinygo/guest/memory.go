// Package guest is the memory contract of a Bifrost plugin: reading what the host wrote, and handing it results.
//
// The TinyGo runtime itself exports malloc and free, and a plugin's own exports of these names are shadowed by
// them without any message. So they are used, not written anew: a block of theirs stays alive until the host
// frees it, whatever the garbage collector thinks of it.
package guest

import "unsafe"

//go:linkname Malloc malloc
func Malloc(size uintptr) unsafe.Pointer

//go:linkname Free free
func Free(block unsafe.Pointer)

// Input is the memory that the host wrote for this call. It is the host's again when the call returns: copy
// what must stay.
func Input(pointer, length uint32) []byte {
	if pointer == 0 || length == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(pointer))), length)
}

// Answer copies a result into a block that the host frees, and packs its pointer (upper 32 bits) and length.
func Answer(result []byte) uint64 {
	if len(result) == 0 {
		return 0
	}
	block := Malloc(uintptr(len(result)))
	copy(unsafe.Slice((*byte)(block), len(result)), result)
	return uint64(uintptr(block))<<32 | uint64(len(result))
}
