//go:build keepsinput

package main

import "hookproof/plugins/openjson"

// path is that of the last HTTP request where the host wrote it, in memory that is the host's again.
var path openjson.Value

func keep(value openjson.Value) { path = value }

func kept() openjson.Value { return path }
