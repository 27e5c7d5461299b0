"""The engine `wasmtime`: machine code, through the plain API of wasmtime-py.

Nothing of the library is seen above the seam. Host functions are wrapped, so that whatever a Python function raises comes out of
`Instance.call` as it is.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import wasmtime

from reference_host.engine import values
from reference_host.engine.binary import ModuleInfo, read_module
from reference_host.engine.interface import (
    PAGE,
    Engine,
    Export,
    FuncType,
    GrowthRefused,
    HostFunction,
    Import,
    Limits,
    Number,
    Validity,
    ValueType,
)
from reference_host.engine.linking import check_memory, resolve
from reference_host.errors import CallError, InvalidModule, MemoryAccessError, StartFailed, Trap, TrapCode

MAX_STACK = 2 * 1024 * 1024
_NO_FUEL_LIMIT = 2**64 - 1
_NO_DEADLINE = 2**62
TICK = 0.01

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

_VALUE_TYPES = {
    ValueType.I32: wasmtime.ValType.i32,
    ValueType.I64: wasmtime.ValType.i64,
    ValueType.F32: wasmtime.ValType.f32,
    ValueType.F64: wasmtime.ValType.f64,
}


class WasmtimeEngine:
    """Compiles with Cranelift; validates."""

    name = "wasmtime"
    quick_only: str | None = None
    validates = True

    def __init__(self) -> None:
        self.version = version("wasmtime")
        config = wasmtime.Config()
        config.consume_fuel = True
        config.epoch_interruption = True
        config.max_wasm_stack = MAX_STACK
        config.cranelift_nan_canonicalization = True
        self._engine = wasmtime.Engine(config)
        self._ticker = _Ticker(self._engine)

    def compile(self, binary: bytes) -> WasmtimeModule:
        """See `Engine.compile`."""
        info = read_module(binary)
        try:
            module = wasmtime.Module(self._engine, binary)
        except wasmtime.WasmtimeError as error:
            raise InvalidModule(str(error).splitlines()[-1].strip()) from None
        return WasmtimeModule(self._engine, self._ticker, module, info)


class _Ticker:
    """Advances the epoch while a call with a deadline runs; the thread ends when it was idle for a while."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._running = 0
        self._thread: threading.Thread | None = None

    def enter(self) -> None:
        with self._lock:
            self._running += 1
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._tick, name="hookproof-epoch", daemon=True)
                self._thread.start()

    def leave(self) -> None:
        with self._lock:
            self._running -= 1

    def _tick(self) -> None:
        idle = 0
        pause = threading.Event()
        while True:
            pause.wait(TICK)
            self._engine.increment_epoch()
            with self._lock:
                idle = 0 if self._running else idle + 1
                if idle > 50:
                    self._thread = None
                    return


class WasmtimeModule:
    """A module compiled to machine code."""

    validity = Validity.VALID

    def __init__(
        self, engine: wasmtime.Engine, ticker: _Ticker, module: wasmtime.Module, info: ModuleInfo
    ) -> None:
        self._engine = engine
        self._ticker = ticker
        self._module = module
        self.info = info

    @property
    def imports(self) -> tuple[Import, ...]:
        """See `Module.imports`."""
        return self.info.imports

    @property
    def exports(self) -> tuple[Export, ...]:
        """See `Module.exports`."""
        return self.info.exports

    def instantiate(
        self, imports: Sequence[HostFunction] = (), limits: Limits = Limits()
    ) -> WasmtimeInstance:
        """See `Module.instantiate`."""
        functions = resolve(self.imports, imports)
        check_memory(self.info, limits)
        return WasmtimeInstance(self, functions, limits)


class WasmtimeMemory:
    """A linear memory; base and size are asked for at every access, since any guest call can move or grow it."""

    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._store = store
        self._memory = memory

    @property
    def size(self) -> int:
        """See `Memory.size`."""
        return self._memory.data_len(self._store)

    def _address(self, address: int, length: int) -> int:
        size = self.size
        if address < 0 or length < 0 or address + length > size:
            raise MemoryAccessError(address, length, size)
        return ctypes.addressof(self._memory.data_ptr(self._store).contents) + address if length else 0

    def read(self, address: int, length: int) -> bytes:
        """See `Memory.read`."""
        base = self._address(address, length)
        return bytes((ctypes.c_ubyte * length).from_address(base)) if length else b""

    def write(self, address: int, data: bytes) -> None:
        """See `Memory.write`."""
        base = self._address(address, len(data))
        if data:
            ctypes.memmove(base, bytes(data), len(data))

    def grow(self, delta: int) -> int:
        """See `Memory.grow`."""
        try:
            return self._memory.grow(self._store, delta)
        except wasmtime.WasmtimeError:
            return -1


class WasmtimeInstance:
    """A store with one instance in it."""

    def __init__(self, module: WasmtimeModule, functions: Sequence[HostFunction], limits: Limits) -> None:
        self.module = module
        self.limits = limits
        self.alive = True
        self.memory: WasmtimeMemory | None = None
        self.growth_refused: list[GrowthRefused] = []
        self._depth = 0
        self._budget: int | None = None
        self._pending: BaseException | None = None
        self._store = wasmtime.Store(module._engine)
        self._store.set_limits(memory_size=limits.memory_pages * PAGE, table_elements=limits.table_elements)
        provided = [self._host_function(function) for function in functions]
        self._instance: wasmtime.Instance | None = None
        try:
            self._instance = self._run(
                limits.fuel, lambda: wasmtime.Instance(self._store, module._module, provided)
            )
        except Trap as trap:
            raise StartFailed("the start function", trap) from None
        self._functions: dict[str, tuple[wasmtime.Func, FuncType]] = {}
        exports = self._instance.exports(self._store)
        for export in module.exports:
            item = exports[export.name]
            if isinstance(export.type, FuncType) and isinstance(item, wasmtime.Func):
                self._functions[export.name] = (item, export.type)
            elif isinstance(item, wasmtime.Memory) and (self.memory is None or export.name == "memory"):
                self.memory = WasmtimeMemory(self._store, item)

    def call(self, name: str, *arguments: Number, fuel: int | None = None) -> tuple[Number, ...]:
        """See `Instance.call`."""
        if not self.alive:
            raise CallError(f"{name} cannot be called: the instance has trapped")
        if name not in self._functions:
            raise CallError(f"no function is exported as {name!r}")
        function, type_ = self._functions[name]
        if not values.crosses(type_):
            raise CallError(f"{name} has type {type_}: vectors and references do not cross the seam")
        numbers = values.arguments(name, type_, arguments)
        budget = self.limits.fuel if fuel is None else fuel
        answer = self._run(budget, lambda: function(self._store, *numbers))
        answers = () if answer is None else answer if isinstance(answer, list) else (answer,)
        return tuple(
            values.unsigned(result, value) for result, value in zip(type_.results, answers, strict=True)
        )

    def fuel_used(self) -> int | None:
        """See `Instance.fuel_used`."""
        return None if self._budget is None else self._budget - self._store.get_fuel()

    def _run(self, budget: int | None, execute: Any) -> Any:
        outermost = self._depth == 0
        if outermost:
            self._budget = budget
            self._store.set_fuel(_NO_FUEL_LIMIT if budget is None else budget)
            self._arm()
        self._depth += 1
        try:
            return execute()
        except BaseException as error:
            self.alive = False
            pending, self._pending = self._pending, None
            if pending is not None:
                raise pending from None
            if isinstance(error, wasmtime.Trap):
                raise _trap(error) from None
            if isinstance(error, wasmtime.WasmtimeError):
                raise Trap(TrapCode.HOST, str(error)) from None
            raise
        finally:
            self._depth -= 1
            if outermost and self.limits.deadline is not None:
                self.module._ticker.leave()

    def _arm(self) -> None:
        deadline = self.limits.deadline
        if deadline is None:
            self._store.set_epoch_deadline(_NO_DEADLINE)
        else:
            self._store.set_epoch_deadline(int(deadline / TICK) + 2)
            self.module._ticker.enter()

    def _host_function(self, function: HostFunction) -> wasmtime.Func:
        type_ = function.type
        name = f"{function.module}.{function.name}"

        def implementation(*arguments: Number) -> Any:
            try:
                numbers = [
                    values.unsigned(t, value) for t, value in zip(type_.parameters, arguments, strict=True)
                ]
                results = values.host_results(name, type_, function.implementation(self, *numbers))
            except BaseException as error:
                self._pending = error
                raise
            return None if not results else results[0] if len(results) == 1 else results

        func_type = wasmtime.FuncType(
            [_VALUE_TYPES[value]() for value in type_.parameters],
            [_VALUE_TYPES[value]() for value in type_.results],
        )
        return wasmtime.Func(self._store, func_type, implementation)


def _trap(error: wasmtime.Trap) -> Trap:
    code = error.trap_code
    return Trap(_CODES.get(code, TrapCode.HOST) if code is not None else TrapCode.HOST)


_: type[Engine] = WasmtimeEngine
