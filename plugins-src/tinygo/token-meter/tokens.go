package main

import (
	"hookproof/plugins/gateway"
	"hookproof/plugins/openjson"
)

const charactersPerToken = 4

func tokens(characters int) int { return (characters + charactersPerToken - 1) / charactersPerToken }

// promptTokens estimates the prompt of a request of any shape; 0 for one that it does not know.
func promptTokens(request openjson.Value) int {
	sum := 0
	for _, part := range gateway.Parts(request, "request") {
		input := part.Member("input")
		sum += tokens(input.Characters())
		input.Items(func(message openjson.Value) { sum += contentTokens(message.Member("content")) })
	}
	return sum
}

// contentTokens estimates a message's content: a string, or an array of blocks of which some have a text.
func contentTokens(content openjson.Value) int {
	sum := tokens(content.Characters())
	content.Items(func(block openjson.Value) { sum += tokens(block.Member("text").Characters()) })
	return sum
}

// totalTokens is what the provider counted, where it tells.
func totalTokens(response openjson.Value) (int, bool) {
	for _, part := range gateway.Parts(response, "response") {
		if usage := part.Member("usage"); usage != nil {
			return usage.Member("total_tokens").Int()
		}
	}
	return 0, false
}

// chunkTokens adds a chunk to the sum so far, or takes the provider's own count, which comes with the last one.
func chunkTokens(sum int, chunk openjson.Value) int {
	if counted, ok := chunk.Member("usage").Member("completion_tokens").Int(); ok {
		return counted
	}
	sum += tokens(chunk.Member("delta").Characters()) // the responses API
	chunk.Member("choices").Items(func(choice openjson.Value) {
		sum += tokens(choice.Member("delta").Member("content").Characters())
		sum += tokens(choice.Member("text").Characters()) // text completion
	})
	return sum
}
