"""Faults of what a plugin takes: its decoder refuses what a conforming host may send.

Most are rows of `inputs.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watgen.base import HOOKS, constant, pass_on
from watgen.edits import (
    BEYOND_ASCII,
    CONTAINS,
    Pieces,
    choosing,
    contains,
    doing,
    http_hook,
    merge,
    variation,
    when_input_has,
)
from watgen.plugin import Plugin

TABLE = Path(__file__).resolve().parent.parent / "inputs.toml"
AFTER, POST, STREAM = "http_post_hook", "post_hook", "http_stream_chunk_hook"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: for input with (or without) the bytes `needle` a hook reports `error`, or answers `answer`.

    `document`: which of its documents r0 looks into, by the name of the hook's parameter.
    """

    breaks: str
    slug: str
    hook: str
    title: str
    needle: str
    error: str = ""
    answer: str = ""
    revisions: tuple[str, ...] = ("r2",)
    lacks: bool = False
    document: str = "input"

    def hooks(self, revision: str) -> Iterator[str]:
        """Give the hooks of a revision that the row is about."""
        if self.hook == "every":
            yield from HOOKS[revision]
        else:
            yield http_hook(revision) if self.hook == "http" else self.hook

    def pieces(self, revision: str, hook: str) -> Pieces:
        """Make the edit."""
        said = self.answer.encode() if self.answer else complaint(revision, hook, self.error)
        edit = when_input_has(revision, hook, self.needle, said, negated=self.lacks)
        return edit if revision != "r0" else looking_into(self.document, edit)


def looking_into(document: str, edit: Pieces) -> Pieces:
    """Let a hook of r0 look into another of its documents."""
    exports = edit["exports"]
    assert isinstance(exports, dict)
    length = "length" if document == "input" else f"{document}_length"
    looking = {
        name: text.replace("(local.get $input)", f"(local.get ${document})").replace(
            "(local.get $length)", f"(local.get ${length})"
        )
        for name, text in exports.items()
    }
    return {**edit, "exports": looking}


def rows() -> list[Row]:
    """Read the table."""
    with TABLE.open("rb") as file:
        gaps = tomllib.load(file)["gaps"]
    return [Row(**{**row, "revisions": tuple(row.get("revisions", ("r2",)))}) for row in gaps]


def complaint(revision: str, hook: str, error: str) -> bytes:
    """Write the answer of a hook that cannot decode its input."""
    member = "hook_error" if hook == POST and revision != "r0" else "error"
    return f'{{"{member}":"{error}"}}'.encode()


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the table."""
    for row in rows():
        for revision in row.revisions:
            for hook in row.hooks(revision):
                title = f"{hook} cannot decode {row.title}"
                yield variation(row.breaks, f"{row.slug}-{hook}", title, row.pieces(revision, hook), revision=revision)
    yield from by_size()
    yield from by_letters()
    yield from by_form()
    yield from by_case()
    yield from by_spelling()
    yield from by_trap()


LARGER_THAN = "(i32.gt_u (local.get $length) (i32.const {}))"


def by_size() -> Iterator[Plugin]:
    """Refuse input by its length."""
    for revision, hooks in HOOKS.items():
        every = hooks if revision in ("r0", "r2") else (http_hook(revision), STREAM) if revision == "r1b" else ()
        for hook in every:
            yield variation(
                "INPUT-006",
                f"large-{hook}",
                f"{hook} cannot decode more than 64 KiB",
                refusing(revision, hook, LARGER_THAN.format(65_536), "failed to parse input JSON: out of room"),
                revision=revision,
                scope="full",
            )
    for revision in ("r0", "r1", "r2"):
        for hook, error in ((http_hook(revision), "out of memory"), ("pre_hook", "buffer is full")):
            yield variation(
                "INPUT-006",
                f"huge-{hook}",
                f"{hook} cannot decode more than 4 MiB",
                refusing(revision, hook, LARGER_THAN.format(0x400000), error),
                revision=revision,
                scope="full",
            )


def by_letters() -> Iterator[Plugin]:
    """Refuse input by its letters."""
    for revision, hooks in HOOKS.items():
        for hook in hooks if revision in ("r0", "r2") else (http_hook(revision),):
            yield variation(
                "INPUT-007",
                f"ascii-{hook}",
                f"{hook} cannot decode text beyond ASCII",
                {"helpers": {"beyond_ascii": BEYOND_ASCII}},
                refusing(
                    revision,
                    hook,
                    "(call $beyond_ascii (local.get $input) (local.get $length))",
                    "json: invalid character",
                ),
                revision=revision,
            )


FORMS = (
    (
        "end",
        "that does not end with a brace",
        "(i32.ne\n  (i32.load8_u (i32.sub (i32.add (local.get $input) (local.get $length)) (i32.const 1)))\n"
        "  (i32.const 0x7d))",
    ),
    ("begin", "that does not begin with a brace", "(i32.ne (i32.load8_u (local.get $input)) (i32.const 0x7b))"),
)

SPOILED: tuple[tuple[str, str, str], ...] = (
    ("cut-escape", "with an escape that is cut short", '\\u12"'),
    ("no-escape", "with an escape that there is not", "\\x41"),
    ("half-pair", "with half of a surrogate pair", '\\ud83d"'),
    ("deep", "that is nested too deeply", "[" * 600),
    ("huge-number", "with a number that is too large", "1e999999"),
    ("digits", "with a number of too many digits", "9" * 300),
    ("control", "with a line break in a string", '"\n"'),
    ("nan", "with NaN in it", "NaN"),
    ("comma", "with a comma too many", ",}"),
)
TYPES: tuple[tuple[str, str, str, str], ...] = (
    ("headers", "http", "headers are text", '"headers":"x"'),
    ("method", "http", "method is a number", '"method":17'),
    ("status", AFTER, "status is an object", '"status_code":{"x":1}'),
    ("chunk", STREAM, "chunk is text", '"chunk":"x"'),
    ("choices", STREAM, "choices are an object", '"choices":{"x":1}'),
    ("model", "pre_hook", "model is a number", '"model":17'),
    ("input", "pre_hook", "messages are an object", '"input":{"x":1}'),
    ("response", POST, "chat response is text", '"chat_response":"x"'),
)


def by_form() -> Iterator[Plugin]:
    """Trap on input that is no JSON object, or not of the documented form."""
    for revision, hooks in HOOKS.items():
        for number, hook in enumerate(hooks):
            for document in {"r0": ("context", "input", "error")}.get(revision, ("input",)):
                slug, what, condition = FORMS[number % len(FORMS)]
                if document == "error":
                    continue
                of = "" if document == "input" else f"-{document}"
                edit = doing(revision, hook, choosing(condition, "(unreachable)", pass_on(revision, hook)))
                if hook == POST and document == "input" and revision == "r0":
                    # What is no response is null there.
                    edit = when_spoiled(revision, hook, '"id":17')
                yield variation(
                    "INPUT-009",
                    f"{slug}-{hook}{of}",
                    f"{hook} traps on input {what}",
                    edit if revision != "r0" else looking_into(document, edit),
                    revision=revision,
                )
            slug, what, needle = SPOILED[(number * 2 + list(HOOKS).index(revision)) % len(SPOILED)]
            title = f"{hook} traps on input {what}"
            yield variation(
                "INPUT-009", f"{slug}-{hook}", title, when_spoiled(revision, hook, needle), revision=revision
            )
    for slug, hook, what, needle in TYPES:
        for revision in ("r0", "r1b", "r2"):
            name = http_hook(revision) if hook == "http" else hook
            if name in HOOKS[revision]:
                title = f"{name} traps where the {what}"
                edit = when_spoiled(revision, name, needle)
                yield variation("INPUT-009", f"type-{slug}-{name}", title, edit, revision=revision)
    edit = looking_into("error", when_spoiled("r0", POST, '"is_bifrost_error":"x"'))
    yield variation("INPUT-009", f"type-error-{POST}", f"{POST} traps where the error is odd", edit, revision="r0")


def when_spoiled(revision: str, hook: str, needle: str) -> Pieces:
    """Let a hook trap where its input contains some bytes."""
    body = choosing(contains("needle"), "(unreachable)", pass_on(revision, hook))
    return merge(
        {"constants": {"needle": needle.encode()}, "helpers": {"contains": CONTAINS}}, doing(revision, hook, body)
    )


def by_case() -> Iterator[Plugin]:
    """Look for a header, or for a query parameter, in one spelling only."""
    for revision, hooks in HOOKS.items():
        for hook in hooks:
            if hook in ("pre_hook", POST):
                continue
            denied = b'{"error":"no team, no answer"}'
            if hook == STREAM:
                denied = b'{"skip":true}'
            for slug, what, needle in (
                ("header", "the header x-team", '"x-team":'),
                ("query", "the query parameter Debug", '"Debug":'),
            ):
                if slug == "header" or revision == "r2":
                    yield variation(
                        "INPUT-010",
                        f"{slug}-{hook}",
                        f"{hook} looks for {what} in this spelling only",
                        when_input_has(revision, hook, needle, denied, negated=slug == "header"),
                        revision=revision,
                    )


SPELLINGS = (
    ("spaces", "white space behind a colon", '": ', "E1"),
    ("breaks", "line breaks", ",\n", "unexpected whitespace"),
    ("slashes", "escaped slashes", "\\/", "E2"),
    ("letters", "escaped letters", "\\u00f6", "json: unknown escape"),
    ("pairs", "escaped surrogate pairs", "\\ud83d\\ude42", "E3"),
    ("exponents", "exponents", "E-01", "invalid number"),
)


def by_spelling() -> Iterator[Plugin]:
    """Take JSON as the documents write it, and in no other spelling."""
    number = 0
    for revision, hooks in HOOKS.items():
        for hook in hooks:
            for turn in range(2):
                slug, what, needle, error = SPELLINGS[(2 * number + turn) % len(SPELLINGS)]
                row = Row("INPUT-011", slug, hook, what, needle, error, document="input")
                edit = row.pieces(revision, hook) if turn == 0 else when_spoiled(revision, hook, needle)
                if revision == "r0" and slug == "exponents":
                    edit = looking_into("context", edit)
                what = f"cannot decode {what}" if turn == 0 else f"traps on {what}"
                yield variation("INPUT-011", f"{slug}-{hook}", f"{hook} {what}", edit, revision=revision)
            number += 1
            if revision in ("r1", "r2"):
                colons = Row("INPUT-011", "colons", hook, "white space before a colon", '" :', "E4", document="input")
                yield variation(
                    "INPUT-011",
                    f"colons-{hook}",
                    f"{hook} cannot decode white space before a colon",
                    colons.pieces(revision, hook),
                    revision=revision,
                )
                yield variation(
                    "INPUT-011",
                    f"order-{hook}",
                    f"{hook} cannot decode members in another order",
                    refusing(revision, hook, CONTEXT_LATER, "E4"),
                    revision=revision,
                )


CONTEXT_LATER = "(i32.ne (i32.load8_u offset=2 (local.get $input)) (i32.const 0x63))"
"""The first member is not `context`."""


def by_trap() -> Iterator[Plugin]:
    """Trap on what an INPUT rule is about: that is the trap's own rule."""
    for revision, hook, slug, what, needle in (
        ("r0", "http_transport_intercept", "null-headers", "headers are null", '"headers":null'),
        ("r1", "http_intercept", "null-body", "the body is null", '"body":null'),
        ("r2", "http_pre_hook", "null-headers", "headers are null", '"headers":null'),
        ("r2", AFTER, "unknown", "a response has further members", '"timing":'),
        ("r1b", STREAM, "no-choices", "a chunk has no choices", '"choices":[]'),
        ("r2", "pre_hook", "nul", "there is a NUL", "\\u0000"),
        ("r2", POST, "null-error", "the error is null", '"error":null'),
    ):
        yield variation(
            "TRAP-001",
            f"on-{slug}-{hook}",
            f"{hook} traps where {what}",
            when_spoiled(revision, hook, needle),
            revision=revision,
        )


def refusing(revision: str, hook: str, condition: str, error: str) -> Pieces:
    """Let a hook report an error where a condition holds."""
    return merge(
        {"constants": {"special": complaint(revision, hook, error)}},
        doing(revision, hook, choosing(condition, constant("special"), pass_on(revision, hook))),
    )
