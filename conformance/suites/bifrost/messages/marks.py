"""Words that tell requests apart: each request carries one of its own, and in an answer one can see whose it is.

They are put in as text and inside base64, and found in whatever letters, in base64, in hexadecimal digits, and in text
that JSON has escaped.
"""

from __future__ import annotations

import base64
import re

from reference_host.abi.interface import Json

from .leaves import leaves
from .message import MARK

_PLACE = MARK.encode()
_PLACE_IN_BASE64 = base64.b64encode(_PLACE)

_WORD = re.compile(rb"mark-(\d{10})")
_HEXADECIMAL = re.compile(rb"[46]d[46]1[57]2[46]b2d((?:3\d){10})")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{20,}")
_BEGINNINGS = (b"TUFSSy", b"1BUkst", b"NQVJLL")
"""What every word begins with in base64, at each of the three places where it can begin: less its first character."""


def mark(number: int) -> str:
    """The word of that number."""
    return f"MARK-{number:010d}"


def marked(document: bytes, word: str) -> bytes:
    """Put a word in the place of `MARK`, in text and in base64 (where `b64` has made room for it)."""
    own = word.encode()
    return document.replace(_PLACE, own).replace(_PLACE_IN_BASE64, base64.b64encode(own))


def marks_in(output: bytes, document: dict[str, Json] | None = None) -> set[str]:
    """Whose words stand in an answer; `document` is what was read from it, if it was."""
    found = _words(output)
    if b"\\" in output and document is not None:
        # What stands in a document with escapes was read without them.
        texts = [each for place, value in leaves(document) for each in (*place, value) if isinstance(each, str)]
        found |= _words("\n".join(texts).encode("utf-8", "surrogatepass"))
    return {mark(int(digits)) for digits in found}


def _words(text: bytes) -> set[bytes]:
    lower = text.lower()
    found = set(_WORD.findall(lower)) if b"mark-" in lower else set()
    if b"2d3030" in lower:
        found |= {bytes.fromhex(digits.decode()) for digits in _HEXADECIMAL.findall(lower)}
    if any(beginning in text for beginning in _BEGINNINGS):
        runs = [run[start:] for run in _BASE64.findall(text) for start in range(4)]
        for run in runs:
            found |= set(_WORD.findall(base64.b64decode(run[: len(run) // 4 * 4]).lower()))
    return found
