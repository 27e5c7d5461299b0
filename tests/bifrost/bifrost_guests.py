"""Guests for the tests of the Bifrost room: WAT plugins that answer what a test scripts, and keep a journal of calls.

A `Guest` is a conforming plugin until a test replaces a part. Layout of its memory, two pages unless told otherwise:
number of journal entries at 16, the journal from 64, constants from 4,096, a bump heap from 32,768.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
import wasmtime

from reference_host.abi.bifrost.plugin import Plugin, PluginConfig
from reference_host.abi.bifrost.revisions import CLEANUP_TYPE, INIT_TYPE, NAME_TYPE, revision_named
from reference_host.engine.interface import Engine, FuncType, Instance, Module
from reference_host.engine.registry import engine_names, load_engine

COUNT, JOURNAL, STATIC, HEAP, PAGE = 16, 64, 4_096, 32_768, 65_536
ENTRIES = 120

TAGS = (
    "malloc",
    "free",
    "plugin_malloc",
    "plugin_free",
    "get_name",
    "init",
    "cleanup",
    "_initialize",
    "_start",
    "http_pre_hook",
    "http_post_hook",
    "http_stream_chunk_hook",
    "http_intercept",
    "http_transport_intercept",
    "pre_hook",
    "post_hook",
)

PASS = {
    "http_pre_hook": '{"context":{},"request":null,"response":null,"has_response":false,"error":""}',
    "http_post_hook": '{"context":{},"error":""}',
    "http_stream_chunk_hook": '{"context":{},"chunk":null,"has_chunk":false,"skip":true,"error":""}',
    "http_intercept": '{"context":{},"request":null,"response":null,"has_response":false,"error":""}',
    "http_transport_intercept": '{"response":null,"error":""}',
    "pre_hook": '{"context":{},"request":null,"short_circuit":null,"has_short_circuit":false,"error":""}',
    "post_hook": '{"context":{},"response":null,"error":null,"has_error":false,"hook_error":""}',
    "get_name": "scripted",
}
"""What a guest answers if no test says otherwise: nothing changes."""

BUMP = "(call $bump (local.get $p0))"
"""The body of the default allocator: it takes from the heap and never takes back."""

ECHO = """
(i64.or (i64.shl (i64.extend_i32_u (local.get $p0)) (i64.const 32)) (i64.extend_i32_u (local.get $p1)))
"""
"""The body of a hook that answers its first input."""

SUPPORT = f"""
(global $next (mut i32) (i32.const {HEAP}))
(func $bump (param $size i32) (result i32)
  (global.get $next)
  (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8)))))
(func $log
  (param $tag i32) (param $count i32)
  (param $a i32) (param $b i32) (param $c i32) (param $d i32) (param $e i32) (param $f i32)
  (local $at i32)
  (if (i32.ge_u (i32.load (i32.const {COUNT})) (i32.const {ENTRIES})) (then (return)))
  (local.set $at (i32.add (i32.const {JOURNAL}) (i32.shl (i32.load (i32.const {COUNT})) (i32.const 5))))
  (i32.store (i32.const {COUNT}) (i32.add (i32.load (i32.const {COUNT})) (i32.const 1)))
  (i32.store (local.get $at) (local.get $tag))
  (i32.store offset=4 (local.get $at) (local.get $count))
  (i32.store offset=8 (local.get $at) (local.get $a))
  (i32.store offset=12 (local.get $at) (local.get $b))
  (i32.store offset=16 (local.get $at) (local.get $c))
  (i32.store offset=20 (local.get $at) (local.get $d))
  (i32.store offset=24 (local.get $at) (local.get $e))
  (i32.store offset=28 (local.get $at) (local.get $f)))
"""


def packed(pointer: int, length: int) -> str:
    """The body of a hook that answers this pointer and length."""
    return f"(i64.const {(pointer << 32 | length) - ((pointer >> 31) << 64)})"


def literal(data: bytes) -> str:
    """Bytes as a string literal of the text format."""
    return '"' + "".join(f"\\{byte:02x}" for byte in data) + '"'


@dataclass(frozen=True)
class Guest:
    """A plugin. `answers`: what an export answers, by its name. `bodies`: WAT that takes the place of an answer.

    Parameters are `$p0`, `$p1`, ... `free`: number of its parameters, None where it is not exported. `without`: exports
    that are left out. `starts`: start-up exports. `extra`: fields of the module.
    """

    revision: str = "r2"
    answers: Mapping[str, str | bytes] = field(default_factory=dict)
    bodies: Mapping[str, str] = field(default_factory=dict)
    malloc: str | None = "malloc"
    free: int | None = 1
    free_name: str = "free"
    without: frozenset[str] = frozenset()
    starts: tuple[str, ...] = ()
    imports: str = ""
    memory: str = '(memory (export "memory") 2)'
    extra: str = ""

    @cached_property
    def places(self) -> dict[str, tuple[int, int]]:
        """Address and length of every constant answer."""
        places, address = {}, STATIC
        for name, data in self._constants.items():
            places[name] = (address, len(data))
            address += len(data)
        return places

    @cached_property
    def wat(self) -> str:
        """The module's text."""
        segments = [
            f"(data (i32.const {self.places[name][0]}) {literal(data)})" for name, data in self._constants.items()
        ]
        functions = [self._function(name, type_) for name, type_ in self._functions.items()]
        return "\n".join(["(module", self.imports, self.memory, SUPPORT, *segments, *functions, self.extra, ")"])

    @property
    def _constants(self) -> dict[str, bytes]:
        answers = {**PASS, **self.answers}
        wanted = [name for name in answers if name in self._functions and name not in self.bodies]
        return {name: _bytes(answers[name]) for name in wanted}

    @property
    def _functions(self) -> dict[str, FuncType]:
        i32 = NAME_TYPE.results[:0] + CLEANUP_TYPE.results
        functions = {hook.name: hook.type for hook in revision_named(self.revision).hooks}
        functions |= {"get_name": NAME_TYPE, "init": INIT_TYPE, "cleanup": CLEANUP_TYPE}
        if self.malloc is not None:
            functions[self.malloc] = FuncType(i32, i32)
        if self.free is not None:
            functions[self.free_name] = FuncType(i32 * self.free)
        functions |= dict.fromkeys(self.starts, FuncType())
        return {name: type_ for name, type_ in functions.items() if name not in self.without}

    def _function(self, name: str, type_: FuncType) -> str:
        count = len(type_.parameters)
        parameters = " ".join(f"(param $p{index} i32)" for index in range(count))
        results = f"(result {type_.results[0]})" if type_.results else ""
        arguments = [f"(local.get $p{index})" for index in range(count)] + ["(i32.const 0)"] * (6 - count)
        log = f"(call $log (i32.const {TAGS.index(name)}) (i32.const {count}) {' '.join(arguments)})"
        return f'(func (export "{name}") {parameters} {results}\n  {log}\n  {self._body(name)})'

    def _body(self, name: str) -> str:
        if name in self.bodies:
            return self.bodies[name]
        if name in self.places:
            return packed(*self.places[name])
        return {self.malloc: BUMP, "init": "(i32.const 0)", "cleanup": "(i32.const 0)"}.get(name, "")


def _bytes(answer: str | bytes) -> bytes:
    return answer.encode() if isinstance(answer, str) else answer


def binary(wat: str) -> bytes:
    """Text to binary; only tests do this."""
    return bytes(wasmtime.wat2wasm(wat))


def journal(instance: Instance | None) -> list[str]:
    """Every call that a guest was given, in order: `malloc(12)`."""
    assert instance is not None
    memory = instance.memory
    assert memory is not None

    def number(address: int) -> int:
        return int.from_bytes(memory.read(address, 4), "little")

    calls = []
    for entry in range(number(COUNT)):
        at = JOURNAL + 32 * entry
        arguments = [number(at + 8 + 4 * index) for index in range(number(at + 4))]
        calls.append(f"{TAGS[number(at)]}({', '.join(map(str, arguments))})")
    return calls


class Loader:
    """Makes plugins on one engine. Modules are compiled once for each text."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._modules: dict[str, Module] = {}

    @cached_property
    def engine(self) -> Engine:
        """The engine; one whose library is missing fails, it is not skipped."""
        return load_engine(self.name)

    def module(self, wat: str) -> Module:
        """Compile a text."""
        if wat not in self._modules:
            self._modules[wat] = self.engine.compile(binary(wat))
        return self._modules[wat]

    def new(self, guest: Guest, **settings: Any) -> Plugin:
        """A plugin on which nothing ran; `settings` are those of `PluginConfig`."""
        return Plugin(self.module(guest.wat), PluginConfig(**settings))

    def __call__(self, guest: Guest, **settings: Any) -> Plugin:
        """A plugin that is ready for its hooks."""
        return Plugin.load(self.module(guest.wat), PluginConfig(**settings))


every_engine = pytest.mark.parametrize("load", [pytest.param(Loader(name), id=name) for name in engine_names()])
"""Runs a test on every registered engine."""

large_memories = pytest.mark.parametrize("load", [pytest.param(Loader("wasmtime"), id="wasmtime")])
"""Runs a test where gigabytes of untouched memory cost nothing: pywasm fills all of them, which takes seconds."""

PRINTING = """
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
"""


def printing(text: str, descriptor: int = 1) -> str:
    """WAT that prints up to eight characters; the module needs the imports `PRINTING`."""
    vector, data = 24, 40
    stores = [
        f"(i64.store (i32.const {data}) (i64.const {int.from_bytes(text.encode(), 'little')}))",
        f"(i32.store (i32.const {vector}) (i32.const {data}))",
        f"(i32.store (i32.const {vector + 4}) (i32.const {len(text)}))",
    ]
    call = f"(i32.const {descriptor}) (i32.const {vector}) (i32.const 1) (i32.const {vector + 8})"
    return f"{' '.join(stores)} (drop (call $fd_write {call}))"
