"""The conforming wasp plugin that every variation starts from.

It has the functions of the host's own examples (`sum`, `hello`, `reverse`, `callback`, `fail`), and `ask`, which passes
an integer through a callback. Its allocator is that of `watgen.base`; a string is counted to its terminator.

Source: README of wasp, Basic Usage and Callbacks; the guest code of wasp 0.0.8.
"""

from __future__ import annotations

from watgen.base import ALLOC, RELEASE, RESERVE
from watgen.plugin import Plugin

REVISION = "0.0.8"
PLAIN = "plain"
"""The functions file of the base."""

LENGTH = """
;; Counts the bytes before the terminator.
(func $length (param $text i32) (result i32)
  (local $at i32)
  (local.set $at (local.get $text))
  (block $end
    (loop $next
      (br_if $end (i32.eqz (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (i32.sub (local.get $at) (local.get $text)))
"""

TEXT = """
;; Copies bytes into a fresh buffer, with a terminator behind them.
(func $text (param $from i32) (param $length i32) (result i32)
  (local $to i32)
  (local.set $to (call $alloc (i32.add (local.get $length) (i32.const 1))))
  (memory.copy (local.get $to) (local.get $from) (local.get $length))
  (i32.store8 (i32.add (local.get $to) (local.get $length)) (i32.const 0))
  (local.get $to))
"""

GREET = """
;; Puts the constant `hello` before a text of so many bytes, in a fresh buffer.
(func $greet (param $name i32) (param $length i32) (result i32)
  (local $to i32)
  (local.set $to
    (call $alloc (i32.add (local.get $length) (i32.add (i32.const #hello) (i32.const 1)))))
  (memory.copy (local.get $to) (i32.const &hello) (i32.const #hello))
  (memory.copy
    (i32.add (local.get $to) (i32.const #hello)) (local.get $name) (local.get $length))
  (i32.store8
    (i32.add (i32.add (local.get $to) (i32.const #hello)) (local.get $length))
    (i32.const 0))
  (local.get $to))
"""

TURN = """
;; Copies bytes and their number into a fresh buffer, the last byte first.
(func $turn (param $bytes i32) (result i32)
  (local $count i32) (local $to i32) (local $at i32)
  (local.set $count (i32.load (local.get $bytes)))
  (local.set $to (call $alloc (i32.add (local.get $count) (i32.const 4))))
  (i32.store (local.get $to) (local.get $count))
  (block $end
    (loop $next
      (br_if $end (i32.ge_u (local.get $at) (local.get $count)))
      (i32.store8 offset=4
        (i32.add (local.get $to) (local.get $at))
        (i32.load8_u offset=3
          (i32.add (local.get $bytes) (i32.sub (local.get $count) (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (local.get $to))
"""

HELPERS = {
    "reserve": RESERVE,
    "alloc": ALLOC,
    "release": RELEASE,
    "length": LENGTH,
    "text": TEXT,
    "greet": GREET,
    "turn": TURN,
}

IMPORTS = {
    "fd_write": '(import "wasi_snapshot_preview1" "fd_write"\n  (func $fd_write (param i32 i32 i32 i32) (result i32)))',
    "raise_error": '(import "env" "raise_error" (func $raise_error (param i32)))',
    "call_me": '(import "env" "call_me" (func $call_me (param i32) (result i32)))',
    "next": '(import "env" "next" (func $next (param i32) (result i32)))',
}

PARAMETERS = {
    "allocate": "(param $size i32) (result i32)",
    "deallocate": "(param $pointer i32) (param $size i32)",
    "get_string_size": "(param $text i32) (result i32)",
    "sum": "(param $a i32) (param $b i32) (result i32)",
    "hello": "(param $name i32) (result i32)",
    "reverse": "(param $bytes i32) (result i32)",
    "callback": "(result i32)",
    "ask": "(param $number i32) (result i32)",
    "fail": "",
}
"""The exports and their types, with the names of the parameters."""

FRESH_NAME = "(call $text (i32.const &name) (i32.const #name))"
FRESH_ERROR = "(call $text (i32.const &oops) (i32.const #oops))"
BODIES = {
    "allocate": "(call $alloc (local.get $size))",
    "deallocate": "(call $release (local.get $pointer))",
    "get_string_size": "(call $length (local.get $text))",
    "sum": "(i32.add (local.get $a) (local.get $b))",
    "hello": "(call $greet (local.get $name) (call $length (local.get $name)))",
    "reverse": "(call $turn (local.get $bytes))",
    "callback": f"(call $call_me {FRESH_NAME})",
    "ask": "(call $next (local.get $number))",
    "fail": f"(call $raise_error {FRESH_ERROR})",
}


def export(name: str, body: str, parameters: str | None = None) -> str:
    """Write an exported function; its type is that of the base, unless it is given."""
    type_ = PARAMETERS[name] if parameters is None else parameters
    lines = "\n".join(f"  {line}" for line in body.strip("\n").split("\n"))
    return f'(func (export "{name}"){" " if type_ else ""}{type_}\n{lines})'


def base() -> Plugin:
    """Make the conforming plugin."""
    return Plugin(
        name="plain",
        revision=REVISION,
        title="greets, reverses, adds, calls back and fails",
        system="wasp",
        functions=PLAIN,
        imports=IMPORTS,
        constants={"hello": b"Hello ", "name": b"Nic", "oops": b"Oops"},
        globals={"heap": "(global $heap (mut i32) (i32.const &heap))"},
        helpers=HELPERS,
        exports={name: export(name, body) for name, body in BODIES.items()},
    )
