package openjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

var documents = []string{
	``, `{`, `}`, `{}`, ` { } `, `[]`, `null`, `"x"`, `{"a":1}`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"a":1}x`, `{"a":[1,2,[]]}`,
	`{"a":[1,2,[}]}`, `{"a":01}`, `{"a":-}`, `{"a":-0}`, `{"a":1.}`, `{"a":1.5e}`, `{"a":1.5e+7}`, `{"a":.5}`, `{"a":tru}`,
	`{"a":true,"b":false,"c":null}`, "{\"a\":\"\x01\"}", "{\"a\":\"\t\"}", `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12G4"}`,
	`{"\u0061":"\ud83d\ude00 \ud800 \udc00x \ud800\u0041 \n\t\r\b\f\/\\\""}`, `{"é":"✓ 😀"}`, "{\"a\":\"\x7f\"}",
	`{"a":{"b":{"c":[{"d":"}]"}]}}}`, `[[[[]]]]`, `[1,,2]`, `[,1]`, `{"a":1 "b":2}`, `{"a"}`, `{"a":}`, `{"a":"`, `{"a":"\`,
	`{"a":1,"a":2}`, `{"a":12345678901234567890.5}`, "\ufeff{}", `{"a":"b"  ,  "c" : [ 1 , 2 ] }`, `{"a":nul}`, `-`, `1e5`, `{]`,
}

func TestItAcceptsWhatTheStandardLibraryAccepts(t *testing.T) {
	for _, document := range documents {
		if got, want := check([]byte(document)) == nil, json.Valid([]byte(document)); got != want {
			t.Errorf("%q: accepted %v, want %v", document, got, want)
		}
	}
	if check([]byte("{\"a\":\"\xff\"}")) == nil {
		t.Error("invalid UTF-8 was accepted")
	}
}

func TestItSplitsAsTheStandardLibraryDecodes(t *testing.T) {
	for _, document := range documents {
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(document), &want) != nil || want == nil {
			continue
		}
		object, err := Parse([]byte(document))
		if err != nil {
			t.Fatalf("%q: %v", document, err)
		}
		for name, value := range want {
			got := object.Get(name)
			if got == nil {
				got = Value("null")
			}
			if string(got) != string(value) {
				t.Errorf("%q: %s is %q, want %q", document, name, got, value)
			}
			var text string
			if json.Unmarshal(value, &text) == nil && got[0] == '"' {
				if decoded, _ := got.Text(); decoded != text {
					t.Errorf("%q: %q decodes to %q, want %q", document, got, decoded, text)
				}
				if got.Characters() != utf8.RuneCountInString(text) && !strings.Contains(document, "udc00x") {
					t.Errorf("%q: %q has %d characters", document, got, got.Characters())
				}
			}
			if found := Value(document).Member(name); string(found) != string(object.Get(name)) {
				t.Errorf("%q: Member(%q) is %q", document, name, found)
			}
		}
	}
}

func TestItWritesWhatTheStandardLibraryReads(t *testing.T) {
	text := "\x00\x1f\"\\/é😀\u2028"
	written := Write(0).Text(text, text).Flag("flag", true).Int("int", -5).Raw("raw", []byte("[1]")).Raw("none", nil).
		Nested("in", func(w *Writer) { w.Text("{", "{").Nested("e", func(*Writer) {}).Int("x", 1) }).Int("y", 2).End()
	var got map[string]any
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatalf("%s: %v", written, err)
	}
	if got[text] != text || got["flag"] != true || got["int"] != -5.0 || got["none"] != nil || len(got) != 7 || len(got["in"].(map[string]any)) != 3 {
		t.Errorf("%s", written)
	}
}

func TestDeepNestingNeedsNoStack(t *testing.T) {
	depth := 1 << 20
	document := make([]byte, 2*depth)
	for i := range depth {
		document[i], document[2*depth-1-i] = '[', ']'
	}
	if err := check(document); err != nil {
		t.Error(err)
	}
}

func TestWholeNumbers(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "-7": -7, "200.0": 200, "200.00": 200} {
		if got, ok := Value(text).Int(); !ok || got != want {
			t.Errorf("%s: %d %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "1.5", "1e3", `"1"`, "99999999999999999999"} {
		if _, ok := Value(text).Int(); ok {
			t.Errorf("%q was taken as a whole number", text)
		}
	}
}

func TestNone(t *testing.T) {
	for document, want := range map[string]bool{"": true, " \n": true, "null": true, " null ": true, "nul": false, "nulls": false, "{}": false} {
		if IsNone([]byte(document)) != want {
			t.Errorf("%q: %v", document, !want)
		}
	}
}

func FuzzItAgreesWithTheStandardLibrary(f *testing.F) {
	for _, document := range documents {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		err := check(document)
		if err == nil && !json.Valid(document) {
			t.Errorf("accepted %q", document)
		}
		if object, err := Parse(document); err == nil {
			for _, member := range object {
				if !json.Valid(member.Value) {
					t.Errorf("%q: member %q", document, member.Value)
				}
				member.Value.Text()
				member.Value.Characters()
				member.Value.Member("a")
				member.Value.Items(func(item Value) {
					if !json.Valid(item) {
						t.Errorf("%q: item %q", document, item)
					}
				})
			}
		}
	})
}
