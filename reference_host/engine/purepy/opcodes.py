"""The instructions of WebAssembly 2.0 without vectors: opcodes, names, and the types that they take and give.

Types are the bytes of the binary format, so that nothing has to be translated while a body is walked.

Source: WebAssembly Core Specification 2.0, sections 5.3 (types) and 5.4 (instructions), and its index of instructions.
"""

from __future__ import annotations

from reference_host.engine.interface import ValueType

I32, I64, F32, F64, V128, FUNCREF, EXTERNREF = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x70, 0x6F

TYPE_NAMES = {I32: "i32", I64: "i64", F32: "f32", F64: "f64", V128: "v128", FUNCREF: "funcref", EXTERNREF: "externref"}
TYPE_BYTES = {ValueType(name): byte for byte, name in TYPE_NAMES.items()}
VALUE_TYPES = frozenset((I32, I64, F32, F64, FUNCREF, EXTERNREF))
REFERENCES = frozenset((FUNCREF, EXTERNREF))

UNREACHABLE, NOP, BLOCK, LOOP, IF, ELSE, END = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B
BR, BR_IF, BR_TABLE, RETURN, CALL, CALL_INDIRECT = 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11
DROP, SELECT, SELECT_T = 0x1A, 0x1B, 0x1C
LOCAL_GET, LOCAL_SET, LOCAL_TEE, GLOBAL_GET, GLOBAL_SET, TABLE_GET, TABLE_SET = range(0x20, 0x27)
MEMORY_SIZE, MEMORY_GROW = 0x3F, 0x40
I32_CONST, I64_CONST, F32_CONST, F64_CONST = 0x41, 0x42, 0x43, 0x44
REF_NULL, REF_IS_NULL, REF_FUNC = 0xD0, 0xD1, 0xD2
PREFIX = 0xFC
MEMORY_INIT, DATA_DROP, MEMORY_COPY, MEMORY_FILL, TABLE_INIT = range(8, 13)
ELEM_DROP, TABLE_COPY, TABLE_GROW, TABLE_SIZE, TABLE_FILL = range(13, 18)

Signature = tuple[tuple[int, ...], int]

NUMERIC: dict[int, Signature] = {}
"""Instructions without immediates, of one or two numbers that give one; those behind 0xFC as 0xFC00 + their number."""

LOADS: dict[int, tuple[int, int]] = {}
"""Type of the value, and bytes read."""

STORES: dict[int, tuple[int, int]] = {}
"""Type of the value, and bytes written."""

NAMES: dict[int, str] = {
    0x00: "unreachable", 0x01: "nop", 0x02: "block", 0x03: "loop", 0x04: "if", 0x05: "else", 0x0B: "end",
    0x0C: "br", 0x0D: "br_if", 0x0E: "br_table", 0x0F: "return", 0x10: "call", 0x11: "call_indirect",
    0x1A: "drop", 0x1B: "select", 0x1C: "select",
    0x20: "local.get", 0x21: "local.set", 0x22: "local.tee", 0x23: "global.get", 0x24: "global.set",
    0x25: "table.get", 0x26: "table.set", 0x3F: "memory.size", 0x40: "memory.grow",
    0x41: "i32.const", 0x42: "i64.const", 0x43: "f32.const", 0x44: "f64.const",
    0xD0: "ref.null", 0xD1: "ref.is_null", 0xD2: "ref.func",
    0xFC08: "memory.init", 0xFC09: "data.drop", 0xFC0A: "memory.copy", 0xFC0B: "memory.fill", 0xFC0C: "table.init",
    0xFC0D: "elem.drop", 0xFC0E: "table.copy", 0xFC0F: "table.grow", 0xFC10: "table.size", 0xFC11: "table.fill",
}  # fmt: skip
"""Names by opcode; those behind the prefix 0xFC as 0xFC00 + their number."""

LATER: dict[int, str] = {
    0x06: "try (exceptions)", 0x07: "catch (exceptions)", 0x08: "throw (exceptions)", 0x09: "rethrow (exceptions)",
    0x0A: "throw_ref (exceptions)", 0x12: "return_call (tail calls)", 0x13: "return_call_indirect (tail calls)",
    0x14: "call_ref (typed references)", 0x15: "return_call_ref (tail calls)", 0x18: "delegate (exceptions)",
    0x19: "catch_all (exceptions)", 0x1F: "try_table (exceptions)", 0xD3: "ref.eq (garbage collection)",
    0xD4: "ref.as_non_null (typed references)", 0xD5: "br_on_null (typed references)",
    0xD6: "br_on_non_null (typed references)", 0xFB: "an instruction of garbage collection",
    **dict.fromkeys(range(0xE0, 0xE7), "an instruction of stack switching"),
    0xFD: "a vector instruction (SIMD)", 0xFE: "an atomic instruction (threads)",
}  # fmt: skip
"""First bytes of instructions that are known but not covered."""

LATER_TYPES = frozenset((0x63, 0x64, 0x65, 0x68, 0x69, *range(0x6A, 0x6F), *range(0x71, 0x78)))
"""First bytes of value types that are known but not covered: typed references, garbage collection, exceptions."""


def _words(text: str) -> list[str]:
    return text.split()


_INTEGER = _words("add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr")
_COMPARE = _words("eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u")
_BITS = _words("clz ctz popcnt")
_FLOAT_COMPARE = _words("eq ne lt gt le ge")
_FLOAT_UNARY = _words("abs neg ceil floor trunc nearest sqrt")
_FLOAT_BINARY = _words("add sub mul div min max copysign")
_CONVERSIONS = _words(
    "i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s i64.extend_i32_u "
    "i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u f32.convert_i32_s f32.convert_i32_u "
    "f32.convert_i64_s f32.convert_i64_u f32.demote_f64 f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s "
    "f64.convert_i64_u f64.promote_f32 i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 "
    "f64.reinterpret_i64"
)
_EXTENSIONS = _words("i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s")
_SATURATING = _words(
    "i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u "
    "i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u"
)
_BY_NAME = {"i32": I32, "i64": I64, "f32": F32, "f64": F64}


def _fill() -> None:
    def group(first: int, kind: str, names: list[str], operands: int, result: int | None = None) -> None:
        type_ = _BY_NAME[kind]
        for opcode, name in enumerate(names, first):
            NUMERIC[opcode] = ((type_,) * operands, type_ if result is None else result)
            NAMES[opcode] = f"{kind}.{name}"

    for kind, eqz, bits in (("i32", 0x45, 0x67), ("i64", 0x50, 0x79)):
        group(eqz, kind, ["eqz"], 1, I32)
        group(eqz + 1, kind, _COMPARE, 2, I32)
        group(bits, kind, _BITS, 1)
        group(bits + 3, kind, _INTEGER, 2)
    for kind, compare, unary in (("f32", 0x5B, 0x8B), ("f64", 0x61, 0x99)):
        group(compare, kind, _FLOAT_COMPARE, 2, I32)
        group(unary, kind, _FLOAT_UNARY, 1)
        group(unary + 7, kind, _FLOAT_BINARY, 2)
    conversions = [*enumerate(_CONVERSIONS, 0xA7), *enumerate(_EXTENSIONS, 0xC0), *enumerate(_SATURATING, 0xFC00)]
    for opcode, name in conversions:
        gives, _, how = name.partition(".")
        source = next((kind for kind in _BY_NAME if kind in how), gives)
        NUMERIC[opcode] = ((_BY_NAME[source],), _BY_NAME[gives])
        NAMES[opcode] = name
    accesses = (
        "i32.load:4 i64.load:8 f32.load:4 f64.load:8 i32.load8_s:1 i32.load8_u:1 i32.load16_s:2 i32.load16_u:2 "
        "i64.load8_s:1 i64.load8_u:1 i64.load16_s:2 i64.load16_u:2 i64.load32_s:4 i64.load32_u:4 "
        "i32.store:4 i64.store:8 f32.store:4 f64.store:8 i32.store8:1 i32.store16:2 "
        "i64.store8:1 i64.store16:2 i64.store32:4"
    )
    for opcode, access in enumerate(_words(accesses), 0x28):
        name, _, width = access.partition(":")
        (LOADS if "load" in name else STORES)[opcode] = (_BY_NAME[name[:3]], int(width))
        NAMES[opcode] = name


_fill()
