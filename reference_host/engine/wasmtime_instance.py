"""Instances of the engine `wasmtime`: what both ways into the library share, and the plain way.

The plain way uses what wasmtime-py offers to everybody; the fast one (`wasmtime_fast`) goes past it. Host functions are
attached to the C interface in either (`wasmtime_host` says why).
"""

from __future__ import annotations

import ctypes
import weakref
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import wasmtime

from reference_host.engine import values
from reference_host.engine.deadline import TICK
from reference_host.engine.instance import GuestInstance
from reference_host.engine.interface import PAGE, FuncType, HostFunction, Limits, MemoryType, Number, ValueType
from reference_host.engine.memory import BoundedMemory
from reference_host.engine.wasmtime_host import Failed, Implementation, host_function
from reference_host.engine.wasmtime_machine import reason
from reference_host.errors import LoadError, Trap, TrapCode

if TYPE_CHECKING:
    from reference_host.engine.wasmtime import WasmtimeModule

_UNLIMITED_FUEL = 2**64 - 1
_NO_DEADLINE = 2**62
"""Ticks: added to the current epoch, so half the range is left."""

_REFUSAL = FuncType((ValueType.I32, ValueType.I32))

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
        self._compiled = module.compiled
        self._machine = module.machine
        self._budget: int | None = None
        self._memory: WasmtimeMemory | None = None
        self._store = wasmtime.Store(module.machine.engine)
        # One element at least: the table that `instrument` adds.
        self._store.set_limits(memory_size=limits.memory_pages * PAGE, table_elements=max(limits.table_elements, 1))
        self._prepare()
        self._unmetered = False
        self._ticks: int | None = None
        if limits.deadline is None:
            self._set_deadline(_NO_DEADLINE)
        else:
            # One tick more than the seconds have: the first one may come at once.
            self._ticks = min(int(max(limits.deadline, 0) / TICK) + 2, _NO_DEADLINE)
        provided = [self._host_function(index, host.type) for index, host in enumerate(hosts)]
        self._start("an active segment", None, self._instantiate, provided)
        added = module.compiled.instrumented
        if added.memory is not None:
            self._memory = self._find_memory(added.memory)
        if added.refusals is not None:
            self._watch_growth(added.refusals, self._callback(_REFUSAL, _note_refusal))
        if added.start is not None:
            self._start("the start function", limits.fuel, self._invoke, added.start, FuncType(), [])

    @property
    def memory(self) -> WasmtimeMemory | None:
        """See `Instance.memory`."""
        return self._memory

    def fuel_used(self) -> int | None:
        """See `Instance.fuel_used`."""
        return None if self._budget is None else self._budget - self._store.get_fuel()

    # --- what a way says ---------------------------------------------------------------------------------------------

    @abstractmethod
    def _prepare(self) -> None:
        """Make ready what belongs to the new store."""

    @abstractmethod
    def _instantiate(self, provided: Sequence[wasmtime.Func]) -> None:
        """Make the instance in the store."""

    @abstractmethod
    def _find_memory(self, name: str) -> WasmtimeMemory:
        """The memory that is exported as `name`."""

    @abstractmethod
    def _watch_growth(self, name: str, refused: wasmtime.Func) -> None:
        """Put a function into the table that `instrument` added."""

    @abstractmethod
    def _function(self, type_: FuncType, implementation: Implementation, failed: Failed) -> wasmtime.Func:
        """Make a function of the store, see `wasmtime_host.host_function`."""

    @abstractmethod
    def _set_fuel(self, fuel: int) -> None:
        """Give the store so much fuel."""

    @abstractmethod
    def _set_deadline(self, ticks: int) -> None:
        """Let the guest run so many ticks from now."""

    # --- what both ways share ----------------------------------------------------------------------------------------

    def _begin(self, budget: int | None) -> None:
        self._budget = budget
        if budget is not None:
            self._set_fuel(budget if 0 <= budget <= _UNLIMITED_FUEL else min(max(budget, 0), _UNLIMITED_FUEL))
            self._unmetered = False
        elif not self._unmetered:  # once is enough: nothing ever uses it up
            self._set_fuel(_UNLIMITED_FUEL)
            self._unmetered = True
        if self._ticks is not None:
            self._set_deadline(self._ticks)
            self._machine.ticker.enter()

    def _end(self) -> None:
        if self._ticks is not None:
            self._machine.ticker.leave()

    def _trap(self, error: BaseException) -> BaseException:
        if isinstance(error, wasmtime.Trap):
            code = error.trap_code
            return Trap(_CODES.get(code, TrapCode.HOST) if code is not None else TrapCode.HOST)
        if isinstance(error, wasmtime.WasmtimeError):
            return LoadError(f"wasmtime cannot run the module here: {reason(error)}")
        return error

    def _memories(self) -> Sequence[MemoryType]:
        return self._compiled.info.memories

    def _host_function(self, index: int, type_: FuncType) -> wasmtime.Func:
        return self._callback(type_, lambda instance, arguments: instance._call_host(index, arguments))

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

        return self._function(
            type_, lambda arguments: run(instance(), arguments), lambda error: instance()._abort(error)
        )


def _note_refusal(instance: WasmtimeInstance, arguments: Sequence[Number]) -> Sequence[Number]:
    size, delta = arguments
    instance._refused(int(size), int(delta))
    return ()


class PlainInstance(WasmtimeInstance):
    """The way that wasmtime-py offers: slower, and nothing else."""

    _exports: Mapping[str, object]

    def _prepare(self) -> None:
        self._exports = {}

    def _instantiate(self, provided: Sequence[wasmtime.Func]) -> None:
        self._exports = wasmtime.Instance(self._store, self._compiled.module, provided).exports(self._store)

    def _find_memory(self, name: str) -> WasmtimeMemory:
        memory = self._exports[name]
        assert isinstance(memory, wasmtime.Memory)
        return WasmtimeMemory(self._store, memory)

    def _watch_growth(self, name: str, refused: wasmtime.Func) -> None:
        table = self._exports[name]
        assert isinstance(table, wasmtime.Table)
        table.set(self._store, 0, refused)

    def _function(self, type_: FuncType, implementation: Implementation, failed: Failed) -> wasmtime.Func:
        return host_function(self._store, type_, implementation, failed)

    def _set_fuel(self, fuel: int) -> None:
        self._store.set_fuel(fuel)

    def _set_deadline(self, ticks: int) -> None:
        self._store.set_epoch_deadline(ticks)

    def _invoke(self, name: str, type_: FuncType, arguments: list[Number]) -> tuple[Number, ...]:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        answer = function(self._store, *arguments)
        answers = () if answer is None else answer if isinstance(answer, list) else (answer,)
        return tuple([values.unsigned(kind, value) for kind, value in zip(type_.results, answers, strict=True)])
