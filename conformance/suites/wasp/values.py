"""What functions are called with: strings and bytes of every kind, in the place of those of the author's examples.

Numbers mean what their author says: they are those of an example, or small ones where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reference_host.abi.wasp import Type, Value
from reference_host.abi.wasp.functions import Example, Function

BEYOND_ASCII = "Zoë naïve Ørsted Привет 日本語 한국어 🚀 e\u0301 \u200d \ufeff"
STRINGS: tuple[tuple[str, str], ...] = (
    ("empty", ""),
    ("letter", "k"),
    ("sixteen", "sixteen letters!"),
    ("sixteen-others", "Another sixteen."),
    ("sentence", "The quick brown fox jumps over the lazy dog, twice."),
    ("beyond-ascii", BEYOND_ASCII),
    ("one-character", "é"),
    ("emoji", "🚀" * 30),
    ("percent", "100%d %s %n {0} ${name} \\n \"quoted\" 'so' <b>&amp;</b>"),
    ("lines", "Nic\nSeb\r\n\ttab \x01\x1b\x7f"),
    ("nul", "before\0behind"),
    ("only-nul", "\0"),
    ("spaces", "   "),
    ("number", "-12345678901234567890"),
    ("kilobyte", "kilobyte " * 113),
    ("long", "0123456789abcdef" * 320),
    ("64-kib", ("64 KiB, and growth! " * 3_277)[:65_536]),
)
BYTES: tuple[tuple[str, bytes], ...] = (
    ("none", b""),
    ("zero", b"\0"),
    ("one", b"\xff"),
    ("every", bytes(range(256))),
    ("zeroes", bytes(40)),
    ("ones", b"\x01" * 40),
    ("high", b"\xfe" * 33),
    ("text", b"The quick brown fox"),
    ("kilobyte", bytes(range(1, 250)) * 4),
    ("long", b"0123456789abcdef" * 320),
    ("64-kib", (b"64 KiB, and growth! " * 3_277)[:65_536]),
)
LARGEST = 16 * 2**20
"""Bytes of the largest value, which is sent in scope `full` only."""

_USUAL: dict[Type, tuple[Value, ...]] = {
    Type.I32: (3, 2, 1),
    Type.I64: (3, 2, 1),
    Type.F32: (1.5, 2.5, 0.5),
    Type.F64: (1.5, 2.5, 0.5),
    Type.STRING: ("Nic", "Seb", "Eve"),
    Type.BYTES: (b"\x01\x02\x03", b"\x04\x05", b"\x06"),
}
QUICK = 65_536
"""Bytes of the largest value in scope `quick`."""
SMALL = 5_200
"""Bytes of the largest value that is sent thousands of times."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One call to be made; `example` is the author's, if it is one."""

    name: str
    arguments: tuple[Value, ...]
    example: Example | None = None

    @property
    def size(self) -> int:
        """Bytes of the strings and bytes among the arguments."""
        return sum(byte_size(value) for value in self.arguments)


def byte_size(value: Value) -> int:
    """Bytes that a value takes in the guest's memory, without what goes before or behind."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    return len(value) if isinstance(value, bytes) else 0


def placed(value: Value) -> bytes | None:
    """What a string or bytes are in the guest's memory; None for a number."""
    if isinstance(value, str):
        return value.encode() + b"\0"
    return len(value).to_bytes(4, "little") + value if isinstance(value, bytes) else None


def usual(function: Function) -> tuple[Value, ...]:
    """The arguments that others are put into the place of: those of the first example that raises nothing."""
    example = next((each for each in function.examples if each.raises is None), None)
    if example is not None:
        return example.arguments
    return tuple(_USUAL[type_][place % 3] for place, type_ in enumerate(function.signature.parameters))


def examples(function: Function) -> Iterator[Sending]:
    """The author's examples, or the usual arguments where there are none."""
    for number, example in enumerate(function.examples, 1):
        yield Sending(f"example-{number}", example.arguments, example)
    if not function.examples:
        yield Sending("usual", usual(function))


def variants(function: Function, *, most: int) -> Iterator[Sending]:
    """The usual arguments with each string and bytes among them replaced, one at a time.

    What has more than `most` bytes is left out.
    """
    given = usual(function)
    for place, type_ in enumerate(function.signature.parameters):
        values: tuple[tuple[str, Value], ...] = ()
        if type_ is Type.STRING:
            values = (*STRINGS, *([("16-mib", "sixteen MiB text" * (LARGEST // 16))] if most >= LARGEST else ()))
        elif type_ is Type.BYTES:
            values = (*BYTES, *([("16-mib", b"sixteen MiB text" * (LARGEST // 16))] if most >= LARGEST else ()))
        for name, value in values:
            if byte_size(value) <= most:
                yield Sending(f"{place + 1}-{name}", (*given[:place], value, *given[place + 1 :]))
