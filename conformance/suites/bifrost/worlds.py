"""What in an answer comes from the plugin's world, the clocks and random numbers: it may differ from call to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reference_host.abi.bifrost.jsontext import decode_object
from reference_host.abi.bifrost.plugin import Plugin
from reference_host.abi.interface import Json
from reference_host.errors import HookError, LoadError
from reference_host.wasi import WasiConfig

from .calls import Call
from .lab import Lab
from .messages import marked
from .messages.leaves import Place, leaves

WORLDS = (
    WasiConfig(),
    WasiConfig(seed=7, realtime_start=1_830_000_123_456_789_000, monotonic_start=98_765_432_109, clock_step=7_654_321),
    WasiConfig(seed=8, realtime_start=1_900_123_456_987_654_000, monotonic_start=12_345_678_901, clock_step=2_345_678),
)
"""The usual one, and two where all clocks and random numbers are others."""


def alike(lab: Lab, one: Call, other: Call) -> bool:
    """Whether two answers to one message are equal, apart from what the plugin's world decides."""
    if one.exchange.output == other.exchange.output:
        return True
    if one.document is None or other.document is None or one.message is None:
        return False
    mine, theirs = _values(one.document), _values(other.document)
    if mine == theirs:
        return True
    answers = [_answer(lab, one.export, _documents(lab, one), world) for world in WORLDS]
    if any(answer is None for answer in answers):
        return False
    usual, *others = [_values(answer or {}) for answer in answers]
    chance = {place for place in usual if any(usual[place] != values.get(place) for values in others)}
    return mine.keys() == theirs.keys() and all(mine[place] == theirs[place] for place in mine.keys() - chance)


def _documents(lab: Lab, call: Call) -> list[bytes]:
    assert call.message is not None
    return [marked(document, call.mark) for document in call.message.documents(lab.revision)]


def _answer(lab: Lab, hook: str, documents: Sequence[bytes], world: WasiConfig) -> dict[str, Json] | None:
    plugin = Plugin(lab.module, replace(lab.new_plugin().settings, wasi=world))
    try:
        plugin.start()
        plugin.init()
        return decode_object(hook, plugin.exchange(hook, documents).output or b"")[0]
    except (LoadError, HookError):
        return None


def _values(document: dict[str, Json]) -> dict[Place, object]:
    # As text, NaN is equal to NaN; but there are integers that are too long to be written.
    return {place: value if isinstance(value, int) else repr(value) for place, value in leaves(document)}
