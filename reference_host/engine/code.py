"""Walks function bodies instruction by instruction, without understanding more than how long each one is.

Only how long integers are is checked here: what code means is the business of a validator.

Source: WebAssembly Core Specification 2.0, section 5.4 (instructions).
"""

from __future__ import annotations

from collections.abc import Iterator

from reference_host.errors import MalformedModule

MEMORY_GROW = 0x40

# How the immediates of an opcode are laid out; an opcode that is not listed has none.
_NONE, _LEB, _LEB2, _MEMARG, _BLOCK, _TABLE, _TYPES, _FOUR, _EIGHT, _SIXTEEN, _LANE, _MEMARG_LANE = range(12)

_LAYOUT: list[int] = [_NONE] * 256
for _opcode in (0x02, 0x03, 0x04):  # block, loop, if
    _LAYOUT[_opcode] = _BLOCK
for _opcode in (0x0C, 0x0D, 0x10, *range(0x20, 0x27), 0x3F, 0x40, 0x41, 0x42, 0xD0, 0xD2):
    # br, br_if, call, variables and tables, memory.size, memory.grow, i32.const, i64.const, ref.null, ref.func
    _LAYOUT[_opcode] = _LEB
_LAYOUT[0x0E] = _TABLE  # br_table
_LAYOUT[0x11] = _LEB2  # call_indirect
_LAYOUT[0x1C] = _TYPES  # select with types
for _opcode in range(0x28, 0x3F):  # loads and stores
    _LAYOUT[_opcode] = _MEMARG
_LAYOUT[0x43], _LAYOUT[0x44] = _FOUR, _EIGHT  # f32.const, f64.const

# After the prefix 0xFC: bulk memory and tables; saturating conversions (0 to 7) have no immediates.
_MISCELLANEOUS = {
    8: _LEB2,
    9: _LEB,
    10: _LEB2,
    11: _LEB,
    12: _LEB2,
    13: _LEB,
    14: _LEB2,
    15: _LEB,
    16: _LEB,
    17: _LEB,
}

# After the prefix 0xFD: vectors; what is not listed has no immediates.
_VECTOR = {
    **dict.fromkeys((*range(12), 92, 93), _MEMARG),
    12: _SIXTEEN,
    13: _SIXTEEN,
    **dict.fromkeys(range(21, 35), _LANE),
    **dict.fromkeys(range(84, 92), _MEMARG_LANE),
}


def instructions(binary: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield `(offset, opcode)` of each instruction from `start` to `end`; the opcode is the first byte alone.

    `start` is behind the declarations of locals. Raises `MalformedModule` for an integer that is too long, and
    `IndexError` where the code is not valid and runs over the end of `binary`.
    """
    at = start
    while at < end:
        opcode = binary[at]
        yield at, opcode
        at += 1
        layout = _LAYOUT[opcode]
        if opcode >= 0xFC:
            at, sub = _leb(binary, at)
            layout = (_MISCELLANEOUS if opcode == 0xFC else _VECTOR).get(sub, _NONE)
        if layout == _NONE:
            continue
        at = _skip(binary, at, layout)


def skip_locals(binary: bytes, start: int) -> int:
    """Give the offset of the first instruction of a function body that starts at `start` (behind its size)."""
    at, groups = _leb(binary, start)
    for _ in range(groups):
        at = _skip_leb(binary, at) + 1  # a count, and a value type of one byte
    return at


def _skip(binary: bytes, at: int, layout: int) -> int:
    if layout == _LEB:
        return _skip_leb(binary, at)
    if layout in (_LEB2, _MEMARG):
        return _skip_leb(binary, _skip_leb(binary, at))
    if layout == _MEMARG_LANE:
        return _skip_leb(binary, _skip_leb(binary, at)) + 1
    if layout == _BLOCK:  # the empty type, a value type, or a type index: a signed LEB128 integer in each case
        return _skip_leb(binary, at)
    if layout in (_TABLE, _TYPES):
        at, count = _leb(binary, at)
        for _ in range(count + (layout == _TABLE)):
            at = _skip_leb(binary, at)
        return at
    return at + {_FOUR: 4, _EIGHT: 8, _SIXTEEN: 16, _LANE: 1}[layout]


def _skip_leb(binary: bytes, start: int) -> int:
    at = start
    while binary[at] >= 0x80:
        at += 1
    if at - start >= 10:  # what 64 bits need
        raise MalformedModule("an integer is longer than 10 bytes", start)
    return at + 1


def _leb(binary: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned LEB128 integer: the offset behind it, and its value."""
    value = shift = 0
    while True:
        byte = binary[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return at, value
        shift += 7
        if shift >= 35:  # what 32 bits need
            raise MalformedModule("an integer is longer than 5 bytes", at)
