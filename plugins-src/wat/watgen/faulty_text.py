"""Faults of a result's text: not UTF-8, not one JSON text, no object, keys that stand twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from watgen.base import ANSWERS, HOOKS
from watgen.edits import answering, variation
from watgen.plugin import Plugin

PLAIN: dict[str, bytes] = {
    **ANSWERS["r1"],
    **ANSWERS["r2"],
    "http_stream_chunk_hook": b'{"context":{},"chunk":null,"has_chunk":false,"skip":true,"error":""}',
    "post_hook": b'{"context":{},"response":null,"error":null,"has_error":false,"hook_error":"not today"}',
}
"""A legal constant answer of each hook of r1 and later."""


def plain(revision: str, name: str) -> bytes:
    """Give a legal constant answer of a hook."""
    return ANSWERS["r0"][name] if revision == "r0" else PLAIN[name]


def first(member: bytes) -> Callable[[bytes], bytes]:
    """Put a member in front of the others."""
    return lambda text: b"{" + member + b"," + text[1:]


Spoil = Callable[[bytes], bytes]
ROWS: tuple[tuple[str, str, str, Spoil], ...] = (
    ("ENC-001", "latin1", "holds Latin-1", first(b'"note":"na\xefve"')),
    ("ENC-001", "utf16", "is UTF-16 with a byte order mark", lambda text: text.decode().encode("utf-16")),
    ("ENC-001", "utf16-plain", "is UTF-16 without a byte order mark", lambda text: text.decode().encode("utf-16-le")),
    ("ENC-001", "utf16-big", "is big-endian UTF-16", lambda text: text.decode().encode("utf-16-be")),
    (
        "ENC-001",
        "utf16-half",
        "is UTF-16 of half its length",
        lambda text: text.decode().encode("utf-16-le")[: len(text)],
    ),
    ("ENC-001", "utf32", "is UTF-32 with a byte order mark", lambda text: text.decode().encode("utf-32")),
    ("ENC-001", "utf32-plain", "is UTF-32 without a byte order mark", lambda text: text.decode().encode("utf-32-be")),
    ("ENC-001", "beyond", "holds a character beyond Unicode", first(b'"note":"\xf4\x90\x80\x80"')),
    ("ENC-001", "key", "has Latin-1 in a key", first(b'"caf\xe9":1')),
    ("ENC-001", "cut-character", "holds the first byte of a character", first(b'"note":"caf\xc3"')),
    ("ENC-001", "surrogates", "holds a surrogate in three bytes", first(b'"note":"\xed\xa0\xbd"')),
    ("ENC-001", "overlong", "holds a slash in two bytes", first(b'"note":"\xc0\xaf"')),
    ("ENC-002", "bom", "begins with a byte order mark", lambda text: b"\xef\xbb\xbf" + text),
    ("ENC-002", "nul", "ends with a NUL", lambda text: text + b"\0"),
    ("ENC-002", "long", "is a byte too long, and that byte is no UTF-8", lambda text: text + b"\xff"),
    ("ENC-002", "longer", "is three bytes too long, none of them UTF-8", lambda text: text + b"\xc3\xfe\x80"),
    ("ENC-002", "early", "begins and ends a byte too early", lambda text: b"\0" + text[:-1]),
    ("ENC-002", "late", "begins and ends a byte too late", lambda text: text[1:] + b"\xfe"),
    ("ENC-002", "half-character", "ends inside a character", lambda text: text[:-1] + ',"note":"é'.encode()[:-1]),
    (
        "ENC-002",
        "characters",
        "has a length in characters",
        lambda text: first('"note":"界界界界"'.encode())(text)[:-8],
    ),
    ("ENC-002", "zeros", "is nothing but zeros", lambda text: bytes(len(text))),
    ("ENC-002", "event", "is framed as an event", lambda text: b"data: " + text + b"\n\n"),
    ("ENC-002", "brace", "ends with a brace too many", lambda text: text + b"}"),
    ("ENC-002", "two", "is two objects", lambda text: text + b"\n" + text),
    ("ENC-002", "comma", "ends with a comma", lambda text: text[:-1] + b",}"),
    ("ENC-002", "short", "lacks its last byte", lambda text: text[:-1]),
    ("ENC-002", "control", "holds a raw line break inside a string", first(b'"note":"a\nb"')),
    ("ENC-002", "lone-surrogate", "holds an escape of half a pair", first(b'"note":"\\ud83d"')),
    ("ENC-002", "deep", "is nested 600 levels deep", first(b'"note":' + b"[" * 600 + b"]" * 600)),
    ("ENC-002", "nan", "holds NaN", first(b'"note":NaN')),
    ("ENC-002", "infinity", "holds -Infinity", first(b'"note":-Infinity')),
    ("ENC-002", "quotes", "has single quotation marks", lambda text: text.replace(b'"', b"'")),
    ("ENC-002", "comment", "holds a comment", lambda text: b"/* pass */" + text),
    ("ENC-002", "zero", "holds a number with a leading zero", first(b'"note":007')),
    ("ENC-002", "hexadecimal", "holds a hexadecimal number", first(b'"note":0x1f')),
    ("ENC-002", "point", "holds a number without digits behind its point", first(b'"note":1.')),
    ("ENC-002", "plus", "holds a number with a plus", first(b'"note":+1')),
    ("ENC-002", "array-comma", "has a comma behind the last element of an array", first(b'"note":[1,]')),
    ("ENC-002", "bare-key", "has a key without quotation marks", first(b"note:1")),
    ("ENC-002", "tab", "holds a raw tab in a key", first(b'"no\tte":1')),
    ("ENC-002", "low-surrogate", "holds an escape of a pair's second half", first(b'"note":"\\ude00"')),
    ("ENC-002", "long-escape", "holds an escape of eight digits", first(b'"note":"\\U0001f600"')),
    ("ENC-002", "deep-513", "is nested 513 levels deep", first(b'"note":' + b'{"a":' * 511 + b"{}" + b"}" * 511)),
    ("ENC-002", "escape", "holds an escape that JSON does not have", first(b'"note":"\\x41"')),
    ("ENC-002", "blank", "is blank", lambda _text: b"  "),
    ("ENC-002", "undefined", "holds undefined", first(b'"note":undefined')),
    ("ENC-003", "array", "is an array", lambda text: b"[" + text + b"]"),
    ("ENC-003", "null", "is null", lambda _text: b"null"),
    ("ENC-003", "text", "is a string", lambda _text: b'"ok"'),
    ("ENC-003", "number", "is a number", lambda _text: b"0"),
    ("ENC-003", "true", "is true", lambda _text: b"true"),
    ("ENC-004", "twice", "has a key twice", first(b'"error":""')),
    ("ENC-004", "nested", "has a key twice in an inner object", first(b'"note":{"a":1,"b":{"c":1,"c":2}}')),
    ("ENC-004", "escaped", "has a key twice, once escaped", first(b'"note":{"a":1,"\\u0061":2}')),
)


def plugins() -> Iterator[Plugin]:
    """Give them all: the first fault of each requirement in every hook, others in a hook of r2 and one of an older."""
    seen: set[str] = set()
    older = tuple(revision for revision in HOOKS if revision != "r2")
    turn = 0
    for requirement, slug, what, spoil in ROWS:
        is_first = requirement not in seen
        seen.add(requirement)
        for revision, hooks in HOOKS.items():
            names = tuple(hooks)
            if revision == "r2":
                chosen = names if is_first else (names[turn % len(names)],)
            elif is_first:
                chosen = names if revision == "r0" else names[:1]
            else:
                # One of the others, and another hook of it, for each fault.
                chosen = (names[turn // 3 % len(names)],) if revision == older[turn % 3] else ()
            for name in chosen:
                if slug == "twice" and b'"error"' not in plain(revision, name):
                    continue
                yield variation(
                    requirement,
                    f"{slug}-{name}",
                    f"the answer of {name} {what}",
                    answering(revision, name, spoil(plain(revision, name))),
                    revision=revision,
                )
        turn += 1
