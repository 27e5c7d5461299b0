package main

import (
	"errors"
	"strconv"

	"hookproof/plugins/openjson"
)

type config struct {
	header          string
	teamHeader      string
	maxPromptTokens int // 0: no limit
}

func defaults() config { return config{header: "X-Token-Meter", teamHeader: "X-Team"} }

// parseSettings reads the plugin's configuration; an empty text or null is none. Its strings are copies.
func parseSettings(text []byte) (config, error) {
	parsed := defaults()
	if openjson.IsNone(text) {
		return parsed, nil
	}
	object, err := openjson.Parse(text)
	if err != nil {
		return parsed, err
	}
	for name, target := range map[string]*string{"header": &parsed.header, "team_header": &parsed.teamHeader} {
		if value := object.Get(name); value != nil {
			header, ok := value.Text()
			if !ok || header == "" {
				return parsed, errors.New(name + " is no header's name")
			}
			*target = header
		}
	}
	if value := object.Get("max_prompt_tokens"); value != nil {
		limit, ok := value.Int()
		if !ok || limit < 0 {
			return parsed, errors.New("max_prompt_tokens is no whole number")
		}
		parsed.maxPromptTokens = limit
	}
	return parsed, nil
}

func limitMessage(prompt int) string {
	return "The prompt has about " + strconv.Itoa(prompt) + " tokens, " +
		strconv.Itoa(settings.maxPromptTokens) + " are allowed."
}
