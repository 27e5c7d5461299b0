"""What a plugin takes of its host in one call: lines in the log, and memory until it is refused more.

Time and stack are bounded by the engine, and their end is a trap. These two are not: a host that takes no care is
filled up by them.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.lab.metering import MemoryMeter
from reference_host.abi.bifrost.plugin import Plugin
from reference_host.engine.interface import GrowthRefused

LOG_BASE = 65_536
LOG_PER_BYTE = 2


def most_log(given: int) -> int:
    """How many bytes a call with `given` bytes of input may write to standard output and error."""
    return LOG_BASE + LOG_PER_BYTE * given


@dataclass(frozen=True, slots=True)
class Use:
    """What was taken: bytes `logged`, and the first refusal to a plugin that took more than half of free memory."""

    logged: int = 0
    hogged: GrowthRefused | None = None

    def floods(self, given: int) -> bool:
        """Whether it is too much to write for an input of `given` bytes."""
        return self.logged > most_log(given)


NOTHING_TAKEN = Use()


class Meter:
    """Tells what the instance at work has taken since it was asked last.

    In pages: `limit` on memory, and the `minimum` that an instance starts with.
    """

    def __init__(self, plugin: Plugin, limit: int, minimum: int) -> None:
        self._plugin = plugin
        self._limit = limit
        self._minimum = minimum
        self._wasi = plugin.wasi
        self._instance = plugin.instance
        self._written = 0
        self._memory = None if plugin.instance is None else MemoryMeter(plugin.instance, limit, minimum)

    def take(self) -> Use:
        """Read the meter."""
        wasi, instance = self._plugin.wasi, self._plugin.instance
        if wasi is not self._wasi:
            self._wasi, self._written = wasi, 0
        written = 0 if wasi is None else wasi.written
        logged, self._written = written - self._written, written
        if instance is None:
            return Use(logged)
        if self._memory is None or instance is not self._instance:
            self._instance, self._memory = instance, MemoryMeter(instance, self._limit, self._minimum)
        hogged = self._memory.take()
        return Use(logged, hogged) if logged or hogged else NOTHING_TAKEN
