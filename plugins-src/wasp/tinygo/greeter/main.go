// Greeter: what a wasp plugin can do, one small function for each kind of value, in TinyGo.
//
// The functions are exported with //export: what is exported with //go:wasmexport refuses to run until the host has
// called _initialize, and wasp's host never does.
package main

import (
	"slices"
	"strings"

	"hookproof/wasp/wasp"
)

// What repeat makes at most, in bytes.
const longest = 1 << 20

func main() {}

//go:wasmimport env call_me
func callMe(name wasp.String) wasp.String

//export sum
func sum(a, b int32) int32 { return a + b }

//export hello
func hello(name wasp.String) wasp.String { return wasp.NewString("Hello ", name.View()) }

//export reverse
func reverse(in wasp.Bytes) wasp.Bytes {
	out := wasp.NewBytes(in.View())
	slices.Reverse(out.View())
	return out
}

//export echo
func echo(text wasp.String) wasp.String { return wasp.NewString(text.View()) }

//export echo_bytes
func echoBytes(bytes wasp.Bytes) wasp.Bytes { return wasp.NewBytes(bytes.View()) }

//export repeat
func repeat(text wasp.String, times int32) wasp.String {
	view := text.View()
	times = max(times, 0)
	if int64(len(view))*int64(times) > longest {
		wasp.Raise("repeat: too long")
		return 0
	}
	return wasp.NewString(strings.Repeat(view, int(times)))
}

//export word_count
func wordCount(text wasp.String) int32 {
	words, inside := int32(0), false
	for _, b := range []byte(text.View()) {
		space := b == ' ' || b >= '\t' && b <= '\r'
		if !space && !inside {
			words++
		}
		inside = !space
	}
	return words
}

//export percent
func percent(part int64, whole float64) int32 {
	value := float64(part) * 100 / whole
	if !(value > -2147483649 && value < 2147483648) {
		wasp.Raise("percent: no such number")
		return 0
	}
	return int32(value)
}

// Each instance counts for itself.
var calls int32

//export count
func count() int32 {
	calls++
	return calls
}

// What the host answers to a callback is the host's as well: it gets a copy back.
//
//export greet
func greet(name wasp.String) wasp.String {
	return wasp.NewString(callMe(wasp.NewString(name.View())).View())
}

//export callback
func callback() wasp.String { return wasp.NewString(callMe(wasp.NewString("Nic")).View()) }

//export fail
func fail() { wasp.Raise("Oops") }

//export fail_with
func failWith(text wasp.String) { wasp.Raise(text.View()) }

// Writes a line, where the host lets its plugins write.
//
//export say
func say(text wasp.String) { println(text.View()) }
