"""How far an experiment goes: fuel, time; the word for one that cannot be made, and the one for what was seen."""

from __future__ import annotations

from dataclasses import dataclass

START_FUEL = 200_000_000
"""Fuel for instantiation: whole runtimes start up here. Used up before the deadline even by the slowest engine."""
DEADLINE = 900.0
"""Seconds; far above what the fuel takes on the slowest engine. Where it fires nobody is to blame but the machine."""
COPIES = 8
"""How often a body or a value must fit into memory at least: as it comes in, what a decoder makes of it (UTF-16 in some
languages), what goes out, and the text around both."""

FUEL = 20_000_000
"""Fuel for any guest call."""
FUEL_PER_BYTE = 10_000
"""For each byte of input: about ten times what decoders compiled by TinyGo were seen to need, `encoding/json` too."""
FUEL_PER_MEMORY_BYTE = 64
"""For each byte of memory: a collection of a heap that fills it."""


def call_fuel(size: int, memory: int) -> int:
    """Fuel for a guest call with `size` bytes of input, in an instance whose memory has `memory` bytes."""
    return FUEL + FUEL_PER_BYTE * size + FUEL_PER_MEMORY_BYTE * memory


class Blocked(Exception):
    """The calls that a rule wants to see cannot be made. `not_tested`: it is not the plugin's fault."""

    def __init__(self, reason: str, *, not_tested: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.not_tested = not_tested


@dataclass(frozen=True, slots=True)
class Fault:
    """How a call breaks a rule: what the contract expects, what was seen, and how an author mends it."""

    expected: str
    got: str
    hint: str
