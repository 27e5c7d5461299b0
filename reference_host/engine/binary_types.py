"""Reads types and constant expressions: what imports, tables, memories, globals and segments are described with.

Source: WebAssembly Core Specification 2.0, sections 5.3 (types) and 5.4.9 (expressions).
"""

from __future__ import annotations

from reference_host.engine.interface import MAX_PAGES, FuncType, GlobalType, MemoryType, TableType, ValueType
from reference_host.engine.reader import Reader
from reference_host.errors import InvalidModule, MalformedModule, UnsupportedModule

_VALUE_TYPES = {
    0x7F: ValueType.I32,
    0x7E: ValueType.I64,
    0x7D: ValueType.F32,
    0x7C: ValueType.F64,
    0x7B: ValueType.V128,
    0x70: ValueType.FUNCREF,
    0x6F: ValueType.EXTERNREF,
}

# Bytes of the type section and of value types that later proposals gave a meaning: refused by name, not as garbage.
_LATER_TYPES = {
    0x5E: "array types (GC)",
    0x5F: "struct types (GC)",
    0x4E: "recursive type groups (GC)",
    0x4F: "subtypes (GC)",
    0x50: "subtypes (GC)",
    0x63: "typed references",
    0x64: "typed references",
    0x69: "exception references",
    0x6A: "array references (GC)",
    0x6B: "struct references (GC)",
    0x6C: "i31 references (GC)",
    0x6D: "eq references (GC)",
    0x6E: "any references (GC)",
    0x71: "none references (GC)",
    0x72: "noextern references (GC)",
    0x73: "nofunc references (GC)",
    0x74: "noexn references (exception handling)",
}


def function_type(reader: Reader) -> FuncType:
    """Read an entry of the type section. Raises a `ModuleError`, as all of these do."""
    at = reader.offset
    form = reader.byte()
    if form in _LATER_TYPES:
        raise UnsupportedModule(f"the module has {_LATER_TYPES[form]}, which WebAssembly 2.0 does not have")
    if form != 0x60:
        raise MalformedModule(f"{form:#04x} is not the form of a function type", at)
    parameters = tuple([value_type(reader) for _ in range(reader.count("parameters"))])
    results = tuple([value_type(reader) for _ in range(reader.count("results"))])
    return FuncType(parameters, results)


def value_type(reader: Reader) -> ValueType:
    """Read the type of a value."""
    at = reader.offset
    byte = reader.byte()
    if byte in _VALUE_TYPES:
        return _VALUE_TYPES[byte]
    if byte in _LATER_TYPES:
        raise UnsupportedModule(f"the module has {_LATER_TYPES[byte]}, which WebAssembly 2.0 does not have")
    raise MalformedModule(f"{byte:#04x} is not a value type", at)


# Bits of the limits' flags that later proposals gave a meaning; tables are never shared, and have no pages.
_LATER_LIMITS = {
    "table": {4: "memory64"},
    "memory": {2: "threads", 4: "memory64", 8: "custom page sizes"},
}


def _limits(reader: Reader, what: str) -> tuple[int, int | None]:
    at = reader.offset
    flags = reader.byte()
    later = {bit: proposal for bit, proposal in _LATER_LIMITS[what].items() if flags & bit}
    # A shared memory has to have a maximum: without one it is garbage, and no later feature.
    if flags & ~sum(later, 1) or flags & 3 == 2:
        raise MalformedModule(f"{flags:#04x} are not the flags of a {what}'s limits", at)
    if later:
        raise UnsupportedModule(f"a {what} uses {', '.join(later.values())}, which WebAssembly 2.0 does not have")
    minimum = reader.u32()
    maximum = reader.u32() if flags & 1 else None
    if maximum is not None and maximum < minimum:
        raise InvalidModule(f"a {what} has the minimum {minimum} above its maximum {maximum}")
    return minimum, maximum


def memory_type(reader: Reader) -> MemoryType:
    """Read the type of a memory."""
    minimum, maximum = _limits(reader, "memory")
    if max(minimum, maximum or 0) > MAX_PAGES:
        raise InvalidModule(f"a memory of {max(minimum, maximum or 0)} pages is above 4 GiB ({MAX_PAGES} pages)")
    return MemoryType(minimum, maximum)


def table_type(reader: Reader) -> TableType:
    """Read the type of a table."""
    at = reader.offset
    if reader.peek() == 0x40:
        raise UnsupportedModule("a table has an initial value (typed references), which WebAssembly 2.0 does not have")
    element = value_type(reader)
    if element not in (ValueType.FUNCREF, ValueType.EXTERNREF):
        raise MalformedModule(f"a table cannot hold {element}", at)
    return TableType(element, *_limits(reader, "table"))


def global_type(reader: Reader) -> GlobalType:
    """Read the type of a global."""
    value = value_type(reader)
    at = reader.offset
    mutable = reader.byte()
    if mutable > 1:
        raise MalformedModule(f"{mutable:#04x} is not the mutability of a global", at)
    return GlobalType(value, mutable == 1)


_UNUSED = frozenset((0x16, 0x17, 0x1D, 0x1E, 0x27, *range(0xC5, 0xD0), *range(0xD7, 0xE0), *range(0xE7, 0xFB), 0xFF))
"""Opcodes that neither the specification nor a proposal has given a meaning."""


def constant_expression(reader: Reader) -> int | None:
    """Read to the end of a constant expression: the value of a lone `i32.const`, unsigned, or None for any other."""
    value, instructions = None, 0
    while True:
        at = reader.offset
        opcode = reader.byte()
        if opcode == 0x0B:  # end
            return value if instructions == 1 else None
        instructions += 1
        if opcode == 0x41:  # i32.const
            value = reader.signed(32) % 2**32
            continue
        value = None
        if opcode == 0x42:  # i64.const
            reader.signed(64)
        elif opcode in (0x43, 0x44):  # f32.const, f64.const
            reader.skip(4 if opcode == 0x43 else 8, "a constant")
        elif opcode in (0x23, 0xD2):  # global.get, ref.func
            reader.u32()
        elif opcode == 0xD0:  # ref.null
            value_type(reader)
        elif opcode == 0xFD and reader.u32() == 12:  # v128.const
            reader.skip(16, "a constant")
        elif opcode in _UNUSED:
            raise MalformedModule(f"illegal opcode {opcode:#04x}", at)
        elif opcode not in (0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E):  # add, sub, mul: extended constant expressions
            raise InvalidModule(f"the instruction {opcode:#04x} at offset {at:#x} is not constant")
