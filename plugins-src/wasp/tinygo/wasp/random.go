package wasp

import "unsafe"

//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(buffer unsafe.Pointer, length uint32) uint32

// random is what the runtime seeds its maps with. The C library's own would bring its formatted output along, whose
// tables the collector takes for pointers.
//
//go:linkname random arc4random
func random() uint32 {
	var number uint32
	randomGet(unsafe.Pointer(&number), uint32(unsafe.Sizeof(number)))
	return number
}
