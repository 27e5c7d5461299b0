"""Instructions that pywasm 2.2.3 gets wrong or cannot bound, each with what the specification says.

Each entry takes the operands from pywasm's stack and puts the result back. What is not listed runs as pywasm has it.

Source: WebAssembly Core Specification 2.0, sections 4.3.2 and 4.3.3 (numerics), 4.4.7 (memory) and 4.4.6 (tables).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pywasm

Mend = Callable[[Any], None]

_CANONICAL_F32 = 0x7FC0_0000
_CANONICAL_F64 = 0x7FF8_0000_0000_0000


class CanonicalValue(pywasm.ValInst):  # type: ignore[misc] # pywasm has no types
    """Values whose NaN is the canonical one, as wasmtime is told to make it: the specification leaves sign and payload open."""

    @classmethod
    def from_f32(cls, n: float) -> Any:
        """See `pywasm.ValInst.from_f32`."""
        return cls.from_f32_u32(_CANONICAL_F32) if n != n else super().from_f32(n)

    @classmethod
    def from_f64(cls, n: float) -> Any:
        """See `pywasm.ValInst.from_f64`."""
        return cls.from_f64_u64(_CANONICAL_F64) if n != n else super().from_f64(n)


# --- floats: pywasm loses the sign of zero, and rounds 64-bit integers twice on their way to f32 ---------------------------------


def _float_of(width: int) -> tuple[Callable[[Any], float], Callable[[float], Any]]:
    if width == 32:
        return pywasm.ValInst.into_f32, CanonicalValue.from_f32
    return pywasm.ValInst.into_f64, CanonicalValue.from_f64


def _unary(width: int, operation: Callable[[float], float]) -> Mend:
    take, give = _float_of(width)

    def mended(machine: Any) -> None:
        stack = machine.stack.value
        value = take(stack.pop())
        # A NaN, an infinity and a zero come back as they are (4.3.3, fceil and its like); so does the sign of any other.
        whole = value if not math.isfinite(value) or value == 0 else math.copysign(operation(value), value)
        stack.append(give(whole))

    return mended


def _binary(width: int, operation: Callable[[float, float], float]) -> Mend:
    take, give = _float_of(width)

    def mended(machine: Any) -> None:
        stack = machine.stack.value
        second, first = take(stack.pop()), take(stack.pop())
        stack.append(give(operation(first, second)))

    return mended


def _fmin(first: float, second: float) -> float:
    if first != first or second != second:
        return math.nan
    if first == second:  # min(+0, -0) is -0
        return first if math.copysign(1, first) < 0 else second
    return min(first, second)


def _fmax(first: float, second: float) -> float:
    if first != first or second != second:
        return math.nan
    if first == second:  # max(+0, -0) is +0
        return first if math.copysign(1, first) > 0 else second
    return max(first, second)


def _copysign(width: int) -> Mend:
    last = width // 8 - 1

    def mended(machine: Any) -> None:
        stack = machine.stack.value
        sign, value = stack.pop().data[last] & 0x80, stack.pop()
        data = value.data.copy()
        data[last] = data[last] & 0x7F | sign
        stack.append(pywasm.ValInst(value.type, data))

    return mended


def _convert_to_f32(take: Callable[[Any], int]) -> Mend:
    def mended(machine: Any) -> None:
        stack = machine.stack.value
        stack.append(CanonicalValue.from_f32(_nearest_f32(take(stack.pop()))))

    return mended


def _nearest_f32(value: int) -> float:
    """Round an integer to the nearest f32, ties to even, in one step (4.3.3, convert)."""
    guess = struct.unpack("<f", struct.pack("<f", float(value)))[0]
    bits = struct.unpack("<i", struct.pack("<f", guess))[0]
    near = [struct.unpack("<f", struct.pack("<i", bits + step))[0] for step in (-1, 0, 1) if guess or not step]
    return float(min(near, key=lambda one: (abs(Fraction(one) - value), struct.pack("<f", one)[0] & 1)))


# --- integers --------------------------------------------------------------------------------------------------------------------


def _i64_div_u(machine: Any) -> None:
    """pywasm cannot hold a quotient of 2^63 and above: it raises OverflowError, which would look like a trap."""
    stack = machine.stack.value
    second, first = stack.pop().into_u64(), stack.pop().into_u64()
    stack.append(pywasm.ValInst.from_u64(first // second))


# --- memory and tables: pywasm's own limits are 1,024 pages and 1,024 elements, and it fills byte by byte -----------------------


def _memory_grow(machine: Any) -> None:
    delta = machine.stack.value.pop().into_u32()
    machine.stack.value.append(pywasm.ValInst.from_i32(machine.guest_grows_memory(delta)))


def _memory_fill(machine: Any) -> None:
    stack = machine.stack.value
    length, byte, start = stack.pop().into_u32(), stack.pop().data[0], stack.pop().into_u32()
    machine.fill_memory(start, byte, length)


def _table_grow(index: int) -> Mend:
    def mended(machine: Any) -> None:
        stack = machine.stack.value
        delta, value = stack.pop().into_u32(), stack.pop()
        stack.append(pywasm.ValInst.from_i32(machine.grow_table(index, delta, value)))

    return mended


def _always(mend: Mend) -> Callable[[Any], Mend]:
    return lambda instruction: mend


MENDED: dict[int, Callable[[Any], Mend]] = {
    pywasm.opcode.memory_grow: _always(_memory_grow),
    pywasm.opcode.memory_fill: _always(_memory_fill),
    pywasm.opcode.table_grow: lambda instruction: _table_grow(instruction.args[0]),
    pywasm.opcode.i64_div_u: _always(_i64_div_u),
    pywasm.opcode.f32_convert_i64_s: _always(_convert_to_f32(pywasm.ValInst.into_i64)),
    pywasm.opcode.f32_convert_i64_u: _always(_convert_to_f32(pywasm.ValInst.into_u64)),
    pywasm.opcode.f32_copysign: _always(_copysign(32)),
    pywasm.opcode.f64_copysign: _always(_copysign(64)),
    pywasm.opcode.f32_ceil: _always(_unary(32, math.ceil)),
    pywasm.opcode.f64_ceil: _always(_unary(64, math.ceil)),
    pywasm.opcode.f32_floor: _always(_unary(32, math.floor)),
    pywasm.opcode.f64_floor: _always(_unary(64, math.floor)),
    pywasm.opcode.f32_trunc: _always(_unary(32, math.trunc)),
    pywasm.opcode.f64_trunc: _always(_unary(64, math.trunc)),
    pywasm.opcode.f32_nearest: _always(_unary(32, round)),
    pywasm.opcode.f64_nearest: _always(_unary(64, round)),
    pywasm.opcode.f32_min: _always(_binary(32, _fmin)),
    pywasm.opcode.f64_min: _always(_binary(64, _fmin)),
    pywasm.opcode.f32_max: _always(_binary(32, _fmax)),
    pywasm.opcode.f64_max: _always(_binary(64, _fmax)),
}
"""By opcode: makes the function that runs in the instruction's place."""


def _note_length(machine: Any) -> None:
    machine.bulk = machine.stack.value[-1].into_u32()


def _charge_length(machine: Any) -> None:
    machine.charge(machine.bulk)


BEFORE_BULK: dict[int, Mend] = dict.fromkeys(
    (
        pywasm.opcode.memory_copy,
        pywasm.opcode.memory_init,
        pywasm.opcode.table_copy,
        pywasm.opcode.table_init,
        pywasm.opcode.table_fill,
    ),
    _note_length,
)
"""By opcode: runs before an instruction that costs its length; `AFTER_BULK` runs behind it, where nothing has trapped."""

AFTER_BULK: Mend = _charge_length
