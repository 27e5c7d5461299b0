"""Faults of an answer's members: most are rows of `answers.toml`, a few need a look at the input."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watgen.base import ECHO, constant, splice
from watgen.edits import (
    CONTAINS,
    Pieces,
    answering,
    choosing,
    contains,
    doing,
    http_hook,
    merge,
    unless_error,
    variation,
    when_input_has,
)
from watgen.plugin import Plugin

TABLE = Path(__file__).resolve().parent.parent / "answers.toml"
STREAM, POST = "http_stream_chunk_hook", "post_hook"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; `json` is the answer, in all calls or `when` the input contains a text."""

    breaks: str
    slug: str
    hook: str
    title: str
    json: str
    revisions: tuple[str, ...] = ("r2",)
    always: bool = False
    when: str | None = None


def rows() -> list[Row]:
    """Read the table."""
    with TABLE.open("rb") as file:
        answers = tomllib.load(file)["answers"]
    return [Row(**{**row, "revisions": tuple(row.get("revisions", ("r2",)))}) for row in answers]


def plugins() -> Iterator[Plugin]:
    """Give them all, the table's first."""
    for row in rows():
        for revision in row.revisions:
            yield made(row, revision)
    yield from skipping()
    yield from dropping_flags()


def made(row: Row, revision: str) -> Plugin:
    """Make the plugin of one row for one revision."""
    hook = http_hook(revision) if row.hook == "http" else row.hook
    answer = re.sub(r'"has_\w+":true,', "", row.json) if revision == "r0" else row.json
    echoes = hook == POST and revision != "r0" and not row.always
    if row.when is not None:
        edit = when_input_has(revision, hook, row.when, answer)
    else:
        edit = unless_error(POST, answer) if echoes else answering(revision, hook, answer)
    title = f"{row.title} in the answer of {hook}"
    return variation(row.breaks, f"{row.slug}-{hook}", title, edit, revision=revision)


def skipping() -> Iterator[Plugin]:
    """Skip a chunk, and give it all the same."""
    both = b'{"has_chunk":true,"skip":true,"error":"",'
    for revision in ("r1b", "r2"):
        yield variation(
            "STREAM-002",
            "both",
            "every chunk is both given and skipped",
            {"constants": {STREAM: both}},
            revision=revision,
        )
    yield variation(
        "STREAM-002",
        "last",
        "the last chunk is both given and skipped",
        where(STREAM, '"finish_reason":"stop"', both, splice("special"), splice(STREAM)),
    )


def dropping_flags() -> Iterator[Plugin]:
    """Lose the flag of an error that came in."""
    text = b'{"context":{},"response":null,"error":null,"has_error":false,"hook_error":""}'
    for revision in ("r1", "r1b", "r2"):
        title = "post_hook always answers that there is no error"
        yield variation("POST-003", "constant", title, answering(revision, POST, text), revision=revision)
    absent = b'{"context":{},"hook_error":""}'
    yield variation("POST-003", "absent", "post_hook answers without its flag", answering("r2", POST, absent))
    yield variation(
        "POST-003",
        "throttled",
        "post_hook loses the flag of errors with status 429",
        where(POST, '"status_code":429', absent, constant("special"), ECHO),
    )


def where(hook: str, needle: str, special: bytes, then: str, otherwise: str) -> Pieces:
    """Let a hook of r2 do something else where its input contains a text."""
    return merge(
        {"constants": {"needle": needle.encode(), "special": special}, "helpers": {"contains": CONTAINS}},
        doing("r2", hook, choosing(contains("needle"), then, otherwise)),
    )
