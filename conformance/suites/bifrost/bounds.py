"""How far an experiment goes, beyond what `conformance.lab.bounds` says: fuel for a hook, repetition, canaries."""

from __future__ import annotations

from reference_host.abi.bifrost.plugin import Budget

BUDGET = Budget(base=20_000_000, per_byte=10_000, per_memory_byte=64)
"""Fuel for a call: for each byte about ten times what plugins of TinyGo were seen to need, with `encoding/json` for the
input, and for the memory with a collection of a heap that fills it."""
TRAPS_PER_HOOK = 5
"""A hook that traps so often in a session is not called again in it: the rule is broken, the rest is waiting.

One that does not come to an end is not called again at all.
"""
SLACK = 16
"""Bytes that are asked for beyond the text, as a canary."""
