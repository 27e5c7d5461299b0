"""The engine `wasmtime`: compiled to machine code by Cranelift, through wasmtime-py.

Nothing of the library is seen above the seam. A module is compiled with the additions of `instrument`; its imports and
exports are those of the module as it was given.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from importlib.metadata import version

import wasmtime

from reference_host.engine.binary import ModuleInfo, read_module
from reference_host.engine.deadline import Ticker
from reference_host.engine.instrument import Instrumented, instrument
from reference_host.engine.interface import Export, FuncType, HostFunction, Import, Limits, Validity
from reference_host.engine.linking import check_limits, resolve
from reference_host.engine.wasmtime_instance import PlainInstance, WasmtimeInstance, reason
from reference_host.engine.wasmtime_proof import guest, session
from reference_host.errors import EngineMissing, InvalidModule, UnsupportedModule, UsageError

# How the validator speaks of what it knows but was told to refuse.
_NOT_ENABLED = re.compile(r"not enabled|must be enabled|not supported|proposal")


class Way(StrEnum):
    """How the library is reached: what `WasmtimeEngine` takes, and the environment variable `HOOKPROOF_WASMTIME`."""

    FAST = "fast"
    PLAIN = "plain"


class WasmtimeEngine:
    """Implements `interface.Engine`.

    `way` is for tests and measurements. Without it the environment decides, else the fast way is taken where its
    self-test holds, and the plain one where it does not. Raises `EngineMissing` where the fast way is wanted and cannot
    be had, `UsageError` where the environment names no way.
    """

    name = "wasmtime"
    quick_only: str | None = None
    validates = True

    def __init__(self, way: Way | None = None) -> None:
        self.version = version("wasmtime")
        self._engine = wasmtime.Engine(_config())
        self._ticker = Ticker(self._engine.increment_epoch)
        self._instance = _choose(way or _from_environment())

    @property
    def way(self) -> Way:
        """The way that was taken."""
        return Way.PLAIN if self._instance is PlainInstance else Way.FAST

    def validate(self, binary: bytes) -> None:
        """See `Engine.validate`."""
        read_module(binary)
        self._validate(binary)

    def _validate(self, binary: bytes) -> None:
        try:
            wasmtime.Module.validate(self._engine, binary)
        except wasmtime.WasmtimeError as error:
            said = reason(error)
            failure = UnsupportedModule(said) if _NOT_ENABLED.search(said) else InvalidModule(said)
        else:
            return
        raise failure

    def compile(self, binary: bytes) -> WasmtimeModule:
        """See `Engine.compile`."""
        info = read_module(binary)
        # What is validated is the module as it was given: an addition could give a meaning to an index that has none.
        self._validate(binary)
        instrumented = instrument(binary, info)
        try:
            module = wasmtime.Module(self._engine, instrumented.binary)
        except wasmtime.WasmtimeError as error:
            failure = UnsupportedModule(f"wasmtime cannot compile it: {reason(error)}")
        else:
            return WasmtimeModule(self._engine, self._ticker, module, info, instrumented, self._instance)
        raise failure


def _from_environment() -> Way | None:
    said = os.environ.get("HOOKPROOF_WASMTIME")
    if not said:
        return None
    try:
        return Way(said)
    except ValueError:
        known = " or ".join(Way)
    raise UsageError(f"HOOKPROOF_WASMTIME is {said!r}; it can be {known}")


def _choose(way: Way | None) -> type[WasmtimeInstance]:
    if way is Way.PLAIN:
        return PlainInstance
    fast, reason = _fast()
    if fast is None and way is Way.FAST:
        raise EngineMissing(f"wasmtime cannot be used in the fast way: {reason}")
    return fast or PlainInstance


@cache
def _fast() -> tuple[type[WasmtimeInstance] | None, str]:
    """The fast way, where its self-test holds in this process; else the reason."""
    try:
        from reference_host.engine.wasmtime_fast import FastInstance
    except (ImportError, AttributeError) as error:  # the binding differs
        return None, str(error)
    engine = WasmtimeEngine(Way.PLAIN)
    plain = engine.compile(guest())
    engine._instance = FastInstance
    try:
        held = list(session(engine.compile(guest()))) == list(session(plain))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a test of the fast way speaks against it
        return None, repr(error)
    return (FastInstance, "") if held else (None, "its self-test comes out otherwise")


def _config() -> wasmtime.Config:
    """Configure WebAssembly 2.0 and no more, so that every engine agrees on what a module is.

    What came later (tail calls, exceptions, several memories, 64-bit memory, threads, garbage collection) is not in the
    other engines, and a verdict must not depend on the engine.
    """
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    config.max_wasm_stack = _stack_size()
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


def _stack_size() -> int:
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


class WasmtimeModule:
    """Implements `interface.Module`."""

    validity = Validity.VALID

    def __init__(
        self,
        engine: wasmtime.Engine,
        ticker: Ticker,
        module: wasmtime.Module,
        info: ModuleInfo,
        instrumented: Instrumented,
        instance: type[WasmtimeInstance],
    ) -> None:
        self.engine = engine
        self.ticker = ticker
        self.compiled = module
        self.info = info
        self.instrumented = instrumented
        self.instance = instance
        self.types: dict[FuncType, wasmtime.FuncType] = {}

    @property
    def imports(self) -> tuple[Import, ...]:
        """See `Module.imports`."""
        return self.info.imports

    @property
    def exports(self) -> tuple[Export, ...]:
        """See `Module.exports`."""
        return self.info.exports

    def instantiate(self, imports: Sequence[HostFunction] = (), limits: Limits = Limits()) -> WasmtimeInstance:
        """See `Module.instantiate`."""
        functions = resolve(self.imports, imports)
        check_limits(self.info, limits)
        return self.instance(self, functions, limits)
