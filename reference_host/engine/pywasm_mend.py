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
    """Values whose NaN is the canonical one, as on wasmtime: the specification leaves sign and payload open."""

    @classmethod
    def from_f32(cls, n: float) -> Any:
        """See `pywasm.ValInst.from_f32`."""
        return cls.from_f32_u32(_CANONICAL_F32) if n != n else super().from_f32(n)

    @classmethod
    def from_f64(cls, n: float) -> Any:
        """See `pywasm.ValInst.from_f64`."""
        return cls.from_f64_u64(_CANONICAL_F64) if n != n else super().from_f64(n)


# --- floats: pywasm loses the sign of zero, and the NaN of one operand for that of the other -------------------------


def _rounding(operation: Callable[[float], float]) -> Callable[[float], float]:
    """Zeros, infinities and NaN come back as they are, and every result has the sign of its operand (4.3.3, fceil)."""
    return lambda value: value if not math.isfinite(value) or value == 0 else math.copysign(operation(value), value)


_ROUNDINGS = {
    "ceil": _rounding(math.ceil),
    "floor": _rounding(math.floor),
    "trunc": _rounding(math.trunc),
    "nearest": _rounding(round),
}


def _fmin(first: float, second: float) -> float:
    if first != first or second != second:
        return math.nan
    if first == second:  # the least of +0 and -0 is -0
        return first if math.copysign(1, first) < 0 else second
    return min(first, second)


def _fmax(first: float, second: float) -> float:
    if first != first or second != second:
        return math.nan
    if first == second:  # the greatest of +0 and -0 is +0
        return first if math.copysign(1, first) > 0 else second
    return max(first, second)


_CHOICES = {"min": _fmin, "max": _fmax}

# How the floats of a shape are taken out of a value, and put into one.
_SHAPES: dict[str, tuple[Callable[[Any], list[float]], Callable[[list[float]], Any]]] = {
    "f32": (lambda value: [value.into_f32()], lambda floats: CanonicalValue.from_f32(floats[0])),
    "f64": (lambda value: [value.into_f64()], lambda floats: CanonicalValue.from_f64(floats[0])),
    "f32x4": (lambda value: value.into_v128_f32(), lambda floats: _vector(4, CanonicalValue.from_f32, floats)),
    "f64x2": (lambda value: value.into_v128_f64(), lambda floats: _vector(8, CanonicalValue.from_f64, floats)),
}


def _vector(width: int, give: Callable[[float], Any], floats: list[float]) -> Any:
    lanes = [give(value).data[:width] for value in floats]
    return pywasm.ValInst.from_v128(bytearray().join(lanes))


def _unary(shape: str, operation: Callable[[float], float]) -> Mend:
    take, give = _SHAPES[shape]

    def mended(machine: Any) -> None:
        stack = machine.stack.value
        stack.append(give([operation(value) for value in take(stack.pop())]))

    return mended


def _binary(shape: str, operation: Callable[[float, float], float]) -> Mend:
    take, give = _SHAPES[shape]

    def mended(machine: Any) -> None:
        stack = machine.stack.value
        second, first = take(stack.pop()), take(stack.pop())
        stack.append(give([operation(one, other) for one, other in zip(first, second, strict=True)]))

    return mended


def _canonical(shape: str) -> Mend:
    """Make every NaN in the result of an arithmetic instruction on vectors the canonical one."""
    return _unary(shape, lambda value: value)


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
    """Round an integer to the nearest f32, ties to even, in one step (4.3.3, convert): pywasm goes through f64."""
    guess = struct.unpack("<f", struct.pack("<f", float(value)))[0]
    bits = struct.unpack("<i", struct.pack("<f", guess))[0]
    near = [struct.unpack("<f", struct.pack("<i", bits + step))[0] for step in (-1, 0, 1) if guess or not step]
    return float(min(near, key=lambda one: (abs(Fraction(one) - value), struct.pack("<f", one)[0] & 1)))


# --- integers --------------------------------------------------------------------------------------------------------


def _i64_div_u(machine: Any) -> None:
    """Divide; pywasm raises OverflowError for a quotient of 2^63 and above, which would look like a trap."""
    stack = machine.stack.value
    second, first = stack.pop().into_u64(), stack.pop().into_u64()
    stack.append(pywasm.ValInst.from_u64(first // second))


# --- memory and tables: pywasm's own limits are 1,024 pages and 1,024 elements, and it fills byte by byte ------------


def _memory_grow(machine: Any) -> None:
    delta = machine.stack.value.pop().into_u32()
    machine.stack.value.append(pywasm.ValInst.from_i32(machine.guest_grows_memory(delta)))


def _memory_fill(machine: Any) -> None:
    stack = machine.stack.value
    length, byte, start = stack.pop().into_u32(), stack.pop().data[0], stack.pop().into_u32()
    machine.fill_memory(start, byte, length)


def _table_grow(index: int, flat: int) -> Mend:
    def mended(machine: Any) -> None:
        stack = machine.stack.value
        delta, value = stack.pop().into_u32(), stack.pop()
        stack.append(pywasm.ValInst.from_i32(machine.grow_table(index, delta, value, flat)))

    return mended


_OPCODES = {name: opcode for opcode, name in pywasm.opcode.name.items()}


def _opcode(name: str) -> int:
    """The opcode of an instruction, as pywasm numbers it: the prefix and what follows it in one number."""
    return int(_OPCODES[name])


def _always(mend: Mend) -> Callable[[Any], Mend]:
    return lambda instruction: mend


MENDED: dict[int, Callable[[Any], Mend]] = {
    pywasm.opcode.memory_grow: _always(_memory_grow),
    pywasm.opcode.memory_fill: _always(_memory_fill),
    pywasm.opcode.table_grow: lambda instruction: _table_grow(*instruction.args),
    pywasm.opcode.i64_div_u: _always(_i64_div_u),
    pywasm.opcode.f32_convert_i64_s: _always(_convert_to_f32(pywasm.ValInst.into_i64)),
    pywasm.opcode.f32_convert_i64_u: _always(_convert_to_f32(pywasm.ValInst.into_u64)),
    pywasm.opcode.f32_copysign: _always(_copysign(32)),
    pywasm.opcode.f64_copysign: _always(_copysign(64)),
    **{
        _opcode(f"{shape}.{name}"): _always(_unary(shape, operation))
        for shape in _SHAPES
        for name, operation in _ROUNDINGS.items()
    },
    **{
        _opcode(f"{shape}.{name}"): _always(_binary(shape, choice))
        for shape in _SHAPES
        for name, choice in _CHOICES.items()
    },
}
"""By opcode: makes the function that runs in the instruction's place."""


def check_fuel(machine: Any) -> None:
    """Trap where the budget is used up: before a loop is entered, as wasmtime does."""
    machine.check()


def _note_length(machine: Any) -> None:
    machine.bulk = machine.stack.value[-1].into_u32()


def _charge_length(machine: Any) -> None:
    machine.charge(machine.bulk)


_BULK = (
    pywasm.opcode.memory_copy,
    pywasm.opcode.memory_init,
    pywasm.opcode.table_copy,
    pywasm.opcode.table_init,
    pywasm.opcode.table_fill,
)

BEFORE: dict[int, Mend] = dict.fromkeys(_BULK, _note_length)
"""By opcode: runs before the instruction."""

AFTER: dict[int, Mend] = {
    **dict.fromkeys(_BULK, _charge_length),
    **{
        _opcode(f"{shape}.{name}"): _canonical(shape)
        for shape in ("f32x4", "f64x2")
        for name in ("add", "sub", "mul", "div", "sqrt")
    },
    _opcode("f32x4.demote_f64x2_zero"): _canonical("f32x4"),
    _opcode("f64x2.promote_low_f32x4"): _canonical("f64x2"),
}
"""By opcode: runs behind the instruction, where it has not trapped."""
