//go:build !keepsinput

package main

import "hookproof/plugins/openjson"

func keep(openjson.Value) {}

func kept() openjson.Value { return nil }
