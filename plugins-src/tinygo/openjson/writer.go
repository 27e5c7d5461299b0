package openjson

import (
	"strconv"
	"unicode/utf8"
)

// Writer writes one object, member by member.
type Writer struct{ text []byte }

// Write begins an object. The writer has room for so many bytes, and some hundred more, before it must grow.
func Write(room int) *Writer {
	return &Writer{append(make([]byte, 0, room+512), '{')}
}

// Raw adds a value that is JSON already; nil is written as null.
func (w *Writer) Raw(name string, value []byte) *Writer {
	w.name(name)
	if value == nil {
		w.text = append(w.text, "null"...)
	} else {
		w.text = append(w.text, value...)
	}
	return w
}

// Text adds a string.
func (w *Writer) Text(name, value string) *Writer {
	w.name(name)
	w.text = appendString(w.text, value)
	return w
}

// Flag adds true or false.
func (w *Writer) Flag(name string, value bool) *Writer {
	w.name(name)
	w.text = strconv.AppendBool(w.text, value)
	return w
}

// Int adds a whole number.
func (w *Writer) Int(name string, value int) *Writer {
	w.name(name)
	w.text = strconv.AppendInt(w.text, int64(value), 10)
	return w
}

// Nested adds an object, whose members the function writes.
func (w *Writer) Nested(name string, write func(*Writer)) *Writer {
	w.name(name)
	w.text = append(w.text, '{')
	write(w)
	w.text = append(w.text, '}')
	return w
}

// End returns the finished text.
func (w *Writer) End() []byte { return append(w.text, '}') }

func (w *Writer) name(name string) {
	if w.text[len(w.text)-1] != '{' {
		w.text = append(w.text, ',')
	}
	w.text = append(appendString(w.text, name), ':')
}

func appendString(text []byte, value string) []byte {
	text = append(text, '"')
	for _, r := range value { // ranging replaces invalid UTF-8, which JSON may not hold
		switch {
		case r == '"' || r == '\\':
			text = append(text, '\\', byte(r))
		case r < ' ':
			const digits = "0123456789abcdef"
			text = append(text, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			text = utf8.AppendRune(text, r)
		}
	}
	return append(text, '"')
}
