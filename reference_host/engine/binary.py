"""Reads the section structure of a core module, on its own: no engine, no library.

Every engine takes `Module.imports` and `Module.exports` from here, so that they are the same on each; `hookproof
inspect` and the detection of plugin systems need no engine at all. Function bodies are not decoded, and validation is
an engine's work: what is checked here is what has to be right to read types, imports, exports, memories, tables,
globals and data segments.

Hostile input is bounded: every count is held against the bytes that are left before anything is made of it, so that the
work is linear in the size of the input.

Source: WebAssembly Core Specification 2.0, chapter 5 (binary format); the producers section: tool-conventions,
`ProducersSection.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reference_host.engine.binary_types import (
    constant_expression,
    function_type,
    global_type,
    memory_type,
    table_type,
    value_type,
)
from reference_host.engine.interface import (
    Export,
    ExternType,
    FuncType,
    GlobalType,
    Import,
    MemoryType,
    TableType,
)
from reference_host.engine.reader import Reader
from reference_host.errors import InvalidModule, MalformedModule, NotAModule, UnsupportedModule

MAGIC = b"\0asm"
VERSION = b"\x01\0\0\0"
COMPONENT_VERSION = b"\x0d\0\x01\0"

# Section ids in the order in which they have to come (specification 5.5.2: the data count section, 12, before the code;
# the tag section of exception handling, 13, between memories and globals).
_ORDER = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 13: 6, 6: 7, 7: 8, 8: 9, 9: 10, 12: 11, 10: 12, 11: 13}
_SECTION_NAMES = {
    0: "custom",
    1: "type",
    2: "import",
    3: "function",
    4: "table",
    5: "memory",
    6: "global",
    7: "export",
    8: "start",
    9: "element",
    10: "code",
    11: "data",
    12: "data count",
    13: "tag",
}

CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA, DATA_COUNT, TAG = range(14)


def section_order(id_: int) -> int:
    """Rank the sections in the order in which a module has to have them; custom sections may be anywhere."""
    return _ORDER[id_]


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its id, and where its contents lie in the binary (`start` inclusive, `end` exclusive, in bytes)."""

    id: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DataSegment:
    """Static data: an active data segment whose address is a constant, in unsigned bytes, and what it holds."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """What the sections of a module say. Index spaces start with the imports, as in the specification (2.5.1)."""

    imports: tuple[Import, ...]
    exports: tuple[Export, ...]
    types: tuple[FuncType, ...]
    functions: tuple[int, ...]
    """The type index of every function."""
    memories: tuple[MemoryType, ...]
    tables: tuple[TableType, ...]
    globals: tuple[GlobalType, ...]
    start: int | None
    """The index of the start function."""
    data_segments: tuple[DataSegment, ...]
    """The active segments with a constant address, in order; the others have no place that could be told in advance."""
    producers: Mapping[str, tuple[str, ...]]
    """Fields of the `producers` section (`language`, `processed-by`, `sdk`), each value as `name` or `name version`."""
    custom_sections: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def has_start(self) -> bool:
        """Whether instantiation runs a start function."""
        return self.start is not None


def check_header(binary: bytes) -> None:
    """Refuse what is no core module, in one sentence for each kind. Raises `NotAModule`."""
    if binary[:8] == MAGIC + VERSION:
        return
    if not binary:
        raise NotAModule("the file is empty")
    if binary[:4] == MAGIC:
        if len(binary) < 8:
            raise NotAModule("the file ends within the header of a WebAssembly module")
        if binary[4:8] == COMPONENT_VERSION:
            raise NotAModule("this is a WebAssembly component, not a core module")
        version = int.from_bytes(binary[4:8], "little")
        raise NotAModule(f"this is WebAssembly of the unknown version {version:#x}, only version 1 is a core module")
    if MAGIC.startswith(binary):
        raise NotAModule("the file ends within the header of a WebAssembly module")
    raise NotAModule(_describe(binary))


def _describe(binary: bytes) -> str:
    if binary[:4] == b"\x7fELF":
        core = len(binary) >= 18 and 4 in binary[16:18]
        return f"this is an ELF {'core dump' if core else 'file'}, not a WebAssembly module"
    if binary[:2] == b"\x1f\x8b":
        return "this is a gzip file, not a WebAssembly module: unpack it first"
    if binary[:4] == b"PK\x03\x04":
        return "this is a ZIP archive, not a WebAssembly module"
    head = binary[:1024]
    try:
        text = head.decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        # The cut after 1,024 bytes may fall within a character: that alone does not make it binary.
        text = head[: error.start].decode("utf-8") if error.start >= len(head) - 3 and len(binary) > 1024 else "\0"
    if all(character.isprintable() or character in "\t\n\r\f\ufeff" for character in text):
        if text.lstrip("\ufeff \t\r\n").startswith(("(", ";;")):
            return "this is WebAssembly text, not a binary module: compile it first, for example with wat2wasm"
        return "this is a text file, not a WebAssembly module"
    return "this is not a WebAssembly module: it does not begin with the bytes 00 61 73 6d"


def read_module(binary: bytes) -> ModuleInfo:
    """Read the sections of a core module.

    Raises `NotAModule` for another header, `MalformedModule` with the offset where the format is broken,
    `InvalidModule` where an index points nowhere, and `UnsupportedModule` for what came after WebAssembly 2.0.
    """
    check_header(binary)
    return _ModuleReader(binary).read()


class _ModuleReader:
    """One pass over the sections; each method reads the contents of one kind."""

    def __init__(self, binary: bytes) -> None:
        self.binary = binary
        self.imports: list[Import] = []
        self.exports: list[tuple[str, int, int]] = []
        self.types: list[FuncType] = []
        self.functions: list[int] = []
        self.memories: list[MemoryType] = []
        self.tables: list[TableType] = []
        self.globals: list[GlobalType] = []
        self.start: int | None = None
        self.data_segments: list[DataSegment] = []
        self.producers: dict[str, tuple[str, ...]] = {}
        self.custom_sections: list[str] = []
        self.sections: list[Section] = []

    def read(self) -> ModuleInfo:
        read_by_id = {
            CUSTOM: self._custom,
            TYPE: self._types,
            IMPORT: self._imports,
            FUNCTION: self._functions,
            TABLE: self._tables,
            MEMORY: self._memories,
            GLOBAL: self._globals,
            EXPORT: self._exports,
            START: self._start,
            ELEMENT: self._elements,
            DATA: self._data,
        }
        reader = Reader(self.binary, 8)
        defined = bodies = last = 0
        while not reader.at_end():
            at = reader.offset
            id_ = reader.byte()
            size = reader.u32()
            if id_ not in _SECTION_NAMES:
                raise MalformedModule(f"unknown section id {id_}", at)
            name = _SECTION_NAMES[id_]
            contents = reader.sub(size, f"the {name} section")
            if id_ != CUSTOM:
                if _ORDER[id_] <= last:
                    raise MalformedModule(f"the {name} section comes twice or out of order", at)
                last = _ORDER[id_]
            self.sections.append(Section(id_, contents.offset, contents.end))
            if id_ == TAG:
                raise UnsupportedModule("the module has tags (exception handling), which WebAssembly 2.0 does not have")
            if id_ in read_by_id:
                imported = len(self.functions)
                read_by_id[id_](contents)
                if id_ == FUNCTION:
                    defined = len(self.functions) - imported
                if id_ != CUSTOM and not contents.at_end():
                    raise MalformedModule(f"the {name} section is longer than its contents", contents.offset)
            elif id_ == CODE:
                bodies = contents.u32()
        if len(self.memories) > 1:
            raise InvalidModule(f"the module has {len(self.memories)} memories, WebAssembly 2.0 allows one")
        if defined != bodies:
            raise MalformedModule(f"{defined} functions are declared and {bodies} have a body", len(self.binary))
        return ModuleInfo(
            imports=tuple(self.imports),
            exports=self._resolved_exports(),
            types=tuple(self.types),
            functions=tuple(self.functions),
            memories=tuple(self.memories),
            tables=tuple(self.tables),
            globals=tuple(self.globals),
            start=self.start,
            data_segments=tuple(self.data_segments),
            producers=MappingProxyType(self.producers),
            custom_sections=tuple(self.custom_sections),
            sections=tuple(self.sections),
        )

    # --- sections ----------------------------------------------------------------------------------------------------

    def _custom(self, reader: Reader) -> None:
        name = reader.name()
        self.custom_sections.append(name)
        if name == "producers" and not self.producers:
            # A custom section never makes a module malformed (specification 5.5.3): what cannot be read is left out.
            try:
                self.producers = _read_producers(reader)
            except MalformedModule:
                self.producers = {}

    def _types(self, reader: Reader) -> None:
        for _ in range(reader.count("types")):
            self.types.append(function_type(reader))

    def _imports(self, reader: Reader) -> None:
        for _ in range(reader.count("imports")):
            module, name = reader.name(), reader.name()
            at = reader.offset
            kind = reader.byte()
            type_: ExternType
            if kind == 0:
                index = reader.u32()
                type_ = self._func_type(index)
                self.functions.append(index)
            elif kind == 1:
                type_ = table_type(reader)
                self.tables.append(type_)
            elif kind == 2:
                type_ = memory_type(reader)
                self.memories.append(type_)
            elif kind == 3:
                type_ = global_type(reader)
                self.globals.append(type_)
            elif kind == 4:
                reader.byte()  # read to its end: what is cut short is garbage, and no later feature
                reader.u32()
                raise UnsupportedModule(
                    "the module imports a tag (exception handling), which WebAssembly 2.0 does not have"
                )
            else:
                raise MalformedModule(f"{kind:#04x} is not a kind of import", at)
            self.imports.append(Import(module, name, type_))

    def _functions(self, reader: Reader) -> None:
        for _ in range(reader.count("functions")):
            index = reader.u32()
            self._func_type(index)
            self.functions.append(index)

    def _tables(self, reader: Reader) -> None:
        for _ in range(reader.count("tables")):
            self.tables.append(table_type(reader))

    def _memories(self, reader: Reader) -> None:
        for _ in range(reader.count("memories")):
            self.memories.append(memory_type(reader))

    def _globals(self, reader: Reader) -> None:
        for _ in range(reader.count("globals")):
            self.globals.append(global_type(reader))
            constant_expression(reader)

    def _exports(self, reader: Reader) -> None:
        for _ in range(reader.count("exports")):
            name = reader.name()
            at = reader.offset
            kind = reader.byte()
            if kind == 4:
                raise UnsupportedModule(
                    "the module exports a tag (exception handling), which WebAssembly 2.0 does not have"
                )
            if kind > 4:
                raise MalformedModule(f"{kind:#04x} is not a kind of export", at)
            self.exports.append((name, kind, reader.u32()))

    def _start(self, reader: Reader) -> None:
        self.start = reader.u32()
        if self.start >= len(self.functions):
            raise InvalidModule(f"the start function is {self.start}, there are {len(self.functions)} functions")

    def _elements(self, reader: Reader) -> None:
        """Pass over element segments; their kinds are three bits (5.5.12)."""
        for _ in range(reader.count("element segments")):
            at = reader.offset
            kind = reader.u32()
            if kind > 7:
                raise MalformedModule(f"{kind} is not a kind of element segment", at)
            passive, explicit, expressions = kind & 1, kind & 2, kind & 4
            if explicit and not passive:
                reader.u32()  # the table
            if not passive:
                constant_expression(reader)
            if passive or explicit:
                at = reader.offset
                if expressions:
                    value_type(reader)
                elif reader.byte() != 0:
                    raise MalformedModule("an element segment holds no functions", at)
            for _ in range(reader.count("elements")):
                if expressions:
                    constant_expression(reader)
                else:
                    reader.u32()

    def _data(self, reader: Reader) -> None:
        for _ in range(reader.count("data segments")):
            at = reader.offset
            kind = reader.u32()
            if kind > 2:
                raise MalformedModule(f"{kind} is not a kind of data segment", at)
            memory = reader.u32() if kind == 2 else 0
            address = None if kind == 1 else constant_expression(reader)
            length = reader.u32()
            start = reader.offset
            reader.skip(length, "a data segment")
            if address is not None and memory == 0:
                self.data_segments.append(DataSegment(address, self.binary[start : reader.offset]))

    # --- what the sections refer to ----------------------------------------------------------------------------------

    def _func_type(self, index: int) -> FuncType:
        if index >= len(self.types):
            raise InvalidModule(f"a function has type {index}, there are {len(self.types)} types")
        return self.types[index]

    def _resolved_exports(self) -> tuple[Export, ...]:
        kinds = ("function", "table", "memory", "global")
        functions = [self.types[index] for index in self.functions]
        spaces: tuple[list[FuncType] | list[TableType] | list[MemoryType] | list[GlobalType], ...]
        spaces = (functions, self.tables, self.memories, self.globals)
        exports, seen = [], set()
        for name, kind, index in self.exports:
            if index >= len(spaces[kind]):
                raise InvalidModule(f"export {name!r} is {kinds[kind]} {index}, there are {len(spaces[kind])}")
            if name in seen:
                raise InvalidModule(f"two exports are named {name!r}")
            seen.add(name)
            exports.append(Export(name, spaces[kind][index]))
        return tuple(exports)


def _read_producers(reader: Reader) -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for _ in range(reader.count("fields")):
        field = reader.name()
        values = []
        for _ in range(reader.count("values")):
            name, version = reader.name(), reader.name()
            values.append(f"{name} {version}".strip())
        fields[field] = tuple(values)
    return fields
