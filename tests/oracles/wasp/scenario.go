package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/nicholasjackson/wasp/engine"
)

// Scenario is what to play; the short forms of the files are made explicit before they come here.
type Scenario struct {
	Plugin      string            `json:"plugin"`    // path of the module
	Compilers   []string          `json:"compilers"` // to try in turn
	Config      string            `json:"config"`    // "", "none" (nil) or "no callbacks"
	Environment map[string]string `json:"environment"`
	Workspace   string            `json:"workspace"`
	Instances   []string          `json:"instances"` // plugin names to ask an instance of
	Callbacks   []Callback        `json:"callbacks"`
	Calls       []Call            `json:"calls"`
}

// Call is one CallFunction, or many alike.
type Call struct {
	Instance  int     `json:"instance"`
	Function  string  `json:"function"`
	Arguments []Value `json:"arguments"`
	Returns   string  `json:"returns"`
	Times     int     `json:"times"`
	Collect   bool    `json:"collect"` // collect garbage afterwards
}

// Callback is a Go function of the given type.
type Callback struct {
	Namespace  string   `json:"namespace"`
	Name       string   `json:"name"`
	Parameters []string `json:"parameters"`
	Results    []string `json:"results"`
	Answers    string   `json:"answers"` // a template: {0} is the first argument
	Panics     string   `json:"panics"`
	Calls      *Call    `json:"calls"` // made on the first instance before it answers
}

// Value is an argument: a text or bytes (hexadecimal, repeated), or a number in decimal.
type Value struct {
	Type  string `json:"type"`
	Value string `json:"value"`
	Times int    `json:"times"`
}

var types = map[string]reflect.Type{
	"string": reflect.TypeFor[string](), "bytes": reflect.TypeFor[[]byte](), "int": reflect.TypeFor[int](),
	"i32": reflect.TypeFor[int32](), "i64": reflect.TypeFor[int64](),
	"f32": reflect.TypeFor[float32](), "f64": reflect.TypeFor[float64](),
}

func (v Value) native() any {
	if v.Type == "string" || v.Type == "bytes" {
		data, err := hex.DecodeString(v.Value)
		if err != nil {
			fail(err)
		}
		text := strings.Repeat(string(data), v.Times)
		if v.Type == "string" {
			return text
		}
		return []byte(text)
	}
	number, err := strconv.ParseFloat(v.Value, 64)
	if err != nil {
		fail(err)
	}
	if whole, err := strconv.ParseInt(v.Value, 10, 64); err == nil {
		return reflect.ValueOf(whole).Convert(types[v.Type]).Interface()
	}
	return reflect.ValueOf(number).Convert(types[v.Type]).Interface()
}

// newOut makes the output parameter: nil, or a pointer to the named type.
func newOut(name string) any {
	if name == "none" {
		return nil
	}
	return reflect.New(types[name]).Interface()
}

// shown turns an output parameter, or an argument of a callback, into what the record shows.
func shown(value any) any {
	switch found := value.(type) {
	case *string:
		return Line{"string": short([]byte(*found))}
	case *[]byte:
		return Line{"bytes": short(*found)}
	case *int32:
		return Line{"i32": *found}
	}
	return nil
}

// short is the bytes in hexadecimal, or their length and hash where they are many.
func short(data []byte) any {
	if len(data) <= 256 {
		return hex.EncodeToString(data)
	}
	return Line{"length": len(data), "sha256": fmt.Sprintf("%x", sha256.Sum256(data))}
}

func (p *Player) callbacks() *engine.Callbacks {
	made := &engine.Callbacks{}
	made.AddCallback("env", "note", func(kind, a, b int32) {
		p.recorder.event(Line{"note": []int32{kind, a, b}})
	})
	for _, callback := range p.scenario.Callbacks {
		made.AddCallback(callback.Namespace, callback.Name, p.function(callback))
	}
	return made
}

func (p *Player) function(callback Callback) any {
	parameters, results := []reflect.Type{}, []reflect.Type{}
	for _, name := range callback.Parameters {
		parameters = append(parameters, types[name])
	}
	for _, name := range callback.Results {
		results = append(results, types[name])
	}
	kind := reflect.FuncOf(parameters, results, false)
	return reflect.MakeFunc(kind, func(arguments []reflect.Value) []reflect.Value {
		seen := []any{}
		answer := callback.Answers
		for index, argument := range arguments {
			pointer := reflect.New(argument.Type())
			pointer.Elem().Set(argument)
			seen = append(seen, shown(pointer.Interface()))
			answer = strings.ReplaceAll(answer, fmt.Sprintf("{%d}", index), fmt.Sprint(argument.Interface()))
		}
		p.recorder.event(Line{"callback": callback.Namespace + "." + callback.Name, "arguments": seen})
		if callback.Calls != nil {
			p.recorder.event(Line{"inner": p.answer(*callback.Calls)})
		}
		if callback.Panics != "" {
			panic(callback.Panics)
		}
		answers := []reflect.Value{}
		for _, name := range callback.Results {
			value := Value{Type: name, Value: answer, Times: 1}
			if name == "string" || name == "bytes" {
				value.Value = hex.EncodeToString([]byte(answer))
			}
			answers = append(answers, reflect.ValueOf(value.native()))
		}
		return answers
	}).Interface()
}
