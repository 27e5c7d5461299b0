"""What is known of the locals at a place of a body: which have a value by now, and how large that can be.

A local that is assigned on every way to where it is read needs no zero to begin with. A sum whose upper bound is known
to be in range needs no `%`; a signed comparison of small values is a plain one. Upper bounds come from what was
assigned last, from comparisons that brought control here, and from accesses: where one through a local has not trapped,
the local is an address within the memory.

Control is reducible, so one pass is enough: what holds at the head of a loop is what held before it, less what is
assigned in the loop.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_host.engine.code import instructions
from reference_host.engine.interface import MAX_PAGES, PAGE, MemoryType
from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.module import WasmModule

LOCALS = 128
"""Locals that are followed, the first ones: so the work stays in proportion to the body."""

_SCANS = 3
"""How often the instructions of a body are looked through, on the average, for what its loops assign."""

GROWN_PAGES = MAX_PAGES - 1
"""Pages up to which memories grow: small sums with an address that was accessed stay below 2^32 then."""


@dataclass(frozen=True, slots=True)
class Known:
    """`assigned` are bits, one for each local; `tops` the greatest values, where they are below those of the type."""

    assigned: int
    tops: dict[int, int]

    def met(self, other: Known) -> Known:
        """Give what holds where two ways come together."""
        others = other.tops
        tops = {index: max(top, others[index]) for index, top in self.tops.items() if index in others}
        return Known(self.assigned & other.assigned, tops)


def memory_top(module: WasmModule) -> int:
    """Give the greatest size in bytes that the memory can have; it is known where the memory is the module's own."""
    imported = any(isinstance(import_.type, MemoryType) for import_ in module.info.imports)
    large = any(memory.minimum > GROWN_PAGES for memory in module.info.memories)
    return (MAX_PAGES if imported or large else GROWN_PAGES) * PAGE


class Loops:
    """Looks through the loops of a body for the locals that they assign."""

    def __init__(self, binary: bytes, start: int, end: int) -> None:
        self._binary = binary
        self._end = end
        self._budget = _SCANS * (end - start)

    def assigned(self, start: int) -> set[int] | None:
        """Give the locals that are assigned from `start` to the end of that block; None where looking is too long."""
        binary, found, depth = self._binary, set(), 0
        for at, opcode in instructions(binary, start, self._end):
            if opcode in (op.LOCAL_SET, op.LOCAL_TEE):
                byte = binary[at + 1]
                found.add(byte if byte < 0x80 else _long(binary, at + 1))
            elif opcode in (op.BLOCK, op.LOOP, op.IF):
                depth += 1
            elif opcode == op.END:
                depth -= 1
                if depth < 0:
                    self._budget -= at - start
                    return found
            if at - start > self._budget:
                break
        self._budget = 0
        return None


def _long(binary: bytes, at: int) -> int:
    """Read an integer of several bytes; a small one can be written so too."""
    value = shift = 0
    while binary[at] >= 0x80:
        value |= (binary[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | binary[at] << shift
