//go:build r0 && !arena && !pinned && !unpinned && !shadowed

package main

import (
	"unsafe"

	"hookproof/plugins/guest"
)

//export plugin_malloc
func pluginMalloc(size uint32) uint32 { return uint32(uintptr(guest.Malloc(uintptr(size)))) }

//export plugin_free
func pluginFree(pointer uint32) { guest.Free(unsafe.Pointer(uintptr(pointer))) }
