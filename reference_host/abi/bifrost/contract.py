"""Bifrost: what a module must export before it is worth running.

Two profiles. `strict` holds a module to its own revision's document; `lenient` asks for memory, an allocator,
`get_name` and one hook, as the gateway's loader for native plugins does.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from reference_host.abi.bifrost.heap import ALLOCATORS, pair_types
from reference_host.abi.bifrost.revisions import Revision
from reference_host.abi.interface import ModuleSummary
from reference_host.abi.startup import START_FUNCTIONS, START_TYPE
from reference_host.engine.interface import FuncType, MemoryType
from reference_host.errors import LoadError, MissingExport, MistypedExport


class Profile(StrEnum):
    """How much of its document a module is held to."""

    STRICT = "strict"
    LENIENT = "lenient"


def export_defects(module: ModuleSummary, revision: Revision, profile: Profile) -> Iterator[LoadError]:
    """Everything about the export section that keeps the module from being loaded, in the order of the contract."""
    exports = {export.name: export.type for export in module.exports}
    # The pair that the host will use has to be well typed in every revision, also where the document has other names.
    types = pair_types(exports) | dict(revision.types())

    memory = exports.get("memory")
    if memory is None:
        yield MissingExport("memory")
    elif not isinstance(memory, MemoryType):
        yield MistypedExport("memory", "a memory", str(memory))

    if profile is Profile.STRICT:
        if not exports.keys() & set(revision.allocators):
            yield MissingExport(revision.allocators[0])
        if revision.free_required and "free" not in exports:
            yield MissingExport("free")
        for name in ("get_name", "init", *(hook.name for hook in revision.hooks), "cleanup"):
            if name in revision.required and name not in exports:
                yield MissingExport(name)
    else:
        if not exports.keys() & set(ALLOCATORS):
            yield MissingExport("malloc")
        if "get_name" not in exports:
            yield MissingExport("get_name")
        if not exports.keys() & {hook.name for hook in revision.hooks}:
            yield MissingExport(revision.hooks[0].name)

    for name, legal in types.items():
        found = exports.get(name)
        if found is not None and found not in legal:
            yield MistypedExport(name, " or ".join(str(type_) for type_ in legal), str(found))
    for name in START_FUNCTIONS:
        found = exports.get(name)
        if found is not None and found != START_TYPE:
            yield MistypedExport(name, str(START_TYPE), str(found))


def well_typed_hooks(module: ModuleSummary, revision: Revision) -> frozenset[str]:
    """The export names of the hooks that can be called."""
    exports = {export.name: export.type for export in module.exports if isinstance(export.type, FuncType)}
    return frozenset(hook.name for hook in revision.hooks if exports.get(hook.name) == hook.type)
