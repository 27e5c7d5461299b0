// Drives the real wasp host through one scenario.
//
// Standard input: a scenario in JSON (scenario.go). The file named by the first argument gets one JSON object a line,
// written at once, so that what was seen before a crash or a hang is kept. Standard output is the guest's. A line has one of
// the members "registered", "instance", "call" (an answer), "note" (the guest speaks, through the callback env.note),
// "host" (the host's own log speaks) and "callback".
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/nicholasjackson/wasp/engine"
	"github.com/nicholasjackson/wasp/engine/logger"
)

const plugin = "plugin"

func main() {
	// The host hands traps to finalizers that crash the process: no collection but where a scenario asks for one.
	debug.SetGCPercent(-1)

	var scenario Scenario
	if err := json.NewDecoder(os.Stdin).Decode(&scenario); err != nil {
		fail(err)
	}
	out, err := os.Create(os.Args[1])
	if err != nil {
		fail(err)
	}
	player := &Player{scenario: scenario, recorder: &Recorder{out: json.NewEncoder(out)}}
	if player.register() && player.instantiate() {
		for index, call := range scenario.Calls {
			player.play(index, call)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Player has the host that plays a scenario.
type Player struct {
	scenario  Scenario
	recorder  *Recorder
	host      *engine.Wasm
	instances []engine.Instance
}

// register tries the compilers in turn, as one that knows no instruction of the plugin refuses it.
func (p *Player) register() bool {
	for _, compiler := range p.scenario.Compilers {
		p.host = engine.NewWithCompiler(
			logger.New(nil, p.recorder.debug, p.recorder.err, nil), engine.Compiler(compiler))
		failure := p.guarded(func() error {
			return p.host.RegisterPlugin(plugin, p.scenario.Plugin, p.config())
		})
		p.recorder.add(Line{"registered": compiler, "failure": failure})
		if failure == nil {
			return true
		}
	}
	return false
}

func (p *Player) config() *engine.PluginConfig {
	switch p.scenario.Config {
	case "none":
		return nil
	case "no callbacks":
		return &engine.PluginConfig{Environment: p.scenario.Environment}
	}
	return &engine.PluginConfig{Environment: p.scenario.Environment, Callbacks: p.callbacks()}
}

func (p *Player) instantiate() bool {
	for _, name := range p.scenario.Instances {
		var instance engine.Instance
		failure := p.guarded(func() (err error) {
			instance, err = p.host.GetInstance(name, p.scenario.Workspace)
			return err
		})
		p.recorder.add(Line{"instance": name, "failure": failure})
		if failure != nil {
			return false
		}
		p.instances = append(p.instances, instance)
	}
	return true
}

// play makes a call, once or many times; of many calls it tells how many answered alike, and no events.
func (p *Player) play(index int, call Call) {
	defer func() {
		if call.Collect {
			runtime.GC()
			runtime.GC()
		}
	}()
	if call.Times <= 1 {
		p.recorder.add(Line{"call": index, "answer": p.answer(call)})
		return
	}
	p.recorder.quiet = true
	defer func() { p.recorder.quiet = false }()
	same, last := 0, ""
	for range call.Times {
		answer := p.answer(call)
		text, _ := json.Marshal(answer)
		if last != "" && string(text) != last {
			p.recorder.add(Line{"call": index, "times": same, "answer": json.RawMessage(last)})
			same = 0
		}
		last = string(text)
		same++
	}
	p.recorder.add(Line{"call": index, "times": same, "answer": json.RawMessage(last)})
}

func (p *Player) answer(call Call) Line {
	arguments := make([]any, len(call.Arguments))
	for index, argument := range call.Arguments {
		arguments[index] = argument.native()
	}
	out := newOut(call.Returns)
	failure := p.guarded(func() error {
		return p.instances[call.Instance].CallFunction(call.Function, out, arguments...)
	})
	if failure != nil {
		return failure
	}
	return Line{"result": shown(out)}
}

// guarded turns an error and a panic into a line; nil is success.
func (p *Player) guarded(work func() error) (failure Line) {
	defer func() {
		if reason := recover(); reason != nil {
			failure = Line{"panic": fmt.Sprint(reason)}
		}
	}()
	if err := work(); err != nil {
		return Line{"error": err.Error(), "class": fmt.Sprintf("%T", err)}
	}
	return nil
}

// Line is one line of the output.
type Line map[string]any

// Recorder writes lines.
type Recorder struct {
	out    *json.Encoder
	quiet  bool
	failed bool
}

func (r *Recorder) add(line Line) {
	if err := r.out.Encode(line); err != nil {
		fail(err)
	}
}

func (r *Recorder) event(line Line) {
	if !r.quiet {
		r.add(line)
	}
}

// debug reads from the host's own log what it did with memory.
func (r *Recorder) debug(message string, details ...any) {
	d := map[string]any{}
	for index := 0; index+1 < len(details); index += 2 {
		d[fmt.Sprint(details[index])] = details[index+1]
	}
	switch message {
	case "Allocated memory in host":
		r.event(Line{"host": []any{"allocated", d["addr"], d["size"]}})
	case "Got string from memory":
		r.event(Line{"host": []any{"string read", d["addr"], len(d["result"].(string))}})
	case "Got bytes from memory":
		r.event(Line{"host": []any{"bytes read", d["addr"], d["size"]}})
	case "Deallocated module instance memory":
		// It says so too after it said that it could not.
		if !r.failed {
			r.event(Line{"host": []any{"freed", d["addr"], d["size"]}})
		}
		r.failed = false
	}
}

func (r *Recorder) err(message string, details ...any) {
	if message == "Unable to deallocate memory, potential memory leak" {
		r.failed = true
		r.event(Line{"host": []any{"not freed", details[1], details[3], fmt.Sprint(details[5])}})
	}
}
