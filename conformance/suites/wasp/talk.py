"""Conversations with a plugin: calls, on a new instance where the last one was lost, and stand-ins for callbacks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from conformance.lab.bounds import call_fuel
from conformance.lab.metering import MemoryMeter
from reference_host.abi.wasp import Callbacks, HeapPolicy, Signature, Type
from reference_host.abi.wasp.callbacks import RAISE_ERROR
from reference_host.abi.wasp.functions import Function
from reference_host.engine.interface import FuncType, Import, Module, ValueType

from .calls import Call
from .holding import asked_for
from .sizes import HANDED_OUT
from .values import Sending

if TYPE_CHECKING:
    from .lab import Lab

LONGEST = 2**30
"""Bytes of a result that are taken: a plugin that answers with what it was given has to be heard."""
PLAIN = HeapPolicy(strip_terminator=True, longest=LONGEST)
"""A terminator that is counted breaks one rule, and no other."""


class Talk:
    """Calls to one plugin, on a new instance where the last one was lost."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.instances = 0
        # One that takes strings back by their length alone is spared what it does not take.
        spared = lab.returns.demands_length
        self._policy = replace(PLAIN, withheld=frozenset(HANDED_OUT)) if spared else PLAIN
        self._renew()

    def _renew(self) -> None:
        self.instance = self._lab.new_instance(self._policy)
        self.instances += 1
        assert self.instance.instance is not None
        self._meter = MemoryMeter(self.instance.instance, self._lab.subject.memory_pages, self._lab.minimum)
        self._meter.take()

    def call(self, case: str, function: Function, sending: Sending) -> Call:
        """Make a call. Raises what loading raises, where a new instance is needed."""
        if not self.instance.alive:
            self._renew()
        guest = self.instance.instance
        assert guest is not None
        memory = 0 if guest.memory is None else guest.memory.size
        exchange = self.instance.exchange(
            function.name, sending.arguments, asked_for(function), fuel=call_fuel(sending.size, memory)
        )
        call = Call(case, function, sending, exchange, self._meter.take())
        if call.hogged is not None:
            self._renew()
        return call


def may_be_callback(item: Import) -> bool:
    """Whether a host could define what is imported: a function of numbers and pointers, that is no one's yet."""
    type_ = item.type
    return (
        isinstance(type_, FuncType)
        and not item.module.startswith("wasi_")
        and (item.module, item.name) not in (RAISE_ERROR, ("env", "abort"))
        and all(each is ValueType.I32 for each in (*type_.parameters, *type_.results))
        and len(type_.results) <= 1
    )


def stand_ins(module: Module) -> Callbacks:
    """A callback for each import that may be one; it answers 0, or nothing."""
    callbacks = Callbacks()
    for item in module.imports:
        if may_be_callback(item) and isinstance(item.type, FuncType):
            result = Type.I32 if item.type.results else Type.NONE
            answer = partial(_answer, 0 if item.type.results else None)
            signature = Signature((Type.I32,) * len(item.type.parameters), result)
            callbacks.add_callback(item.module, item.name, answer, signature)
    return callbacks


def _answer(answer: int | None, *_arguments: object) -> int | None:
    return answer
