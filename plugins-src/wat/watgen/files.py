"""From plugins to files: the text under `plugins-src/wat/`, the module and its entry under `fixtures/`."""

from __future__ import annotations

import hashlib
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import wasmtime
from waspgen import faulty_allocator, faulty_calls, faulty_module, faulty_values, functions
from waspgen import faulty_ownership as faulty_ownership_wasp
from waspgen import unusual as unusual_wasp
from waspgen.base import base as wasp_base

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
    faulty_module,
    faulty_allocator,
    faulty_values,
    faulty_ownership_wasp,
    faulty_calls,
    unusual_wasp,
)


def all_plugins() -> list[Plugin]:
    """Every plugin, the bases first. Raises `ValueError` where a name stands twice."""
    made = [*(base(revision) for revision in HOOKS), wasp_base()]
    for table in TABLES:
        made.extend(table.plugins())
    names = Counter(fixture_path(plugin) for plugin in made)
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise ValueError(f"these names stand twice: {', '.join(twice)}")
    return made


def folder(plugin: Plugin) -> str:
    """Choose the folder of a plugin's files by whether it breaks a requirement."""
    return "faulty" if plugin.breaks else "unusual"


def source_path(plugin: Plugin) -> str:
    """Give the text's path, relative to the repository; the texts of the first system lie in no folder of its name."""
    system = "" if plugin.system == "bifrost" else f"{plugin.system}/"
    return f"{SOURCES}/{system}{folder(plugin)}/{plugin.name}.wat"


def fixture_path(plugin: Plugin) -> str:
    """Give the module's path, relative to `fixtures/`."""
    return f"{plugin.system}/{folder(plugin)}/{plugin.name}.wasm"


def functions_path(plugin: Plugin) -> str | None:
    """Give the path of the file that declares its functions, relative to `fixtures/`; None where it has none."""
    return None if plugin.functions is None else f"{plugin.system}/functions/{plugin.functions}.toml"


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
        declared = functions_path(plugin)
        if declared is not None and plugin.functions is not None:
            contents[root / "fixtures" / declared] = functions.text(plugin.functions).encode()
        entries.append(entry(plugin, binary))
    return contents, entries


def entry(plugin: Plugin, binary: bytes) -> dict[str, object]:
    """Write the manifest's entry of one plugin; `warnings` are the codes that it deserves, if any.

    `scope` is there where a fault shows at scope `full` only, `config` where the plugin needs one, `functions` where a
    file declares its functions.
    """
    described: dict[str, object] = {
        "path": fixture_path(plugin),
        "kind": "faulty" if plugin.breaks else "conforming",
        "system": plugin.system,
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
    if (declared := functions_path(plugin)) is not None:
        described["functions"] = declared
    if plugin.warnings:
        described["warnings"] = list(plugin.warnings)
    return described
