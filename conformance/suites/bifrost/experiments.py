"""Experiments with whole lives of a plugin: what each step takes of the host, and one request in two instances.

An experiment runs once for each lab, on instances of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from reference_host.abi.bifrost.contract import START_FUNCTIONS
from reference_host.abi.bifrost.revisions import START_TYPE
from reference_host.engine.interface import FuncType
from reference_host.errors import HookError, InitRefused, LoadError

from .bounds import BUDGET
from .lab import Lab
from .metering import Use

T = TypeVar("T")

ALLOCATOR = ("malloc", "free")
"""The cases of `life` that are the allocator's."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of a life that is no hook: what it took, with `given` bytes of input."""

    case: str
    export: str
    use: Use
    given: int = 0


@lru_cache(maxsize=4)
def life(lab: Lab) -> tuple[Moment, ...]:
    """Start, the allocator once, `init`, `cleanup`: each as far as it comes. Raises `Blocked`."""
    lab.require_started()
    plugin = lab.new_plugin()
    meter = lab.meter(plugin)
    moments: list[Moment] = []

    def step(case: str, export: str, act: Callable[[], T], given: int = 0) -> T | None:
        if plugin.instance is not None and not plugin.instance.alive:
            return None
        try:
            done = act()
        except (LoadError, HookError):
            # That it failed is the business of other rules, whatever it took.
            return None
        moments.append(Moment(case, export, meter.take(), given))
        return done

    step("start", _start_function(lab), plugin.start)
    pair = plugin.pair
    if pair is not None:
        size = 64
        buffer = step("malloc", pair.malloc, lambda: plugin.heap.borrow(size, None, BUDGET.fuel(size)), size)
        if pair.free is not None and buffer is not None:
            step("free", pair.free, lambda: plugin.heap.hand_back(buffer, BUDGET.fuel(size)))
    if lab.init_failure is None or isinstance(lab.init_failure, InitRefused):
        step("init", "init", plugin.init, len(lab.subject.config or b""))
    if lab.init_failure is None and isinstance(lab.ending, int):
        # Not by `Plugin.cleanup`, which lets the instance go before the meter is read.
        step("cleanup", "cleanup", lambda: plugin.heap.plain_status("cleanup", BUDGET.fuel(0)))
    return tuple(moments)


def _start_function(lab: Lab) -> str:
    types = {export.name: export.type for export in lab.module.exports if isinstance(export.type, FuncType)}
    return next((name for name in START_FUNCTIONS if types.get(name) == START_TYPE), "start")
