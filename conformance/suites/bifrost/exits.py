"""Whether an instance is of any use after its `_start` has exited.

Where one function still works, one that does not is at fault itself, and has rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reference_host.abi.bifrost.plugin import Plugin
from reference_host.errors import HookError, InitRefused

from .bounds import SLACK


def dead_after_exit(started: Callable[[], Plugin]) -> HookError | None:
    """What the first function traps with, where `_start` ended with `proc_exit(0)` and no function works afterwards.

    `started` makes a plugin whose start-up function ran; each function is tried on one of its own. None where there is
    nothing to try. Raises what `started` raises.
    """
    plugin = started()
    if not plugin.exited:
        return None
    first: HookError | None = None
    for attempt in _attempts(plugin):
        try:
            attempt(started())
        except HookError as failure:
            first = first or failure
        except InitRefused:
            return None
        else:
            return None
    return first


def _attempts(plugin: Plugin) -> Iterator[Callable[[Plugin], object]]:
    if "get_name" in plugin.exports:
        yield _ask_name
    if plugin.pair is not None:
        yield lambda other: other.heap.borrow(SLACK, None, other.fuel(SLACK))
    if "init" in plugin.exports:
        yield Plugin.init
    if "cleanup" in plugin.exports:
        yield lambda other: other.heap.plain_status("cleanup", other.fuel(0))


def _ask_name(plugin: Plugin) -> None:
    exchange = plugin.exchange("get_name")
    if exchange.raw is None and exchange.failure is not None:
        raise exchange.failure
