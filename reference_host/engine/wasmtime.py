"""The engine `wasmtime`: compiled to machine code by Cranelift, through wasmtime-py.

Nothing of the library is seen above the seam. A module is compiled with the additions of `instrument`; its imports and
exports are those of the module as it was given.
"""

from __future__ import annotations

import ctypes
import re
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import wasmtime

from reference_host.engine import values
from reference_host.engine.binary import ModuleInfo, read_module
from reference_host.engine.deadline import TICK, Ticker
from reference_host.engine.instance import GuestInstance
from reference_host.engine.instrument import Instrumented, instrument
from reference_host.engine.interface import (
    PAGE,
    Export,
    FuncType,
    HostFunction,
    Import,
    Limits,
    MemoryType,
    Number,
    Validity,
    ValueType,
)
from reference_host.engine.linking import check_limits, resolve
from reference_host.engine.memory import BoundedMemory
from reference_host.engine.wasmtime_host import host_function
from reference_host.errors import InvalidModule, LoadError, Trap, TrapCode, UnsupportedModule

_UNLIMITED_FUEL = 2**64 - 1
_NO_DEADLINE = 2**62  # ticks: added to the current epoch, so half the range is left

_CODES = {
    wasmtime.TrapCode.STACK_OVERFLOW: TrapCode.STACK_EXHAUSTED,
    wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS: TrapCode.MEMORY_OUT_OF_BOUNDS,
    wasmtime.TrapCode.TABLE_OUT_OF_BOUNDS: TrapCode.TABLE_OUT_OF_BOUNDS,
    wasmtime.TrapCode.INDIRECT_CALL_TO_NULL: TrapCode.UNINITIALIZED_ELEMENT,
    wasmtime.TrapCode.BAD_SIGNATURE: TrapCode.INDIRECT_CALL_TYPE_MISMATCH,
    wasmtime.TrapCode.INTEGER_OVERFLOW: TrapCode.INTEGER_OVERFLOW,
    wasmtime.TrapCode.INTEGER_DIVISION_BY_ZERO: TrapCode.DIVIDE_BY_ZERO,
    wasmtime.TrapCode.BAD_CONVERSION_TO_INTEGER: TrapCode.INVALID_CONVERSION,
    wasmtime.TrapCode.UNREACHABLE: TrapCode.UNREACHABLE,
    wasmtime.TrapCode.INTERRUPT: TrapCode.DEADLINE,
    wasmtime.TrapCode.OUT_OF_FUEL: TrapCode.FUEL_EXHAUSTED,
}

# How the validator speaks of what it knows but was told to refuse.
_NOT_ENABLED = re.compile(r"not enabled|must be enabled|not supported|proposal")


class WasmtimeEngine:
    """Implements `interface.Engine`."""

    name = "wasmtime"
    quick_only: str | None = None
    validates = True

    def __init__(self) -> None:
        self.version = version("wasmtime")
        self._engine = wasmtime.Engine(_config())
        self._ticker = Ticker(self._engine.increment_epoch)

    def validate(self, binary: bytes) -> None:
        """See `Engine.validate`."""
        read_module(binary)
        self._validate(binary)

    def _validate(self, binary: bytes) -> None:
        try:
            wasmtime.Module.validate(self._engine, binary)
        except wasmtime.WasmtimeError as error:
            reason = _reason(error)
            failure = UnsupportedModule(reason) if _NOT_ENABLED.search(reason) else InvalidModule(reason)
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
            failure = UnsupportedModule(f"wasmtime cannot compile it: {_reason(error)}")
        else:
            return WasmtimeModule(self._engine, self._ticker, module, info, instrumented)
        raise failure


def _reason(error: wasmtime.WasmtimeError) -> str:
    """The last line of the library's message: the innermost cause."""
    return str(error).strip().splitlines()[-1].strip()


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
    ) -> None:
        self.engine = engine
        self.ticker = ticker
        self.compiled = module
        self.info = info
        self.instrumented = instrumented

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
        return WasmtimeInstance(self, functions, limits)


class WasmtimeMemory(BoundedMemory):
    """Base and size are asked for at every access: any guest call can move or grow the memory."""

    __slots__ = ("_memory", "_owner")

    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._owner = store
        self._memory = memory

    @property
    def size(self) -> int:
        """See `Memory.size`."""
        return self._memory.data_len(self._owner)

    def _address(self, address: int) -> int:
        return ctypes.addressof(self._memory.data_ptr(self._owner).contents) + address

    def _copy_out(self, address: int, length: int) -> bytes:
        if length >= 1 << 31:  # more than the C int that `string_at` takes
            return bytes((ctypes.c_ubyte * length).from_address(self._address(address)))
        return ctypes.string_at(self._address(address), length)

    def _copy_in(self, address: int, data: bytes) -> None:
        ctypes.memmove(self._address(address), bytes(data), len(data))

    def _grow(self, delta: int) -> int:
        try:
            return self._memory.grow(self._owner, delta)
        except wasmtime.WasmtimeError:
            return -1


class WasmtimeInstance(GuestInstance):
    """Implements `interface.Instance`: a store with one instance in it."""

    def __init__(self, module: WasmtimeModule, hosts: Sequence[HostFunction], limits: Limits) -> None:
        super().__init__(module, hosts, limits)
        self._compiled = module
        self._budget: int | None = None
        self._memory: WasmtimeMemory | None = None
        self._store = wasmtime.Store(module.engine)
        # One element at least: the table that `instrument` adds.
        self._store.set_limits(memory_size=limits.memory_pages * PAGE, table_elements=max(limits.table_elements, 1))
        provided = [self._host_function(index, host.type) for index, host in enumerate(hosts)]
        self._exports = self._start("an active segment", None, self._instantiate, provided)
        added = module.instrumented
        if added.memory is not None:
            memory = self._exports[added.memory]
            assert isinstance(memory, wasmtime.Memory)
            self._memory = WasmtimeMemory(self._store, memory)
        if added.refusals is not None:
            self._watch_growth(added.refusals)
        if added.start is not None:
            self._start("the start function", limits.fuel, self._function(added.start), self._store)

    @property
    def memory(self) -> WasmtimeMemory | None:
        """See `Instance.memory`."""
        return self._memory

    def fuel_used(self) -> int | None:
        """See `Instance.fuel_used`."""
        return None if self._budget is None else self._budget - self._store.get_fuel()

    def _instantiate(self, provided: Sequence[wasmtime.Func]) -> Mapping[str, object]:
        return wasmtime.Instance(self._store, self._compiled.compiled, provided).exports(self._store)

    def _function(self, name: str) -> wasmtime.Func:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        return function

    def _invoke(self, name: str, type_: FuncType, arguments: list[Number]) -> tuple[Number, ...]:
        answer = self._function(name)(self._store, *arguments)
        answers = () if answer is None else answer if isinstance(answer, list) else (answer,)
        return tuple([values.unsigned(kind, value) for kind, value in zip(type_.results, answers, strict=True)])

    def _begin(self, budget: int | None) -> None:
        self._budget = budget
        self._store.set_fuel(_UNLIMITED_FUEL if budget is None else min(max(budget, 0), _UNLIMITED_FUEL))
        deadline = self._limits.deadline
        if deadline is None:
            self._store.set_epoch_deadline(_NO_DEADLINE)
        else:
            # One tick more than the seconds have: the first one may come at once.
            self._store.set_epoch_deadline(min(int(max(deadline, 0) / TICK) + 2, _NO_DEADLINE))
            self._compiled.ticker.enter()

    def _end(self) -> None:
        if self._limits.deadline is not None:
            self._compiled.ticker.leave()

    def _trap(self, error: BaseException) -> BaseException:
        if isinstance(error, wasmtime.Trap):
            code = error.trap_code
            return Trap(_CODES.get(code, TrapCode.HOST) if code is not None else TrapCode.HOST)
        if isinstance(error, wasmtime.WasmtimeError):
            return LoadError(f"wasmtime cannot run the module here: {_reason(error)}")
        return error

    def _memories(self) -> Sequence[MemoryType]:
        return self._compiled.info.memories

    def _host_function(self, index: int, type_: FuncType) -> wasmtime.Func:
        return self._callback(type_, lambda instance, arguments: instance._call_host(index, arguments))

    def _watch_growth(self, table: str) -> None:
        def refused(instance: WasmtimeInstance, arguments: Sequence[Number]) -> Sequence[Number]:
            size, delta = arguments
            instance._refused(int(size), int(delta))
            return ()

        refusals = self._exports[table]
        assert isinstance(refusals, wasmtime.Table)
        refusals.set(self._store, 0, self._callback(FuncType((ValueType.I32, ValueType.I32)), refused))

    def _callback(
        self, type_: FuncType, run: Callable[[WasmtimeInstance, Sequence[Number]], Sequence[Number]]
    ) -> wasmtime.Func:
        # The library holds what it calls until the store goes. A strong reference to the instance (or to a host
        # function, which may well refer to it) would keep the store, and its gigabytes of address space, for ever.
        reference = weakref.ref(self)

        def instance() -> WasmtimeInstance:
            found = reference()
            assert found is not None, "an instance outlives the calls into it"
            return found

        return host_function(
            self._store, type_, lambda arguments: run(instance(), arguments), lambda error: instance()._abort(error)
        )
