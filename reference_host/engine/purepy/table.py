"""Tables, references, and calls through them.

`call_indirect` is `D0_5[index](…)` in the translated code: for each table and each type a mapping that knows the
functions that were called so far. What it does not know it finds out, with all the checks; a table that changes makes
its mappings forget.

Source: WebAssembly Core Specification 2.0, sections 4.2.7 (table instances), 4.4.6 (table instructions) and 4.4.8
(`call_indirect`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from reference_host.engine.interface import FuncType, TableType
from reference_host.errors import Trap, TrapCode


class Functions(Protocol):
    """Whoever has functions: gives them as callables, metered exactly or not."""

    def function(self, index: int, *, exact: bool) -> Callable[..., Any]:
        """Give a function, translated."""


class FunctionReference:
    """A reference to a function."""

    __slots__ = ("index", "owner", "type")

    def __init__(self, owner: Functions, index: int, type_: FuncType) -> None:
        self.owner = owner
        self.index = index
        self.type = type_


class Table:
    """A table instance: references, or None for null; `maximum` is what it may grow to."""

    __slots__ = ("_dispatchers", "elements", "maximum", "type")

    def __init__(self, type_: TableType, limit: int) -> None:
        self.type = type_
        self.elements: list[Any] = [None] * type_.minimum
        self.maximum = min(2**32 - 1 if type_.maximum is None else type_.maximum, limit)
        self._dispatchers: dict[tuple[FuncType, bool], Dispatcher] = {}

    def dispatcher(self, type_: FuncType, *, exact: bool) -> Dispatcher:
        """Give the mapping for calls of functions of a type."""
        key = type_, exact
        found = self._dispatchers.get(key)
        if found is None:
            found = self._dispatchers[key] = Dispatcher(self.elements, type_, exact)
        return found

    def _changed(self) -> None:
        for dispatcher in self._dispatchers.values():
            dispatcher.clear()

    def get(self, index: int) -> Any:
        """Run `table.get`."""
        if index >= len(self.elements):
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        return self.elements[index]

    def set(self, index: int, value: Any) -> None:
        """Run `table.set`."""
        if index >= len(self.elements):
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        self.elements[index] = value
        self._changed()

    def size(self) -> int:
        """Run `table.size`."""
        return len(self.elements)

    def grow(self, value: Any, delta: int) -> int:
        """Run `table.grow`: the former size, or -1 as an unsigned number."""
        size = len(self.elements)
        if size + delta > self.maximum:
            return 2**32 - 1
        self.elements.extend([value] * delta)
        self._changed()
        return size

    def fill(self, start: int, value: Any, length: int) -> None:
        """Run `table.fill`."""
        if start + length > len(self.elements):
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        self.elements[start : start + length] = [value] * length
        self._changed()

    def copy(self, source: Table, into: int, start: int, length: int) -> None:
        """Run `table.copy`."""
        if start + length > len(source.elements) or into + length > len(self.elements):
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        self.elements[into : into + length] = source.elements[start : start + length]
        self._changed()

    def init(self, items: Sequence[Any], into: int, start: int, length: int) -> None:
        """Run `table.init`."""
        if start + length > len(items) or into + length > len(self.elements):
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        self.elements[into : into + length] = items[start : start + length]
        self._changed()


class Dispatcher(dict[int, Callable[..., Any]]):
    """The functions of one type in a table, by index."""

    def __init__(self, elements: list[Any], type_: FuncType, exact: bool) -> None:
        super().__init__()
        self._elements = elements
        self._type = type_
        self._exact = exact

    def __missing__(self, index: int) -> Callable[..., Any]:
        if index >= len(self._elements):
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        reference = self._elements[index]
        if reference is None:
            raise Trap(TrapCode.UNINITIALIZED_ELEMENT)
        if reference.type != self._type:
            raise Trap(TrapCode.INDIRECT_CALL_TYPE_MISMATCH)
        function: Callable[..., Any] = reference.owner.function(reference.index, exact=self._exact)
        self[index] = function
        return function
