//go:build firstchoice

package main

import "hookproof/plugins/openjson"

// firstChoice takes every chunk for one that has a choice.
func firstChoice(chunk openjson.Value) openjson.Value {
	var choices []openjson.Value
	chunk.Member("choices").Items(func(choice openjson.Value) { choices = append(choices, choice) })
	return choices[0]
}
