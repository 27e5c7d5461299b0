"""Bifrost: the packed result, and how to tell that its halves are not what they should be.

A result holds its pointer in the upper and its length in the lower 32 bits, both unsigned. Halves that are swapped, or
a pointer that was never shifted up, mostly lie inside memory all the same; what is read there is somebody else's. The
host must not take such bytes for an answer, and must not give such a buffer back.

Source: "Writing WASM Plugins" and README of hello-world-wasm-go, Return Value Format. How wrong halves show is a stand.
"""

from __future__ import annotations

from collections.abc import Callable

from reference_host.abi.buffers import LONGEST
from reference_host.engine.interface import Memory

_MASK = 0xFFFF_FFFF
_CONTROLS = frozenset(range(0x20)) | {0x7F}

Plausible = Callable[[bytes], bool]
"""Whether bytes look like what a function answers; generous, for a defective answer is judged elsewhere."""


def unpack(raw: int) -> tuple[int, int]:
    """Pointer and length, both unsigned."""
    return raw >> 32 & _MASK, raw & _MASK


def looks_like_json(data: bytes) -> bool:
    """Whether it begins as an object, an array or a text does, in whatever encoding."""
    head = data.lstrip(b" \t\r\n")[:8]
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe\0")[:1] in (b"{", b"[", b'"')


def is_whole_object(data: bytes) -> bool:
    """Whether it begins and ends as an object does, white space aside."""
    text = data.strip()
    return text[:1] == b"{" and text[-1:] == b"}"


def looks_like_name(data: bytes) -> bool:
    """Whether it is UTF-8 without control characters."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROLS.intersection(data)


def _is_closed(text: bytes) -> bool:
    """Whether a text that opens as JSON does is closed; a name always is."""
    return text[-1:] == {b"{": b"}", b"[": b"]", b'"': b'"'}.get(text[:1], text[-1:])


def misplaced(memory: Memory, pointer: int, length: int, data: bytes | None, plausible: Plausible) -> str | None:
    """Why a result is not where its halves say, None where nothing speaks for that.

    `data` is what lies there, None where that is outside of memory. Only what does not look like an answer is doubted.
    """
    if data is not None and plausible(data):
        return None
    if 0 < pointer <= LONGEST and length + pointer <= memory.size:
        other = memory.read(length, pointer)
        if plausible(other) and _is_closed(other.strip()):
            return f"the halves are swapped: {length:#x} is the pointer and {pointer:#x} the length of a text"
    if pointer == 0 and data is not None:
        return f"no pointer in the upper half, {length:#x} in the lower, and no text at address 0"
    return None
