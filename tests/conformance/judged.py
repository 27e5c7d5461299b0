"""The suite in this process and without pytest: the same functions, the same lab and judge, one after the other.

Pytest costs several times what a small plugin costs, and the project's own tests judge a thousand of them.
`test_judged_alike` holds these reports against those of pytest and of the command, byte for byte.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance.catalogue import Catalogue
from conformance.judging import Judge, Subject
from conformance.judging.records import EngineFacts, ItemOutcome, ItemRef, Outcome
from conformance.judging.terms import Terms, make_subject
from conformance.registry import load_suite
from conformance.report.build import Clock, build_report
from conformance.report.evidence import Evidence
from conformance.report.model import Report
from reference_host.abi.bifrost.revisions import Role
from reference_host.engine.interface import Engine, Module
from reference_host.engine.registry import load_engine

SUITES = "conformance.suites"
PACKAGE = f"{SUITES}.bifrost"
PREFERRED = "wasmtime"
NO_TIME = Clock("2026-01-01T00:00:00Z", 0.0)


@dataclass(frozen=True, slots=True)
class Item:
    """One test with its parameters; `role` is that of the hook it is repeated for, None where it takes none."""

    name: str
    requirement: str
    function: Callable[..., None]
    parameters: Mapping[str, Any]
    role: Role | None


def items_of(modules: Sequence[Any]) -> Iterator[Item]:
    """Give the tests of a suite's modules, in the order in which pytest collects them."""
    for module in modules:
        for name, function in vars(module).items():
            if name.startswith("test_") and inspect.isfunction(function):
                yield from _repeated(name, function)


def _repeated(name: str, function: Callable[..., None]) -> Iterator[Item]:
    marks: list[pytest.Mark] = getattr(function, "pytestmark", [])
    (requirement,) = (mark.args[0] for mark in marks if mark.name == "requirement")
    takes_hook = "hook" in inspect.signature(function).parameters
    axes = [list(_parameters(mark)) for mark in marks if mark.name == "parametrize"]
    for chosen in itertools.product(*axes):
        parameters = {key: value for each in chosen for key, value in each.items()}
        for role in list(Role) if takes_hook else [None]:
            yield Item(name, requirement, function, parameters, role)


def _parameters(mark: pytest.Mark) -> Iterator[dict[str, Any]]:
    names = [name.strip() for name in mark.args[0].split(",")] if isinstance(mark.args[0], str) else list(mark.args[0])
    for each in mark.args[1]:
        values = each.values if hasattr(each, "values") else (each,) if len(names) == 1 else tuple(each)
        yield dict(zip(names, values, strict=True))


def module_of(system: str, name: str) -> Any:
    """Import a module of a system's suite."""
    return importlib.import_module(f"{SUITES}.{system}.{name}")


def suite_modules(system: str = "bifrost") -> list[Any]:
    """Import a suite's test modules, in the order of their names."""
    package = importlib.import_module(f"{SUITES}.{system}")
    names = sorted(each.name for each in pkgutil.iter_modules(package.__path__) if each.name.startswith("test_"))
    return [module_of(system, name) for name in names]


@cache
def suite_items(system: str = "bifrost") -> tuple[Item, ...]:
    """Give every test of a suite."""
    return tuple(items_of(suite_modules(system)))


@cache
def catalogue(system: str = "bifrost") -> Catalogue:
    """Read a catalogue, once."""
    return load_suite(system).load_catalogue()


@cache
def engine_named(name: str) -> Engine:
    """Load an engine, once."""
    return load_engine(name)


def new_lab(subject: Subject, module: Module) -> Any:
    """Make a lab, which is what the suite's fixture `lab` does: it is given what it asks for by name."""
    make = module_of(subject.system, "lab").Lab
    given = {"subject": subject, "module": module, "engine": engine_named(subject.engine)}
    return make(**{name: given[name] for name in inspect.signature(make).parameters})


def play(item: Item, lab: Any) -> ItemOutcome:
    """Let one test judge. An exception that the suite does not expect gets out."""
    system = lab.subject.system
    judge = Judge(catalogue(system).get(item.requirement), lab.subject)
    arguments: dict[str, Any] = {"lab": lab, "judge": judge, "subject": lab.subject, **item.parameters}
    if item.role is not None:
        hook = lab.revision.hook(item.role)
        if hook is None:
            judge.not_applicable(f"{lab.revision.name} has no {item.role.value}")
            return judge.outcome()
        arguments["hook"] = hook.name
    wanted = inspect.signature(item.function).parameters
    lab_module, rules = (module_of(system, name) for name in ("lab", "rules"))
    try:
        item.function(**{name: arguments[name] for name in wanted})
    except lab_module.Blocked as blocked:
        rules.report_blocked(judge, blocked)
    return judge.outcome()


def judge_plugin(
    path: Path | str, binary: bytes, terms: Terms, engine: str = PREFERRED, *, order: Sequence[int] = ()
) -> Report:
    """Judge a plugin's bytes; `path` is for the report only, which tells no times.

    `order`: numbers of `suite_items`, in which the tests are to be done; else they are done as they come.
    """
    made = engine_named(engine)
    subject = make_subject(str(path), binary, terms, engine)
    module = made.compile(binary)
    lab = new_lab(subject, module)
    evidence = Evidence()
    # As a run does that names no engine but where it wants another than the first.
    reason = "preferred" if engine == PREFERRED else "asked for"
    evidence.engines[0] = EngineFacts(0, made.name, made.version, module.validity, reason)
    items = suite_items(subject.system)
    evidence.items = tuple(ItemRef(item.name, _subject_of(item, subject), item.requirement) for item in items)
    for number in order or range(len(items)):
        if evidence.items[number].subject == 0:
            evidence.outcomes[number] = play(items[number], lab)
    return build_report(subject, 0, terms, catalogue(subject.system), evidence, NO_TIME)


def _subject_of(item: Item, subject: Subject) -> int:
    """0 for the subject, -1 for nobody: what does not apply is left out."""
    applies = catalogue(subject.system).get(item.requirement).applies_to(subject.revision)
    return 0 if applies and subject.only in {None, item.requirement} else -1


def failed(report: Report) -> list[str]:
    """The ids of the rules that a plugin breaks, errors and warnings alike."""
    return [result.requirement for result in report.results if result.outcome is Outcome.FAILED]
