"""What a plugin imports. Nothing runs here: the sections of the module tell.

Source: host of wasp 0.0.8, RegisterPlugin and GetInstance; README of wasp, Callbacks.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from reference_host.abi.wasp.callbacks import RAISE_ERROR, RAISE_ERROR_TYPE
from reference_host.engine.interface import FuncType, Import
from reference_host.wasi import Wasi

from .lab import Lab
from .loading import NO_SIGNATURES, may_be_callback

ABORT = ("env", "abort")
WASI = "wasi_"
VERSIONS = ("wasi_snapshot_preview1", "wasi_unstable")


def _provided(lab: Lab) -> dict[tuple[str, str], FuncType]:
    """What a host has for the module's imports, by namespace and name."""
    system = [item for item in lab.module.imports if item.module.startswith(WASI) or (item.module, item.name) == ABORT]
    found = {(function.module, function.name): function.type for function in Wasi().host_functions(system)}
    found[RAISE_ERROR] = RAISE_ERROR_TYPE
    if lab.declared is not None:
        found |= {(each.namespace, each.name): each.type for each in lab.declared.scripted()}
    return found


def _is_unknown(lab: Lab, item: Import) -> bool:
    """Whether only the functions file could tell whether a host has it."""
    return lab.declared is None and may_be_callback(item)


@requirement("WASP-IMPORT-001")
def test_imports_can_be_satisfied(lab: Lab, judge: Judge) -> None:
    """Every import is one of WASI preview 1, `raise_error`, `abort`, or a callback that the host defines."""
    provided = _provided(lab)
    unknown = False
    for item in lab.module.imports:
        name = f"{item.module}.{item.name}"
        if isinstance(item.type, FuncType) and (item.module, item.name) in provided:
            judge.passed(name)
        elif _is_unknown(lab, item):
            unknown = True
        else:
            judge.violation(
                name,
                export="(imports)",
                expected="functions of WASI preview 1, env.raise_error, env.abort and declared callbacks only",
                got=f"import {name} {item.type}",
                hint="build for a target that imports nothing else, or declare the callback in the functions file",
            )
    if unknown:
        judge.not_tested(NO_SIGNATURES)
    elif not lab.module.imports:
        judge.passed("imports")


@requirement("WASP-IMPORT-002")
def test_imports_have_their_types(lab: Lab, judge: Judge) -> None:
    """An import has the type of what the host provides; callbacks take and answer i32."""
    provided = _provided(lab)
    for item in lab.module.imports:
        name = f"{item.module}.{item.name}"
        expected = provided.get((item.module, item.name))
        if not isinstance(item.type, FuncType):
            continue
        if expected == item.type or (expected is None and may_be_callback(item)):
            judge.passed(name)
        elif expected is not None:
            got, hint = f"import {name} {item.type}", "every value is one i32 for the guest: a number, or an address"
            judge.violation(name, export="(imports)", expected=str(expected), got=got, hint=hint)
    judge.not_applicable("it imports no function that a host provides")


def _wasi_modules(lab: Lab) -> list[str]:
    return sorted({item.module for item in lab.module.imports if item.module.startswith(WASI)})


@requirement("WASP-IMPORT-003")
def test_wasi_is_imported(lab: Lab, judge: Judge) -> None:
    """At least one function of WASI is imported: the host of 0.0.8 needs to see a version."""
    if _wasi_modules(lab):
        judge.passed("imports")
    else:
        judge.violation(
            "imports",
            export="(imports)",
            expected="an import of WASI",
            got="none",
            hint="the host of 0.0.8 cannot make an instance of such a module; build for a WASI target",
        )


@requirement("WASP-IMPORT-004")
def test_one_wasi_version_is_imported(lab: Lab, judge: Judge) -> None:
    """All functions of WASI come from one version."""
    modules = [module for module in _wasi_modules(lab) if module in VERSIONS]
    if not modules:
        judge.not_applicable("no function of WASI is imported")
    elif len(modules) == 1:
        judge.passed("imports")
    else:
        judge.violation(
            "imports",
            export="(imports)",
            expected="one version of WASI",
            got=", ".join(modules),
            hint="the host of 0.0.8 cannot make an instance of such a module; build all of it for one target",
        )
