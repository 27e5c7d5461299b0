"""Faults of what a plugin takes: its decoder refuses what a conforming host may send.

Most are rows of `inputs.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watgen.base import HOOKS, constant, pass_on
from watgen.edits import BEYOND_ASCII, Pieces, choosing, doing, http_hook, merge, variation, when_input_has
from watgen.plugin import Plugin

TABLE = Path(__file__).resolve().parent.parent / "inputs.toml"
AFTER, POST = "http_post_hook", "post_hook"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: for input with (or without) the bytes `needle` a hook reports `error`."""

    breaks: str
    slug: str
    hook: str
    title: str
    needle: str
    error: str
    revisions: tuple[str, ...] = ("r2",)
    lacks: bool = False


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
            hook = http_hook(revision) if row.hook == "http" else row.hook
            yield variation(
                row.breaks,
                f"{row.slug}-{hook}",
                f"{hook} cannot decode {row.title}",
                when_input_has(revision, hook, row.needle, complaint(revision, hook, row.error), negated=row.lacks),
                revision=revision,
            )
    yield from by_condition()
    yield from by_form()
    yield from by_case()


def by_condition() -> Iterator[Plugin]:
    """Refuse input by its length, or by its letters."""
    for revision in HOOKS:
        names = tuple(HOOKS[revision]) if revision in ("r0", "r2") else (http_hook(revision),)
        for hook in names:
            if hook in ("pre_hook", http_hook(revision), AFTER):
                yield variation(
                    "INPUT-006",
                    f"large-{hook}",
                    f"{hook} cannot decode more than 64 KiB",
                    refusing(
                        revision,
                        hook,
                        "(i32.gt_u (local.get $length) (i32.const 65536))",
                        "failed to parse input JSON: out of room",
                    ),
                    revision=revision,
                    scope="full",
                )
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


def by_form() -> Iterator[Plugin]:
    """Trap on input that is no JSON object."""
    for revision, hooks in HOOKS.items():
        for number, hook in enumerate(hooks):
            slug, what, condition = FORMS[number % len(FORMS)]
            if revision == "r0":
                condition = condition.replace("$input", "$context").replace("$length", "$context_length")
            yield variation(
                "INPUT-009",
                f"{slug}-{hook}",
                f"{hook} traps on input {what}",
                doing(revision, hook, choosing(condition, "(unreachable)", pass_on(revision, hook))),
                revision=revision,
            )


def by_case() -> Iterator[Plugin]:
    """Look for a header, or for a query parameter, in one spelling only."""
    for revision, hooks in HOOKS.items():
        for hook in hooks:
            if hook in ("pre_hook", POST):
                continue
            denied = b'{"error":"no team, no answer"}'
            if hook == "http_stream_chunk_hook":
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


def refusing(revision: str, hook: str, condition: str, error: str) -> Pieces:
    """Let a hook report an error where a condition holds."""
    return merge(
        {"constants": {"special": complaint(revision, hook, error)}},
        doing(revision, hook, choosing(condition, constant("special"), pass_on(revision, hook))),
    )
