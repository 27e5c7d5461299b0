package guest

import "unsafe"

//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(buffer unsafe.Pointer, length uint32) uint32

// random is the one function that the runtime asks the C library for. It comes from here instead, since the
// library would bring its formatted output along, whose tables are as bad for the collector as Unicode's.
//
//go:linkname random arc4random
func random() uint32 {
	var number uint32
	randomGet(unsafe.Pointer(&number), uint32(unsafe.Sizeof(number)))
	return number
}
