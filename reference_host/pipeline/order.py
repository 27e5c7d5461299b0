"""The order of plugins, from their configuration: placement, then `order`, then as they are listed.

Source: the gateway's plugin configuration, `placement` (`pre_builtin` or `post_builtin`, default the latter)
and `order` (default 0, lower first). What is built in stands between the two groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reference_host.abi.bifrost.types import HookPlugin


class Placement(StrEnum):
    """Where a plugin stands relative to what is built in."""

    PRE_BUILTIN = "pre_builtin"
    POST_BUILTIN = "post_builtin"


@dataclass(frozen=True, slots=True)
class Registration:
    """A plugin and where it wants to stand."""

    plugin: HookPlugin
    placement: Placement = Placement.POST_BUILTIN
    order: int = 0


def arrange(registrations: Iterable[Registration], builtin: Sequence[HookPlugin] = ()) -> tuple[HookPlugin, ...]:
    """The plugins in the order in which their pre hooks run."""
    ordered = sorted(registrations, key=lambda registration: registration.order)
    before = [r.plugin for r in ordered if r.placement is Placement.PRE_BUILTIN]
    after = [r.plugin for r in ordered if r.placement is Placement.POST_BUILTIN]
    return (*before, *builtin, *after)
