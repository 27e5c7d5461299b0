"""wasp: the values that cross between host and guest, and the two hosts that this one can be.

Source: README of wasp, Basic Usage (strings, bytes, integers) and Callbacks; its engine for what each is in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reference_host.engine.interface import ValueType

Value = str | bytes | int | float
"""A string, bytes, or a bare number."""


class Type(StrEnum):
    """What a parameter or a result is. A string and bytes are an `i32` in WebAssembly: the address of what they are."""

    I32 = "i32"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    STRING = "string"
    """Bytes, UTF-8 by convention, and a NUL: `4e 69 63 00`."""
    BYTES = "bytes"
    """The number of bytes as a little-endian u32, and the bytes: `03 00 00 00 01 02 03`."""
    NONE = "none"
    """No result, or one that is not looked at."""

    @property
    def value_type(self) -> ValueType | None:
        """The WebAssembly type; None for `none`."""
        if self is Type.NONE:
            return None
        return ValueType.I32 if self in (Type.STRING, Type.BYTES) else ValueType(self.value)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes and gives."""

    parameters: tuple[Type, ...] = ()
    result: Type = Type.NONE

    def __str__(self) -> str:
        return f"({', '.join(self.parameters)}) -> {self.result}"


class Profile(StrEnum):
    """Which host the reference host is."""

    DEFAULT = "default"
    """The one that the documents describe, with the stands where they leave things open."""
    WASP_0_0_8 = "wasp-0.0.8"
    """The real one, with its defects.

    A string that goes in is written character by character, one byte each (the low 8 bits of the code point, where its
    first byte belongs), and its terminator lands one byte behind the buffer. Strings of the guest's are given back with
    a size that leaves out the terminator, also those in static data and at address 0. Address 0 is no failed
    allocation. Types are looked at when it is too late. Error texts go through Go's formatting. Callbacks refuse bytes.
    `_initialize` is never called. `env.abort` is not there, and a module has to export its memory and to import a WASI
    function; only the version of WASI that its imports name first is served. The workspace has one name.

    It goes on after a trap, and writes as much as fits: this one does not.
    """


def signed(number: int) -> int:
    """An unsigned i32 as Go's `int32`."""
    return number - 2**32 if number >= 2**31 else number
