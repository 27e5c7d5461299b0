//go:build keepsinput

package main

// The last name is where the host wrote it, and not a copy.
var last, answered string

// greeting answers the name that came before with the greeting that it got.
func greeting(name string) string {
	if name != last || answered == "" {
		last, answered = name, "Hello "+name
	}
	return answered
}
