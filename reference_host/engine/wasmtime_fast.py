"""The fast way into wasmtime: past wasmtime-py's conversions, to the entry that takes an array of bare numbers.

Calls that a gateway makes all day (unsigned integers in and out, from outside) take one array that is made once for the
instance. Everything else about a call (what is refused, what is metered, how it ends) is shared with the plain way,
and so are calls with floats or negative numbers, which are checked first; calls from within a host function get an
array of their own, since the outer one is still in use. Memory is reached through a view that is only used after base
and size were asked for anew, in the same access.

Importing this module raises `ImportError` where the binding differs; `proved` says whether it all works.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi

from reference_host.engine import values
from reference_host.engine import wasmtime_native as native
from reference_host.engine.instance import HOST_CALL_FUEL, HOST_CALLS
from reference_host.engine.interface import FuncType, Number, ValueType
from reference_host.engine.wasmtime_host import (
    FINALIZE,
    Failed,
    Implementation,
    func_type,
    host_trap,
    register,
    registered,
)
from reference_host.engine.wasmtime_instance import WasmtimeInstance, WasmtimeMemory

_INTEGERS = {ValueType.I32: "I12x", ValueType.I64: "Q8x"}

_ROOM = 16
"""Numbers that the array of an instance has room for; functions with more of them get an array at each call."""


class Passage:
    """How the numbers of a function's type lie in the array: parameters first, results in their place afterwards."""

    __slots__ = ("array", "length", "pack", "parameters", "quick", "results", "unpack")

    def __init__(self, type_: FuncType) -> None:
        self.parameters = tuple(value.value for value in type_.parameters)
        self.results = type_.results
        cells = max(len(type_.parameters), len(type_.results))
        self.length = ctypes.c_size_t(cells)
        self.array: Any = ffi.wasmtime_val_raw_t * cells
        integers = all(value in _INTEGERS for value in (*type_.parameters, *type_.results))
        self.quick = integers and cells <= _ROOM
        self.pack = _cells(type_.parameters).pack_into
        """Raises `struct.error` for what is no unsigned integer of the type; then nothing is called."""
        self.unpack = _cells(type_.results).unpack_from


def _cells(kinds: Sequence[ValueType]) -> struct.Struct:
    return struct.Struct("<" + "".join(_INTEGERS.get(kind, "16x") for kind in kinds))


passage = lru_cache(maxsize=1_024)(Passage)
"""The passage of a type; types are few, instances many."""


def _put(cells: Any, kinds: Sequence[ValueType], numbers: Sequence[Number]) -> None:
    """Write numbers that were checked; integers are taken modulo 2^n."""
    for cell, kind, number in zip(cells, kinds, numbers, strict=False):
        setattr(cell, kind, number)


def _take(cells: Any, kinds: Sequence[ValueType]) -> list[Number]:
    """Read numbers, integers unsigned."""
    return [values.unsigned(kind, getattr(cell, kind)) for cell, kind in zip(cells, kinds, strict=False)]


@native.Callback
def _callback(number, _caller, address, count):  # type: ignore[no-untyped-def]
    function = registered(number)
    try:
        cells = (ffi.wasmtime_val_raw_t * count).from_address(address) if count else ()
        _put(cells, function.type.results, function.implementation(_take(cells, function.type.parameters)))
    except BaseException as error:  # noqa: BLE001 - no exception can pass through the guest
        function.failed(error)
        return host_trap()
    return 0


class FastMemory(WasmtimeMemory):
    """A memory that is read and written through a view."""

    __slots__ = ("_base", "_context", "_handle", "_view")

    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        super().__init__(store, memory)
        self._context = store._context()
        self._handle = ctypes.byref(memory._memory)
        self._base: int | None = None
        self._view = memoryview(b"")

    @property
    def size(self) -> int:
        """See `Memory.size`. Makes the view that of the memory as it is now; the base class asks before each access."""
        base: int | None = native.memory_base(self._context, self._handle)
        size: int = native.memory_size(self._context, self._handle)
        if base != self._base or size != len(self._view):
            self._base = base
            self._view = native.view(base, size, native.WRITABLE) if size else memoryview(b"")
        return size

    def _copy_out(self, address: int, length: int) -> bytes:
        return self._view[address : address + length].tobytes()

    def _copy_in(self, address: int, data: bytes) -> None:
        self._view[address : address + len(data)] = data


class FastInstance(WasmtimeInstance):
    """Implements `interface.Instance`; see the module."""

    def _prepare(self) -> None:
        self._context = self._store._context()
        self._instance = ffi.wasmtime_instance_t()
        self._trap_slot = ctypes.c_void_p()
        self._trap_at = ctypes.byref(self._trap_slot)
        self._word = ctypes.c_uint64()
        self._cells = ctypes.create_string_buffer(_ROOM * native.CELL)
        self._cells_at = ctypes.byref(self._cells)
        self._functions_at: dict[str, Any] = {}
        self._ready: dict[str, tuple[Any, Any, Any, Any]] = {}

    def call(self, name: str, *arguments: Number, fuel: int | None = None) -> tuple[Number, ...]:
        """See `Instance.call`."""
        ready = self._ready.get(name) or self._make_ready(name)
        if ready is not None and self._depth == 0 and self._death is None:
            function, length, pack, unpack = ready
            try:
                pack(self._cells, 0, *arguments)
            except struct.error:
                pass  # negative, or not what the function takes: looked at below
            else:
                return self._call_from_outside(function, length, unpack, self._limits.fuel if fuel is None else fuel)
        return super().call(name, *arguments, fuel=fuel)

    def _make_ready(self, name: str) -> tuple[Any, Any, Any, Any] | None:
        """Look up what a call from outside needs; None for what is no function, or takes or gives a float."""
        type_ = self._functions.get(name)
        way = None if type_ is None else passage(type_)
        if way is None or not way.quick:
            return None
        ready = self._ready[name] = (self._function_at(name), way.length, way.pack, way.unpack)
        return ready

    def _call_from_outside(self, function: Any, length: Any, unpack: Any, budget: int | None) -> tuple[Number, ...]:
        """What `_enter` does at depth 0, written out: its frames would cost half as much as the rest of a call."""
        self._host_calls_left = None if budget is None else HOST_CALLS + budget // HOST_CALL_FUEL
        self._begin(budget)
        self._depth = 1
        try:
            error = native.call(self._context, function, self._cells_at, length, self._trap_at)
            if error is not None or self._trap_slot.value is not None:
                native.fail(error, self._trap_slot)
        except BaseException as error:  # noqa: BLE001 - raised again below, as there
            failure = self._failure(error)
        else:
            answer: tuple[Number, ...] = unpack(self._cells)
            return answer
        finally:
            self._depth = 0
            if self._ticks is not None:
                self._end()
        raise failure

    def _invoke(self, name: str, type_: FuncType, arguments: list[Number]) -> tuple[Number, ...]:
        way = passage(type_)
        function = self._function_at(name)
        cells = way.array()
        _put(cells, type_.parameters, arguments)
        self._check(native.call(self._context, function, ctypes.byref(cells), way.length, self._trap_at))
        return tuple(_take(cells, type_.results))

    def _function_at(self, name: str) -> Any:
        """Where an exported function is, as the library takes it."""
        function = self._functions_at.get(name)
        if function is None:
            function = self._functions_at[name] = ctypes.byref(self._export(name).of.func)
        return function

    def _check(self, error: int | None) -> None:
        if error is not None or self._trap_slot.value is not None:
            native.fail(error, self._trap_slot)

    def _export(self, name: str) -> ffi.wasmtime_extern_t:
        text, found = name.encode(), ffi.wasmtime_extern_t()
        there = native.find_export(
            self._context, ctypes.byref(self._instance), text, ctypes.c_size_t(len(text)), ctypes.byref(found)
        )
        assert there, name
        return found

    def _instantiate(self, provided: Sequence[wasmtime.Func]) -> None:
        imports = (ffi.wasmtime_extern_t * len(provided))(*[function._as_extern() for function in provided])
        count, instance = ctypes.c_size_t(len(provided)), ctypes.byref(self._instance)
        module = self._compiled.module.ptr()
        self._check(native.new_instance(self._context, module, imports, count, instance, self._trap_at))

    def _find_memory(self, name: str) -> FastMemory:
        return FastMemory(self._store, wasmtime.Memory._from_raw(self._export(name).of.memory))

    def _watch_growth(self, name: str, refused: wasmtime.Func) -> None:
        table, value = self._export(name), ffi.wasmtime_val_t(kind=ffi.WASMTIME_FUNCREF)
        value.of.funcref = refused._func
        error = native.set_element(self._context, ctypes.byref(table.of.table), ctypes.c_uint64(0), ctypes.byref(value))
        self._check(error)

    def _function(self, type_: FuncType, implementation: Implementation, failed: Failed) -> wasmtime.Func:
        # Made once for the engine. No other thread comes between, since the interpreter's lock is held.
        types = self._machine.types
        known = types.get(type_)
        if known is None:
            known = types[type_] = func_type(type_)
        function = ffi.wasmtime_func_t()
        number = ctypes.c_void_p(register(type_, implementation, failed))
        native.new_function(self._context, known.ptr(), _callback, number, FINALIZE, ctypes.byref(function))
        return wasmtime.Func._from_raw(function)

    def _set_fuel(self, fuel: int) -> None:
        self._word.value = fuel
        native.set_fuel(self._context, self._word)

    def _set_deadline(self, ticks: int) -> None:
        self._word.value = ticks
        native.set_deadline(self._context, self._word)
