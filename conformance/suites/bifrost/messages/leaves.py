"""A document taken apart, without recursion: an answer may be nested deeper than Python can follow."""

from __future__ import annotations

from collections.abc import Iterator

from reference_host.abi.interface import Json

Place = tuple[str | int, ...]
"""Where a value stands in a document: the names of members and the numbers of elements on the way."""


def leaves(document: Json) -> Iterator[tuple[Place, Json]]:
    """Every value that holds no other, with its place; an empty list or object is one."""
    pending: list[tuple[Place, Json]] = [((), document)]
    while pending:
        place, value = pending.pop()
        inside: list[tuple[str | int, Json]] = []
        if isinstance(value, dict):
            inside = list(value.items())
        elif isinstance(value, list):
            inside = list(enumerate(value))
        if not inside:
            yield place, value
        pending.extend(((*place, key), each) for key, each in inside)
