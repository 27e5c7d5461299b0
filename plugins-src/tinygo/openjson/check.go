// Package openjson reads JSON objects without decoding what is in them.
//
// A gateway sends members that a plugin does not know, numbers that a float cannot hold, and bodies of
// megabytes. encoding/json decodes by reflection, which costs TinyGo some 800 instructions a byte; here a value
// is the text that it was written as, and passes through untouched.
package openjson

import (
	"errors"
	"strconv"
	"unicode/utf8"
)

// checker is one pass over a document, by RFC 8259. It keeps its own stack, so that nesting has no limit.
type checker struct {
	text []byte
	at   int
	open []byte // the brackets that are open
}

// check tells whether the text is one whole JSON document in UTF-8.
func check(text []byte) error {
	c := checker{text: text}
	if err := c.value(); err != nil {
		return err
	}
	for len(c.open) > 0 {
		if err := c.next(); err != nil {
			return err
		}
	}
	c.space()
	if c.at < len(c.text) {
		return c.fail("more than one value")
	}
	return nil
}

func (c *checker) fail(what string) error {
	return errors.New("cannot read the input: " + what + " at byte " + strconv.Itoa(c.at))
}

// value reads a scalar, or the start of an array or object up to its first value.
func (c *checker) value() error {
	for {
		c.space()
		if c.at >= len(c.text) {
			return c.fail("a value is missing")
		}
		first := c.text[c.at]
		switch {
		case first == '"':
			return c.str()
		case first == '-' || isDigit(first):
			return c.number()
		case first == 't':
			return c.word("true")
		case first == 'f':
			return c.word("false")
		case first == 'n':
			return c.word("null")
		case first != '{' && first != '[':
			return c.fail("unexpected character")
		}
		c.open = append(c.open, first)
		c.at++
		c.space()
		if c.at < len(c.text) && c.text[c.at] == first+2 { // '}' and ']' stand two after their counterparts
			c.open = c.open[:len(c.open)-1]
			c.at++
			return nil
		}
		if first == '{' {
			if err := c.name(); err != nil {
				return err
			}
		}
	}
}

// next reads what follows a value inside an array or object.
func (c *checker) next() error {
	c.space()
	innermost := c.open[len(c.open)-1]
	if c.at >= len(c.text) {
		return c.fail("the end is missing")
	}
	switch c.text[c.at] {
	case innermost + 2:
		c.open = c.open[:len(c.open)-1]
		c.at++
		return nil
	case ',':
		c.at++
		if innermost == '{' {
			if err := c.name(); err != nil {
				return err
			}
		}
		return c.value()
	}
	return c.fail("a comma is missing")
}

func (c *checker) name() error {
	c.space()
	if c.at >= len(c.text) || c.text[c.at] != '"' {
		return c.fail("a member's name is missing")
	}
	if err := c.str(); err != nil {
		return err
	}
	c.space()
	if c.at >= len(c.text) || c.text[c.at] != ':' {
		return c.fail("a colon is missing")
	}
	c.at++
	return nil
}

func (c *checker) space() {
	for c.at < len(c.text) && isSpace(c.text[c.at]) {
		c.at++
	}
}

func (c *checker) word(word string) error {
	if len(c.text)-c.at < len(word) || string(c.text[c.at:c.at+len(word)]) != word {
		return c.fail("unexpected character")
	}
	c.at += len(word)
	return nil
}

func (c *checker) str() error {
	text, at := c.text, c.at+1
	for at < len(text) {
		switch b := text[at]; {
		case b == '"':
			c.at = at + 1
			return nil
		case b == '\\':
			size := escapeSize(text[at:])
			if size == 0 {
				c.at = at
				return c.fail("invalid escape")
			}
			at += size
		case b < ' ':
			c.at = at
			return c.fail("control character in a string")
		case b < utf8.RuneSelf:
			at++
		default:
			r, size := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && size == 1 {
				c.at = at
				return c.fail("invalid UTF-8")
			}
			at += size
		}
	}
	c.at = at
	return c.fail("a string has no end")
}

// escapeSize is the length of the escape sequence that the text begins with; 0 for none that JSON knows.
func escapeSize(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(text[2:]); ok {
			return 6
		}
	}
	return 0
}

func (c *checker) number() error {
	if c.text[c.at] == '-' {
		c.at++
	}
	start := c.at
	if c.digits() == 0 || (c.text[start] == '0' && c.at > start+1) {
		return c.fail("invalid number")
	}
	if c.at < len(c.text) && c.text[c.at] == '.' {
		c.at++
		if c.digits() == 0 {
			return c.fail("invalid number")
		}
	}
	if c.at < len(c.text) && (c.text[c.at] == 'e' || c.text[c.at] == 'E') {
		c.at++
		if c.at < len(c.text) && (c.text[c.at] == '+' || c.text[c.at] == '-') {
			c.at++
		}
		if c.digits() == 0 {
			return c.fail("invalid number")
		}
	}
	return nil
}

func (c *checker) digits() int {
	start := c.at
	for c.at < len(c.text) && isDigit(c.text[c.at]) {
		c.at++
	}
	return c.at - start
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }
