// The functions of the original samples, in the C that one writes without a kit. A macro picks one fault.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))

IMPORT(call_me) char *call_me(char *name);
IMPORT(raise_error) void raise_error(char *text);

EXPORT(allocate) void *allocate(size_t size) { return malloc(size); }

#ifndef HAS_NO_DEALLOCATE
EXPORT(deallocate) void deallocate(void *block, size_t size) {
	(void)size;
	free(block);
}
#endif

EXPORT(get_string_size) size_t get_string_size(const char *text) {
#ifdef COUNTS_IN_16_BITS
	return (uint16_t)strlen(text);
#else
	return strlen(text);
#endif
}

static void *take(size_t size) {
	void *block = calloc(size, 1);
	if (block == NULL) {
		static const char message[] = "out of memory\n";
		write(STDERR_FILENO, message, strlen(message));
		abort();
	}
	return block;
}

static char *joined(const char *first, const char *second) {
	size_t start = strlen(first);
	char *text = take(start + strlen(second) + 1);
	strcpy(text, first);
	strcpy(text + start, second);
	return text;
}

EXPORT(sum) int sum(int a, int b) { return a + b; }

EXPORT(hello) char *hello(char *name) {
#ifdef ANSWERS_LITERAL
	if (*name == '\0') return "Hello ";
#endif
#ifdef ANSWERS_STATIC_BUFFER
	static char text[64];
	if (strlen(name) < sizeof(text) - strlen("Hello ")) {
		strcpy(text, "Hello ");
		return strcat(text, name);
	}
#endif
#ifdef COPIES_TO_STACK
	char copy[256];
	name = strcpy(copy, name);
#endif
#ifdef FORGETS_COPY
	name = joined(name, "");
#endif
#ifdef REALLOCATES_INPUT
	// The block may stay where it is, and is the input then, with another size; or it moves, and the input is freed.
	size_t length = strlen(name);
	char *moved = realloc(name, length + sizeof("Hello "));
	if (moved == NULL) abort();
	memmove(moved + strlen("Hello "), moved, length + 1);
	return memcpy(moved, "Hello ", strlen("Hello "));
#else
	char *answer = joined("Hello ", name);
#ifdef FREES_FORMER_RESULT
	static char *former;
	free(former);
	former = answer;
#endif
#ifdef FREES_INPUT
	free(name);
#endif
	return answer;
#endif
}

// Memory of a sequence of bytes: four of their number, little-endian, and they themselves.
EXPORT(reverse) uint8_t *reverse(const uint8_t *bytes) {
	uint32_t length;
	memcpy(&length, bytes, sizeof(length));
#ifdef ANSWERS_THREE_BYTES
	const uint32_t told = 3;
	uint8_t *reversed = take(sizeof(told) + (length > told ? length : told));
#else
	const uint32_t told = length;
	uint8_t *reversed = take(sizeof(told) + length);
#endif
	memcpy(reversed, &told, sizeof(told));
	for (uint32_t i = 0; i < length; i++) reversed[4 + i] = bytes[4 + length - 1 - i];
	return reversed;
}

EXPORT(callback) char *callback(void) {
	char *name = joined("Nic", "");
	char *answer = joined(call_me(name), "");
#ifdef FREES_ARGUMENT
	free(name);
#endif
	return answer;
}

EXPORT(fail) void fail(void) {
#ifdef RAISES_LITERAL
	raise_error("Oops");
#else
	raise_error(joined("Oops", ""));
#endif
}
