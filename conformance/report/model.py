"""The report: frozen values that every rendering reads, and none changes.

Its JSON form is published as `schemas/report-1.json`; the names here are those of that schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from conformance.catalogue import Level
from conformance.judging.records import Outcome

SCHEMA_VERSION = 1


class Verdict(StrEnum):
    """What a report comes to."""

    CONFORMS = "conforms"
    DOES_NOT_CONFORM = "does-not-conform"
    COULD_NOT_JUDGE = "could-not-judge"


class ExitCode(IntEnum):
    """Exit codes of the command."""

    CONFORMS = 0
    DOES_NOT_CONFORM = 1
    USAGE = 2
    COULD_NOT_JUDGE = 3
    INTERRUPTED = 130


EXIT_CODES = {
    Verdict.CONFORMS: ExitCode.CONFORMS,
    Verdict.DOES_NOT_CONFORM: ExitCode.DOES_NOT_CONFORM,
    Verdict.COULD_NOT_JUDGE: ExitCode.COULD_NOT_JUDGE,
}


@dataclass(frozen=True, slots=True)
class SuiteFacts:
    """Which suite judged: the version, and the sha256 of the catalogue file (None where no suite was found)."""

    name: str
    version: str
    catalogue: str | None


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """What was judged. `abi`, `revision` and `detection` are None where no plugin system recognised the file.

    `size` in bytes; `detection` tells why that revision; `problem` why the file could not be judged at all.
    """

    sha256: str
    abi: str | None
    revision: str | None
    name: str
    size: int
    detection: str | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """One case that breaks a requirement; `reproduce` is a command line that judges this case again."""

    case: str
    export: str
    arguments: tuple[int | str, ...]
    pointer: int | None
    length: int | None
    expected: str
    got: str
    hint: str
    reproduce: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one requirement; the first violations are listed, all are counted."""

    requirement: str
    level: Level
    outcome: Outcome
    reason: str | None
    total: int
    failed: int
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Warned:
    """A SHOULD that was broken, in `count` cases; `code` is its word in the plugin system's vocabulary."""

    code: str
    requirement: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class EngineUsed:
    """What ran the plugin; version, validity and reason are None where it did not come to that.

    `reason`: `asked for`, `preferred`, or why each engine that is preferred to it does not load.
    """

    name: str | None
    version: str | None
    validity: str | None
    problem: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """How to come to this report again: the command, and what it was run with."""

    command: str
    seed: int
    shapes: tuple[str, ...]
    memory_pages: int
    max_input: int | None
    config: str | None
    functions: str | None
    only: str | None
    python: str
    platform: str
    packages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Timings:
    """When, and how long, in seconds: the one part in which two runs differ. `requirements` sums over tests."""

    started: str
    total: float
    requirements: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """The report on one plugin."""

    suite: SuiteFacts
    subject: SubjectFacts
    scope: str
    profile: str
    verdict: Verdict
    results: tuple[Result, ...]
    warnings: tuple[Warned, ...]
    engine: EngineUsed
    provenance: Provenance
    timings: Timings
    schema_version: int = SCHEMA_VERSION

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that goes with the verdict."""
        return EXIT_CODES[self.verdict]


def judge_results(results: tuple[Result, ...]) -> Verdict:
    """Come to the verdict: a broken MUST, else an error or nothing executed, else it conforms."""
    if any(result.outcome is Outcome.FAILED and result.level is Level.MUST for result in results):
        return Verdict.DOES_NOT_CONFORM
    executed = any(result.outcome in {Outcome.PASSED, Outcome.FAILED} for result in results)
    if not executed or any(result.outcome is Outcome.ERROR for result in results):
        return Verdict.COULD_NOT_JUDGE
    return Verdict.CONFORMS
