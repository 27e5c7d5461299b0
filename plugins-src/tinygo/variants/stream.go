//go:build r1b || r2

package main

//export http_stream_chunk_hook
func httpStreamChunkHook(pointer, length uint32) uint64 { return runChunk(pointer, length) }
