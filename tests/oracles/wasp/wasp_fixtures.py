"""Every wasp plugin that this project ships, on the real host and on ours in its profile, side by side.

Nothing is recorded. The calls are the examples of the plugin's functions file, each on an instance of its own, and one
call of what has no example. Faulty plugins do what no scenario would: where the real host panics, hangs or dies, ours
has to fail somehow, and where the guest is aborted, or something is not given back, memory is left out.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

from wasp_expected import expected
from wasp_ours import play
from wasp_real import play_all
from wasp_scenarios import HERE, Scenario, Table, scenario

from conformance.resources import Resource, find
from reference_host.abi.wasp import Profile

DEADLINE = 10
SAMPLES: dict[str, Any] = {
    "string": "Nic", "bytes": [1, 2, 3], "i32": 3, "i64": {"i64": 3}, "f32": {"f32": 3.5}, "f64": {"f64": 3.5},
}  # fmt: skip


def fixtures() -> list[Scenario]:
    """A scenario for each shipped plugin that has a functions file."""
    folder = find(Resource.FIXTURES)
    entries = json.loads((folder / "manifest.json").read_text("utf-8"))
    return [
        _scenario(entry["path"], tomllib.loads((folder / entry["functions"]).read_text("utf-8")))
        for entry in entries
        if entry["system"] == "wasp" and "functions" in entry
    ]


def _scenario(path: str, functions: Table) -> Scenario:
    callbacks = []
    for key, callback in functions.get("callbacks", {}).items():
        namespace, _, name = key.partition(".")
        results = [] if callback["result"] == "none" else [callback["result"]]
        answers = callback.get("answers", "0" if results == ["i32"] else "")
        callbacks.append({
            "namespace": namespace, "name": name, "parameters": callback["parameters"], "results": results,
            "answers": bytes(answers).decode() if isinstance(answers, list) else str(answers),
        })  # fmt: skip
    table = {
        "fixture": path, "fresh": True, "deadline": DEADLINE, "callbacks": callbacks,
        "calls": [call for name, one in functions.get("functions", {}).items() for call in _calls(name, one)],
    }  # fmt: skip
    return scenario(path, "fixtures", table)


def _calls(name: str, function: Table) -> Iterator[Table]:
    given = [example["arguments"] for example in function.get("examples", [])]
    for arguments in given or [[SAMPLES[type_] for type_ in function["parameters"]]]:
        typed = [
            {type_: value} if type_ in ("i64", "f32", "f64") and not isinstance(value, dict) else value
            for type_, value in zip(function["parameters"], arguments, strict=True)
        ]
        yield {"function": name, "arguments": typed, "returns": function["result"]}


def known() -> dict[str, dict[str, str]]:
    """The stand of each function of a shipped plugin about which the hosts do not agree, by the plugin's path."""
    return tomllib.loads((HERE / "fixtures.toml").read_text("utf-8"))


def compare_fixtures() -> tuple[list[str], int]:
    """What the two hosts do otherwise and should not, a line for each function; and how many calls were compared.

    Raises `CouldNotRun`.
    """
    found, stands = fixtures(), known()
    records = play_all(found)
    lines, compared = [], 0
    for one in found:
        differences, count = _compare(one, records[one.name])
        expected_to_differ = stands.get(one.name, {})
        lines += [f"{one.name}: {name}: {what}" for name, what in differences.items() if name not in expected_to_differ]
        lines += [
            f"{one.name}: {name}: no difference any more" for name in expected_to_differ.keys() - differences.keys()
        ]
        compared += count
    return lines, compared


def _compare(one: Scenario, record: Table) -> tuple[dict[str, str], int]:
    real, ours = expected(one, record, Profile.WASP_0_0_8), play(one, Profile.WASP_0_0_8, one.wasm())
    if [real["registered"], real["instances"]] != [ours["registered"], ours["instances"]]:
        loaded = f"{real['registered']} {real['instances']}, not {ours['registered']} {ours['instances']}"
        return {"": loaded}, 0
    # Where the real host died or hung, it answered no more.
    pairs = list(zip(one.script["calls"], real["calls"], ours["calls"], strict=False))
    differences = {
        call["function"]: f"{json.dumps(wanted)}, not {json.dumps(got)}"
        for call, wanted, got in pairs
        if not _agree(wanted, got)
    }
    return differences, len(pairs)


def _agree(real: Table, ours: Table) -> bool:
    if real.get("error") == "panic":
        return "error" in ours
    aborted = str(real.get("error", "")).startswith(("trap", "exit"))
    memory = [real.get("memory", []), ours.get("memory", [])]
    if aborted or any(event[0] == "not freed" for events in memory for event in events):
        real, ours = ({name: value for name, value in one.items() if name != "memory"} for one in (real, ours))
    return real == ours
