// The functions of the original samples. Build tags choose how memory is kept, how functions are exported, and at
// most one fault; each has a file of its own.
package main

import "unsafe"

func main() {}

//go:wasmimport env call_me
func callMe(name pointer) pointer

//go:wasmimport env raise_error
func raiseError(text pointer)

type pointer = unsafe.Pointer

func hello(name pointer) pointer { return written(greeting(text(name))) }

func reverse(in pointer) pointer {
	length := *(*[4]byte)(in)
	from := unsafe.Slice((*byte)(unsafe.Add(in, 4)), int(length[0])|int(length[1])<<8|int(length[2])<<16|int(length[3])<<24)
	out := take(4 + len(from))
	copy(out, length[:])
	for index, value := range from {
		out[4+len(from)-1-index] = value
	}
	return pointer(&out[0])
}

func callback() pointer { return written(text(callMe(written("Nic")))) }

func fail() { raiseError(written("Oops")) }

// written copies a text into a block for the host.
func written(text string) pointer {
	block := take(len(text) + 1)
	copy(block, text)
	block[len(text)] = 0
	return pointer(&block[0])
}

// text is a string in the host's memory.
func text(start pointer) string { return unsafe.String((*byte)(start), size(start)) }

func size(start pointer) (length uintptr) {
	for *(*byte)(unsafe.Add(start, length)) != 0 {
		length++
	}
	return length
}

//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(buffer pointer, length uint32) uint32

//go:linkname random arc4random
func random() uint32 {
	var number uint32
	randomGet(pointer(&number), uint32(unsafe.Sizeof(number)))
	return number
}
