"""Imports meet the functions that the host provides: by module, name and type.

Source: WebAssembly Core Specification 2.0, section 4.5.4 (instantiation) and 3.4.10 (imports).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reference_host.engine.binary import ModuleInfo
from reference_host.engine.interface import HostFunction, Import, Limits
from reference_host.engine.values import crosses
from reference_host.errors import MemoryLimitExceeded, TableLimitExceeded, UnresolvedImport


def unresolved(imports: Iterable[Import], provided: Sequence[HostFunction]) -> list[UnresolvedImport]:
    """List every import that `provided` does not satisfy, in the order of the import section."""
    return [wanted for import_ in imports if isinstance(wanted := _match(import_, provided), UnresolvedImport)]


def resolve(imports: Iterable[Import], provided: Sequence[HostFunction]) -> list[HostFunction]:
    """Find the host function for each import, in order. Raises `UnresolvedImport` for the first that has none."""
    functions = []
    for import_ in imports:
        found = _match(import_, provided)
        if isinstance(found, UnresolvedImport):
            raise found
        functions.append(found)
    return functions


def _match(import_: Import, provided: Sequence[HostFunction]) -> HostFunction | UnresolvedImport:
    named = [function for function in provided if (function.module, function.name) == (import_.module, import_.name)]
    for function in named:
        if function.type == import_.type and crosses(function.type):
            return function
    other = str(named[0].type) if named else None
    return UnresolvedImport(import_.module, import_.name, str(import_.type), other)


def check_limits(module: ModuleInfo, limits: Limits) -> None:
    """Hold the minimum of memory and tables against the limits.

    Raises `MemoryLimitExceeded` and `TableLimitExceeded`.
    """
    for memory in module.memories:
        if memory.minimum > limits.memory_pages:
            raise MemoryLimitExceeded(memory.minimum, limits.memory_pages)
    for table in module.tables:
        if table.minimum > limits.table_elements:
            raise TableLimitExceeded(table.minimum, limits.table_elements)
