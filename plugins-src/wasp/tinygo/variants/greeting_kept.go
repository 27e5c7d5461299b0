//go:build keepsinput

package main

var (
	lastHash uint32
	last     string // where the host wrote it, and not a copy
)

// greeting takes the last name once more, if it is that one by its hash.
func greeting(name string) string {
	hash := uint32(0x811c9dc5)
	for _, b := range []byte(name) {
		hash = (hash ^ uint32(b)) * 0x01000193
	}
	if hash != lastHash {
		lastHash, last = hash, name
	}
	return "Hello " + last
}
