//go:build !firstchoice

package main

import "hookproof/plugins/openjson"

// firstChoice is the first choice of a chunk, or nil.
func firstChoice(chunk openjson.Value) (first openjson.Value) {
	chunk.Member("choices").Items(func(choice openjson.Value) {
		if first == nil {
			first = choice
		}
	})
	return first
}
