// Greeter: what a wasp plugin can do, one small function for each kind of value, in C.

#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../wasp/wasp.h"

// What repeat makes at most, in bytes.
#define LONGEST (1 << 20)

WASP_CALLBACK(env, call_me) char *call_me(char *name);

static int32_t calls;

WASP_EXPORT(sum) int32_t sum(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

WASP_EXPORT(hello) char *hello(const char *name) {
	static const char greeting[] = "Hello ";
	size_t start = strlen(greeting), length = strlen(name);
	char *text = wasp_string(start + length);
	memcpy(text, greeting, start);
	memcpy(text + start, name, length);
	return text;
}

WASP_EXPORT(reverse) wasp_bytes *reverse(const wasp_bytes *bytes) {
	uint32_t length = bytes->length;
	wasp_bytes *reversed = wasp_new_bytes(length);
	for (uint32_t i = 0; i < length; i++) reversed->data[i] = bytes->data[length - 1 - i];
	return reversed;
}

WASP_EXPORT(echo) char *echo(const char *text) { return wasp_copy(text); }

WASP_EXPORT(echo_bytes) wasp_bytes *echo_bytes(const wasp_bytes *bytes) {
	wasp_bytes *copy = wasp_new_bytes(bytes->length);
	memcpy(copy->data, bytes->data, bytes->length);
	return copy;
}

WASP_EXPORT(repeat) char *repeat(const char *text, int32_t times) {
	size_t length = strlen(text);
	size_t count = times > 0 ? (size_t)times : 0;
	if ((uint64_t)length * count > LONGEST) {
		wasp_raise("repeat: too long");
		return NULL;
	}
	char *repeated = wasp_string(length * count);
	for (size_t i = 0; i < count; i++) memcpy(repeated + i * length, text, length);
	return repeated;
}

WASP_EXPORT(word_count) int32_t word_count(const char *text) {
	int32_t words = 0;
	bool inside = false;
	for (; *text != '\0'; text++) {
		bool space = strchr(" \t\n\v\f\r", *text) != NULL;
		if (!space && !inside) words++;
		inside = !space;
	}
	return words;
}

WASP_EXPORT(percent) int32_t percent(int64_t part, double whole) {
	double value = (double)part * 100 / whole;
	if (!(value > -2147483649.0 && value < 2147483648.0)) {
		wasp_raise("percent: no such number");
		return 0;
	}
	return (int32_t)value;
}

// Each instance counts for itself.
WASP_EXPORT(count) int32_t count(void) { return ++calls; }

// What the host answers to a callback is the host's as well: it gets a copy back.
WASP_EXPORT(greet) char *greet(const char *name) { return wasp_copy(call_me(wasp_copy(name))); }

WASP_EXPORT(callback) char *callback(void) { return greet("Nic"); }

WASP_EXPORT(fail) void fail(void) { wasp_raise("Oops"); }

WASP_EXPORT(fail_with) void fail_with(const char *text) { wasp_raise(text); }

// Writes a line, where the host lets its plugins write.
WASP_EXPORT(say) void say(const char *text) {
	struct iovec line[] = {{(void *)text, strlen(text)}, {"\n", 1}};
	writev(STDOUT_FILENO, line, 2);
}
