"""What AssemblyScript's standard library imports where it is not told otherwise: `env.abort`, `env.trace`, `env.seed`.

`abort` is in every build that can throw, fail an assertion or index out of bounds; `trace` in one that calls
`trace`; `seed` in one that calls `Math.random`. Others (`console.log`, `Date.now`, ...) are bindings to a
JavaScript host, and not provided.

A string is UTF-16, little-endian, and may hold lone surrogates; its length in bytes is a 32-bit number 4
bytes before it. The pointers are the guest's, so none is trusted.

Source: AssemblyScript, "Concepts", section "Special imports", and "Runtime", section "Memory layout"; the
wording is that of the bindings that its compiler generates (0.28).
"""

from __future__ import annotations

from reference_host.errors import Trap, TrapCode
from reference_host.wasi.guest import Guest
from reference_host.wasi.randomness import SeededRandom
from reference_host.wasi.streams import Capture
from reference_host.wasi.types import Errno, WasiError

MODULE = "env"

MAX_STRING = 4_096
"""UTF-16 code units of a string that are looked at; three dots stand for the others."""

_LENGTH = 4


class AssemblyScript:
    """The functions of one guest. What it traces goes to standard error."""

    def __init__(self, stderr: Capture, random: SeededRandom) -> None:
        self._stderr = stderr
        self._random = random

    def abort(self, guest: Guest, message: int, file: int, line: int, column: int) -> None:
        """End the guest's execution. Raises `Trap` with the guest's message, and where in which file it was."""
        text = _text(guest, message, absent="")
        name = _text(guest, file, absent="")
        where = f"{name}:{line}:{column}" if name else ""
        raise Trap(TrapCode.ABORT, " in ".join(part for part in (text, where) if part))

    def trace(self, guest: Guest, message: int, count: int, *numbers: float) -> None:
        """Write a line with a message and the first `count` of five numbers."""
        listed = ", ".join(_number(number) for number in numbers[:count])
        line = " ".join(part for part in ("trace:", _text(guest, message, absent="null"), listed) if part)
        self._stderr.append(f"{line}\n".encode())

    def seed(self, _guest: Guest) -> float:
        """Draw a seed for `Math.random`: a whole number from 1 to 2^52."""
        return float(1 + int.from_bytes(self._random.take(8), "little") % 2**52)


def _text(guest: Guest, pointer: int, absent: str) -> str:
    if pointer == 0:
        return absent
    try:
        return _read_string(guest, pointer)
    except WasiError:
        return f"(unreadable string at {pointer:#x})"


def _read_string(guest: Guest, pointer: int) -> str:
    if pointer < _LENGTH:
        raise WasiError(Errno.FAULT)
    length = int.from_bytes(guest.read(pointer - _LENGTH, _LENGTH), "little")
    guest.check(pointer, length)
    data = guest.read(pointer, min(length, 2 * MAX_STRING))
    return data.decode("utf-16-le", "replace") + ("..." if length > 2 * MAX_STRING else "")


def _number(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)
