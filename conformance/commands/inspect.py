"""`hookproof inspect`: what is in a file. Nothing of it is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from conformance.commands.options import abi_option, plugin_argument, revision_option
from conformance.errors import NoKnownSystem
from conformance.judging.terms import format_memory, identify, read_plugin
from conformance.text import printable
from reference_host.abi.interface import ModuleSummary
from reference_host.engine.binary import ModuleInfo, read_module
from reference_host.errors import UnknownRevision

_EXAMPLES = """\b
Examples:
  hookproof inspect plugin.wasm
  hookproof inspect plugin.wasm --json
"""


@click.command(name="inspect", epilog=_EXAMPLES)
@plugin_argument
@abi_option
@revision_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(plugin: str, abi: str | None, revision: str | None, as_json: bool) -> int:
    """Tell what is in a file: exports, imports, memory, toolchain, and which plugin system recognises it, and why.

    PLUGIN is a WebAssembly core module. It is not run.
    """
    binary = read_plugin(plugin)
    facts = inspect(plugin, binary, read_module(binary), abi, revision)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return 0
    for line in _lines(facts):
        click.echo(line)
    return 0


def inspect(path: str, binary: bytes, info: ModuleInfo, abi: str | None, revision: str | None) -> dict[str, Any]:
    """Gather the facts, as JSON values. Raises `UsageError` for an unknown system or revision."""
    facts: dict[str, Any] = {
        "name": printable(Path(path).name),
        "sha256": hashlib.sha256(binary).hexdigest(),
        "size": len(binary),
        "abi": None,
        "revision": None,
        "detection": None,
        "warnings": [],
        "facts": {},
    }
    try:
        system, detection = identify(info, abi)
    except NoKnownSystem as error:
        facts["detection"] = str(error)
    else:
        if revision is not None and revision not in system.revisions:
            known = ", ".join(system.revisions)
            raise UnknownRevision(f"{system.name} has no revision {revision!r}, it has: {known}")
        chosen = revision or detection.revision
        told = system.facts(ModuleSummary(info.imports, info.exports), chosen)
        facts |= {
            "abi": system.name,
            "revision": chosen,
            "detection": printable(detection.reason),
            "warnings": list(detection.warnings),
            "facts": {printable(name): printable(value) for name, value in told.items()},
        }
    return facts | {
        "memory": [{"minimum": each.minimum, "maximum": each.maximum} for each in info.memories],
        "start": info.has_start,
        "producers": {printable(key): [printable(v) for v in values] for key, values in info.producers.items()},
        "custom_sections": [printable(name) for name in info.custom_sections],
        "exports": [{"name": printable(each.name), "type": str(each.type)} for each in info.exports],
        "imports": [
            {"module": printable(each.module), "name": printable(each.name), "type": str(each.type)}
            for each in info.imports
        ],
    }


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    def row(label: str, value: str) -> str:
        return f"{label:<16}{value}"

    yield row("file", f"{facts['name']}, {facts['size']:,} bytes")
    yield row("sha256", facts["sha256"])
    if facts["abi"] is None:
        yield row("plugin", f"none: {facts['detection']}")
    else:
        yield row("plugin", f"{facts['abi']} {facts['revision']} ({facts['detection']})")
    for warning in facts["warnings"]:
        yield row("warning", warning)
    for name, value in facts["facts"].items():
        yield row(name, value)
    for memory in facts["memory"] or [None]:
        yield row("memory", "none" if memory is None else _memory(memory))
    yield row("start function", "yes" if facts["start"] else "none")
    for key, values in facts["producers"].items():
        yield row(key, ", ".join(values))
    if facts["custom_sections"]:
        yield row("custom sections", ", ".join(facts["custom_sections"]))
    yield f"exports ({len(facts['exports'])})"
    width = max((len(each["name"]) for each in facts["exports"]), default=0)
    yield from (f"  {each['name']:<{width}}  {each['type']}" for each in facts["exports"])
    yield f"imports ({len(facts['imports'])})"
    names = [f"{each['module']}.{each['name']}" for each in facts["imports"]]
    width = max(map(len, names), default=0)
    yield from (f"  {name:<{width}}  {each['type']}" for name, each in zip(names, facts["imports"], strict=True))


def _memory(memory: dict[str, int | None]) -> str:
    minimum, maximum = memory["minimum"] or 0, memory["maximum"]
    upper = "no maximum" if maximum is None else f"at most {maximum} ({format_memory(maximum)})"
    return f"{minimum} pages ({format_memory(minimum)}), {upper}"
