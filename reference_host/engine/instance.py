"""What every engine's instances have in common: calls, host functions, re-entrance, and what happens after a trap.

An engine derives from `GuestInstance` and says how to enter the guest; all rules of the seam are kept here, once.

Source: WebAssembly Core Specification 2.0, sections 4.2.4 (module instances) and 7.1.6 (invocation by the embedder).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from reference_host.engine import values
from reference_host.engine.interface import MAX_PAGES, FuncType, GrowthRefused, HostFunction, Limits, MemoryType, Number
from reference_host.errors import CallError, StartFailed, Trap, TrapCode

if TYPE_CHECKING:
    from reference_host.engine.interface import Module
    from reference_host.engine.memory import BoundedMemory

MAX_REENTRANCE = 40
"""How deep calls from outside may nest, host to guest to host to guest: each level takes some of the host's stack."""

HOST_CALLS = 100
HOST_CALL_FUEL = 1_000
"""A budget of fuel allows so many calls of host functions, and one more for each helping of so much fuel.

A guest that does little but call the host ends too, and soon. These calls are counted apart from instructions, so that
the count is the same on every engine.
"""

MAX_REFUSALS = 1_000
"""How many refusals of `memory.grow` are remembered; the guest must not be able to flood the host."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


class GuestInstance(ABC):
    """Implements `interface.Instance`; not to be used from two threads at once."""

    def __init__(self, module: Module, hosts: Sequence[HostFunction], limits: Limits) -> None:
        self._module = module
        self._hosts = tuple(hosts)
        self._limits = limits
        self._functions = {export.name: export.type for export in module.exports if isinstance(export.type, FuncType)}
        self._refusals: list[GrowthRefused] = []
        self._depth = 0
        self._host_calls_left: int | None = None
        self._pending: BaseException | None = None
        self._death: BaseException | None = None

    # --- the seam ----------------------------------------------------------------------------------------------------

    @property
    def module(self) -> Module:
        """See `Instance.module`."""
        return self._module

    @property
    @abstractmethod
    def memory(self) -> BoundedMemory | None:
        """See `Instance.memory`."""

    @property
    def growth_refused(self) -> Sequence[GrowthRefused]:
        """See `Instance.growth_refused`."""
        return tuple(self._refusals)

    @property
    def alive(self) -> bool:
        """See `Instance.alive`."""
        return self._death is None

    def call(self, name: str, *arguments: Number, fuel: int | None = None) -> tuple[Number, ...]:
        """See `Instance.call`."""
        type_ = self._functions.get(name)
        if type_ is None:
            raise CallError(f"no function is exported as {name!r}")
        if self._death is not None:
            raise CallError(f"{name} cannot be called: the instance was aborted before ({self._death})")
        if not values.crosses(type_):
            raise CallError(f"{name} has type {type_}: vectors and references do not cross the seam")
        numbers = values.arguments(name, type_, arguments)
        budget = self._limits.fuel if fuel is None else fuel
        return self._enter(budget, self._invoke, name, type_, numbers)

    @abstractmethod
    def fuel_used(self) -> int | None:
        """See `Instance.fuel_used`."""

    # --- what an engine says -----------------------------------------------------------------------------------------

    @abstractmethod
    def _invoke(self, name: str, type_: FuncType, arguments: list[Number]) -> tuple[Number, ...]:
        """Run an exported function: arguments and results unsigned. Whatever it raises is given to `_trap`."""

    @abstractmethod
    def _begin(self, budget: int | None) -> None:
        """Start to meter a call from outside: fuel, and `Limits.deadline`."""

    @abstractmethod
    def _end(self) -> None:
        """Stop metering."""

    @abstractmethod
    def _trap(self, error: BaseException) -> BaseException:
        """Say what an exception of the engine's library means; one that is not the library's is given back as it is."""

    # --- what every engine shares ------------------------------------------------------------------------------------

    def _enter(self, budget: int | None, run: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Enter the guest; calls that a host function makes share the metering of the outermost one."""
        outermost = self._depth == 0
        if self._depth >= MAX_REENTRANCE:
            self._death = Trap(TrapCode.STACK_EXHAUSTED)
            raise self._death
        if outermost:
            self._host_calls_left = None if budget is None else HOST_CALLS + budget // HOST_CALL_FUEL
            self._begin(budget)
        self._depth += 1
        try:
            return run(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - raised again below, outside of this block, so that its context stays
            failure = self._failure(error)
        finally:
            self._depth -= 1
            if outermost:
                self._end()
        raise failure

    def _failure(self, error: BaseException) -> BaseException:
        pending, self._pending = self._pending, None
        if pending is not None:
            failure = pending
        elif isinstance(error, RecursionError):
            failure = Trap(TrapCode.STACK_EXHAUSTED)
        elif isinstance(error, Trap):
            failure = error
        else:
            failure = self._trap(error)
        if not (isinstance(failure, Trap) and failure.code is TrapCode.EXIT):
            self._death = failure
        return failure

    def _start(self, what: str, budget: int | None, run: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run a part of instantiation; a trap in it is `StartFailed`.

        Segments have no budget: their work is bounded by the size of the module, and what an engine counts for it is
        its own affair.
        """
        try:
            return self._enter(budget, run, *args, **kwargs)
        except Trap as trap:
            failure = StartFailed(what, trap)
        raise failure

    def _call_host(self, index: int, arguments: Sequence[Number]) -> list[Number]:
        """Call the host function of the import `index`; what it raises goes through the guest and comes out."""
        function = self._hosts[index]
        type_ = function.type
        try:
            self._charge_host_call()
            numbers = [values.unsigned(kind, value) for kind, value in zip(type_.parameters, arguments, strict=True)]
            answer = function.implementation(self, *numbers)
            results = values.host_results(f"{function.module}.{function.name}", type_, answer)
        except BaseException as error:
            self._abort(error)
            raise
        if self._death is not None:
            # A call back into the guest was aborted, and the host function went on regardless: the guest cannot.
            self._abort(self._death)
            raise self._death
        return results

    def _charge_host_call(self) -> None:
        """Count a call of a host function. Raises `Trap` where the budget allows no more."""
        if self._host_calls_left is None:
            return
        if self._host_calls_left == 0:
            raise Trap(TrapCode.FUEL_EXHAUSTED)
        self._host_calls_left -= 1

    def _abort(self, error: BaseException) -> None:
        """Remember why the guest's execution is about to end; the first reason counts."""
        if self._pending is None:
            self._pending = error

    def _refused(self, size: int, delta: int) -> None:
        """Note that `memory.grow` answered -1; pages."""
        if len(self._refusals) < MAX_REFUSALS:
            own = next((memory.maximum for memory in self._memories() if memory.maximum is not None), None)
            limit = min(MAX_PAGES if own is None else own, self._limits.memory_pages)
            self._refusals.append(GrowthRefused(size, delta % 2**32, limit))

    @abstractmethod
    def _memories(self) -> Sequence[MemoryType]:
        """The types of the module's memories."""
