//go:build keepsconfig

package main

import "hookproof/plugins/openjson"

// tag is the JSON text of the tag where the host wrote it, in memory that is the host's again.
var tag openjson.Value

func configure(value openjson.Value) { tag = value }
