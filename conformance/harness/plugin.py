"""The pytest hooks of the harness: which tests run, what each of them found, and what pytest makes of that."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from conformance.catalogue import Level, Requirement
from conformance.harness.fixtures import HARNESS, JUDGE
from conformance.harness.setup import Setup
from conformance.judging.judge import Judge
from conformance.judging.records import (
    Broken,
    Collected,
    Ended,
    EngineFacts,
    Finished,
    ItemOutcome,
    ItemRef,
    Outcome,
    Recorder,
    RecordReader,
    Refused,
    Started,
)
from conformance.judging.subject import Subject
from conformance.report.evidence import Evidence
from conformance.suite import Suite
from conformance.text import printable
from reference_host.engine.interface import Engine, Module
from reference_host.engine.registry import default_engine, load_engine
from reference_host.errors import EngineMissing, HookproofError, UsageError

_NUMBER = pytest.StashKey[int]()
_OUTCOME = pytest.StashKey[ItemOutcome]()
_CONCLUDED = pytest.StashKey[bool]()
_FOLDER = "hookproof_records"


class ShouldViolation(UserWarning):
    """A requirement of level SHOULD was broken: pytest shows it as a warning, and the test passes."""


class Harness:
    """Registered with pytest for one run, in every process of it.

    With pytest-xdist the controller runs no tests: it shares a folder with its workers, and reads their records at the
    end.
    """

    def __init__(self, config: pytest.Config, setup: Setup) -> None:
        worker: dict[str, str] | None = getattr(config, "workerinput", None)
        self._setup = setup
        self._controls = worker is None and bool(config.getoption("tx", None))
        self._worker = worker is not None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if worker is not None:
            folder = Path(worker[_FOLDER])
        elif setup.records is not None:
            folder = setup.records
        else:
            self._temporary = tempfile.TemporaryDirectory(prefix="hookproof-")
            folder = Path(self._temporary.name)
        self._folder = folder
        self._record = Recorder(folder, worker["workerid"] if worker is not None else "main")
        self._began = time.time()
        self._numbered: list[ItemRef] = []
        self._engine: Engine | None = None
        self._engine_reason = "asked for"
        self._modules: dict[int, Module] = {}
        self._blocked: dict[int, str] = {}
        config.stash[HARNESS] = self
        config.addinivalue_line("markers", "requirement(id): the requirement of the catalogue that a test proves")

    # -- what the tests are given

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Parametrize the tests of the suites over the subjects."""
        if "subject" in metafunc.fixturenames and self._suite_of(metafunc.definition.path) is not None:
            numbers = range(len(self._setup.subjects))
            names = [Path(subject.path).name for subject in self._setup.subjects]
            ids = [name if names.count(name) == 1 else f"{name}-{n}" for n, name in enumerate(names)]
            metafunc.parametrize("subject", numbers, ids=map(printable, ids), indirect=True, scope="session")

    # -- which tests run

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect what does not apply, and number what is left before another plugin changes the order."""
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            suite = self._suite_of(item.path)
            if suite is None:
                kept.append(item)
            elif self._applies(item, suite):
                number = len(self._numbered)
                item.stash[_NUMBER] = number
                self._numbered.append(
                    ItemRef(printable(item.name), self._subject_number(item), self.requirement_of(item).id)
                )
                (dropped if number in self._setup.skip else kept).append(item)
            else:
                dropped.append(item)
        if dropped:
            config.hook.pytest_deselected(items=dropped)
            items[:] = kept
        self._record(Collected(tuple(self._numbered)))

    def _suite_of(self, path: Path) -> Suite | None:
        return next((suite for suite in self._setup.suites if path.is_relative_to(suite.tests)), None)

    def _applies(self, item: pytest.Item, suite: Suite) -> bool:
        if not hasattr(item, "callspec") or "subject" not in item.callspec.params:
            # A test of a suite that takes no subject judges nothing; it may still fail, as any test.
            return False
        subject = self._setup.subjects[self._subject_number(item)]
        if subject.system != suite.system:
            return False
        requirement = self.requirement_of(item)
        return requirement.applies_to(subject.revision) and subject.only in {None, requirement.id}

    def _subject_number(self, item: pytest.Item) -> int:
        number: int = item.callspec.params["subject"]  # type: ignore[attr-defined]  # of pytest.Function
        return number

    def requirement_of(self, item: pytest.Item) -> Requirement:
        """Give the requirement that a test proves. Raises `pytest.UsageError` where it does not name just one."""
        system = self._setup.subjects[self._subject_number(item)].system
        markers = list(item.iter_markers("requirement"))
        if len(markers) != 1 or len(markers[0].args) != 1:
            raise pytest.UsageError(f"{item.nodeid}: a test proves exactly one requirement, this one names {markers}")
        try:
            return self._setup.catalogues[system].get(markers[0].args[0])
        except UsageError as error:
            raise pytest.UsageError(f"{item.nodeid}: {error}") from error

    # -- the engine and the modules

    def module_of(self, subject: Subject) -> Module:
        """Give the compiled module of a subject that `prepared` answered."""
        return self._modules[self._setup.subjects.index(subject)]

    def loaded_engine(self) -> Engine:
        """Load the engine, once. Raises `EngineMissing`, `UnknownEngine`."""
        if self._engine is None:
            try:
                if self._setup.engine is None:
                    self._engine, self._engine_reason = default_engine()
                else:
                    self._engine = load_engine(self._setup.engine)
            except HookproofError:
                raise
            except Exception as error:
                # An engine from outside may fail in any way; that is as good as not being there.
                name = self._setup.engine or "that is preferred"
                raise EngineMissing(f"engine {name} cannot be made: {type(error).__name__}: {error}") from error
        return self._engine

    def prepared(self, number: int) -> Subject:
        """Compile a subject's module once; what hinders that is recorded once, and ends every test of that subject."""
        subject = self._setup.subjects[number]
        if number not in self._modules and number not in self._blocked:
            usage = False
            try:
                engine = self.loaded_engine()
                usage = engine.quick_only is not None and not subject.quick
                if usage:
                    raise UsageError(f"engine {engine.name} is offered with --quick only: {engine.quick_only}")
                self._modules[number] = module = engine.compile(subject.binary)
                self._record(EngineFacts(number, engine.name, engine.version, module.validity, self._engine_reason))
            except HookproofError as error:
                missing = isinstance(error, EngineMissing)
                self._blocked[number] = reason = printable(str(error))
                self._record(Refused(number, usage, missing or usage, reason))
        if number in self._blocked:
            pytest.fail(f"could not judge: {self._blocked[number]}", pytrace=False)
        return subject

    # -- what each test found

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Record the beginning and the end of each test."""
        number = item.stash.get(_NUMBER, None)
        if number is None:
            return (yield)
        self._record(Started(number))
        start = time.perf_counter()
        result = yield
        silent = ItemOutcome(Outcome.NOT_TESTED, "no case reached this rule")
        self._record(Ended(number, item.stash.get(_OUTCOME, silent), time.perf_counter() - start))
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Turn what the judge took down into the outcome of the test."""
        result = yield
        judge = pyfuncitem.stash.get(JUDGE, None)
        if judge is not None and _NUMBER in pyfuncitem.stash:
            outcome = judge.outcome()
            pyfuncitem.stash[_OUTCOME] = outcome
            pyfuncitem.stash[_CONCLUDED] = True
            _conclude(pyfuncitem, judge, outcome)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take an exception that the suite did not expect for what it is: an error of the harness, never a pass."""
        report = yield
        error = None if call.excinfo is None else call.excinfo.value
        concluded = call.when == "call" and item.stash.get(_CONCLUDED, False)
        if _NUMBER in item.stash and error is not None and not concluded:
            outcome = item.stash.get(_OUTCOME, ItemOutcome(Outcome.NOT_TESTED))
            reason = printable(getattr(error, "msg", None) or f"{type(error).__name__}: {error}")
            if isinstance(error, pytest.skip.Exception):
                judge = item.stash.get(JUDGE, None)
                told = outcome if judge is None else judge.outcome()
                # A test that tells the judge why before it skips has said it better.
                applies = told.outcome is not Outcome.NOT_APPLICABLE
                item.stash[_OUTCOME] = ItemOutcome(Outcome.NOT_TESTED, reason) if applies else told
            elif outcome.outcome is not Outcome.FAILED:
                item.stash[_OUTCOME] = ItemOutcome(Outcome.ERROR, reason, outcome.total)
        return report

    # -- what goes wrong outside of tests

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Record a test file of a suite that cannot be collected."""
        report = yield
        if report.failed and self._suite_of(collector.path) is not None:
            self._record(
                Broken(f"{collector.path.name} of the suite cannot be collected: {_last_line(report.longreprtext)}")
            )
        return report

    def pytest_internalerror(self, excrepr: object) -> None:
        """Record that pytest itself failed."""
        self._record(Broken(f"pytest failed: {_last_line(str(excrepr))}"))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """Tell a worker of pytest-xdist where its records go."""
        node.workerinput[_FOLDER] = str(self._folder)  # type: ignore[attr-defined]  # pytest-xdist has no public type

    # -- the end

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the records; where this pytest is not the child of a command, judge."""
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
            self._record(Finished())
        if self._worker or self._setup.records is not None:
            return
        evidence = Evidence()
        for process, record in RecordReader(self._folder).read():
            evidence.add(process, record)
        evidence.close()
        from conformance.harness.summary import Summary

        summary = Summary(self._setup, evidence, self._began)
        session.config.pluginmanager.register(summary, "hookproof-summary")
        if not summary.all_conform and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        """Close the files, remove the folder."""
        self._record.close()
        if self._temporary is not None:
            self._temporary.cleanup()


def _conclude(item: pytest.Item, judge: Judge, outcome: ItemOutcome) -> None:
    requirement = judge.requirement
    match outcome.outcome:
        case Outcome.FAILED if requirement.level is Level.MUST:
            pytest.fail("\n".join(_told(requirement, outcome)), pytrace=False)
        case Outcome.FAILED if requirement.level is Level.SHOULD:
            _warn(item, "\n".join(_told(requirement, outcome)))
        case Outcome.ERROR:
            pytest.fail(f"{requirement.id} could not be judged: {outcome.reason}", pytrace=False)
        case Outcome.NOT_TESTED | Outcome.NOT_APPLICABLE:
            skipped = pytest.skip.Exception(f"{requirement.id} {outcome.outcome.value}: {outcome.reason}")
            # Else pytest's summary would fold all of them into one line of this file.
            skipped._use_item_location = True
            raise skipped


def _told(requirement: Requirement, outcome: ItemOutcome) -> Iterator[str]:
    yield f"{requirement.id} ({requirement.level}): {requirement.sentence}"
    yield f"{outcome.failed} of {outcome.total} cases break it"
    for violation in outcome.violations:
        place = "" if violation.pointer is None else f", pointer {violation.pointer}, length {violation.length}"
        yield f"  [{violation.case}] {violation.export}{place}"
        yield f"    expected {violation.expected}"
        yield f"    got      {violation.got}"
        yield f"    hint     {violation.hint}"


def _warn(item: pytest.Item, text: str) -> None:
    """Show a warning in pytest's summary, whatever its filters say: `error` would turn a SHOULD into a failure."""
    message = warnings.WarningMessage(ShouldViolation(text), ShouldViolation, str(item.path), 0)
    item.config.hook.pytest_warning_recorded.call_historic(
        kwargs={"warning_message": message, "when": "runtest", "nodeid": item.nodeid, "location": None}
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines()]
    errors = [line for line in lines if line.startswith("E ")]
    return printable((errors or lines or [""])[-1].removeprefix("E").strip())
