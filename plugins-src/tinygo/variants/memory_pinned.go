//go:build pinned

package main

import "unsafe"

// A block that is in this map stays where it is until the host frees it.
var blocks = map[uint32][]byte{}

func pin(block []byte) { blocks[uint32(uintptr(unsafe.Pointer(&block[0])))] = block }

func unpin(pointer uint32) { delete(blocks, pointer) }
