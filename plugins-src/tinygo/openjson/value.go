package openjson

import (
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// Value is the text of a JSON value, as it was written. Nil stands for what is absent or null.
type Value []byte

// Member is one name with its value.
type Member struct {
	Name  string
	Value Value
}

// Object holds members in the order in which they were written.
type Object []Member

// IsNone tells whether a document is empty or the literal null.
func IsNone(document []byte) bool {
	start := skipSpace(document, 0)
	if start == len(document) {
		return true
	}
	return len(document)-start >= 4 && string(document[start:start+4]) == "null" &&
		skipSpace(document, start+4) == len(document)
}

// Parse reads one whole document that must be an object.
func Parse(document []byte) (Object, error) {
	if err := check(document); err != nil {
		return nil, err
	}
	object, ok := Value(document).Object()
	if !ok {
		return nil, errors.New("cannot read the input: it is no JSON object")
	}
	return object, nil
}

// Get returns a member that is there and not null. The last of equal names wins.
func (o Object) Get(name string) Value {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].Name == name {
			if o[i].Value.isNull() {
				return nil
			}
			return o[i].Value
		}
	}
	return nil
}

// Object returns a member that is an object; one that is absent or null counts as empty.
func (o Object) Object(name string) (Object, error) {
	value := o.Get(name)
	if value == nil {
		return nil, nil
	}
	object, ok := value.Object()
	if !ok {
		return nil, errors.New("cannot read the input: " + name + " is no object")
	}
	return object, nil
}

// Flag returns a member that is true or false; one that is absent or null counts as false.
func (o Object) Flag(name string) (bool, error) {
	switch string(o.Get(name)) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, errors.New("cannot read the input: " + name + " is not true or false")
}

func (v Value) isNull() bool { return string(v) == "null" }

// IsObject tells an object from all else.
func (v Value) IsObject() bool { return len(v) > 0 && v[0] == '{' }

// Object splits an object into its members.
func (v Value) Object() (Object, bool) {
	object := Object{}
	ok := v.split('{', func(name, value []byte) {
		object = append(object, Member{unquote(name), value})
	})
	return object, ok
}

// Member looks one member of an object up, without splitting it: nil for absent, null, or no object at all. The
// last of equal names wins.
func (v Value) Member(name string) Value {
	var found Value
	v.split('{', func(quoted, value []byte) {
		inner := quoted[1 : len(quoted)-1]
		if string(inner) == name || (indexByte(inner, '\\') >= 0 && unquote(quoted) == name) {
			found = value
		}
	})
	if found.isNull() {
		return nil
	}
	return found
}

// Items visits the items of an array; none where the value is something else.
func (v Value) Items(visit func(Value)) {
	v.split('[', func(_, value []byte) { visit(value) })
}

// Text decodes a string.
func (v Value) Text() (string, bool) {
	if len(v) == 0 || v[0] != '"' {
		return "", false
	}
	return unquote(v), true
}

// Characters counts the characters of a string without decoding it; 0 where the value is something else.
func (v Value) Characters() int {
	if len(v) == 0 || v[0] != '"' {
		return 0
	}
	count := 0
	for at := 1; at < len(v)-1; at++ {
		switch {
		case v[at] == '\\' && v[at+1] == 'u':
			unit, _ := hex4(v[at+2:])
			at += 5
			if unit>>10 == 0xDC00>>10 {
				continue // the second half of a pair
			}
		case v[at] == '\\':
			at++
		case !utf8.RuneStart(v[at]):
			continue
		}
		count++
	}
	return count
}

// Int decodes a whole number, which some encoders write as 200.0. One beyond nine digits is none: no count of a
// request is so large.
func (v Value) Int() (int, bool) {
	digits, sign := v, 1
	if len(v) > 0 && v[0] == '-' {
		digits, sign = v[1:], -1
	}
	if point := indexByte(digits, '.'); point >= 0 {
		for _, b := range digits[point+1:] {
			if b != '0' {
				return 0, false
			}
		}
		digits = digits[:point]
	}
	if len(digits) == 0 || len(digits) > 9 {
		return 0, false
	}
	number := 0
	for _, b := range digits {
		if !isDigit(b) {
			return 0, false
		}
		number = number*10 + int(b-'0')
	}
	return sign * number, true
}

// split walks over the text of an array or object that check has seen.
func (v Value) split(open byte, visit func(name, value []byte)) bool {
	at := skipSpace(v, 0)
	if at >= len(v) || v[at] != open {
		return false
	}
	at = skipSpace(v, at+1)
	for at < len(v) && v[at] != open+2 {
		var name []byte
		if open == '{' {
			end := skipString(v, at)
			name = v[at:end]
			at = skipSpace(v, skipSpace(v, end)+1)
		}
		end := skipValue(v, at)
		visit(name, v[at:end:end])
		at = skipSpace(v, end)
		if at < len(v) && v[at] == ',' {
			at = skipSpace(v, at+1)
		}
	}
	return true
}

func skipSpace(text []byte, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	return at
}

func skipString(text []byte, at int) int {
	for at++; at < len(text) && text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return min(at+1, len(text))
}

func skipValue(text []byte, at int) int {
	depth := 0
	for at < len(text) {
		switch text[at] {
		case '"':
			at = skipString(text, at)
			if depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			depth--
			if depth == 0 {
				return at + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return at
}

// unquote decodes the text of a string that check has seen. Half a surrogate pair becomes U+FFFD.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	escape := indexByte(inner, '\\')
	if escape < 0 {
		return string(inner)
	}
	decoded := append(make([]byte, 0, len(inner)), inner[:escape]...)
	for at := escape; at < len(inner); {
		if inner[at] != '\\' {
			decoded = append(decoded, inner[at])
			at++
			continue
		}
		switch letter := inner[at+1]; letter {
		case 'b':
			decoded = append(decoded, '\b')
		case 'f':
			decoded = append(decoded, '\f')
		case 'n':
			decoded = append(decoded, '\n')
		case 'r':
			decoded = append(decoded, '\r')
		case 't':
			decoded = append(decoded, '\t')
		case 'u':
			unit, _ := hex4(inner[at+2:])
			at += 4
			if utf16.IsSurrogate(unit) {
				low := rune(-1)
				if len(inner)-at >= 8 && inner[at+2] == '\\' && inner[at+3] == 'u' {
					low, _ = hex4(inner[at+4:])
				}
				unit = utf16.DecodeRune(unit, low)
				if unit != utf8.RuneError {
					at += 6
				}
			}
			decoded = utf8.AppendRune(decoded, unit)
		default:
			decoded = append(decoded, letter)
		}
		at += 2
	}
	return string(decoded)
}

func indexByte(text []byte, wanted byte) int {
	for i, b := range text {
		if b == wanted {
			return i
		}
	}
	return -1
}

func hex4(text []byte) (rune, bool) {
	if len(text) < 4 {
		return 0, false
	}
	var unit rune
	for _, b := range text[:4] {
		switch {
		case isDigit(b):
			unit = unit<<4 | rune(b-'0')
		case 'a' <= b|0x20 && b|0x20 <= 'f':
			unit = unit<<4 | rune(b|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return unit, true
}
