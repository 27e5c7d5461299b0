"""Who calls the guest: engines of the project through the seam, and peers as their documentation shows them.

Each offers the same three things, and the workloads are written once against them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from reference_host.engine.interface import Engine, Instance, Limits, Memory
from reference_host.engine.registry import engine_names, load_engine
from reference_host.errors import EngineMissing

GUARD = Limits(deadline=60)
"""What ends every loop, and counts nothing."""

LIMITS = Limits(fuel=10**9, deadline=60)
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

Compile = Callable[[bytes], Fresh]
"""Compiles a module without imports."""


class PeerMissing(Exception):
    """A peer is not installed; the message says how to get it."""


class Unfit(Exception):
    """A contender cannot run this module."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One column of the tables; `cached` says whether it keeps what it compiles for the next process."""

    name: str
    compile: Compile
    cached: bool = False


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


def _through_the_seam(engine: Engine, limits: Limits, binary: bytes) -> Fresh:
    module = engine.compile(binary)

    def fresh() -> Guest:
        return SeamGuest(module.instantiate(limits=limits))

    return fresh


def engines() -> dict[str, Engine]:
    """Load every engine that is here, wasmtime and purepy in each of their ways."""
    found: dict[str, Engine] = {}
    for name in engine_names():
        try:
            engine = load_engine(name)
        except EngineMissing:
            continue
        if name == "wasmtime":
            from reference_host.engine.wasmtime import WasmtimeEngine, Way

            found |= {f"wasmtime {way}": WasmtimeEngine(way) for way in (Way.PLAIN, Way.FAST)}
        elif name == "purepy":
            from reference_host.engine.purepy import PurepyEngine

            found |= {"purepy": PurepyEngine(), "purepy portable": PurepyEngine(views=False)}
        else:
            found[name] = engine
    return found


def contenders() -> tuple[list[Contender], list[str]]:
    """Everybody who can take part here, the one that all are compared with first; and a line for each who cannot."""
    from benchmarks import peers

    found, missing = [], []
    for name, compile_ in (("wasmtime-py", peers.wasmtime_by_hand), ("ppci", peers.ppci)):
        try:
            found.append(Contender(name, compile_()))
        except PeerMissing as error:
            missing.append(str(error))
    last = found.pop() if found and found[-1].name == "ppci" else None
    for name, engine in engines().items():
        kept = not name.startswith("pywasm")
        bound = partial(_through_the_seam, engine)
        if name.startswith("purepy"):
            found.append(Contender("purepy guard" if name == "purepy" else name, partial(bound, GUARD), kept))
            found.append(
                Contender("purepy exact" if name == "purepy" else f"{name}, exact", partial(bound, LIMITS), kept)
            )
            continue
        found.append(Contender(name, partial(bound, LIMITS), kept))
        if name == "wasmtime fast":
            found.append(Contender(f"{name}, no limits", partial(bound, Limits()), kept))
    missing += [f"{name}: {_why(name)}" for name in engine_names() if not any(c.name.startswith(name) for c in found)]
    return [*found, *([last] if last else [])], missing


def _why(name: str) -> str:
    try:
        load_engine(name)
    except EngineMissing as error:
        return str(error)
    return "takes no part"
