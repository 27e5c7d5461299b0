"""The rules of the toy system, which a plugin can make pass, fail, warn, not apply, err, crash or hang."""

from __future__ import annotations

import os
import signal
import time

import pytest

from conformance.judging import Judge, Subject, requirement
from reference_host.engine.interface import Instance, MemoryType, Module

CASES = [(2, 3), (0, 7), (2**32 - 1, 1), (10, 20)]


@pytest.fixture(scope="session")
def instance(module: Module) -> Instance:
    return module.instantiate()


def exports(module: Module) -> set[str]:
    return {export.name for export in module.exports}


def _add(instance: Instance, judge: Judge, kind: str, cases: list[tuple[int, int]]) -> None:
    for number, (a, b) in enumerate(cases):
        case = f"toy_add/{kind}/{number}"
        (got,) = instance.call("toy_add", a, b)
        expected = (a + b) % 2**32
        if got == expected:
            judge.passed(case)
        else:
            judge.violation(
                case,
                export="toy_add",
                arguments=(a, b),
                pointer=a,
                length=b,
                expected=str(expected),
                got=str(got),
                hint="add, and let the sum wrap around",
            )


@requirement("TOY-ADD-001")
def test_adds(instance: Instance, judge: Judge) -> None:
    _add(instance, judge, "few", CASES)


@requirement("TOY-ADD-001")
@pytest.mark.parametrize("start", [1, 100])
def test_adds_again(instance: Instance, judge: Judge, start: int) -> None:
    _add(instance, judge, f"many-{start}", [(n, n) for n in range(start, start + 30)])


@requirement("TOY-ADD-002")
def test_zero(instance: Instance, judge: Judge) -> None:
    (got,) = instance.call("toy_add", 0, 0)
    if got == 0:
        judge.passed("toy_add/zero")
    else:
        judge.violation("toy_add/zero", export="toy_add", arguments=(0, 0), expected="0", got=str(got), hint="add")


@requirement("TOY-ADD-003")
def test_version(module: Module, judge: Judge) -> None:
    if "toy_version" in exports(module):
        judge.passed("toy_version")
    else:
        judge.violation("toy_version", export="toy_version", expected="an export", got="none", hint="export one")


@requirement("TOY-SUB-001")
def test_subtracts(instance: Instance, judge: Judge) -> None:
    (got,) = instance.call("toy_sub", 5, 3)
    if got == 2:
        judge.passed("toy_sub/5-3")
    else:
        judge.violation("toy_sub/5-3", export="toy_sub", arguments=(5, 3), expected="2", got=str(got), hint="subtract")


@requirement("TOY-MEM-001")
def test_memory(module: Module, judge: Judge) -> None:
    memories = [export.type for export in module.exports if isinstance(export.type, MemoryType)]
    if not memories:
        judge.not_applicable("needs an exported memory")
    for memory in memories:
        if memory.minimum <= 16:
            judge.passed("memory")
        else:
            judge.violation("memory", export="memory", expected="16 pages", got=str(memory), hint="use less")


@requirement("TOY-TROUBLE-001")
def test_trouble(module: Module, subject: Subject, judge: Judge) -> None:
    names = exports(module)
    if "trouble_once" in names and subject.quick:
        judge.not_tested("trouble is not for scope quick")
    elif "trouble_abort" in names:
        os.abort()
    elif "trouble_kill" in names:
        os.kill(os.getpid(), signal.SIGKILL)
    elif "trouble_exit" in names:
        os._exit(0)
    elif "trouble_sysexit" in names:
        raise SystemExit(0)
    elif "trouble_hang" in names:
        time.sleep(3600)
    elif "trouble_slow" in names:
        time.sleep(1.2)
    elif "trouble_raise" in names:
        raise ValueError("a defect of the suite")
    elif "trouble_memory" in names:
        raise MemoryError
    elif "trouble_deadline" in names:
        judge.error("trouble", "the deadline of 60 s fired")
    judge.passed("trouble")


@requirement("TOY-TEXT-001")
def test_text(module: Module, judge: Judge) -> None:
    if "hostile" not in exports(module):
        judge.passed("text")
        return
    text = (
        "\x1b[31mred\x1b[0m [bold]markup[/bold] \x00\x07\r\n\u202eevil \ud800 \ufffe ]]> <b>&amp;</b> "
        + "x" * 1_000_000
    )
    judge.violation(f"case/{text}", export=text, arguments=(text, 2**64 - 1), expected=text, got=text, hint=text)


@requirement("TOY-SILENT-001")
def test_silent(judge: Judge) -> None:
    del judge
