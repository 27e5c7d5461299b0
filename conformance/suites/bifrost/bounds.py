"""How far an experiment goes, beyond what `conformance.lab.bounds` says: fuel for a hook, repetition, canaries."""

from __future__ import annotations

from conformance.lab.bounds import FUEL, FUEL_PER_BYTE, FUEL_PER_MEMORY_BYTE
from reference_host.abi.bifrost.plugin import Budget

BUDGET = Budget(FUEL, FUEL_PER_BYTE, FUEL_PER_MEMORY_BYTE)
"""Fuel for a call."""
TRAPS_PER_HOOK = 5
"""A hook that traps so often in a session is not called again in it: the rule is broken, the rest is waiting.

One that does not come to an end is not called again at all.
"""
SLACK = 16
"""Bytes that are asked for beyond the text, as a canary."""
