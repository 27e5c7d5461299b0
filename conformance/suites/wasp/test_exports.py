"""What a plugin exports. Nothing runs here: the sections of the module tell.

Source: host of wasp 0.0.8, GetInstance and CallFunction; guest code of wasp 0.0.8.
"""

from __future__ import annotations

import pytest

from conformance.judging import Judge, requirement
from reference_host.abi.startup import START_FUNCTIONS, START_TYPE
from reference_host.abi.wasp import Type
from reference_host.abi.wasp.heap import ALLOCATE_TYPE, DEALLOCATE_TYPE, STRING_SIZE_TYPE
from reference_host.engine.interface import FuncType, MemoryType

from .lab import Lab
from .loading import NO_SIGNATURES

IN_MEMORY = {Type.STRING, Type.BYTES}


@requirement("WASP-EXPORT-001")
def test_memory_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin exports its linear memory under the name `memory`."""
    found = lab.exports.get("memory")
    if isinstance(found, MemoryType):
        judge.passed("memory")
    else:
        judge.violation(
            "memory",
            export="memory",
            expected="a memory exported as memory",
            got="no such export" if found is None else str(found),
            hint="export the linear memory as memory: without it no instance can be made",
        )


def _demand(judge: Judge, lab: Lab, name: str, *, needed: bool | None, why: str) -> None:
    if name in lab.exports:
        judge.passed(name)
    elif needed is None:
        judge.not_tested(NO_SIGNATURES)
    elif not needed:
        judge.not_applicable(f"nothing needs {name}")
    else:
        hint = f"export {name}: {why}"
        judge.violation(name, export=name, expected=f"an export named {name}", got="no such export", hint=hint)


@requirement("WASP-EXPORT-002")
def test_allocate_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin that is given strings or bytes exports `allocate`."""
    needed = None
    if lab.declared is not None:
        given = [type_ for f in lab.declared.functions.values() for type_ in f.signature.parameters]
        given += [callback.signature.result for callback in lab.callbacks]
        needed = bool(IN_MEMORY & set(given))
    _demand(judge, lab, "allocate", needed=needed, why="the host asks it for room for strings and bytes")


@requirement("WASP-EXPORT-003")
def test_get_string_size_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin that hands out strings, or raises errors, exports `get_string_size`."""
    needed: bool | None = lab.raises_errors or None
    if lab.declared is not None and not needed:
        handed = [f.signature.result for f in lab.declared.functions.values()]
        handed += [type_ for callback in lab.callbacks for type_ in callback.signature.parameters]
        needed = Type.STRING in handed
    _demand(judge, lab, "get_string_size", needed=needed, why="the host asks it how long a string is")


@requirement("WASP-EXPORT-004")
def test_deallocate_is_exported(lab: Lab, judge: Judge) -> None:
    """A plugin that exchanges strings or bytes exports `deallocate`."""
    needed: bool | None = lab.raises_errors or bool({"allocate", "get_string_size"} & lab.exports.keys()) or None
    if lab.declared is not None and not needed:
        needed = bool(IN_MEMORY & lab.types)
    _demand(judge, lab, "deallocate", needed=needed, why="without it every call costs memory for the instance's life")


@requirement("WASP-EXPORT-005")
def test_declared_functions_are_exported(lab: Lab, judge: Judge) -> None:
    """Each function that the author declares is there."""
    for name in lab.signatures.functions:
        found = lab.exports.get(name)
        if isinstance(found, FuncType):
            judge.passed(name)
            continue
        judge.violation(
            name,
            export=name,
            expected=f"a function exported as {name}",
            got="no such export" if found is None else str(found),
            hint="export it, or take it out of the functions file",
        )
    judge.not_applicable("no function is declared")


# -- types ----------------------------------------------------------------------------------------


def _typed(judge: Judge, lab: Lab, name: str, legal: FuncType) -> None:
    found = lab.exports.get(name)
    if found is None:
        judge.not_applicable(f"no {name} is exported")
    elif found == legal:
        judge.passed(name)
    else:
        hint = f"give {name} the type that hosts call it with; pointers and sizes are i32"
        judge.violation(name, export=name, expected=str(legal), got=str(found), hint=hint)


@requirement("WASP-TYPE-001")
def test_allocate_has_its_type(lab: Lab, judge: Judge) -> None:
    """`allocate` takes a size and answers a pointer."""
    _typed(judge, lab, "allocate", ALLOCATE_TYPE)


@requirement("WASP-TYPE-002")
def test_deallocate_has_its_type(lab: Lab, judge: Judge) -> None:
    """`deallocate` takes a pointer and a size."""
    _typed(judge, lab, "deallocate", DEALLOCATE_TYPE)


@requirement("WASP-TYPE-003")
def test_get_string_size_has_its_type(lab: Lab, judge: Judge) -> None:
    """`get_string_size` takes a pointer and answers a number of bytes."""
    _typed(judge, lab, "get_string_size", STRING_SIZE_TYPE)


@requirement("WASP-TYPE-004")
@pytest.mark.parametrize("name", START_FUNCTIONS)
def test_start_function_has_its_type(name: str, lab: Lab, judge: Judge) -> None:
    """`_initialize` and `_start` take and answer nothing."""
    _typed(judge, lab, name, START_TYPE)


@requirement("WASP-TYPE-005")
def test_functions_have_their_types(lab: Lab, judge: Judge) -> None:
    """A function has the type of its declared signature."""
    for name, function in lab.signatures.functions.items():
        found = lab.exports.get(name)
        if not isinstance(found, FuncType):
            continue
        if lab.fits(function):
            judge.passed(name)
        else:
            hint = "strings and bytes are one i32 each, their address; check the functions file, too"
            judge.violation(name, export=name, expected=f"{function.signature}", got=str(found), hint=hint)
    judge.not_applicable("no declared function is exported")


@requirement("WASP-TYPE-006")
def test_functions_answer_one_i32(lab: Lab, judge: Judge) -> None:
    """A function answers nothing, or one i32: a number, or the address of a string or of bytes."""
    for function in lab.functions:
        type_ = lab.exports[function.name]
        assert isinstance(type_, FuncType)
        if type_.results in ((), ALLOCATE_TYPE.results):
            judge.passed(function.name)
        else:
            hint = "answer an i32, or a string: hosts read no other result"
            judge.violation(
                function.name, export=function.name, expected="no result, or an i32", got=str(type_), hint=hint
            )
    judge.not_applicable("no declared function is exported with its type")
