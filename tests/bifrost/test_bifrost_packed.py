"""Halves of a packed result that are not what they should be, told apart from answers that are merely defective."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reference_host.abi.bifrost.packed import Plausible, looks_like_json, looks_like_name, misplaced, unpack
from reference_host.engine.interface import Memory

SIZE = 4096
TEXT = b'{"context":{}}'
AT = 2048


@dataclass
class Bytes:
    """As much of a memory as is asked of one."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, pointer: int, length: int) -> bytes:
        return self.data[pointer : pointer + length]

    def write(self, pointer: int, data: bytes) -> None:
        raise AssertionError("nothing writes here")

    def grow(self, delta: int) -> int:
        raise AssertionError("nothing grows here")


def memory(text: bytes, at: int = AT) -> Memory:
    return Bytes(bytes(at) + text + bytes(SIZE - at - len(text)))


def reason(text: bytes, pointer: int, length: int, plausible: Plausible, at: int = AT) -> str | None:
    placed = memory(text, at)
    data = placed.read(pointer, length) if pointer + length <= SIZE else None
    return misplaced(placed, pointer, length, data, plausible)


@pytest.mark.parametrize(
    ("raw", "halves"),
    [
        pytest.param(0, (0, 0), id="zero"),
        pytest.param(0x10010_00000021, (0x10010, 0x21), id="example"),
        pytest.param(0xFFFF_FFFF_FFFF_FFFF, (0xFFFF_FFFF, 0xFFFF_FFFF), id="all-ones"),
        pytest.param(-1, (0xFFFF_FFFF, 0xFFFF_FFFF), id="signed"),
        pytest.param(0x8000_0000_0000_0001, (0x8000_0000, 1), id="above-2-GiB"),
    ],
)
def test_halves_are_unsigned(raw: int, halves: tuple[int, int]) -> None:
    assert unpack(raw) == halves


@pytest.mark.parametrize(
    ("text", "pointer", "length", "plausible", "word"),
    [
        pytest.param(TEXT, len(TEXT), AT, looks_like_json, "swapped", id="swapped"),
        pytest.param(b" [1]\n", 5, AT, looks_like_json, "swapped", id="swapped-array"),
        pytest.param(b"my plugin", 9, AT, looks_like_name, "swapped", id="swapped-name"),
        pytest.param(TEXT, 0, AT | len(TEXT), looks_like_json, "no pointer", id="not-shifted"),
        pytest.param(b"my plugin", 0, AT, looks_like_name, "no pointer", id="name-not-shifted"),
    ],
)
def test_wrong_halves_are_told(text: bytes, pointer: int, length: int, plausible: Plausible, word: str) -> None:
    assert word in (reason(text, pointer, length, plausible) or "")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT, id="object"),
        pytest.param(b"  [1]", id="array"),
        pytest.param(b'"text"', id="string"),
        pytest.param(b"null", id="null"),
        pytest.param(b"undefined", id="no-json"),
        pytest.param(TEXT[:-1], id="one-short"),
        pytest.param(TEXT + b"\0", id="one-long"),
        pytest.param(TEXT.decode().encode("utf-16-be"), id="utf-16"),
        pytest.param(b"\xef\xbb\xbf" + TEXT, id="byte-order-mark"),
        pytest.param(b"\xff\xfe\xfd", id="no-text"),
    ],
)
def test_defective_answers_are_where_they_say(text: bytes) -> None:
    assert reason(text, AT, len(text), looks_like_json) is None


@pytest.mark.parametrize(
    ("text", "plausible"),
    [pytest.param(TEXT, looks_like_json, id="answer"), pytest.param(b"my plugin", looks_like_name, id="name")],
)
def test_text_at_address_zero_is_where_it_says(text: bytes, plausible: Plausible) -> None:
    assert reason(text, 0, len(text), plausible, at=0) is None


def test_result_outside_of_memory_has_no_other_reason() -> None:
    assert reason(TEXT, SIZE - 4, 5, looks_like_json) is None
