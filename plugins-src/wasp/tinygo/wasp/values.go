package wasp

import (
	"encoding/binary"
	"unsafe"
)

// String is a C string: what the host hands in, or a block that it gets and frees. None is 0.
type String uintptr

// Bytes is a length, little-endian and not aligned, with as many bytes behind it: what the host hands in, or a
// block that it gets and frees.
type Bytes uintptr

const lengthSize = 4

// NewString copies texts into one block for the host. A zero byte in it ends it there.
func NewString(parts ...string) String {
	size := 1
	for _, part := range parts {
		size += len(part)
	}
	block := allocate(uintptr(size))
	room := unsafe.Slice((*byte)(block), size)
	for _, part := range parts {
		room = room[copy(room, part):]
	}
	room[0] = 0
	return String(uintptr(block))
}

// View is the text in the host's own memory. It is the host's again when the call is over: copy what must stay.
func (s String) View() string {
	return unsafe.String((*byte)(unsafe.Pointer(uintptr(s))), getStringSize(s))
}

// NewBytes copies bytes into a block for the host.
func NewBytes(bytes []byte) Bytes {
	block := allocate(lengthSize + uintptr(len(bytes)))
	room := unsafe.Slice((*byte)(block), lengthSize+len(bytes))
	binary.LittleEndian.PutUint32(room, uint32(len(bytes)))
	copy(room[lengthSize:], bytes)
	return Bytes(uintptr(block))
}

// View is the bytes in the host's own memory. They are the host's again when the call is over: copy what must stay.
func (b Bytes) View() []byte {
	start := (*byte)(unsafe.Pointer(uintptr(b)))
	length := binary.LittleEndian.Uint32(unsafe.Slice(start, lengthSize))
	return unsafe.Slice(start, lengthSize+length)[lengthSize:]
}

// The host asks this of every string that it gets.
//
//export get_string_size
func getStringSize(s String) uintptr {
	start := unsafe.Pointer(uintptr(s))
	size := uintptr(0)
	for *(*byte)(unsafe.Add(start, size)) != 0 {
		size++
	}
	return size
}

//go:wasmimport env raise_error
func raiseError(text String)

// Raise fails the call with a text. The function runs on, and nobody reads what it returns: it should hand out no
// block then, since nobody frees that either.
func Raise(text string) { raiseError(NewString(text)) }
