"""Reads the immediates of instructions, each with the checks that decoding asks for.

`reference_host.engine.reader` is not for this: a body is validated in one pass that keeps its place in a variable, and
an object for it would cost more than all the rest. Everything here takes that place, an offset in the binary, and gives
what was read and the place behind it. Raises `MalformedModule`, and `IndexError` at the end of the binary.

Source: WebAssembly Core Specification 2.0, sections 5.2.2 (integers) and 5.3.1 to 5.3.4 (value types).
"""

from __future__ import annotations

from reference_host.engine.purepy import opcodes as op
from reference_host.errors import MalformedModule, UnsupportedModule


def u32(binary: bytes, pc: int) -> tuple[int, int]:
    """Read an unsigned LEB128 integer of 32 bits."""
    if binary[pc] < 0x80:
        return binary[pc], pc + 1
    start, result = pc, 0
    for shift in range(0, 35, 7):
        byte = binary[pc]
        pc += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            if result >= 2**32:
                raise MalformedModule("an integer is too large for 32 bits", start)
            return result, pc
    raise MalformedModule("an integer is longer than 5 bytes", start)


def signed(binary: bytes, pc: int, bits: int) -> tuple[int, int]:
    """Read a signed LEB128 integer of so many bits."""
    start, result = pc, 0
    longest = -(-bits // 7)
    for shift in range(0, 7 * longest, 7):
        byte = binary[pc]
        pc += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte & 0x40:
                result -= 1 << (shift + 7)
            if not -(1 << bits - 1) <= result < 1 << bits - 1:
                raise MalformedModule(f"an integer is too large for {bits} bits", start)
            return result, pc
    raise MalformedModule(f"an integer is longer than {longest} bytes", start)


def zero(binary: bytes, pc: int) -> int:
    """Pass over a byte that is kept for later use."""
    if binary[pc] != 0:
        raise MalformedModule("zero byte expected", pc)
    return pc + 1


def value_type(binary: bytes, pc: int) -> tuple[int, int]:
    """Read the type of a value, as its byte. Raises `UnsupportedModule` for one that came later, too."""
    type_ = binary[pc]
    if type_ == op.V128:
        raise UnsupportedModule(f"type v128 (SIMD) at offset {pc:#x}, which this engine does not have")
    if type_ in op.LATER_TYPES:
        raise UnsupportedModule(f"type {type_:#04x} at offset {pc:#x} is not in WebAssembly 2.0")
    if type_ not in op.VALUE_TYPES:
        raise MalformedModule(f"{type_:#04x} is not a value type", pc)
    return type_, pc + 1
