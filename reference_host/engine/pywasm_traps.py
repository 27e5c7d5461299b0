"""Says which trap an exception of pywasm stands for.

pywasm asserts, divides and indexes, and lets Python complain. The instruction that ran is found in the traceback: it is
a local variable of pywasm's loop.

Source: WebAssembly Core Specification 2.0, section 4.4: what each instruction traps with.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import FrameType

import pywasm

from reference_host.errors import TrapCode

_LOOP = (pywasm.Machine.evaluate.__code__.co_filename, pywasm.Machine.evaluate.__code__.co_name)
_NULL_REFERENCE = pywasm.ValInst.into_ref.__code__


def _opcodes(*names: str) -> Iterable[int]:
    return [opcode for opcode, name in pywasm.opcode.name.items() if name in names]


def _table() -> dict[tuple[int, type[Exception]], TrapCode]:
    table: dict[tuple[int, type[Exception]], TrapCode] = {
        (pywasm.opcode.unreachable, AssertionError): TrapCode.UNREACHABLE
    }
    for opcode, name in pywasm.opcode.name.items():
        operation = name.partition(".")[2]
        if operation.startswith(("load", "store")) or name in ("memory.init", "memory.copy"):
            table[opcode, AssertionError] = TrapCode.MEMORY_OUT_OF_BOUNDS
        elif name in ("table.get", "table.set"):
            table[opcode, IndexError] = TrapCode.TABLE_OUT_OF_BOUNDS
        elif name in ("table.init", "table.copy", "table.fill"):
            table[opcode, AssertionError] = TrapCode.TABLE_OUT_OF_BOUNDS
        elif operation.startswith(("div", "rem")):
            table[opcode, ZeroDivisionError] = TrapCode.DIVIDE_BY_ZERO
            table[opcode, AssertionError] = TrapCode.INTEGER_OVERFLOW
        elif operation.startswith("trunc"):
            table[opcode, OverflowError] = TrapCode.INTEGER_OVERFLOW  # an infinity, or beyond the integer's range
            table[opcode, ValueError] = TrapCode.INVALID_CONVERSION  # a NaN
    table[pywasm.opcode.call_indirect, IndexError] = TrapCode.TABLE_OUT_OF_BOUNDS
    table[pywasm.opcode.call_indirect, AssertionError] = TrapCode.INDIRECT_CALL_TYPE_MISMATCH
    return table


_TABLE = _table()


def trap_code(error: Exception) -> TrapCode | None:
    """Classify what came out of pywasm's loop; None for what is no trap of a valid module."""
    opcode = None
    innermost: FrameType | None = None
    traceback = error.__traceback__
    while traceback is not None:
        innermost = traceback.tb_frame
        if (innermost.f_code.co_filename, innermost.f_code.co_name) == _LOOP:
            instruction = innermost.f_locals.get("instr")
            opcode = None if instruction is None else instruction.opcode
        traceback = traceback.tb_next
    if opcode is None:
        return None
    if innermost is not None and innermost.f_code is _NULL_REFERENCE:
        return TrapCode.UNINITIALIZED_ELEMENT
    if opcode == pywasm.opcode.br and isinstance(error, ZeroDivisionError):
        return TrapCode.DIVIDE_BY_ZERO  # a mended division
    return _TABLE.get((opcode, type(error)))
