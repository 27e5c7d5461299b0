"""An iterator that somebody else may leave at any moment, and that cleans up all the same.

A plain generator does not run its `finally` when it is closed before its first item; a client may leave
before the first chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Pull(Generic[T]):
    """Items one by one; `at_end` runs once, when the items end, when one cannot be made, or when `close` is called."""

    def __init__(self, items: Iterator[T], at_end: Callable[[], None] = lambda: None) -> None:
        self._items = items
        self._at_end = at_end
        self._open = True

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if not self._open:
            raise StopIteration
        try:
            return next(self._items)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Nobody wants the rest. May be called more than once."""
        if self._open:
            self._open = False
            close_items(self._items)
            self._at_end()


def close_items(items: Iterator[T]) -> None:
    """Close an iterator, where it can be closed."""
    close = getattr(items, "close", None)
    if close is not None:
        close()
