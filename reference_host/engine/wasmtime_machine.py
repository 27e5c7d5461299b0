"""wasmtime's engine as it is set up here, and the modules that were compiled by it: shared by the whole process.

A module is validated as it was given, and compiled with the additions of `instrument`.
"""

from __future__ import annotations

import platform
import re
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version

import wasmtime

from reference_host.engine.binary import ModuleInfo, read_module
from reference_host.engine.cache import Cache, cache_folder, digest
from reference_host.engine.deadline import Ticker
from reference_host.engine.instrument import Instrumented, instrument
from reference_host.engine.interface import FuncType
from reference_host.errors import InvalidModule, UnsupportedModule

_MODULES = 8
"""How many compiled modules are held for the next one in the process who wants them."""

_WORTH_KEEPING = 8_192
"""Bytes of a module below which it is compiled sooner than found on disk."""

# How the validator speaks of what it knows but was told to refuse.
_NOT_ENABLED = re.compile(r"not enabled|must be enabled|not supported|proposal")


class Machine:
    """One engine of the library, with its clock. Two engines share nothing, not even the types of functions."""

    def __init__(self, stack: int) -> None:
        self.stack = stack
        self.engine = wasmtime.Engine(_config(stack))
        self.ticker = Ticker(self.engine.increment_epoch)
        self.types: dict[FuncType, wasmtime.FuncType] = {}


machine = lru_cache(maxsize=None)(Machine)
"""The engine of this process whose guests may use so many bytes of stack."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A module in machine code; `info` is what the module was before its additions."""

    module: wasmtime.Module
    info: ModuleInfo
    instrumented: Instrumented


def reason(error: wasmtime.WasmtimeError) -> str:
    """The last line of the library's message: the innermost cause."""
    return str(error).strip().splitlines()[-1].strip()


def validate(machine: Machine, binary: bytes) -> None:
    """Prove a module valid. Raises `InvalidModule` and `UnsupportedModule`."""
    try:
        wasmtime.Module.validate(machine.engine, binary)
    except wasmtime.WasmtimeError as error:
        said = reason(error)
        failure = UnsupportedModule(said) if _NOT_ENABLED.search(said) else InvalidModule(said)
    else:
        return
    raise failure


@lru_cache(maxsize=_MODULES)
def compiled(machine: Machine, binary: bytes) -> Compiled:
    """Compile a module, or find it compiled. Raises a `ModuleError`."""
    info = read_module(binary)
    # What is validated is the module as it was given: an addition could give a meaning to an index that has none.
    validate(machine, binary)
    instrumented = instrument(binary, info)
    return Compiled(_kept(machine, instrumented.binary), info, instrumented)


def _kept(machine: Machine, binary: bytes) -> wasmtime.Module:
    """Give the machine code of a valid module, from the cache if that has it. Raises `UnsupportedModule`."""
    if len(binary) < _WORTH_KEEPING:
        return _translated(machine, binary)
    folder = cache_folder()
    cache = Cache(folder and folder / "wasmtime")
    made_for = f"{version('wasmtime')} {sys.platform} {platform.machine()} {machine.stack}"
    key = digest(made_for.encode(), binary)
    kept = cache.read(key)
    if kept is not None:
        # The library refuses what another version, another configuration or another processor was meant for.
        with suppress(wasmtime.WasmtimeError):
            return wasmtime.Module.deserialize(machine.engine, kept)
    module = _translated(machine, binary)
    cache.write(key, bytes(module.serialize()))
    return module


def _translated(machine: Machine, binary: bytes) -> wasmtime.Module:
    try:
        return wasmtime.Module(machine.engine, binary)
    except wasmtime.WasmtimeError as error:
        failure = UnsupportedModule(f"wasmtime cannot compile it: {reason(error)}")
    raise failure


def _config(stack: int) -> wasmtime.Config:
    """Configure WebAssembly 2.0 and no more, so that every engine agrees on what a module is.

    What came later (tail calls, exceptions, several memories, 64-bit memory, threads, garbage collection) is not in the
    other engines, and a verdict must not depend on the engine.
    """
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    config.max_wasm_stack = stack
    # The bits of a NaN are the engine's choice in the specification; reports of two engines have to be equal.
    config.cranelift_nan_canonicalization = True
    config.wasm_simd = True
    for later in (
        "wasm_relaxed_simd",
        "wasm_tail_call",
        "wasm_threads",
        "wasm_multi_memory",
        "wasm_memory64",
        "wasm_component_model",
        "wasm_exceptions",
        "wasm_function_references",
        "wasm_gc",
        "wasm_wide_arithmetic",
        "wasm_custom_page_sizes",
        "wasm_stack_switching",
    ):
        setattr(config, later, False)
    return config


def stack_size() -> int:
    """Choose the bytes of native stack that guests may use in one call from outside, re-entrant ones included.

    A quarter of what a thread has, at most 2 MiB: host functions need the rest, and wasmtime cannot see how much there
    is.
    """
    try:
        import resource
    except ImportError:  # not POSIX: threads have 1 MiB there
        available = 1 << 20
    else:
        available = resource.getrlimit(resource.RLIMIT_STACK)[0]
        if available == resource.RLIM_INFINITY:  # then glibc gives 2 MiB to threads
            available = 2 << 20
    available = min(available, threading.stack_size() or available)
    return max(min(available // 4, 2 << 20), 128 << 10)
