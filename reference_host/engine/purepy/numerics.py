"""What the translated code calls for instructions that are more than one Python expression.

Integers are unsigned Python integers. An `f64` is a float with all its bits; an `f32` is the float of the same value,
and a NaN among them carries the payload of the `f32` in the upper bits of its own, so that nothing is lost on the way
through locals, memory and calls. A NaN that is computed is the canonical one (bits 0x7ff8000000000000), as on the other
engines.

The namespace `GLOBALS` is what all translated functions see as their globals.

Source: WebAssembly Core Specification 2.0, section 4.3 (numerics).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any, NoReturn

from reference_host.errors import Trap, TrapCode

M32, M64 = 1 << 32, 1 << 64
S32, S64 = 1 << 31, 1 << 63

_PACK_D, _PACK_Q = struct.Struct("<d"), struct.Struct("<Q")
_PACK_F, _PACK_I = struct.Struct("<f"), struct.Struct("<I")

NAN: float = _PACK_D.unpack(_PACK_Q.pack(0x7FF8_0000_0000_0000))[0]
INF = math.inf


def trap(code: TrapCode) -> NoReturn:
    """End the guest's execution."""
    raise Trap(code)


def unreachable() -> NoReturn:
    """Run `unreachable`."""
    raise Trap(TrapCode.UNREACHABLE)


# --- integers --------------------------------------------------------------------------------------------------------


def _signed_division(sign: int, modulus: int) -> tuple[Callable[[int, int], int], Callable[[int, int], int]]:
    def div_s(one: int, two: int) -> int:
        if two == 0:
            raise Trap(TrapCode.DIVIDE_BY_ZERO)
        one, two = (one ^ sign) - sign, (two ^ sign) - sign
        quotient = abs(one) // abs(two)
        if (one < 0) != (two < 0):
            return -quotient % modulus
        if quotient == sign:
            raise Trap(TrapCode.INTEGER_OVERFLOW)
        return quotient

    def rem_s(one: int, two: int) -> int:
        if two == 0:
            raise Trap(TrapCode.DIVIDE_BY_ZERO)
        one, two = (one ^ sign) - sign, (two ^ sign) - sign
        remainder = abs(one) % abs(two)
        return -remainder % modulus if one < 0 else remainder

    return div_s, rem_s


i32_div_s, i32_rem_s = _signed_division(S32, M32)
i64_div_s, i64_rem_s = _signed_division(S64, M64)


def i32_rotl(value: int, by: int) -> int:
    """Rotate left."""
    by &= 31
    return (value << by) % M32 | value >> 32 - by


def i64_rotl(value: int, by: int) -> int:
    """Rotate left."""
    by &= 63
    return (value << by) % M64 | value >> 64 - by


# --- floats ----------------------------------------------------------------------------------------------------------

_pack_f, _unpack_f = _PACK_F.pack, _PACK_F.unpack


def f32(value: float) -> float:
    """Round to the nearest `f32`, ties to even; the one step beyond the largest is infinity, and NaN is canonical."""
    try:
        value = _unpack_f(_pack_f(value))[0]
    except OverflowError:
        return math.copysign(INF, value)
    return value if value == value else NAN


def f64_bits(value: float) -> int:
    """Run `i64.reinterpret_f64`."""
    bits: int = _PACK_Q.unpack(_PACK_D.pack(value))[0]
    return bits


def f64_of_bits(bits: int) -> float:
    """Run `f64.reinterpret_i64`."""
    value: float = _PACK_D.unpack(_PACK_Q.pack(bits))[0]
    return value


def f32_bits(value: float) -> int:
    """Run `i32.reinterpret_f32`."""
    if value == value:
        bits: int = _PACK_I.unpack(_PACK_F.pack(value))[0]
        return bits
    wide = f64_bits(value)
    return wide >> 32 & 0x8000_0000 | 0x7F80_0000 | wide >> 29 & 0x7F_FFFF


def f32_of_bits(bits: int) -> float:
    """Run `f32.reinterpret_i32`."""
    if bits & 0x7F80_0000 == 0x7F80_0000 and bits & 0x7F_FFFF:
        return f64_of_bits((bits & 0x8000_0000) << 32 | 0x7FF0_0000_0000_0000 | (bits & 0x7F_FFFF) << 29)
    value: float = _PACK_F.unpack(_PACK_I.pack(bits))[0]
    return value


def f64_div(one: float, two: float) -> float:
    """Divide, also by zero."""
    if two:
        value = one / two
        return value if value == value else NAN
    if one != one or two != two or one == 0:
        return NAN
    return math.copysign(INF, one) * math.copysign(1.0, two)


def f32_div(one: float, two: float) -> float:
    """Divide; rounding twice is innocuous for the four operations and the root (53 bits are more than 2 * 24 + 1)."""
    return f32(f64_div(one, two))


def fmin(one: float, two: float) -> float:
    """Run `min`: NaN wins, and -0 is less than +0."""
    if one != one or two != two:
        return NAN
    if one == two:
        return one if math.copysign(1.0, one) < 0 else two
    return one if one < two else two


def fmax(one: float, two: float) -> float:
    """Run `max`: NaN wins, and +0 is greater than -0."""
    if one != one or two != two:
        return NAN
    if one == two:
        return two if math.copysign(1.0, one) < 0 else one
    return one if one > two else two


def f64_sqrt(value: float) -> float:
    """Take the root; of what is below zero it is NaN."""
    return math.sqrt(value) if value >= 0 else NAN


def f32_sqrt(value: float) -> float:
    """Take the root of an `f32`."""
    return f32(math.sqrt(value)) if value >= 0 else NAN


def _rounding(whole: Callable[[float], int]) -> Callable[[float], float]:
    def rounded(value: float) -> float:
        if value != value:
            return NAN
        if abs(value) >= 4503599627370496.0:  # 2^52: there are no fractions from here on, and infinity is none either
            return value
        return math.copysign(float(whole(value)), value)

    return rounded


fceil, ffloor, ftrunc, fnearest = (_rounding(whole) for whole in (math.ceil, math.floor, math.trunc, round))


def f64_promote(value: float) -> float:
    """Run `f64.promote_f32`."""
    return value if value == value else NAN


def _i64_to_f32(value: int) -> float:
    """Round an integer to `f32` in one step: bits that a double cannot hold are gathered in its last one."""
    if -(1 << 53) <= value <= 1 << 53:
        return f32(float(value))
    size = abs(value)
    size = size >> 11 | (size & 0x7FF != 0)
    return f32(math.copysign(float(size) * 2048.0, value))


def f32_convert_i64_u(value: int) -> float:
    """Run `f32.convert_i64_u`."""
    return _i64_to_f32(value)


def f32_convert_i64_s(value: int) -> float:
    """Run `f32.convert_i64_s`."""
    return _i64_to_f32((value ^ S64) - S64)


def f32_convert_i32_u(value: int) -> float:
    """Run `f32.convert_i32_u`."""
    return f32(float(value))


def f32_convert_i32_s(value: int) -> float:
    """Run `f32.convert_i32_s`."""
    return f32(float((value ^ S32) - S32))


def _truncations(least: int, greatest: int, modulus: int) -> tuple[Callable[[float], int], Callable[[float], int]]:
    def truncate(value: float) -> int:
        if value != value:
            raise Trap(TrapCode.INVALID_CONVERSION)
        if least - 1 < value < greatest + 1:
            return int(value) % modulus
        raise Trap(TrapCode.INTEGER_OVERFLOW)

    def saturate(value: float) -> int:
        if value != value:
            return 0
        if value <= least:
            return least % modulus
        if value >= greatest:
            return greatest
        return int(value) % modulus

    return truncate, saturate


i32_trunc_s, i32_sat_s = _truncations(-S32, S32 - 1, M32)
i32_trunc_u, i32_sat_u = _truncations(0, M32 - 1, M32)
i64_trunc_s, i64_sat_s = _truncations(-S64, S64 - 1, M64)
i64_trunc_u, i64_sat_u = _truncations(0, M64 - 1, M64)

GLOBALS: dict[str, Any] = {
    "__builtins__": {"abs": abs, "float": float},
    "NAN": NAN,
    "INF": INF,
    "copysign": math.copysign,
    **{
        function.__name__: function
        for function in (
            unreachable, i32_rotl, i64_rotl, f32, f64_bits, f64_of_bits, f32_bits, f32_of_bits, f64_div, f32_div, fmin,
            fmax, f64_sqrt, f32_sqrt, f64_promote, f32_convert_i32_s, f32_convert_i32_u, f32_convert_i64_s,
            f32_convert_i64_u,
        )
    },
    "i32_div_s": i32_div_s, "i32_rem_s": i32_rem_s, "i64_div_s": i64_div_s, "i64_rem_s": i64_rem_s,
    "fceil": fceil, "ffloor": ffloor, "ftrunc": ftrunc, "fnearest": fnearest,
    "i32_trunc_s": i32_trunc_s, "i32_trunc_u": i32_trunc_u, "i64_trunc_s": i64_trunc_s, "i64_trunc_u": i64_trunc_u,
    "i32_sat_s": i32_sat_s, "i32_sat_u": i32_sat_u, "i64_sat_s": i64_sat_s, "i64_sat_u": i64_sat_u,
}  # fmt: skip
