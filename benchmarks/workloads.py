"""What is measured, each on every contender that can do it.

`hook` is a gateway's round trip on the Rust sample plugin. `int`, `string` and the two `new` ones are the measurement
in the README of the plugin host wasp, on a guest as small as its own: a call with two integers, a call with a string
(allocate, write, call, read, free), and each on a fresh instance. `host-...` is a hook of each sample plugin through
the whole reference host. `certify` is the command as a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.guests import Fresh, Guest, engines, makers
from benchmarks.measuring import Operation
from benchmarks.processes import certify
from conformance.resources import Resource, find
from reference_host.abi.bifrost.plugin import Plugin
from reference_host.abi.bifrost.types import HTTPRequest

SMALL = """(module
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 1024))
  (func (export "malloc") (param $size i32) (result i32)
    global.get $top
    (global.set $top (i32.add (global.get $top) (local.get $size))))
  (func (export "free") (param $pointer i32) (param $size i32)
    (global.set $top (local.get $pointer)))
  (func (export "sum") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "echo") (param $pointer i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32))
      (i64.extend_i32_u (local.get $length))))
  (func (export "loop") (param $count i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.xor (i32.mul (local.get $sum) (i32.const 31)) (local.get $count)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    local.get $sum)
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else
        (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"""

REQUEST = json.dumps(
    {
        "context": {"request_id": "r-1"},
        "request": {
            "provider": "openai",
            "model": "gpt-4o",
            "input": [{"role": "user", "content": "hello there, how are you today?"}],
            "params": {"temperature": 0.5},
        },
    },
    separators=(",", ":"),
).encode()

HTTP_REQUEST = HTTPRequest("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, {}, b'{"model":"m"}')

Work = Callable[[Guest], object]


def _hook(guest: Guest) -> bytes:
    pointer = guest.call("malloc", len(REQUEST))
    guest.write(pointer, REQUEST)
    packed = guest.call("pre_hook", pointer, len(REQUEST))
    answer = guest.read(packed >> 32, packed & 0xFFFF_FFFF)
    guest.call("free", packed >> 32, packed & 0xFFFF_FFFF)
    guest.call("free", pointer, len(REQUEST))
    return answer


def _integers(guest: Guest) -> int:
    return guest.call("sum", 3, 4)


def _string(guest: Guest) -> bytes:
    pointer = guest.call("malloc", 9)
    guest.write(pointer, b"Hello Nic")
    packed = guest.call("echo", pointer, 9)
    answer = guest.read(packed >> 32, packed & 0xFFFF_FFFF)
    guest.call("free", pointer, 9)
    return answer


def _loop(guest: Guest) -> int:
    return guest.call("loop", 20_000)


def _fib(guest: Guest) -> int:
    return guest.call("fib", 15)


def _steady(work: Work, fresh: Fresh) -> Operation:
    guest = fresh()
    return lambda: work(guest)


def _new(work: Work, fresh: Fresh) -> Operation:
    return lambda: work(fresh())


def sample_path() -> Path:
    """The plugin of the workloads `hook` and `certify`: Rust, without imports."""
    return find(Resource.FIXTURES) / "bifrost" / "conforming" / "word-guard.wasm"


def _sample() -> bytes:
    return sample_path().read_bytes()


def _small() -> bytes:
    import wasmtime

    return bytes(wasmtime.wat2wasm(SMALL))


Prepare = Callable[[Work, Fresh], Operation]


class Disagreement(Exception):
    """Two contenders answer differently: there is nothing to compare."""


def _agree(operations: dict[str, Operation]) -> dict[str, Operation]:
    answers = {name: operation() for name, operation in operations.items()}
    if len(set(answers.values())) > 1:
        raise Disagreement(str(answers))
    return operations


def _on_guests(binary: Callable[[], bytes], prepare: Prepare, work: Work) -> dict[str, Operation]:
    return _agree({name: prepare(work, fresh) for name, fresh in makers(binary()).items()})


def _through_the_host(path: Path) -> dict[str, Operation]:
    operations: dict[str, Operation] = {}
    for name, engine in engines().items():
        plugin = Plugin.load(engine.compile(path.read_bytes()))
        operations[name] = partial(plugin.http_pre_hook, {"request_id": "r-1"}, HTTP_REQUEST)
    return operations


def _certify() -> dict[str, Operation]:
    return {f"wasmtime {way}": partial(certify, sample_path(), way) for way in ("plain", "fast")}


WORKLOADS: dict[str, Callable[[], dict[str, Operation]]] = {
    "hook": partial(_on_guests, _sample, _steady, _hook),
    "int": partial(_on_guests, _small, _steady, _integers),
    "string": partial(_on_guests, _small, _steady, _string),
    "new-int": partial(_on_guests, _small, _new, _integers),
    "new-string": partial(_on_guests, _small, _new, _string),
    "new-hook": partial(_on_guests, _sample, _new, _hook),
    "loop": partial(_on_guests, _small, _steady, _loop),
    "fib": partial(_on_guests, _small, _steady, _fib),
    **{f"host-{path.stem}": partial(_through_the_host, path) for path in sorted(sample_path().parent.glob("*.wasm"))},
    "certify": _certify,
}
"""By name: makes the operation of each contender ready. Raises `Disagreement` where they answer differently."""
