// Package wasp is the contract of a wasp plugin: its memory, strings and bytes in both directions, and errors.
package wasp

import "unsafe"

// blocks are what the host holds. The garbage collector does not ask the host, so whatever is not in here it takes.
//
// The runtime's own malloc would do, and keeps such a map itself. But the collector searches a block of that for
// pointers, and with some contents of megabytes it searches for minutes. It knows that bytes hold none.
var blocks = map[unsafe.Pointer][]byte{}

// The host calls neither _initialize nor _start. A function that is exported with //export may be called all the
// same, but there is no heap yet. So the runtime is started with the first block, since nothing needs it before.

//go:extern runtime.initializeCalled
var started bool

//go:linkname start _initialize
func start()

//export allocate
func allocate(size uintptr) unsafe.Pointer {
	if !started {
		start()
	}
	// The host of 0.0.8 writes the end of a string one byte too far: behind the block, and leaves what stood in its
	// last byte. So a block has a byte more than was asked for; that it is cleared is Go's way anyhow.
	block := make([]byte, size+1)
	pointer := unsafe.Pointer(&block[0])
	blocks[pointer] = block
	return pointer
}

// The host tells a size, but of a string it may count the end or not.
//
//export deallocate
func deallocate(pointer unsafe.Pointer, _ uintptr) { delete(blocks, pointer) }
