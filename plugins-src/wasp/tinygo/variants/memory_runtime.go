//go:build runtimemalloc

package main

import "unsafe"

// The runtime has an allocator for C, which keeps a map of its own.

//go:linkname malloc malloc
func malloc(size uintptr) pointer

//go:linkname free free
func free(block pointer)

func take(size int) []byte { return unsafe.Slice((*byte)(malloc(uintptr(size))), size) }

func give(block pointer) { free(block) }
