"""Makes visible what an engine's own interface hides: refused growth, an unexported memory, the start function.

wasmtime tells nobody when `memory.grow` answers -1, gives no way to a memory that is not exported, and runs the start
function before anything can be attached to the instance. So the module is given additions, all of them at the *end* of
their index spaces: nothing of its own is renumbered, and what it computes stays the same.

- `memory.grow` becomes a call of an added function, which grows the memory and, where the answer is -1, calls the host
  through an added table with the former size and the delta.
- The start function is no longer run by the engine; it is exported, and called once the table is filled.
- A memory that has no export gets one.

Only function bodies that contain the bytes of `memory.grow` are walked, so the work is small for modules of any size.

Source: WebAssembly Core Specification 2.0, sections 2.5.1 (index spaces) and 5.5 (modules).
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_host.engine.binary import (
    CODE,
    CUSTOM,
    EXPORT,
    FUNCTION,
    MAGIC,
    START,
    TABLE,
    TYPE,
    VERSION,
    ModuleInfo,
    section_order,
)
from reference_host.engine.code import MEMORY_GROW, instructions, skip_locals
from reference_host.engine.interface import MemoryType
from reference_host.engine.reader import Reader

GROWTH_FUEL = (2, 5)
"""Fuel, as wasmtime counts it, in the added function before and after its `memory.grow`; its entry costs 1 besides."""

REFUSAL_FUEL = 4
"""The further fuel where growth is refused."""

STATIC_LENGTH = 128
"""The longest bulk instruction of constant length whose fuel wasmtime takes beforehand and without a check."""


@dataclass(frozen=True, slots=True)
class Instrumented:
    """A module with its additions: the names under which they are exported, None where there was nothing to add."""

    binary: bytes
    memory: str | None
    """The memory: the module's own export name where there is one."""
    refusals: str | None
    """A table whose element 0 is to be a function `(size: i32, delta: i32) -> ()`, called when growth was refused."""
    start: str | None
    """The start function."""


def instrument(binary: bytes, info: ModuleInfo) -> Instrumented:
    """Add to a *valid* module what it needs; one that needs nothing stays as it is."""
    bodies = _bodies(binary, info)
    growing = [index for index, body in enumerate(bodies) if _has_growth(binary, body)]
    own = [export.name for export in info.exports if isinstance(export.type, MemoryType)]
    memory = ("memory" if "memory" in own else own[0]) if own else None
    taken = {export.name for export in info.exports}
    additions = _Additions(info)
    refusals = start = None
    if info.start is not None:
        start = _fresh("start", taken)
        additions.drop_start()
        additions.export(start, 0, info.start)
    if memory is None and info.memories:
        memory = _fresh("memory", taken)
        additions.export(memory, 2, 0)
    if growing:
        refusals = _fresh("refusals", taken)
        additions.growth(refusals, binary, bodies, growing)
    return Instrumented(additions.apply(binary), memory, refusals, start)


def _fresh(name: str, taken: set[str]) -> str:
    fresh = f"hookproof.{name}"
    while fresh in taken:
        fresh += "'"
    return fresh


def _bodies(binary: bytes, info: ModuleInfo) -> list[tuple[int, int]]:
    """Find where each function body lies, behind its size: `(start, end)`."""
    bodies = []
    for section in info.sections:
        if section.id == CODE:
            reader = Reader(binary, section.start, section.end)
            for _ in range(reader.count("function bodies")):
                size = reader.u32()
                bodies.append((reader.offset, reader.offset + size))
                reader.skip(size, "a function body")
    return bodies


def _has_growth(binary: bytes, body: tuple[int, int]) -> bool:
    start, end = body
    if binary.find(b"\x40\x00", start, end) < 0:  # the immediate of memory.grow is one byte without multi-memory
        return False
    return any(opcode == MEMORY_GROW for _, opcode in instructions(binary, skip_locals(binary, start), end))


class _Additions:
    """Collects additions by section, then writes the module anew."""

    def __init__(self, info: ModuleInfo) -> None:
        self.info = info
        self.entries: dict[int, list[bytes]] = {}
        self.without_start = False
        self.rewritten: dict[int, bytes] = {}
        self.bodies: list[tuple[int, int]] = []

    def drop_start(self) -> None:
        self.without_start = True

    def export(self, name: str, kind: int, index: int) -> None:
        self._add(EXPORT, _name(name) + bytes([kind]) + _u32(index))

    def growth(self, refusals: str, binary: bytes, bodies: list[tuple[int, int]], growing: list[int]) -> None:
        types, functions, tables = len(self.info.types), len(self.info.functions), len(self.info.tables)
        self._add(TYPE, b"\x60\x01\x7f\x01\x7f")  # (i32) -> i32
        self._add(TYPE, b"\x60\x02\x7f\x7f\x00")  # (i32, i32) -> ()
        self._add(FUNCTION, _u32(types))
        self._add(TABLE, b"\x70\x01\x01\x01")  # one funcref
        self.export(refusals, 1, tables)
        body = (
            b"\x01\x01\x7f"  # one local: the answer
            b"\x20\x00\x40\x00\x22\x01"  # local.get 0, memory.grow, local.tee 1
            b"\x41\x7f\x46\x04\x40"  # i32.const -1, i32.eq, if
            b"\x3f\x00\x20\x00"  # memory.size, local.get 0
            b"\x41\x00\x11" + _u32(types + 1) + _u32(tables) +  # i32.const 0, call_indirect
            b"\x0b\x20\x01\x0b"  # end, local.get 1, end
        )  # fmt: skip
        self._add(CODE, _sized(body))
        call = b"\x10" + _u32(functions)
        self.bodies = bodies
        for index in growing:
            self.rewritten[index] = _with_calls(binary, bodies[index], call)

    def _add(self, section: int, entry: bytes) -> None:
        self.entries.setdefault(section, []).append(entry)

    def apply(self, binary: bytes) -> bytes:
        if not self.entries:
            return binary
        written: list[tuple[int, bytes]] = []
        for section in self.info.sections:
            contents = binary[section.start : section.end]
            if section.id == START and self.without_start:
                continue
            if section.id in self.entries:
                contents = self._extended(binary, section.id, section.start, section.end)
            written.append((section.id, contents))
        present = {id_ for id_, _ in written}
        for id_, entries in self.entries.items():
            if id_ not in present:
                place = next(
                    (
                        at
                        for at, (other, _) in enumerate(written)
                        if other != CUSTOM and section_order(other) > section_order(id_)
                    ),
                    len(written),
                )
                written.insert(place, (id_, _u32(len(entries)) + b"".join(entries)))
        return MAGIC + VERSION + b"".join(bytes([id_]) + _sized(contents) for id_, contents in written)

    def _extended(self, binary: bytes, id_: int, start: int, end: int) -> bytes:
        reader = Reader(binary, start, end)
        count = reader.u32()
        old = binary[reader.offset : end]
        if id_ == CODE and self.rewritten:
            old = b"".join(
                _sized(self.rewritten.get(index) or binary[body[0] : body[1]]) for index, body in enumerate(self.bodies)
            )
        return _u32(count + len(self.entries[id_])) + old + b"".join(self.entries[id_])


def _with_calls(binary: bytes, body: tuple[int, int], call: bytes) -> bytes:
    """Replace each `memory.grow` (two bytes) of a function body by a call of the same type."""
    parts, last = [], body[0]
    for at, opcode in instructions(binary, skip_locals(binary, body[0]), body[1]):
        if opcode == MEMORY_GROW:
            parts += [binary[last:at], call]
            last = at + 2
    return b"".join([*parts, binary[last : body[1]]])


def _u32(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _sized(contents: bytes) -> bytes:
    return _u32(len(contents)) + contents


def _name(name: str) -> bytes:
    return _sized(name.encode("utf-8"))
