"""Who calls the guest: wasmtime-py's documented interface by hand, or an engine of the project through the seam.

Each offers the same three things, and the workloads are written once against them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from reference_host.engine.interface import Engine, Instance, Limits, Memory, Module
from reference_host.engine.registry import engine_names, load_engine
from reference_host.errors import EngineMissing

BY_HAND = "wasmtime-py"
"""What everything is compared with: the library as its documentation shows it, without limits."""

LIMITS = Limits(fuel=10**9, deadline=10)
"""What a host that trusts nobody gives to each call."""


class Guest(Protocol):
    """An instance: integers go in and come out unsigned, at most one comes out."""

    def call(self, name: str, *numbers: int) -> int:
        """Call an exported function."""

    def read(self, address: int, length: int) -> bytes:
        """Copy bytes out."""

    def write(self, address: int, data: bytes) -> None:
        """Copy bytes in."""


Fresh = Callable[[], Guest]
"""Makes an instance of a module that was compiled before."""


class SeamGuest:
    """A guest through the engine seam."""

    def __init__(self, instance: Instance) -> None:
        assert instance.memory is not None
        self._instance = instance
        memory: Memory = instance.memory
        self.read, self.write = memory.read, memory.write

    def call(self, name: str, *numbers: int) -> int:
        """See `Guest.call`."""
        results = self._instance.call(name, *numbers)
        return int(results[0]) if results else 0


class HandGuest:
    """A guest as wasmtime-py's documentation shows it; only what is signed is made unsigned."""

    def __init__(self, engine: object, module: object) -> None:
        import wasmtime

        assert isinstance(engine, wasmtime.Engine)
        assert isinstance(module, wasmtime.Module)
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


def engines() -> dict[str, Engine]:
    """Load every engine that is here; wasmtime in each of its ways."""
    found: dict[str, Engine] = {}
    for name in engine_names():
        try:
            engine = load_engine(name)
        except EngineMissing:
            continue
        if name == "wasmtime":
            from reference_host.engine.wasmtime import WasmtimeEngine, Way

            found |= {f"wasmtime {way}": WasmtimeEngine(way) for way in (Way.PLAIN, Way.FAST)}
        else:
            found[name] = engine
    return found


def makers(binary: bytes) -> dict[str, Fresh]:
    """Compile a module without imports for everybody; wasmtime-py by hand comes first, where it is here."""
    found: dict[str, Fresh] = {}
    for name, engine in engines().items():
        if not found and name.startswith("wasmtime"):
            found[BY_HAND] = _by_hand(binary)
        module = engine.compile(binary)
        found[name] = partial(_seam, module, LIMITS)
        if name == "wasmtime fast":
            found[f"{name}, no limits"] = partial(_seam, module, Limits())
    return found


def _by_hand(binary: bytes) -> Fresh:
    import wasmtime

    engine = wasmtime.Engine()
    return partial(HandGuest, engine, wasmtime.Module(engine, binary))


def _seam(module: Module, limits: Limits) -> Guest:
    return SeamGuest(module.instantiate(limits=limits))
