// Package gateway knows what a gateway sends: headers in any case, LLM payloads in several shapes, errors.
package gateway

import "hookproof/plugins/openjson"

// SameName compares names as HTTP does: the case of ASCII letters does not count. strings.EqualFold would bring
// the tables of Unicode along, and their numbers look like pointers to the conservative part of TinyGo's
// collector: each one may keep a body of megabytes alive.
func SameName(left, right string) bool {
	if len(left) != len(right) {
		return false
	}
	for i := range len(left) {
		if lower(left[i]) != lower(right[i]) {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// LookUp finds a header whatever its case: the gateway keeps the spelling of the client.
func LookUp(headers openjson.Object, name string) (string, bool) {
	for _, header := range headers {
		if SameName(header.Name, name) {
			return header.Value.Text()
		}
	}
	return "", false
}

// WriteWithHeader writes the request anew with one header set, under the spelling that it has already. All else,
// the body and members that no document names among it, stays as it came.
func WriteWithHeader(changed *openjson.Writer, request, headers openjson.Object, name, value string) {
	for _, member := range request {
		if member.Name != "headers" {
			changed.Raw(member.Name, member.Value)
		}
	}
	changed.Nested("headers", func(set *openjson.Writer) {
		for _, header := range headers {
			if SameName(header.Name, name) {
				name = header.Name
			} else {
				set.Raw(header.Name, header.Value)
			}
		}
		set.Text(name, value)
	})
}
