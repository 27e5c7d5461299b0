"""Builds a report from the evidence of a run, the catalogue, and the terms."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from conformance.catalogue import Catalogue, Level, Requirement, Side
from conformance.judging.judge import LISTED
from conformance.judging.records import PRECEDENCE, ItemOutcome, Outcome
from conformance.judging.subject import Subject
from conformance.judging.terms import Terms, certify_command
from conformance.report.evidence import Evidence
from conformance.report.model import (
    EngineUsed,
    Provenance,
    Report,
    Result,
    SubjectFacts,
    SuiteFacts,
    Timings,
    Verdict,
    Violation,
    Warned,
    judge_results,
)
from conformance.text import printable

_PACKAGES = ("hookproof", "pytest", "wasmtime", "pywasm")
UNREACHED = "the run ended before this was reached"


@dataclass(frozen=True, slots=True)
class Clock:
    """When a run started (ISO 8601, UTC), and how many seconds it took."""

    started: str
    total: float


def build_report(
    subject: Subject, number: int, terms: Terms, catalogue: Catalogue, evidence: Evidence, clock: Clock
) -> Report:
    """Build the report on the subject of that number."""
    refused = evidence.refused.get(number)
    results = tuple(_results(subject, number, terms, catalogue, evidence))
    engine = evidence.engines.get(number)
    used = EngineUsed(
        name=engine.name if engine else subject.engine or None,
        version=engine.version if engine else None,
        validity=engine.validity if engine else None,
        problem=refused.reason if refused is not None and refused.engine else None,
        reason=engine.reason if engine else None,
    )
    facts = SubjectFacts(
        sha256=subject.sha256,
        abi=subject.system,
        revision=subject.revision,
        name=printable(Path(subject.path).name),
        size=len(subject.binary),
        detection=printable(subject.detection.reason),
        problem=refused.reason if refused is not None and not refused.engine else None,
    )
    return Report(
        suite=SuiteFacts("hookproof", _version("hookproof") or "unknown", catalogue.digest),
        subject=facts,
        scope=terms.scope,
        profile=terms.profile,
        verdict=judge_results(results),
        results=results,
        warnings=tuple(_warnings(catalogue, results)),
        engine=used,
        provenance=_provenance(subject.path, terms, subject.shapes),
        timings=Timings(clock.started, round(clock.total, 3), _durations(number, catalogue, evidence)),
    )


def unjudged_report(path: str, binary: bytes, terms: Terms, reason: str, engine: str | None, clock: Clock) -> Report:
    """Build the report on a file that no suite could be found for."""
    return Report(
        suite=SuiteFacts("hookproof", _version("hookproof") or "unknown", None),
        subject=SubjectFacts(
            sha256=hashlib.sha256(binary).hexdigest(),
            abi=None,
            revision=None,
            name=printable(Path(path).name),
            size=len(binary),
            detection=None,
            problem=printable(reason),
        ),
        scope=terms.scope,
        profile=terms.profile,
        verdict=Verdict.COULD_NOT_JUDGE,
        results=(),
        warnings=(),
        engine=EngineUsed(engine, None, None),
        provenance=_provenance(path, terms, ()),
        timings=Timings(clock.started, round(clock.total, 3)),
    )


def _results(subject: Subject, number: int, terms: Terms, catalogue: Catalogue, evidence: Evidence) -> Iterable[Result]:
    by_requirement: dict[str, list[ItemOutcome | None]] = {}
    for item, ref in enumerate(evidence.items or ()):
        if ref.subject == number:
            by_requirement.setdefault(ref.requirement, []).append(evidence.outcomes.get(item))
    refused = evidence.refused.get(number)
    for requirement in catalogue.on_side(Side.PLUGIN):
        outcomes = by_requirement.get(requirement.id)
        if refused is not None and requirement.applies_to(subject.revision):
            merged = ItemOutcome(Outcome.NOT_TESTED, f"could not judge: {refused.reason}")
        elif outcomes is None:
            merged = _without_tests(requirement, subject, terms, evidence)
        else:
            merged = merge([each or ItemOutcome(Outcome.NOT_TESTED, UNREACHED) for each in outcomes])
        yield Result(
            requirement=requirement.id,
            level=requirement.level,
            outcome=merged.outcome,
            reason=merged.reason or None,
            total=merged.total,
            failed=merged.failed,
            violations=tuple(_violations(subject.path, terms, requirement, merged)),
        )


def _without_tests(requirement: Requirement, subject: Subject, terms: Terms, evidence: Evidence) -> ItemOutcome:
    if not requirement.applies_to(subject.revision):
        applies = ", ".join(requirement.revisions)
        return ItemOutcome(Outcome.NOT_APPLICABLE, f"applies to {applies}, the plugin is {subject.revision}")
    if terms.only not in {None, requirement.id}:
        return ItemOutcome(Outcome.NOT_TESTED, f"left out: --only {terms.only} was asked for")
    if requirement.untested is not None:
        return ItemOutcome(Outcome.NOT_TESTED, requirement.untested)
    if evidence.broken:
        return ItemOutcome(Outcome.ERROR, evidence.broken[0])
    return ItemOutcome(Outcome.ERROR, "the suite has no test for it, although the catalogue names one")


def merge(outcomes: Sequence[ItemOutcome]) -> ItemOutcome:
    """Merge what several tests, in collection order, found of one requirement."""
    outcome = min((each.outcome for each in outcomes), key=PRECEDENCE.index)
    return ItemOutcome(
        outcome=outcome,
        reason=next(each.reason for each in outcomes if each.outcome is outcome),
        total=sum(each.total for each in outcomes),
        failed=sum(each.failed for each in outcomes),
        violations=tuple(violation for each in outcomes for violation in each.violations)[:LISTED],
    )


def _violations(path: str, terms: Terms, requirement: Requirement, merged: ItemOutcome) -> Iterable[Violation]:
    for finding in merged.violations:
        again = terms.selecting(f"{requirement.id}[{finding.case}]")
        yield Violation(**asdict(finding), reproduce=certify_command(path, again))


def _warnings(catalogue: Catalogue, results: Iterable[Result]) -> Iterable[Warned]:
    for result in results:
        if result.outcome is Outcome.FAILED and result.level is Level.SHOULD:
            requirement = catalogue.get(result.requirement)
            first = result.violations[0]
            message = f"{requirement.sentence} Seen in {first.export}: {first.got}"
            yield Warned(requirement.warning or requirement.id, requirement.id, printable(message), result.failed)


def _provenance(path: str, terms: Terms, shapes: Iterable[str]) -> Provenance:
    packages = {name: found for name in _PACKAGES if (found := _version(name)) is not None}
    return Provenance(
        command=certify_command(path, terms),
        seed=terms.seed,
        shapes=tuple(sorted(shapes)),
        memory_pages=terms.pages,
        max_input=terms.max_input,
        config=_digest(terms.given.config),
        functions=_digest(terms.given.functions),
        only=None if terms.selector is None else printable(terms.selector),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=f"{sys.platform}-{platform.machine()}",
        packages=packages,
    )


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _durations(number: int, catalogue: Catalogue, evidence: Evidence) -> dict[str, float]:
    sums: dict[str, float] = {}
    for item, ref in enumerate(evidence.items or ()):
        if ref.subject == number and item in evidence.durations:
            sums[ref.requirement] = sums.get(ref.requirement, 0.0) + evidence.durations[item]
    return {each.id: round(sums[each.id], 4) for each in catalogue.requirements if each.id in sums}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
