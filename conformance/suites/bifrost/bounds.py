"""How far an experiment goes: fuel, time, repetition; and the word for one that cannot be made."""

from __future__ import annotations

from reference_host.abi.bifrost.plugin import Budget

BUDGET = Budget(base=20_000_000, per_byte=10_000, per_memory_byte=64)
"""Fuel for a call: for each byte about ten times what plugins of TinyGo were seen to need, with `encoding/json` for the
input, and for the memory with a collection of a heap that fills it."""
START_FUEL = 200_000_000
"""Fuel for instantiation: whole runtimes start up here. Used up before the deadline even by the slowest engine."""
DEADLINE = 900.0
"""Seconds; far above what the fuel takes on the slowest engine. Where it fires nobody is to blame but the machine."""
TRAPS_PER_HOOK = 5
"""A hook that traps so often in a session is not called again in it: the rule is broken, the rest is waiting.

One that does not come to an end is not called again at all.
"""
SLACK = 16
"""Bytes that are asked for beyond the text, as a canary."""


class Blocked(Exception):
    """The calls that a rule wants to see cannot be made. `not_tested`: it is not the plugin's fault."""

    def __init__(self, reason: str, *, not_tested: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.not_tested = not_tested
