"""A pywasm machine that is metered, bounded, and can be entered again from a host function.

pywasm offers one place where something happens for every instruction: it calls `pywasm.log.debugln` there. The loop
runs here in a private copy whose `pywasm.log` is the meter; the library itself is not touched.

Source: WebAssembly Core Specification 2.0, sections 4.2 (runtime structure) and 4.4 (instructions).
"""

from __future__ import annotations

import time
import types
from collections.abc import Callable
from typing import Any

import pywasm

from reference_host.engine.binary import ModuleInfo
from reference_host.engine.instrument import GROWTH_FUEL, REFUSAL_FUEL
from reference_host.engine.interface import MAX_PAGES, PAGE, Limits
from reference_host.engine.pywasm_mend import CanonicalValue
from reference_host.errors import Trap, TrapCode

MAX_FRAMES = 1_024
"""Frames of one call into the guest: pywasm's own limit."""

MAX_VALUES = 500_000
"""Operands and locals of all frames together: each takes some 300 bytes, and a function can have 50,000 locals."""

CLOCK_INTERVAL = 2_000
"""Units of fuel between two looks at the clock: some three milliseconds."""

_UNLIMITED = 2**64


class _Memory(pywasm.MemInst):  # type: ignore[misc] # pywasm has no types
    data: bytearray
    size: int

    def grow(self, n: int) -> None:
        """Grow without a limit: it is held by the machine."""
        self.data.extend(bytes(n * PAGE))
        self.size += n


class _Store(pywasm.core.Store):  # type: ignore[misc]
    def allocate_memory(self, type: Any) -> int:  # noqa: A002 - the library's name
        self.mems.append(_Memory(type))
        return len(self.mems) - 1

    def allocate_data(self, data: bytearray) -> int:
        """Copy the segment: `data.drop` would empty it for every later instance of the module."""
        address: int = super().allocate_data(bytearray(data))
        return address


class _Meter:
    """Counts fuel; apart from the machine, so that the loop does not refer back to it."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0

    def count(self, _prefix: str, instruction: Any) -> None:
        self.used += instruction.cost


class Machine(pywasm.Machine):  # type: ignore[misc]
    """One machine for one instance; `refused(size, delta)` hears of the guest's `memory.grow` that answers -1."""

    stack: Any
    store: Any

    def __init__(self, info: ModuleInfo, limits: Limits, refused: Callable[[int, int], None]) -> None:
        super().__init__()
        self.store = _Store()
        self.bulk = 0
        """The length of the bulk instruction that runs."""
        self._meter = _Meter()
        self._loop: Callable[[Machine], None] = pywasm.Machine.evaluate
        self._budget = _UNLIMITED
        self._deadline: float | None = None
        self._stop = _UNLIMITED  # the fuel at which to look closer: at the budget, or at the clock
        self._refused = refused
        own = info.memories[0].maximum if info.memories else None
        self._max_pages = min(MAX_PAGES if own is None else own, limits.memory_pages)
        self._max_elements = [
            min(2**32 - 1 if table.maximum is None else table.maximum, limits.table_elements) for table in info.tables
        ]

    # --- entering the guest ------------------------------------------------------------------------------------------

    def prepare(self, module: Any, externs: list[Any]) -> Any:
        """Instantiate: active segments cost nothing; everything after them is metered."""
        instance = self.instance(module, externs)
        self._loop = _metered(self._meter)
        return instance

    def enter(self, address: int, arguments: list[Any]) -> list[Any]:
        """Run an exported function; each entry has a stack of its own, since pywasm expects an empty one."""
        function = self.store.func[address]
        if function.kind != 0x00:  # an import that is exported again
            answers = function.hostcode(self, [argument.into_all() for argument in arguments])
            return [
                pywasm.ValInst.from_all(kind, answer) for kind, answer in zip(function.type.rets, answers, strict=True)
            ]
        outer, self.stack = self.stack, pywasm.core.Stack()
        try:
            self._meter.used += 1
            self.check()
            results: list[Any] = self.invocate(address, arguments)
            return results
        finally:
            self.stack = outer

    def evaluate(self) -> None:
        """See `pywasm.Machine.evaluate`."""
        self._loop(self)

    def evaluate_call(self, addr: int) -> None:
        """See `pywasm.Machine.evaluate_call`; bounds the stack and meters the entry of a function."""
        function = self.store.func[addr]
        if function.kind == 0x00:
            stack = self.stack
            if len(stack.frame) >= MAX_FRAMES or self._values(function) > MAX_VALUES:
                raise Trap(TrapCode.STACK_EXHAUSTED)
            self._meter.used += 1
            self.check()
        super().evaluate_call(addr)

    def _values(self, function: Any) -> int:
        """Count what the stack would hold; only frames of functions with many locals are worth the count."""
        values = len(self.stack.value)
        if function.code.locals_count > MAX_VALUES // MAX_FRAMES:
            values += function.code.locals_count + sum(len(frame.locals.data) for frame in self.stack.frame)
        return values

    def evaluate_br(self, target: Any) -> None:
        """See `pywasm.Machine.evaluate_br`; a target that is a function is a mended instruction."""
        if not isinstance(target, int):
            target(self)
            return
        loop = self.stack.label[-1 - target].carry & 1 == 0
        super().evaluate_br(target)
        if loop:
            self.check()

    # --- metering ----------------------------------------------------------------------------------------------------

    @property
    def used(self) -> int:
        """Fuel that the current or last call from outside used."""
        return self._meter.used

    def begin(self, budget: int | None, deadline: float | None) -> None:
        """Start to meter a call from outside: fuel, and seconds."""
        self._meter.used = 0
        self._budget = _UNLIMITED if budget is None else budget
        self._deadline = None if deadline is None else time.monotonic() + deadline
        self._look_again()

    def _look_again(self) -> None:
        self._stop = self._budget
        if self._deadline is not None:
            self._stop = min(self._budget, self._meter.used + CLOCK_INTERVAL)

    def check(self) -> None:
        """Trap where the budget or the time is used up; called at function entries and loop heads, as wasmtime does."""
        if self._meter.used < self._stop:
            return
        if self._meter.used >= self._budget:
            raise Trap(TrapCode.FUEL_EXHAUSTED)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise Trap(TrapCode.DEADLINE)
        self._look_again()

    def charge(self, fuel: int) -> None:
        """Take fuel for an instruction that costs its length, and check at once."""
        self._meter.used += fuel
        self.check()

    # --- memory and tables -------------------------------------------------------------------------------------------

    def grow_memory(self, delta: int) -> int:
        """Grow within the limit and the memory's own maximum: the former size in pages, or -1."""
        memory = self.store.mems[0]
        size: int = memory.size
        if size + delta > self._max_pages:
            return -1
        try:
            memory.grow(delta)
        except MemoryError:
            return -1
        return size

    def guest_grows_memory(self, delta: int) -> int:
        """Run `memory.grow`, at what it costs on wasmtime with the additions of `instrument`."""
        before, after = GROWTH_FUEL
        self._meter.used += 1
        self.check()
        self._meter.used += before
        size = self.grow_memory(delta)
        if size < 0:
            self._meter.used += REFUSAL_FUEL
            self._refused(self.store.mems[0].size, delta)
        else:
            self.charge(delta)
        self._meter.used += after
        return size

    def fill_memory(self, start: int, byte: int, length: int) -> None:
        """Run `memory.fill`."""
        data = self.store.mems[0].data
        if start + length > len(data):
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS)
        data[start : start + length] = bytes((byte,)) * length
        self.charge(length)

    def grow_table(self, index: int, delta: int, value: Any, flat: int) -> int:
        """Run `table.grow`; the index is the module's, and tables are never imported; `flat` is for a refusal."""
        table = self.store.tabl[index]
        size: int = table.size
        if size + delta > self._max_elements[index]:
            self._meter.used += flat
            return -1
        table.elem.extend([value] * delta)
        table.size += delta
        self.charge(delta)
        return size


def _metered(meter: _Meter) -> Callable[[Machine], None]:
    """Copy pywasm's loop: its code, with names of our own where `pywasm.log` and `ValInst` are looked up."""
    shim = types.ModuleType("pywasm")
    shim.__dict__.update(vars(pywasm))
    shim.__dict__["log"] = types.SimpleNamespace(debugln=meter.count)
    names = {**vars(pywasm.core), "pywasm": shim, "ValInst": CanonicalValue}
    # A code object of its own: what the interpreter learns about names while it runs is kept there.
    return types.FunctionType(pywasm.Machine.evaluate.__code__.replace(), names)
