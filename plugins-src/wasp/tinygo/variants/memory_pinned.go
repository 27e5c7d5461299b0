//go:build !runtimemalloc && !unpinned

package main

// A block that is in this map stays where it is until the host frees it.
var blocks = map[pointer][]byte{}

func take(size int) []byte {
	block := make([]byte, size)
	blocks[pointer(&block[0])] = block
	return block
}

func give(block pointer) { delete(blocks, block) }
