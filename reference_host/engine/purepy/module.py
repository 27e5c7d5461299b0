"""What a module consists of besides what `binary.read_module` tells: expressions, segments, function bodies, names.

Source: WebAssembly Core Specification 2.0, sections 2.5 (modules), 5.4.9 (expressions), 5.5.9 and 5.5.12 to 5.5.16
(sections), 7.4.1 (name section).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from reference_host.engine import binary as sections
from reference_host.engine.binary import ModuleInfo, read_module
from reference_host.engine.interface import FuncType, GlobalType, ValueType
from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.immediates import value_type
from reference_host.engine.reader import Reader
from reference_host.errors import InvalidModule, MalformedModule, UnsupportedModule

MAX_BODY = 1 << 19
"""Bytes of one function body: its translation takes seconds, and that of a longer one would take as much more."""

MAX_LOCALS = 50_000
"""Locals of one function: the limit that engines agreed on (WebAssembly JavaScript API, implementation limits)."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A constant expression: `(opcode, immediate)` of each instruction, and the offset of each for error messages."""

    code: tuple[tuple[int, int | float | None], ...]
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ElementSegment:
    """`mode` is 0 for active, 1 for passive, 3 for declarative; the items are function indices or expressions."""

    mode: int
    table: int
    offset: Expression | None
    type: int
    items: Sequence[int | Expression | None]
    at: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A data segment; `offset` is None for a passive one, `start` and `end` say where its bytes lie in the binary."""

    memory: int
    offset: Expression | None
    start: int
    end: int
    at: int


@dataclass(frozen=True, slots=True)
class Body:
    """A function body: where its instructions lie in the binary, and its declared locals as runs of one type."""

    start: int
    end: int
    locals: tuple[tuple[int, int], ...]
    """`(count, type)` of each run."""
    count: int


@dataclass(frozen=True)
class WasmModule:
    """A decoded module, not yet validated. Index spaces start with the imports."""

    binary: bytes
    info: ModuleInfo
    initializers: tuple[Expression, ...]
    """Of the globals that the module defines."""
    elements: tuple[ElementSegment, ...]
    data: tuple[Segment, ...]
    data_count: int | None
    bodies: tuple[Body, ...]

    @cached_property
    def imported_functions(self) -> int:
        """How many functions are imports."""
        return sum(isinstance(import_.type, FuncType) for import_ in self.info.imports)

    @cached_property
    def imported_globals(self) -> int:
        """How many globals are imports."""
        return sum(isinstance(import_.type, GlobalType) for import_ in self.info.imports)

    @cached_property
    def signatures(self) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """The types of the type section, as bytes of the binary format."""
        return [
            (tuple([op.TYPE_BYTES[v] for v in t.parameters]), tuple([op.TYPE_BYTES[v] for v in t.results]))
            for t in self.info.types
        ]

    @cached_property
    def canonical_types(self) -> list[int]:
        """For each type the first one that is equal to it: types are compared by structure."""
        first: dict[FuncType, int] = {}
        return [first.setdefault(type_, index) for index, type_ in enumerate(self.info.types)]

    @cached_property
    def exported_functions(self) -> Mapping[str, int]:
        """The function index of each export that is a function."""
        return {name: index for name, kind, index in self.exports if kind == 0}

    @cached_property
    def exports_by_name(self) -> Mapping[str, tuple[int, int]]:
        """Kind and index of each export."""
        return {name: (kind, index) for name, kind, index in self.exports}

    @cached_property
    def exports(self) -> tuple[tuple[str, int, int], ...]:
        """Name, kind (0 function, 1 table, 2 memory, 3 global) and index of each export."""
        found = []
        for section in self.info.sections:
            if section.id == sections.EXPORT:
                reader = Reader(self.binary, section.start, section.end)
                for _ in range(reader.u32()):
                    name = reader.name()
                    found.append((name, reader.byte(), reader.u32()))
        return tuple(found)

    @cached_property
    def function_names(self) -> Mapping[int, str]:
        """What the name section calls the functions; empty where there is none, or where it cannot be read."""
        for section, name in zip(
            [section for section in self.info.sections if section.id == sections.CUSTOM],
            self.info.custom_sections,
            strict=True,
        ):
            if name == "name":
                try:
                    return _function_names(Reader(self.binary, section.start, section.end))
                except MalformedModule:
                    return {}
        return {}


def decode(binary: bytes) -> WasmModule:
    """Decode a module whole, but for the instructions of its functions. Raises a `ModuleError`."""
    info = read_module(binary)
    refuse_vectors(info)
    initializers: tuple[Expression, ...] = ()
    elements: tuple[ElementSegment, ...] = ()
    data: tuple[Segment, ...] = ()
    bodies: tuple[Body, ...] = ()
    data_count = None
    for section in info.sections:
        reader = Reader(binary, section.start, section.end)
        if section.id == sections.GLOBAL:
            initializers = tuple([_initializer(reader) for _ in range(reader.count("globals"))])
        elif section.id == sections.ELEMENT:
            elements = tuple([_element_segment(reader) for _ in range(reader.count("element segments"))])
        elif section.id == sections.DATA_COUNT:
            data_count = reader.u32()
        elif section.id == sections.CODE:
            bodies = _bodies(reader, info)
        elif section.id == sections.DATA:
            data = tuple([_data_segment(reader) for _ in range(reader.count("data segments"))])
        else:
            continue
        if not reader.at_end():
            raise MalformedModule("a section is longer than its contents", reader.offset)
    if data_count is not None and data_count != len(data):
        raise MalformedModule(f"the data count section says {data_count} segments, there are {len(data)}", len(binary))
    return WasmModule(binary, info, initializers, elements, data, data_count, bodies)


def refuse_vectors(info: ModuleInfo) -> None:
    """Raise `UnsupportedModule` where the types of the module have vectors."""
    types = [value for type_ in info.types for value in (*type_.parameters, *type_.results)]
    types += [global_.value for global_ in info.globals]
    if ValueType.V128 in types:
        raise UnsupportedModule("the module has values of type v128 (SIMD), which this engine does not have")


def _initializer(reader: Reader) -> Expression:
    reader.skip(2, "a global type")
    return expression(reader)


def expression(reader: Reader) -> Expression:
    """Read a constant expression up to its `end`."""
    code: list[tuple[int, int | float | None]] = []
    offsets: list[int] = []
    while True:
        at = reader.offset
        opcode = reader.byte()
        if opcode == op.END:
            return Expression(tuple(code), tuple(offsets))
        immediate: int | float | None = None
        if opcode == op.I32_CONST:
            immediate = reader.signed(32) % 2**32
        elif opcode == op.I64_CONST:
            immediate = reader.signed(64) % 2**64
        elif opcode in (op.F32_CONST, op.F64_CONST):
            start, width = reader.offset, 4 if opcode == op.F32_CONST else 8
            reader.skip(width, "a constant")
            immediate = int.from_bytes(reader.binary[start : start + width], "little")
        elif opcode in (op.GLOBAL_GET, op.REF_FUNC):
            immediate = reader.u32()
        elif opcode == op.REF_NULL:
            immediate = _reference_type(reader)
        elif opcode in op.LATER:
            raise UnsupportedModule(
                f"{op.LATER[opcode]} at offset {at:#x} is not in WebAssembly 2.0 as this engine has it"
            )
        elif opcode not in op.NAMES:
            raise MalformedModule(f"illegal opcode {opcode:#04x}", at)
        elif opcode not in (0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E):
            raise InvalidModule(f"{op.NAMES[opcode]} at offset {at:#x} is not constant")
        code.append((opcode, immediate))
        offsets.append(at)


def _reference_type(reader: Reader) -> int:
    at = reader.offset
    byte = reader.byte()
    if byte not in op.REFERENCES:
        raise MalformedModule(f"{byte:#04x} is not a reference type", at)
    return byte


def _element_segment(reader: Reader) -> ElementSegment:
    at = reader.offset
    kind = reader.u32()
    if kind > 7:
        raise MalformedModule(f"{kind} is not a kind of element segment", at)
    passive, explicit, expressions = kind & 1, kind & 2, kind & 4
    table, offset, type_ = 0, None, op.FUNCREF
    if explicit and not passive:
        table = reader.u32()
    if not passive:
        offset = expression(reader)
    if passive or explicit:
        if expressions:
            type_ = _reference_type(reader)
        else:
            where = reader.offset
            if reader.byte() != 0:
                raise MalformedModule("an element segment holds no functions", where)
    items: list[int | Expression | None]
    count = reader.count("elements")
    items = [_item(expression(reader)) for _ in range(count)] if expressions else [reader.u32() for _ in range(count)]
    return ElementSegment((3 if explicit else 1) if passive else 0, table, offset, type_, items, at)


def _item(item: Expression) -> int | Expression | None:
    """A lone `ref.func` as its index; anything else stays an expression, so that it can be checked."""
    if len(item.code) == 1 and item.code[0][0] == op.REF_FUNC:
        index = item.code[0][1]
        assert isinstance(index, int)
        return index
    return item


def _data_segment(reader: Reader) -> Segment:
    at = reader.offset
    kind = reader.u32()
    if kind > 2:
        raise MalformedModule(f"{kind} is not a kind of data segment", at)
    memory = reader.u32() if kind == 2 else 0
    offset = None if kind == 1 else expression(reader)
    length = reader.u32()
    start = reader.offset
    reader.skip(length, "a data segment")
    return Segment(memory, offset, start, reader.offset, at)


def _bodies(reader: Reader, info: ModuleInfo) -> tuple[Body, ...]:
    imported = sum(isinstance(import_.type, FuncType) for import_ in info.imports)
    found = []
    for index in range(reader.count("function bodies")):
        size = reader.u32()
        body = reader.sub(size, "a function body")
        start = body.offset
        runs, count = [], 0
        for _ in range(body.count("runs of locals")):
            run = body.u32()
            at = body.offset
            body.byte()
            type_, _ = value_type(body.binary, at)
            count += run
            runs.append((run, type_))
        if count >= 2**32:
            raise MalformedModule(f"{count} locals are too many", start)
        if count > MAX_LOCALS:
            raise UnsupportedModule(
                f"function {imported + index} at offset {start:#x} has {count} locals, this engine takes {MAX_LOCALS}"
            )
        if size > MAX_BODY:
            raise UnsupportedModule(
                f"function {imported + index} at offset {start:#x} has {size} bytes, this engine takes {MAX_BODY}"
            )
        found.append(Body(body.offset, body.end, tuple(runs), count))
    return tuple(found)


def _function_names(reader: Reader) -> Mapping[int, str]:
    reader.name()
    names: dict[int, str] = {}
    while not reader.at_end():
        kind = reader.byte()
        contents = reader.sub(reader.u32(), "a name subsection")
        if kind == 1:
            for _ in range(contents.count("names")):
                index = contents.u32()
                names[index] = contents.name()
    return names
