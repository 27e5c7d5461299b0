"""What our host should do, worked out from what the real host did: the same, but for the stands that a scenario names.

Both hosts' failures are put into the same words; the wording of messages is left out, but for the guest's own texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from wasp_scenarios import Scenario, Table

from reference_host.abi.wasp import Profile

TRAPS = {
    "unreachable": "unreachable",
    "integer divide by zero": "divide-by-zero",
    "out of bounds memory access": "out-of-bounds-memory",
    "memory out of bounds: data segment does not fit": "out-of-bounds-memory",
    "integer overflow": "integer-overflow",
    "invalid conversion to integer": "invalid-conversion",
    "undefined element: out of bounds table access": "out-of-bounds-table",
    "uninitialized element": "uninitialized-element",
    "indirect call type mismatch": "indirect-call-type-mismatch",
    "call stack exhausted": "stack-exhausted",
}

WORDS = [
    (r"function .*, does not exist in plugin: ", "no such function"),
    (
        r"plugin imports the function (?P<name>\S+) from the namespace (?P<module>\S+) but",
        "no callback {module}.{name}",
    ),
    (r"unable to call function: (Missing|Given|Argument) ", "arguments"),
    (r"unable to call function: only String and Int32 ", "callback"),
    (r"unable to call function: WASI exited with code: (?P<code>\d+)", "exit {code}"),
    (r"unable to call function: (?P<trap>.*)", "trap: {trap}"),
    (r"(unable to set string in module memory|unable to get allocate function|error calling allocate)", "allocation"),
    (r"unable to get string from instance memory: unable to get the size", "string size"),
    (r"unable to get string from instance memory: Unable to read", "out of bounds"),
    (r"output parameters can only be", "result type"),
    (r"plugin \S+, not found", "no such plugin"),
    (r"could not detect a WASI version", "import"),
    (r"unable to create a new instance of the plugin: (Missing import|Error while importing)", "import"),
    (r"unable to create a new instance of the plugin: Host env initialization error: ", "no memory"),
    (r"unable to create a new instance of the plugin: (?P<trap>.*)", "trap: {trap}"),
    (r"unable to instantiate WASM module", "module"),
]


class Unknown(Exception):
    """The real host said something that no pattern here knows."""


def expected(scenario: Scenario, record: Table, profile: Profile) -> Table:
    """What our host should do in that profile. Raises `Unknown`."""
    found = _compared(deepcopy(record), noted=scenario.noted)
    for name in scenario.stands:
        rule, profiles = RULES[name]
        if profile in profiles:
            for call, recorded in zip(found["calls"], record["calls"], strict=True):
                rule(call, recorded)
    for difference in scenario.differs:
        if profile in difference.get("in", list(Profile)):
            _differ(found, difference)
    return found


def _compared(record: Table, *, noted: bool) -> Table:
    """The record in the words of both hosts; of a plugin that notes nothing, what the log tells."""
    last = record["registered"][-1]
    found: Table = {"registered": word(last) if last.keys() > {"compiler"} else None}
    found["instances"] = [_answer(instance, noted) for instance in record["instances"]]
    found["calls"] = [_answer(call, noted) for call in record["calls"]]
    found |= {name: record[name] for name in ("stdout", "files", "end") if name in record}
    return found


def _answer(call: Table, noted: bool) -> Table:
    found: Table = {name: call[name] for name in ("function", "times", "result", "callbacks") if name in call}
    if "error" in call or "panic" in call:
        found["error"] = word(call)
    if "callbacks" in found:
        found["callbacks"] = [_inner(event) for event in found["callbacks"]]
    if "guest" in call and noted:
        found["guest"] = call["guest"]
    if "host" in call and not noted:
        found["memory"] = [
            event[: 2 if event[0] == "not freed" else 3] for event in call["host"] if "read" not in event[0]
        ]
    return found


def _inner(event: list[Any]) -> list[Any]:
    return [event[0], _answer(event[1], True)] if event[0] == "inner call" else event


def word(failure: Table) -> Any:
    """A failure of the real host's, in one word. Raises `Unknown`."""
    if "panic" in failure:
        return "panic"
    if failure["class"] == "*errors.errorString":
        return {"raised": failure["error"]}
    for pattern, found in WORDS:
        if match := re.match(pattern, failure["error"], re.DOTALL):
            parts = match.groupdict()
            if "trap" in parts and parts["trap"] not in TRAPS:
                break
            return found.format(**{**parts, "trap": TRAPS.get(parts.get("trap", ""))})
    raise Unknown(failure["error"])


def _differ(found: Table, difference: Table) -> None:
    if "calls" in difference:
        # The whole course: the real host did not get so far.
        found["registered"] = None
        found["instances"] = difference["instances"]
        found["calls"] = difference["calls"]
        found.pop("end", None)
    if "call" in difference:
        call = found["calls"][difference["call"]]
        if "error" in difference:
            call.pop("result", None)
            call["error"] = difference["error"]
        if "result" in difference:
            call.pop("error", None)
            call["result"] = None if difference["result"] == "none" else difference["result"]
        for name in ("guest", "memory", "callbacks"):
            if difference.get(name) == []:
                call.pop(name, None)
            elif name in difference:
                call[name] = difference[name]


Rule = Callable[[Table, Table], None]
"""Changes what is expected of a call, by the record of that call."""


def _sizes(call: Table, record: Table) -> None:
    """A string of the guest's is given back with its terminator."""
    read = {pointer: size for kind, pointer, size, *_ in record.get("host", []) if kind == "string read"}
    for event in [*call.get("guest", []), *call.get("memory", [])]:
        if event[0] in ("deallocate", "freed") and read.get(event[1]) == event[2]:
            event[2] += 1


def _keeping(kept: Callable[[int], bool]) -> Rule:
    """Addresses that are not given back."""

    def rule(call: Table, _record: Table) -> None:
        if "guest" in call:
            call["guest"] = [event for event in call["guest"] if event[0] != "deallocate" or not kept(event[1])]
            if not call["guest"]:
                del call["guest"]

    return rule


STATIC = range(1024, 2048)
"""Where the scripted guest has its data."""

RULES: Mapping[str, tuple[Rule, Sequence[Profile]]] = {
    "sizes": (_sizes, [Profile.DEFAULT]),
    "static": (_keeping(lambda pointer: pointer in STATIC), [Profile.DEFAULT]),
    "zero": (_keeping(lambda pointer: pointer == 0), [Profile.DEFAULT]),
}
"""Stands that follow a rule, and in which profiles they differ from the real host."""
