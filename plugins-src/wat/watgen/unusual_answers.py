"""Legal answers that one does not see every day: the rows of `answers-legal.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watgen.edits import answering, http_hook, unless_error
from watgen.plugin import Plugin
from watgen.unusual import POST, unusual

TABLE = Path(__file__).resolve().parent.parent / "answers-legal.toml"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. In `json`, `%s` stands for `nesting` arrays, or for `filling` letters."""

    slug: str
    hook: str
    title: str
    json: str
    revisions: tuple[str, ...] = ("r2",)
    always: bool = False
    nesting: int = 0
    filling: int = 0

    def text(self, revision: str) -> str:
        """Write the answer."""
        filling = "[" * self.nesting + "]" * self.nesting + "a" * self.filling
        text = self.json.replace("%s", filling)
        return re.sub(r'"has_\w+":true,', "", text) if revision == "r0" else text


def rows() -> list[Row]:
    """Read the table."""
    with TABLE.open("rb") as file:
        answers = tomllib.load(file)["answers"]
    return [Row(**{**row, "revisions": tuple(row.get("revisions", ("r2",)))}) for row in answers]


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the table."""
    for row in rows():
        for revision in row.revisions:
            hook = http_hook(revision) if row.hook == "http" else row.hook
            echoes = hook == POST and revision != "r0" and not row.always
            text = row.text(revision)
            edit = unless_error(POST, text) if echoes else answering(revision, hook, text)
            roomy = {"memory": '(memory (export "memory") 8)'} if row.filling else {}
            yield unusual(f"{row.slug}-{hook}", f"{hook} answers {row.title}", edit, roomy, revision=revision)
