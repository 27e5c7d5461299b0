#include "wasp.h"

#include <stdlib.h>
#include <string.h>

WASP_CALLBACK(env, raise_error) void raise_error(char *text);

// The host of 0.0.8 writes the end of a string one byte too far: behind the block, and leaves what stood in its last
// byte. So a block has a byte more than was asked for, and is cleared.
WASP_EXPORT(allocate) void *allocate(size_t size) { return size == SIZE_MAX ? NULL : calloc(size + 1, 1); }

// The host tells a size, but of a string it may count the end or not. The C library knows better.
WASP_EXPORT(deallocate) void deallocate(void *block, size_t size) {
	(void)size;
	free(block);
}

WASP_EXPORT(get_string_size) size_t get_string_size(const char *text) { return strlen(text); }

static void *take(size_t size) {
	void *block = malloc(size);
	if (block == NULL) abort();
	return block;
}

char *wasp_string(size_t length) {
	char *text = take(length + 1);
	text[length] = '\0';
	return text;
}

wasp_bytes *wasp_new_bytes(uint32_t length) {
	wasp_bytes *bytes = take(sizeof(wasp_bytes) + length);
	bytes->length = length;
	return bytes;
}

char *wasp_copy(const char *text) {
	size_t length = strlen(text);
	return memcpy(wasp_string(length), text, length);
}

void wasp_raise(const char *text) { raise_error(wasp_copy(text)); }
