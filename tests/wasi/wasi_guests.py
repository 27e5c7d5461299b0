"""Guests for the tests of WASI: small WAT modules, on every registered engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pytest
import wasmtime

from reference_host.engine.interface import Engine, FuncType, Instance, Limits, Memory, Module
from reference_host.engine.registry import engine_names, load_engine
from reference_host.wasi import Wasi, WasiConfig
from reference_host.wasi.signatures import WASI
from reference_host.wasi.types import Errno


@dataclass(frozen=True)
class Guest:
    """An instance, its WASI, and short ways to call the one and look at the other."""

    instance: Instance
    wasi: Wasi

    @property
    def memory(self) -> Memory:
        assert self.instance.memory is not None
        return self.instance.memory

    def __call__(self, function: str, *arguments: float) -> Errno:
        """Call the function that the guest exports under the name of a WASI function."""
        (errno,) = self.instance.call(function, *arguments)
        return Errno(int(errno))

    def number(self, address: int, size: int) -> int:
        return int.from_bytes(self.memory.read(address, size), "little")

    def vectors(self, address: int, *vectors: tuple[int, int]) -> None:
        """Lay an array of `iovec` out: pairs of address and length."""
        data = b"".join(part.to_bytes(4, "little") for vector in vectors for part in vector)
        self.memory.write(address, data)


class Starter:
    """Starts guests on one engine. Modules are compiled once for each text."""

    def __init__(self, engine: str) -> None:
        self._name = engine
        self._modules: dict[str, Module] = {}

    @cached_property
    def _engine(self) -> Engine:
        return load_engine(self._name)

    def compile(self, wat: str) -> Module:
        if wat not in self._modules:
            self._modules[wat] = self._engine.compile(bytes(wasmtime.wat2wasm(wat)))
        return self._modules[wat]

    def wat(self, wat: str, config: WasiConfig = WasiConfig()) -> Guest:
        """Start a guest from WAT."""
        module = self.compile(wat)
        wasi = Wasi(config)
        return Guest(module.instantiate(wasi.host_functions(module.imports), Limits()), wasi)

    def __call__(
        self, config: WasiConfig = WasiConfig(), *, module: str = "wasi_snapshot_preview1", pages: int = 1
    ) -> Guest:
        """Start a guest that exports each WASI function of a revision under its own name, and one memory."""
        return self.wat(passing_on(module, pages), config)


every_engine = pytest.mark.parametrize("start", [pytest.param(Starter(name), id=name) for name in engine_names()])
"""Runs a test on every registered engine."""


def passing_on(module: str, pages: int) -> str:
    """Write a module whose every export passes its arguments on to the import of that name."""
    imports = [f'(import "{module}" "{name}" (func ${name} {wat_type(type_)}))' for name, type_ in WASI[module].items()]
    exports = [
        f'(func (export "{name}") {wat_type(type_)} {wat_locals(type_.parameters)} call ${name})'
        for name, type_ in WASI[module].items()
    ]
    memory = f'(memory (export "memory") {pages})' if pages else ""
    return f"(module {' '.join(imports)} {memory} {' '.join(exports)})"


def wat_type(type_: FuncType) -> str:
    return f"(param {' '.join(type_.parameters)}) (result {' '.join(type_.results)})"


def wat_locals(parameters: Sequence[str]) -> str:
    return " ".join(f"local.get {index}" for index in range(len(parameters)))
