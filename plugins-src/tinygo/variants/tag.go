//go:build !keepsconfig

package main

import "hookproof/plugins/openjson"

// tag is the JSON text of the tag, or nil.
var tag openjson.Value

func configure(value openjson.Value) { tag = append(openjson.Value(nil), value...) }
