"""Inputs that lie where former ones lay: a plugin that kept a pointer takes the one for the other.

It reads nothing that the host has overwritten then, but what the host has written there since, so that no answer
changes with what the host does to buffers that are its own again. What shows instead is the word of another call. The
plugin that shows none where every input has a place of its own has kept a pointer; one that shows it all the same has
kept a copy, which is a fault of another kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from conformance.lab.bounds import Fault
from reference_host.abi.bifrost.plugin import Plugin
from reference_host.abi.bifrost.revisions import Revision
from reference_host.errors import HookError, LoadError

from .calls import Call
from .messages import MARK, marked, marks_in
from .ownership import Breach, Part, Probe


def foreign(call: Call) -> set[str]:
    """The words of other calls in an answer. One that an earlier hook put into the context came with this call."""
    words = marks_in(call.exchange.output or b"", call.document) - {call.mark}
    if words and call.message is not None:
        words -= marks_in(json.dumps(call.message.context).encode()) - {MARK}
    return words


def mistaken(calls: Sequence[Call], revision: Revision, new_plugin: Callable[[], Plugin]) -> dict[str, Breach]:
    """Find the functions that take one input for another because both lay at one place.

    `calls` were made one after the other; `new_plugin` makes a plugin ready whose host gives no input back.
    """
    # Halves that are wrong point anywhere: at what another call has left, for one.
    misplaced = {call.export for call in calls if call.is_misplaced}
    first: dict[str, Call] = {}
    for call in calls:
        if call.document is None or call.message is None or call.export in first.keys() | misplaced:
            continue
        if _may_be_foreign(call) and foreign(call):
            first[call.export] = call
    if not first:
        return {}
    kept: set[str] = set()
    try:
        plugin = new_plugin()
        for call in calls:
            sent = () if call.message is None else call.message.documents(revision)
            exchange = plugin.exchange(call.export, [marked(text, call.mark) for text in sent])
            if call.message is not None and marks_in(exchange.output or b"") - {call.mark}:
                kept.add(call.export)
            if call is list(first.values())[-1]:
                break
    except (LoadError, HookError):
        return {}
    return {name: _breach(call) for name, call in first.items() if name not in kept}


def _may_be_foreign(call: Call) -> bool:
    """Whether it is worth looking: thousands of answers are looked at."""
    output = call.exchange.output or b""
    return output.count(MARK[:5].encode()) > output.count(call.mark.encode())


def _breach(call: Call) -> Breach:
    fault = Fault(
        "an answer to the input of this call",
        f"{min(foreign(call))}, which came with another call whose input lay at the same place",
        "copy what is needed after the call: the host gives the buffer back, and writes the next input there",
    )
    return Breach(str(Part.INPUT), Probe(call.case, call.export), call.exchange.arguments, None, fault)
