"""Guests for the tests of the wasp room: WAT plugins with a journal of what they were asked for.

Layout of their memory, two pages unless told otherwise: number of journal entries at 16, the journal from 64, static
text at 4,096, a bump heap from 32,768. `deallocate` takes nothing back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
import wasmtime

from reference_host.abi.wasp import Callbacks, Engine, Instance, PluginConfig, Profile
from reference_host.engine import interface
from reference_host.engine.registry import engine_names, load_engine

COUNT, JOURNAL, STATIC, HEAP, PAGE = 16, 64, 4_096, 32_768, 65_536
ENTRIES = 120

TAGS = ("allocate", "deallocate", "get_string_size", "_initialize", "_start", "function")

REAL_HOST = '(import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))'
"""What the real host wants of every module: a WASI import."""

RAISE = '(import "env" "raise_error" (func $raise (param i32)))'

ALLOCATE = "(call $bump (local.get $p0))"
STRING_SIZE = "(call $strlen (local.get $p0))"

SUPPORT = f"""
(global $next (mut i32) (i32.const {HEAP}))
(func $bump (param $size i32) (result i32)
  (global.get $next)
  (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8)))))
(func $strlen (param $at i32) (result i32)
  (local $end i32)
  (local.set $end (local.get $at))
  (block $found (loop $more
    (br_if $found (i32.eqz (i32.load8_u (local.get $end))))
    (local.set $end (i32.add (local.get $end) (i32.const 1)))
    (br $more)))
  (i32.sub (local.get $end) (local.get $at)))
(func $log (param $tag i32) (param $a i32) (param $b i32)
  (local $at i32)
  (if (i32.ge_u (i32.load (i32.const {COUNT})) (i32.const {ENTRIES})) (then (return)))
  (local.set $at (i32.add (i32.const {JOURNAL}) (i32.mul (i32.load (i32.const {COUNT})) (i32.const 12))))
  (i32.store (i32.const {COUNT}) (i32.add (i32.load (i32.const {COUNT})) (i32.const 1)))
  (i32.store (local.get $at) (local.get $tag))
  (i32.store offset=4 (local.get $at) (local.get $a))
  (i32.store offset=8 (local.get $at) (local.get $b)))
"""


def literal(data: bytes) -> str:
    """Bytes as a string literal of the text format."""
    return '"' + "".join(f"\\{byte:02x}" for byte in data) + '"'


def static(data: bytes, at: int = STATIC) -> str:
    """A data segment."""
    return f"(data (i32.const {at}) {literal(data)})"


def function(body: str, parameters: str = "", result: str = "", name: str = "run") -> str:
    """An exported function: types of its parameters `$p0`, `$p1`, ... and of its result."""
    declared = " ".join(f"(param $p{index} {type_})" for index, type_ in enumerate(parameters.split()))
    returned = f"(result {result})" if result else ""
    first = "(local.get $p0)" if parameters.startswith("i32") else "(i32.const 0)"
    log = f"(call $log (i32.const {TAGS.index('function')}) {first} (i32.const 0))"
    return f'(func (export "{name}") {declared} {returned} {log} {body})'


ECHO = function("(local.get $p0)", "i32", "i32")
"""Answers its argument: the very buffer."""

COPY = """
(func (export "copy_string") (param $p0 i32) (result i32)
  (local $size i32) (local $to i32)
  (local.set $size (i32.add (call $strlen (local.get $p0)) (i32.const 1)))
  (local.set $to (call $bump (local.get $size)))
  (memory.copy (local.get $to) (local.get $p0) (local.get $size))
  (local.get $to))
(func (export "copy_bytes") (param $p0 i32) (result i32)
  (local $size i32) (local $to i32)
  (local.set $size (i32.add (i32.load (local.get $p0)) (i32.const 4)))
  (local.set $to (call $bump (local.get $size)))
  (memory.copy (local.get $to) (local.get $p0) (local.get $size))
  (local.get $to))
"""
"""Answer a copy of their argument."""


@dataclass(frozen=True)
class Guest:
    """A plugin. `extra`: fields of the module, its functions among them. Bodies of the ABI's exports: None leaves out.

    `journal`: whether the ABI's exports write it; a guest whose memory a test fills must not.
    """

    extra: str = ""
    imports: str = ""
    allocate: str | None = ALLOCATE
    deallocate: str | None = ""
    get_string_size: str | None = STRING_SIZE
    memory: str = '(memory (export "memory") 2)'
    starts: tuple[str, ...] = ()

    @cached_property
    def wat(self) -> str:
        """The module's text."""
        parts = ["(module", self.imports, self.memory, SUPPORT]
        for name, body, parameters, result in (
            ("allocate", self.allocate, 1, "(result i32)"),
            ("deallocate", self.deallocate, 2, ""),
            ("get_string_size", self.get_string_size, 1, "(result i32)"),
        ):
            if body is not None:
                parts.append(_logged(name, body, parameters, result))
        parts += [_logged(name, "", 0, "") for name in self.starts]
        return "\n".join([*parts, self.extra, ")"])


def _logged(name: str, body: str, parameters: int, result: str) -> str:
    declared = " ".join(f"(param $p{index} i32)" for index in range(parameters))
    arguments = [f"(local.get $p{index})" for index in range(parameters)] + ["(i32.const 0)"] * (2 - parameters)
    log = f"(call $log (i32.const {TAGS.index(name)}) {' '.join(arguments)})"
    return f'(func ${name} (export "{name}") {declared} {result} {log} {body})'


def binary(wat: str) -> bytes:
    """Text to binary; only tests do this."""
    return bytes(wasmtime.wat2wasm(wat))


def journal(instance: Instance) -> list[str]:
    """Every call that a guest was given, in order: `allocate(12)`."""
    assert instance.instance is not None
    memory = instance.instance.memory
    assert memory is not None

    def number(address: int) -> int:
        return int.from_bytes(memory.read(address, 4), "little")

    shapes = {"allocate": 1, "deallocate": 2, "get_string_size": 1, "_initialize": 0, "_start": 0, "function": 1}
    calls = []
    for entry in range(number(COUNT)):
        at = JOURNAL + 12 * entry
        tag = TAGS[number(at)]
        arguments = [number(at + 4 + 4 * index) for index in range(shapes[tag])]
        calls.append(f"{tag}({', '.join(map(str, arguments))})")
    return calls


class Loader:
    """Makes instances on one engine. Modules are compiled once for each text."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._modules: dict[str, interface.Module] = {}

    @cached_property
    def engine(self) -> interface.Engine:
        """The engine; one whose library is missing fails, it is not skipped."""
        return load_engine(self.name)

    def module(self, wat: str) -> interface.Module:
        """Compile a text."""
        if wat not in self._modules:
            self._modules[wat] = self.engine.compile(binary(wat))
        return self._modules[wat]

    def host(self, **settings: Any) -> Engine:
        """A host; `settings` are those of `Engine`."""
        return Engine(self.engine, **settings)

    def __call__(self, guest: Guest, config: PluginConfig | None = None, **settings: Any) -> Instance:
        """An instance of a guest."""
        host = self.host(**settings)
        host.register_plugin("guest", self.module(guest.wat), config)
        return host.get_instance("guest")


every_engine = pytest.mark.parametrize("load", [pytest.param(Loader(name), id=name) for name in engine_names()])
"""Runs a test on every registered engine."""

one_engine = pytest.mark.parametrize("load", [pytest.param(Loader("wasmtime"), id="wasmtime")])
"""Runs a test where many calls, or gigabytes of untouched memory, cost little."""

every_profile = pytest.mark.parametrize("profile", [pytest.param(profile, id=profile) for profile in Profile])


def given(name: str, answer: Callable[..., Any], **more: Any) -> PluginConfig:
    """A config with one callback in `env`."""
    callbacks = Callbacks()
    callbacks.add_callback("env", name, answer, **more)
    return PluginConfig(callbacks=callbacks)
