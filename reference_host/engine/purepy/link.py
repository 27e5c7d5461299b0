"""Instances that import from each other: functions, tables, memories and globals of other modules.

The seam knows host functions only, which is all that plugins import. Programs of several modules, and the tests of the
specification, are linked here. All instances of a `Linker` share one meter.

Source: WebAssembly Core Specification 2.0, sections 4.5.1 to 4.5.4 (external typing, import matching, instantiation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from reference_host.engine.interface import ExternType, FuncType, GlobalType, Import, Limits, MemoryType, TableType
from reference_host.engine.purepy import stack
from reference_host.engine.purepy.engine import PurepyModule
from reference_host.engine.purepy.memory import LinearMemory
from reference_host.engine.purepy.meter import Meter
from reference_host.engine.purepy.store import Extern, Global, ModuleInstance, as_trap
from reference_host.engine.purepy.table import FunctionReference, Table
from reference_host.errors import UnresolvedImport


class _HostFunction:
    """Implements `table.Functions` with one function of the host."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def function(self, index: int, *, exact: bool) -> Callable[..., Any]:
        """See `table.Functions.function`."""
        return self._function


def host_function(type_: FuncType, function: Callable[..., Any]) -> FunctionReference:
    """Make a function of the host: integers unsigned, one result as it is, several as a tuple, none as None."""
    return FunctionReference(_HostFunction(function), 0, type_)


class Linker:
    """Makes instances, and knows what they can import."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._meter = Meter()
        self._defined: dict[tuple[str, str], Extern] = {}

    def define(self, module: str, name: str, extern: Extern) -> None:
        """Provide something for imports of this name."""
        self._defined[module, name] = extern

    def register(self, module: str, instance: LinkedInstance) -> None:
        """Provide all exports of an instance under a module name."""
        for export in instance.module.exports:
            self.define(module, export.name, instance.export(export.name))

    def instantiate(self, module: PurepyModule) -> LinkedInstance:
        """Make an instance, and run its start function.

        Raises `UnresolvedImport` for the first import that does not match, and `Trap`; what the segments have written
        before a trap stays written.
        """
        imports = [self._match(import_) for import_ in module.imports]
        made = ModuleInstance(
            module.decoded,
            module.code,
            imports,
            self._limits,
            lambda size, delta: None,
            views=module.views,
            meter=self._meter,
        )
        instance = LinkedInstance(module, made, self._limits)
        made.initialize()
        if module.info.start is not None:
            instance.run(module.info.start, (), None)
        return instance

    def _match(self, import_: Import) -> Extern:
        found = self._defined.get((import_.module, import_.name))
        if found is None:
            raise UnresolvedImport(import_.module, import_.name, str(import_.type))
        if not matches(found, import_.type):
            raise UnresolvedImport(import_.module, import_.name, str(import_.type), str(found.type))
        return found


def matches(extern: Extern, wanted: ExternType) -> bool:
    """Whether it can be imported with this type (4.5.2): equal, or with limits within those that are wanted."""
    if isinstance(wanted, FuncType):
        return isinstance(extern, FunctionReference) and extern.type == wanted
    if isinstance(wanted, GlobalType):
        return isinstance(extern, Global) and extern.type == wanted
    if isinstance(wanted, TableType):
        if not isinstance(extern, Table) or extern.type.element != wanted.element:
            return False
        return _within(len(extern.elements), extern.type.maximum, wanted)
    return isinstance(extern, LinearMemory) and _within(extern.pages, extern.type.maximum, wanted)


def _within(size: int, maximum: int | None, wanted: TableType | MemoryType) -> bool:
    if size < wanted.minimum:
        return False
    return wanted.maximum is None or (maximum is not None and maximum <= wanted.maximum)


class LinkedInstance:
    """An instance whose exports other instances can import."""

    def __init__(self, module: PurepyModule, instance: ModuleInstance, limits: Limits) -> None:
        self.module = module
        self._instance = instance
        self._limits = limits

    def export(self, name: str) -> Extern:
        """Give an export. Raises `KeyError`."""
        return self._instance.export(name)

    def value(self, name: str) -> Any:
        """Give the value of an exported global."""
        found = self.export(name)
        assert isinstance(found, Global)
        return found.cell.cell_contents

    def invoke(self, name: str, *arguments: Any, fuel: int | None = None) -> tuple[Any, ...]:
        """Call an exported function; integers unsigned, references as objects, None for null. Raises `Trap`."""
        found = self.export(name)
        assert isinstance(found, FunctionReference)
        answer = self._run(lambda exact: found.owner.function(found.index, exact=exact), arguments, fuel)
        return answer if len(found.type.results) > 1 else () if not found.type.results else (answer,)

    def run(self, index: int, arguments: Sequence[Any], fuel: int | None) -> Any:
        """Call a function by its index; gives what it gives in Python."""
        return self._run(lambda exact: self._instance.function(index, exact=exact), arguments, fuel)

    def _run(self, find: Callable[[bool], Callable[..., Any]], arguments: Sequence[Any], fuel: int | None) -> Any:
        meter = self._instance.meter
        if not meter.running:  # a call that a host function makes shares the budget of the outermost one
            meter.begin(fuel, self._limits.deadline)
        meter.running += 1
        stack.enter()
        try:
            return find(meter.exact)(*arguments)
        except Exception as error:  # noqa: BLE001 - raised again below, with the word that it has here
            failure = as_trap(error)
        finally:
            stack.leave()
            meter.running -= 1
        raise failure
