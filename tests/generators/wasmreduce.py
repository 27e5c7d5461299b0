"""Reduces a module in text form for as long as it keeps what is interesting about it, so that a person can read it.

The text is taken as the tree of brackets that it is. Brackets are left out, replaced by one of those within them, or by
a constant, the largest first; what is no module any more is not interesting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Tree = list["str | Tree"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+')
_CONSTANTS = tuple([f"{kind}.const" for kind in ("i32", "i64", "f32", "f64")])


def reduced(text: str, interesting: Callable[[str], bool], tries: int = 5_000) -> str:
    """Give the smallest module found within so many questions; `interesting` answers False for what is no module."""
    tree = _tree(text)
    left = tries
    size = len(text)
    while left > 0:
        for changed in _smaller(tree):
            left -= 1
            if left <= 0 or interesting(_text(changed)):
                break
        else:
            break
        if left > 0:
            tree = changed
            assert len(_text(tree)) < size, "every step makes it smaller"
            size = len(_text(tree))
    return _text(tree)


def _tree(text: str) -> Tree:
    open_: list[Tree] = [[]]
    for token in _TOKEN.findall(text):
        if token == "(":
            open_.append([])
        elif token == ")":
            closed = open_.pop()
            open_[-1].append(closed)
        else:
            open_[-1].append(token)
    return open_[0]


def _text(tree: Tree) -> str:
    return " ".join(part if isinstance(part, str) else f"({_text(part)})" for part in tree)


def _smaller(tree: Tree) -> Iterator[Tree]:
    """Give every tree that is one step smaller, those without their largest parts first."""
    places = sorted(_places(tree), key=lambda place: -len(_text(_at(tree, place))))
    for place in places:
        part = _at(tree, place)
        yield _replaced(tree, place, [])
        if part[:1] != [] and part[0] in _CONSTANTS:
            continue
        for kind in _CONSTANTS:
            if len(_text(part)) > len(kind) + 2:
                yield _replaced(tree, place, [[kind, "0"]])
        for child in part:
            if isinstance(child, list):
                yield _replaced(tree, place, [child])


def _places(tree: Tree, above: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    for at, part in enumerate(tree):
        if isinstance(part, list):
            yield (*above, at)
            yield from _places(part, (*above, at))


def _at(tree: Tree, place: tuple[int, ...]) -> Tree:
    for at in place:
        below = tree[at]
        assert isinstance(below, list)
        tree = below
    return tree


def _replaced(tree: Tree, place: tuple[int, ...], parts: Tree) -> Tree:
    at, *rest = place
    if not rest:
        return [*tree[:at], *parts, *tree[at + 1 :]]
    below = tree[at]
    assert isinstance(below, list)
    return [*tree[:at], _replaced(below, tuple(rest), parts), *tree[at + 1 :]]
