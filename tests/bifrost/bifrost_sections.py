"""Export sections for the tests that run nothing."""

from __future__ import annotations

from collections.abc import Mapping

from reference_host.abi.bifrost.revisions import FREE_TYPES, Revision
from reference_host.abi.interface import ModuleSummary
from reference_host.engine.interface import Export, ExternType, FuncType, GlobalType, MemoryType, TableType, ValueType

I32, I64 = ValueType.I32, ValueType.I64
MEMORY = MemoryType(2)
GLOBAL = GlobalType(I32)
TABLE = TableType(ValueType.FUNCREF, 1)


def hook(parameters: int = 2) -> FuncType:
    """A hook's type: so many `i32`, and a packed result."""
    return FuncType((I32,) * parameters, (I64,))


def conforming(revision: Revision) -> dict[str, ExternType]:
    """All that a revision's document names, each with the first of its types; of two allocator pairs the first."""
    second = {name for name in revision.types() if "malloc" in name and name != revision.allocators[0]}
    second |= {name.replace("malloc", "free") for name in second}
    named = {name: legal[0] for name, legal in revision.types().items() if name not in second}
    assert FREE_TYPES[0] in named.values()
    return {"memory": MEMORY, **named}


def summary(exports: Mapping[str, ExternType]) -> ModuleSummary:
    """A module of these exports."""
    return ModuleSummary((), tuple(Export(name, type_) for name, type_ in exports.items()))
