"""Makes text that a plugin had a hand in safe to print, in every report alike.

A plugin is hostile until proven otherwise: what it answers may hold terminal escapes, text that runs from
right to left, halves of surrogate pairs, characters that XML forbids, or megabytes. All text of a report
passes through `printable` once, where it is made; no renderer has to escape for itself what this removes.
"""

from __future__ import annotations

import shlex
import unicodedata

LONG = 2_000
"""Characters of one text in a report, at most."""

# Controls, formats (which hold the bidirectional overrides), surrogates, private and unassigned characters,
# line separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def printable(text: str, limit: int = LONG) -> str:
    r"""Escape what does not print (`\n`, `\x1b`, `\u202e`, `\ud800`), and cut what is longer than `limit`.

    The answer is one line. What was cut is told with its length: `... (1,048,000 characters more)`.
    """
    more = len(text) - limit
    kept = text[:limit] if more > 0 else text
    if not kept.isprintable():
        kept = "".join(map(_escaped, kept))
    return f"{kept}... ({more:,} characters more)" if more > 0 else kept


def _escaped(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) not in _UNSAFE:
        return character
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shell_quoted(word: str) -> str:
    """Quote one word for a shell, so that a command line can be copied as it is printed.

    Words with characters that do not print take the `$'...'` form of bash, zsh and ksh; there is no other
    that survives copying.
    """
    if word.isprintable():
        return shlex.quote(word)
    escaped = []
    for character in word:
        if character in "\\'":
            escaped.append("\\" + character)
        elif character.isprintable():
            escaped.append(character)
        else:
            escaped.extend(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
    return f"$'{''.join(escaped)}'"
