"""A plugin as a set of named pieces of WebAssembly text, so that a variation replaces one of them.

A piece may name a constant: `&greeting` stands for the address of the bytes `greeting`, `#greeting` for
their number. `render` lays the constants out from `data_start` on, one data segment each; the heap begins
behind them (`&heap`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

DATA_START = 1024
"""Below it: eight unused bytes at address 0, then the allocator's lists."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One module. The mappings keep their order, which is the order of the text.

    `breaks`: id of the requirement that it breaks, None for a conforming one. `title`: what is special
    about it. `warnings`: the warning codes that it deserves. `config`: what its author configures it with.
    `scope`: the smallest scope that shows the fault, `full` where it needs large bodies or thousands of calls.
    `exports`: functions by the name they are exported under. `functions`: name of the file that declares
    them, in a system whose plugins come with one.
    """

    name: str
    revision: str
    title: str
    system: str = "bifrost"
    breaks: str | None = None
    warnings: tuple[str, ...] = ()
    config: str | None = None
    functions: str | None = None
    scope: str = "quick"
    imports: Mapping[str, str] = field(default_factory=dict)
    memory: str = '(memory (export "memory") 2)'
    data_start: int = DATA_START
    constants: Mapping[str, bytes] = field(default_factory=dict)
    globals: Mapping[str, str] = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)
    tail: Mapping[str, str] = field(default_factory=dict)

    def with_(self, **pieces: object) -> Plugin:
        """Replace whole pieces; mappings are merged, and a value of None drops the key."""
        changes: dict[str, object] = {}
        for piece, value in pieces.items():
            former = getattr(self, piece)
            if isinstance(former, Mapping) and isinstance(value, Mapping):
                merged = {**former, **value}
                changes[piece] = {key: text for key, text in merged.items() if text is not None}
            else:
                changes[piece] = value
        return replace(self, **changes)  # type: ignore[arg-type]


def quote(data: bytes) -> str:
    """Write bytes as a string literal of the text format."""
    plain = (chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:02x}" for byte in data)
    return f'"{"".join(plain)}"'.replace("\\22", '\\"')


def render(plugin: Plugin) -> str:
    """Put the module's text together."""
    places: dict[str, tuple[int, int]] = {}
    segments: list[str] = []
    address = plugin.data_start
    for key, data in plugin.constants.items():
        places[key] = (address, len(data))
        if data:
            segments.append(f"(data (i32.const {address}) {quote(data)})")
        address += len(data)
    places["heap"] = (-(-address // 64) * 64, 0)

    def resolve(text: str) -> str:
        text = re.sub(r"&(\w+)", lambda found: str(places[found[1]][0]), text)
        return re.sub(r"#(\w+)", lambda found: str(places[found[1]][1]), text)

    head = f"breaks {plugin.breaks}" if plugin.breaks else "conforms"
    origin = f"{plugin.system.capitalize()} {plugin.revision}. Written by build.py; do not edit."
    lines = [f";; {head}: {plugin.title}", f";; {origin}", "(module"]
    for group in (
        plugin.imports.values(),
        (plugin.memory,),
        segments,
        plugin.globals.values(),
        plugin.helpers.values(),
        plugin.exports.values(),
        plugin.tail.values(),
    ):
        for text in group:
            shown = text if group is segments else resolve(text.strip("\n"))
            lines.extend(f"  {line}" if line else "" for line in shown.split("\n"))
    return "\n".join([*lines, ")"]) + "\n"
