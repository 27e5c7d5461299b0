"""Conversations with a plugin: calls, on a new instance where the last one was lost, and stand-ins for callbacks."""

from __future__ import annotations

from dataclasses import replace

from conformance.lab.bounds import call_fuel
from conformance.lab.metering import MemoryMeter
from reference_host.abi.wasp.functions import Function

from .calls import Call
from .holding import asked_for
from .loading import PLAIN, Plugin
from .sizes import HANDED_OUT
from .values import Sending


class Talk:
    """Calls to one plugin, on a new instance where the last one was lost."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self.instances = 0
        # One that takes strings back by their length alone is spared what it does not take.
        spared = plugin.returns.demands_length
        self._policy = replace(PLAIN, withheld=frozenset(HANDED_OUT)) if spared else PLAIN
        self._renew()

    def _renew(self) -> None:
        self.instance = self._plugin.new_instance(self._policy)
        self.instances += 1
        assert self.instance.instance is not None
        self._meter = MemoryMeter(self.instance.instance, self._plugin.subject.memory_pages, self._plugin.minimum)
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
