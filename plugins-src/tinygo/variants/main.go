// Tag writes the tag of its configuration, and what it was asked, into the context: {"tag": "house"}, optional.
//
// Without a fault it is what an author would write. Build tags choose the revision (r0, r1, r1b or r2), the
// allocator, and at most one fault; each has a file of its own. The functions are exported with //export, as the
// gateway's documents do it, which commands need as well: what is exported with //go:wasmexport runs in them only
// as long as main does.
package main

import (
	"errors"

	"hookproof/plugins/openjson"
)

func main() {}

//export get_name
func getName() uint64 { return answer([]byte("tag")) }

//export init
func initialize(pointer, length uint32) int32 {
	text := input(pointer, length)
	if openjson.IsNone(text) {
		configure(nil)
		return 0
	}
	config, err := openjson.Parse(text)
	if err != nil {
		return 1
	}
	configure(config.Get("tag"))
	return 0
}

//export cleanup
func cleanup() int32 { return 0 }

// note writes what every hook adds to the context, and what this one adds.
func note(result *openjson.Writer, more func(*openjson.Writer)) *openjson.Writer {
	return result.Nested("context", func(context *openjson.Writer) {
		if tag != nil {
			context.Raw("tag", tag)
		}
		more(context)
	})
}

// run reads the input, runs the hook, and turns what was not understood into the hook's error member.
func run(member string, pointer, length uint32, hook func(openjson.Object) ([]byte, error)) uint64 {
	call, err := openjson.Parse(input(pointer, length))
	var result []byte
	if err == nil {
		result, err = hook(call)
	}
	if err != nil {
		result = openjson.Write(0).Raw("context", []byte("{}")).Text(member, err.Error()).End()
	}
	return answer(result)
}

func runHTTP(pointer, length uint32, add func(call openjson.Object, context *openjson.Writer)) uint64 {
	return run("error", pointer, length, func(call openjson.Object) ([]byte, error) {
		if _, err := call.Object("request"); err != nil {
			return nil, err
		}
		result := note(openjson.Write(0), func(context *openjson.Writer) { add(call, context) })
		return result.Text("error", "").End(), nil
	})
}

func runHTTPRequest(pointer, length uint32) uint64 {
	return runHTTP(pointer, length, func(call openjson.Object, context *openjson.Writer) {
		path := call.Get("request").Member("path")
		keep(path)
		context.Raw("path", path)
	})
}

func runChunk(pointer, length uint32) uint64 {
	return run("error", pointer, length, func(call openjson.Object) ([]byte, error) {
		chunk := call.Get("chunk")
		if !chunk.IsObject() {
			return nil, errors.New("cannot read the input: chunk is no object")
		}
		result := note(openjson.Write(len(chunk)), func(context *openjson.Writer) {
			context.Raw("finish", firstChoice(chunk).Member("finish_reason"))
		})
		return result.Raw("chunk", chunk).Flag("has_chunk", true).Text("error", "").End(), nil
	})
}
