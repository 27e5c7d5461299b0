"""Peers that are no engines of this project, driven as their documentation shows it. Each is optional."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

from benchmarks.guests import Compile, Fresh, Guest, PeerMissing, Unfit


def wasmtime_by_hand() -> Compile:
    """wasmtime-py without limits. Raises `PeerMissing`."""
    try:
        import wasmtime
    except ImportError:
        raise PeerMissing("wasmtime-py: not installed (pip install wasmtime)") from None
    engine = wasmtime.Engine()

    def compile_(binary: bytes) -> Fresh:
        return partial(HandGuest, engine, wasmtime.Module(engine, binary))

    return compile_


class HandGuest:
    """A guest as wasmtime-py's documentation shows it; only what is signed is made unsigned."""

    def __init__(self, engine: Any, module: Any) -> None:
        import wasmtime

        self._store = wasmtime.Store(engine)
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self._memory = memory

    def call(self, name: str, *numbers: int) -> int:
        """See `Guest.call`."""
        answer = self._exports[name](self._store, *numbers)  # type: ignore[operator]
        return 0 if answer is None else answer % 2**64

    def read(self, address: int, length: int) -> bytes:
        """See `Guest.read`."""
        return bytes(self._memory.read(self._store, address, address + length))

    def write(self, address: int, data: bytes) -> None:
        """See `Guest.write`."""
        self._memory.write(self._store, data, address)


def ppci() -> Compile:
    """ppci, which translates a module to Python as a whole, WebAssembly 1.0 only. Raises `PeerMissing`."""
    try:
        wasm: Any = importlib.import_module("ppci.wasm")
    except ImportError:
        raise PeerMissing("ppci: not installed (pip install ppci)") from None

    def compile_(binary: bytes) -> Fresh:
        try:
            module = wasm.Module(binary)
        except KeyError as error:
            raise Unfit(f"ppci does not know the opcode or section {error}") from None

        def fresh() -> Guest:
            return PpciGuest(wasm.instantiate(module, {}, target="python"))

        return fresh

    return compile_


class PpciGuest:
    """A guest of ppci; translating is part of making an instance there."""

    def __init__(self, instance: Any) -> None:
        self._exports = instance.exports
        memory = instance.exports.memory
        self.read, self.write = lambda at, length: bytes(memory.read(at, length)), memory.write

    def call(self, name: str, *numbers: int) -> int:
        """See `Guest.call`."""
        answer = getattr(self._exports, name)(*numbers)
        return 0 if answer is None else answer % 2**64
