"""What a plugin exports and imports. Nothing runs here: the sections of the module tell.

Source: "Writing WASM Plugins", Plugin Interface; README of hello-world-wasm-go, Plugin Structure.
"""

from __future__ import annotations

import pytest

from conformance.judging import Judge, requirement
from reference_host.abi.bifrost.revisions import ALLOCATOR_TYPE, FREE_TYPES, free_name
from reference_host.abi.startup import START_FUNCTIONS, START_TYPE
from reference_host.engine.interface import ExternType, FuncType, Import, MemoryType
from reference_host.errors import UnresolvedImport

from .lab import Lab


def exported(lab: Lab) -> dict[str, ExternType]:
    """The exports by name."""
    return {export.name: export.type for export in lab.module.exports}


def _demand(judge: Judge, lab: Lab, name: str, *, alternatives: tuple[str, ...] = ()) -> None:
    """The profile `strict` demands an export; `lenient` does without it."""
    names = (name, *alternatives)
    if set(names) & exported(lab).keys():
        judge.passed(name)
    else:
        judge.violation(
            name,
            export=name,
            expected=f"an export named {' or '.join(names)}",
            got="no such export",
            hint=f"export {name}: the document of {lab.revision.name} says that every plugin exports it",
        )


def _demand_if_strict(judge: Judge, lab: Lab, name: str) -> None:
    if lab.subject.profile == "strict" or name in exported(lab):
        _demand(judge, lab, name)
    else:
        judge.not_applicable(f"the lenient profile does without {name}")


@requirement("BIFROST-EXPORT-001")
def test_memory_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin exports its linear memory under the name `memory`."""
    found = exported(lab).get("memory")
    if isinstance(found, MemoryType):
        judge.passed("memory")
    else:
        judge.violation(
            "memory",
            export="memory",
            expected="a memory exported as memory",
            got="no such export" if found is None else str(found),
            hint="export the linear memory as memory: pointers mean nothing to a host that cannot read it",
        )


@requirement("BIFROST-EXPORT-002")
def test_allocator_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin exports the allocator that its revision's document names."""
    names = lab.revision.allocators
    if lab.subject.profile == "lenient":
        names = ("malloc", "plugin_malloc")
    _demand(judge, lab, names[0], alternatives=names[1:])


@requirement("BIFROST-EXPORT-003")
def test_free_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin exports `free`."""
    _demand_if_strict(judge, lab, "free")


@requirement("BIFROST-EXPORT-004")
def test_get_name_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin exports `get_name`, in every profile."""
    _demand(judge, lab, "get_name")


@requirement("BIFROST-EXPORT-005")
def test_init_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin exports `init`."""
    _demand_if_strict(judge, lab, "init")


@requirement("BIFROST-EXPORT-006")
def test_cleanup_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin exports `cleanup`."""
    _demand_if_strict(judge, lab, "cleanup")


@requirement("BIFROST-EXPORT-007")
def test_http_pre_hook_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin of r2 exports `http_pre_hook`."""
    _demand_if_strict(judge, lab, "http_pre_hook")


@requirement("BIFROST-EXPORT-008")
def test_http_post_hook_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin of r2 exports `http_post_hook`."""
    _demand_if_strict(judge, lab, "http_post_hook")


@requirement("BIFROST-EXPORT-009")
def test_http_stream_chunk_hook_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin of r1b or r2 exports `http_stream_chunk_hook`."""
    _demand_if_strict(judge, lab, "http_stream_chunk_hook")


@requirement("BIFROST-EXPORT-010")
def test_pre_hook_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin exports `pre_hook`."""
    _demand_if_strict(judge, lab, "pre_hook")


@requirement("BIFROST-EXPORT-011")
def test_post_hook_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin exports `post_hook`."""
    _demand_if_strict(judge, lab, "post_hook")


@requirement("BIFROST-EXPORT-012")
def test_http_intercept_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin of r1 or r1b exports `http_intercept`."""
    _demand_if_strict(judge, lab, "http_intercept")


@requirement("BIFROST-EXPORT-013")
def test_http_transport_intercept_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin of r0 exports `http_transport_intercept`."""
    _demand_if_strict(judge, lab, "http_transport_intercept")


@requirement("BIFROST-EXPORT-014")
def test_hooks_are_of_one_revision(lab: Lab, judge: Judge) -> None:
    """A plugin exports the hooks of one revision only."""
    if "mixed-revision" not in lab.subject.detection.warnings:
        judge.passed("exports")
        return
    judge.violation(
        "exports",
        export=lab.revision.hooks[0].name,
        expected="hooks of one revision",
        got=lab.subject.detection.reason,
        hint="export the hooks of one revision only: a host can tell the revision by nothing else",
    )


@requirement("BIFROST-EXPORT-015")
def test_memory_can_be_given_back(lab: Lab, judge: Judge) -> None:
    """Where nothing demands a counterpart of the allocator, there is one all the same."""
    pair = lab.new_plugin().pair
    if pair is None:
        judge.not_applicable("needs an allocator, which is not exported with its type")
    elif free_name(pair.malloc) in exported(lab):
        judge.passed(free_name(pair.malloc))
    elif lab.revision.free_required and lab.subject.profile == "strict":
        judge.not_applicable("free is demanded: see BIFROST-EXPORT-003")
    else:
        name = free_name(pair.malloc)
        hint = "without it every call costs memory for the life of the instance"
        judge.violation(name, export=name, expected=f"an export named {name}", got="no such export", hint=hint)


# -- types ----------------------------------------------------------------------------------------


def _typed(judge: Judge, lab: Lab, name: str, *legal: FuncType) -> None:
    found = exported(lab).get(name)
    if found is None:
        judge.not_applicable(f"no {name} is exported")
    elif found in legal:
        judge.passed(name)
    else:
        judge.violation(
            name,
            export=name,
            expected=" or ".join(str(type_) for type_ in legal),
            got=str(found),
            hint=f"give {name} the type that the document of {lab.revision.name} shows; u32 is i32 in wasm, u64 is i64",
        )


@requirement("BIFROST-TYPE-001")
@pytest.mark.parametrize("name", ["malloc", "plugin_malloc"])
def test_allocator_has_its_type(name: str, lab: Lab, judge: Judge) -> None:
    """The allocator takes a size and answers a pointer."""
    _typed(judge, lab, name, ALLOCATOR_TYPE)


@requirement("BIFROST-TYPE-002")
@pytest.mark.parametrize("name", [free_name("malloc"), free_name("plugin_malloc")])
def test_free_has_one_of_its_types(name: str, lab: Lab, judge: Judge) -> None:
    """`free` takes a pointer, or a pointer and a size, and answers nothing."""
    _typed(judge, lab, name, *FREE_TYPES)


@requirement("BIFROST-TYPE-003")
def test_get_name_has_its_type(lab: Lab, judge: Judge) -> None:
    """`get_name` takes nothing and answers a packed result."""
    _typed(judge, lab, "get_name", *lab.revision.types()["get_name"])


@requirement("BIFROST-TYPE-004")
def test_init_has_its_type(lab: Lab, judge: Judge) -> None:
    """`init` takes pointer and length of the config and answers a status."""
    _typed(judge, lab, "init", *lab.revision.types()["init"])


@requirement("BIFROST-TYPE-005")
def test_hook_has_its_type(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook takes a pointer and a length for each document and answers a packed result."""
    _typed(judge, lab, hook, *lab.revision.types()[hook])


@requirement("BIFROST-TYPE-006")
def test_cleanup_has_its_type(lab: Lab, judge: Judge) -> None:
    """`cleanup` takes nothing and answers a status."""
    _typed(judge, lab, "cleanup", *lab.revision.types()["cleanup"])


@requirement("BIFROST-TYPE-007")
@pytest.mark.parametrize("name", START_FUNCTIONS)
def test_start_function_has_its_type(name: str, lab: Lab, judge: Judge) -> None:
    """`_initialize` and `_start` take and answer nothing."""
    _typed(judge, lab, name, START_TYPE)


# -- imports --------------------------------------------------------------------------------------


@requirement("BIFROST-LOAD-001")
def test_imports_can_be_satisfied(lab: Lab, judge: Judge) -> None:
    """Every import is one that hosts provide: WASI preview 1 (also as `wasi_unstable`), or `env.abort`."""
    foreign = [item for item in lab.module.imports if not _is_known(item)]
    failure = lab.load_failure
    if isinstance(failure, UnresolvedImport):
        _blame_import(judge, f"{failure.module}.{failure.name}", str(failure))
    elif foreign:
        # The reference host knows some more of what AssemblyScript imports; the gateway does not have to.
        for item in foreign:
            name = f"{item.module}.{item.name}"
            _blame_import(judge, name, f"import {name} {item.type}")
    else:
        judge.passed("imports", max(1, len(lab.module.imports)))


def _is_known(item: Import) -> bool:
    return item.module in ("wasi_snapshot_preview1", "wasi_unstable") or (item.module, item.name) == ("env", "abort")


def _blame_import(judge: Judge, name: str, got: str) -> None:
    judge.violation(
        name,
        export="(imports)",
        expected="imports of wasi_snapshot_preview1, wasi_unstable or env.abort only, with their documented types",
        got=got,
        hint="build for a target that imports nothing else, or drop the code that needs it",
    )
