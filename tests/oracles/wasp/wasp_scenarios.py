"""Scenarios for the real wasp host and for ours: their files, their guests, their short forms made explicit.

README.md beside this file tells how a scenario is written.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import wasmtime

from conformance.resources import Resource, find

HERE = Path(__file__).parent
SCENARIOS = HERE / "scenarios"
RECORDS = HERE / "records"

Table = dict[str, Any]

MEMBERS = {
    "why", "stands", "differs", "calls", "callbacks", "config", "environment", "workspace", "instances", "compilers",
    "without", "imports", "parts", "code", "wat", "plugin", "deadline", "quiet", "fixtures", "fresh", "real_only",
}  # fmt: skip
CALL = {"function", "arguments", "returns", "times", "instance", "collect"}
CALLBACK = {"namespace", "name", "parameters", "results", "answers", "panics", "calls"}
DIFFERENCE = {"stand", "in", "call", "result", "error", "guest", "memory", "callbacks", "instances", "calls"}

COMPILERS = ["Singlepass", "Cranelift"]
"""What is tried in turn; the first is the real host's own choice."""

PLUGIN = "plugin"
"""The name under which a plugin is registered."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. `script` is what the Go program takes, but for the plugin's path and the workspace's folder."""

    name: str
    topic: str
    table: Table
    script: Table

    @property
    def stands(self) -> list[str]:
        """The stands that follow a rule."""
        found: list[str] = self.table.get("stands", [])
        return found

    @property
    def differs(self) -> list[Table]:
        """The other differences between the real host and ours, each with its stand."""
        found: list[Table] = self.table.get("differs", [])
        return found

    def without(self, member: str, index: int) -> Scenario:
        """The same scenario without one of its `stands` or `differs`."""
        kept = [one for number, one in enumerate(self.table[member]) if number != index]
        return replace(self, table={**self.table, member: kept})

    @property
    def real_only(self) -> str | None:
        """Why it is not played on our host."""
        found: str | None = self.table.get("real_only")
        return found

    @property
    def authors(self) -> str | None:
        """The path of a binary within the real host's module, for one of its authors' own plugins."""
        plugin: str | None = self.table.get("plugin")
        return plugin

    @property
    def noted(self) -> bool:
        """Whether the guest itself notes what it sees; of others the hosts tell what they did with memory."""
        return self.authors is None and "fixture" not in self.table

    @property
    def workspace(self) -> dict[str, str] | None:
        """The files of the workspace, by name; `None` for no workspace."""
        found: dict[str, str] | None = self.table.get("workspace")
        return found

    def wasm(self) -> bytes:
        """The scripted guest, compiled; or one of our samples."""
        if "fixture" in self.table:
            return (find(Resource.FIXTURES) / str(self.table["fixture"])).read_bytes()
        return bytes(wasmtime.wat2wasm(self.table.get("wat") or _wat(self.table)))


@cache
def _guest() -> Table:
    return tomllib.loads((HERE / "guest.toml").read_text("utf-8"))


def _wat(table: Table) -> str:
    """The guest's parts, less those that the scenario leaves out, with its own in their place and beside them."""
    guest, left_out = _guest(), set(table.get("without", []))
    if left_out - guest["imports"].keys() - guest["parts"].keys():
        raise ValueError(f"there is no such part to leave out: {sorted(left_out)}")
    own = table.get("parts", {})
    imports = {**guest["imports"], **{name: text for name, text in own.items() if name in guest["imports"]}}
    parts = {**guest["parts"], **{name: text for name, text in own.items() if name in guest["parts"]}}
    if own.keys() - imports.keys() - parts.keys():
        raise ValueError(f"there is no such part to replace: {sorted(own)}")
    chosen = [text for name, text in imports.items() if name not in left_out]
    chosen.append(table.get("imports", ""))
    chosen += [text for name, text in parts.items() if name not in left_out]
    chosen.append(table.get("code", ""))
    return "(module\n" + "\n".join(chosen) + ")"


def load_all() -> list[Scenario]:
    """Every scenario, by topic and in the order of the files. Raises `ValueError` for a misspelt one."""
    return [scenario for path in sorted(SCENARIOS.glob("*.toml")) for scenario in load(path)]


def load(path: Path) -> Iterator[Scenario]:
    """The scenarios of one file. Raises `ValueError`."""
    for name, table in tomllib.loads(path.read_text("utf-8")).items():
        _check(table, MEMBERS, name)
        for difference in table.get("differs", []):
            _check(difference, DIFFERENCE, name)
        if "fixtures" not in table:
            yield scenario(name, path.stem, table)
        for sample in table.get("fixtures", []):
            yield scenario(f"{name}-{sample}", path.stem, {**table, "fixture": f"wasp/conforming/{sample}.wasm"})


def scenario(name: str, topic: str, table: Table) -> Scenario:
    """A scenario from its table. Raises `ValueError`."""
    return Scenario(name, topic, table, _script(table, name))


def _check(table: Table, known: set[str], where: str) -> None:
    if unknown := sorted(table.keys() - known):
        raise ValueError(f"{where}: unknown {', '.join(unknown)}")


def _script(table: Table, name: str) -> Table:
    calls = [_call(call, name) for call in table.get("calls", [])]
    instances = table.get("instances", [PLUGIN])
    if table.get("fresh"):
        instances = [PLUGIN] * len(calls)
        calls = [{**call, "instance": index} for index, call in enumerate(calls)]
    return {
        "compilers": table.get("compilers", COMPILERS),
        "config": table.get("config", ""),
        "environment": table.get("environment", {}),
        "instances": instances,
        "callbacks": [_callback(callback, name) for callback in table.get("callbacks", [])],
        "calls": calls,
    }


def _call(table: Table, where: str) -> Table:
    _check(table, CALL, where)
    return {
        "instance": table.get("instance", 0),
        "function": table["function"],
        "arguments": [_value(value) for value in table.get("arguments", [])],
        "returns": table.get("returns", "none"),
        "times": table.get("times", 1),
        "collect": table.get("collect", False),
    }


def _callback(table: Table, where: str) -> Table:
    _check(table, CALLBACK, where)
    return {
        "namespace": table.get("namespace", "env"),
        "name": table["name"],
        "parameters": table.get("parameters", []),
        "results": table.get("results", []),
        "answers": table.get("answers", ""),
        "panics": table.get("panics", ""),
        "calls": _call(table["calls"], where) if "calls" in table else None,
    }


def _value(value: Any) -> Table:
    """A text, a whole number, a list of bytes, or a table: `text` or `bytes` and `times`, or a type and its number."""
    if isinstance(value, str):
        return _many("string", value.encode(), 1)
    if isinstance(value, int):
        return {"type": "int", "value": str(value), "times": 1}
    if isinstance(value, list):
        return _many("bytes", bytes(value), 1)
    if "text" in value:
        return _many("string", value["text"].encode(), value["times"])
    if "bytes" in value:
        return _many("bytes", bytes(value["bytes"]), value["times"])
    ((kind, number),) = value.items()
    return {"type": kind, "value": str(number), "times": 1}


def _many(kind: str, data: bytes, times: int) -> Table:
    return {"type": kind, "value": data.hex(), "times": times}


def authors() -> dict[str, str]:
    """The authors' own plugins: path within the real host's module, and SHA-256."""
    return tomllib.loads((HERE / "authors.toml").read_text("utf-8"))


def stands() -> dict[str, Table]:
    """Where our host does not do what the real one does, and which requirements say so."""
    return tomllib.loads((HERE / "stands.toml").read_text("utf-8"))


def records() -> dict[str, Table]:
    """What the real host did, recorded, by scenario."""
    found: dict[str, Table] = {}
    for path in sorted(RECORDS.glob("*.json")):
        found |= json.loads(path.read_text("utf-8"))
    return found
