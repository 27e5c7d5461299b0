// Measures the real wasp host, on orders of benchmarks/wasp.py.
//
// Arguments: compiler, path of the module. Standard input: one order a line, in JSON. Standard output: for each the
// nanoseconds that all of it took, and what the last call answered. The garbage of an order is collected after it.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/nicholasjackson/wasp/engine"
)

// Order says what to do so many times: "compile", "instantiate", "new" (an instance and a call), "first" (a call on a new
// instance that is not timed) or "call" (on one instance).
type Order struct {
	Do       string `json:"do"`
	Times    int    `json:"times"`
	Function string `json:"function"`
	Integers []int  `json:"integers"`
	Text     string `json:"text"` // hexadecimal
	Returns  string `json:"returns"`
}

// Answer is the reply.
type Answer struct {
	Nanoseconds int64  `json:"nanoseconds"`
	Value       string `json:"value"` // hexadecimal
}

func main() {
	host := engine.NewWithCompiler(nil, engine.Compiler(os.Args[1]))
	register(host)
	kept := instance(host)
	orders, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var order Order
		if orders.Decode(&order) != nil {
			return
		}
		check(answers.Encode(carryOut(host, kept, order)))
		runtime.GC()
	}
}

func carryOut(host *engine.Wasm, kept engine.Instance, order Order) Answer {
	arguments, out := values(order)
	var spent time.Duration
	started := time.Now()
	for range order.Times {
		switch order.Do {
		case "compile":
			register(host)
		case "instantiate":
			instance(host)
		case "new":
			check(instance(host).CallFunction(order.Function, out, arguments...))
		case "first":
			fresh := instance(host)
			began := time.Now()
			check(fresh.CallFunction(order.Function, out, arguments...))
			spent += time.Since(began)
		case "call":
			check(kept.CallFunction(order.Function, out, arguments...))
		}
	}
	if order.Do != "first" {
		spent = time.Since(started)
	}
	return Answer{spent.Nanoseconds(), shown(out)}
}

func values(order Order) ([]any, any) {
	text, err := hex.DecodeString(order.Text)
	check(err)
	switch order.Returns {
	case "string":
		return []any{string(text)}, new(string)
	case "bytes":
		return []any{text}, new([]byte)
	}
	arguments := []any{}
	for _, integer := range order.Integers {
		arguments = append(arguments, integer)
	}
	return arguments, new(int32)
}

func shown(out any) string {
	switch value := out.(type) {
	case *string:
		return hex.EncodeToString([]byte(*value))
	case *[]byte:
		return hex.EncodeToString(*value)
	case *int32:
		return hex.EncodeToString([]byte(fmt.Sprint(*value)))
	}
	return ""
}

func register(host *engine.Wasm) {
	callbacks := &engine.Callbacks{}
	callbacks.AddCallback("env", "call_me", func(name string) string { return "Hello " + name })
	check(host.RegisterPlugin("plugin", os.Args[2], &engine.PluginConfig{Callbacks: callbacks}))
}

func instance(host *engine.Wasm) engine.Instance {
	made, err := host.GetInstance("plugin", "")
	check(err)
	return made
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
