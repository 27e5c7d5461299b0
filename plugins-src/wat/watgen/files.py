"""From plugins to files: the text under `plugins-src/wat/`, the module and its entry under `fixtures/`."""

from __future__ import annotations

import hashlib
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import wasmtime

from watgen import (
    faulty_behaviour,
    faulty_exports,
    faulty_inputs,
    faulty_late,
    faulty_lifecycle,
    faulty_members,
    faulty_memory,
    faulty_ownership,
    faulty_resources,
    faulty_start,
    faulty_state,
    faulty_text,
    unusual,
    unusual_answers,
    unusual_inputs,
    unusual_memory,
    unusual_state,
)
from watgen.base import HOOKS, base
from watgen.plugin import Plugin, render

COMMAND = "python plugins-src/wat/build.py"
SOURCES = "plugins-src/wat"
TABLES = (
    faulty_exports,
    faulty_lifecycle,
    faulty_memory,
    faulty_late,
    faulty_ownership,
    faulty_text,
    faulty_members,
    faulty_inputs,
    faulty_behaviour,
    faulty_resources,
    faulty_state,
    faulty_start,
    unusual,
    unusual_memory,
    unusual_answers,
    unusual_state,
    unusual_inputs,
)


def all_plugins() -> list[Plugin]:
    """Every plugin, the bases first. Raises `ValueError` where a name stands twice."""
    made = [base(revision) for revision in HOOKS]
    for table in TABLES:
        made.extend(table.plugins())
    names = Counter(plugin.name for plugin in made)
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise ValueError(f"these names stand twice: {', '.join(twice)}")
    return made


def folder(plugin: Plugin) -> str:
    """Choose the folder of a plugin's files by whether it breaks a requirement."""
    return "faulty" if plugin.breaks else "unusual"


def source_path(plugin: Plugin) -> str:
    """Give the text's path, relative to the repository."""
    return f"{SOURCES}/{folder(plugin)}/{plugin.name}.wat"


def fixture_path(plugin: Plugin) -> str:
    """Give the module's path, relative to `fixtures/`."""
    return f"bifrost/{folder(plugin)}/{plugin.name}.wasm"


def files(root: Path, plugins: list[Plugin]) -> tuple[dict[Path, bytes], list[dict[str, object]]]:
    """Every file's path and bytes, and the manifest's entries."""
    contents: dict[Path, bytes] = {}
    entries: list[dict[str, object]] = []
    for plugin in plugins:
        text = render(plugin)
        try:
            binary = bytes(wasmtime.wat2wasm(text))
        except wasmtime.WasmtimeError as broken:
            raise ValueError(f"{plugin.name}: {broken}") from broken
        contents[root / source_path(plugin)] = text.encode()
        contents[root / "fixtures" / fixture_path(plugin)] = binary
        entries.append(entry(plugin, binary))
    return contents, entries


def entry(plugin: Plugin, binary: bytes) -> dict[str, object]:
    """Write the manifest's entry of one plugin; `warnings` are the codes that it deserves, if any.

    `scope` is there where a fault shows at scope `full` only, `config` where the plugin needs one.
    """
    described: dict[str, object] = {
        "path": fixture_path(plugin),
        "kind": "faulty" if plugin.breaks else "conforming",
        "system": "bifrost",
        "revision": plugin.revision,
        "language": "wat",
        "toolchain": f"wasmtime {version('wasmtime')} (wat2wasm)",
        "command": COMMAND,
        "source": source_path(plugin),
        "sha256": hashlib.sha256(binary).hexdigest(),
        "breaks": plugin.breaks,
        "description": plugin.title,
    }
    if plugin.scope != "quick":
        described["scope"] = plugin.scope
    if plugin.config is not None:
        described["config"] = plugin.config
    if plugin.warnings:
        described["warnings"] = list(plugin.warnings)
    return described
