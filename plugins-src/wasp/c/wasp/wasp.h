// The contract of a wasp plugin: strings and bytes that come from the host, and those that it gets.
//
// What the host hands in is the host's: read it during the call, and do not free it. What it gets, be it a result,
// an argument of a callback or the text of an error, is a block of its own from here, which the host frees.
#ifndef WASP_H
#define WASP_H

#include <stddef.h>
#include <stdint.h>

#define WASP_EXPORT(name) __attribute__((export_name(#name)))
#define WASP_CALLBACK(space, name) __attribute__((import_module(#space), import_name(#name)))

// Bytes as they travel: a length, little-endian and not aligned, and as many bytes behind it.
typedef struct __attribute__((packed)) {
	uint32_t length;
	uint8_t data[];
} wasp_bytes;

// Room for a string of `length` bytes, with its end set. Ends the call where there is no memory.
char *wasp_string(size_t length);

// Room for `length` bytes. Ends the call where there is no memory.
wasp_bytes *wasp_new_bytes(uint32_t length);

// A copy of a string, for the host.
char *wasp_copy(const char *text);

// Fails the call with a text. The function runs on, and returns what it likes: nobody reads it. It should hand out
// no block then, since nobody frees that either.
void wasp_raise(const char *text);

#endif
