"""The JSON form of a report: written and read only where it keeps the published schema, `schemas/report-1.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.catalogue import Level
from conformance.errors import ReportError
from conformance.judging.records import Outcome
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
)
from conformance.resources import Resource, find

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


def to_json(report: Report) -> dict[str, Any]:
    """Give the JSON object of a report, its members in the order of the schema."""
    return {
        "schema_version": report.schema_version,
        "suite": asdict(report.suite),
        "subject": asdict(report.subject),
        "scope": report.scope,
        "profile": report.profile,
        "verdict": report.verdict.value,
        "results": [_result(result) for result in report.results],
        "warnings": [asdict(warning) for warning in report.warnings],
        "engine": asdict(report.engine),
        "provenance": {**asdict(report.provenance), "shapes": list(report.provenance.shapes)},
        "timings": asdict(report.timings),
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "requirement": result.requirement,
        "level": result.level.value,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "cases": {"total": result.total, "failed": result.failed},
        "violations": [{**asdict(each), "arguments": list(each.arguments)} for each in result.violations],
    }


def of_json(document: Mapping[str, Any]) -> Report:
    """Make a report of its JSON object. Raises `ReportError` where that does not keep the schema."""
    check(document)
    provenance = document["provenance"]
    return Report(
        schema_version=document["schema_version"],
        suite=SuiteFacts(**document["suite"]),
        subject=SubjectFacts(**document["subject"]),
        scope=document["scope"],
        profile=document["profile"],
        verdict=Verdict(document["verdict"]),
        results=tuple(_read_result(result) for result in document["results"]),
        warnings=tuple(Warned(**warning) for warning in document["warnings"]),
        engine=EngineUsed(**document["engine"]),
        provenance=Provenance(**{**provenance, "shapes": tuple(provenance["shapes"])}),
        timings=Timings(**document["timings"]),
    )


def _read_result(result: Mapping[str, Any]) -> Result:
    return Result(
        requirement=result["requirement"],
        level=Level(result["level"]),
        outcome=Outcome(result["outcome"]),
        reason=result["reason"],
        total=result["cases"]["total"],
        failed=result["cases"]["failed"],
        violations=tuple(Violation(**{**each, "arguments": tuple(each["arguments"])}) for each in result["violations"]),
    )


def dumps(report: Report) -> str:
    """Write a report as text, after checking it. Raises `ReportError`."""
    document = to_json(report)
    check(document)
    return json.dumps(document, indent=2) + "\n"


def loads(text: str | bytes) -> Report:
    """Read a report. Raises `ReportError` for what is no report of this schema."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ReportError("$", f"is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ReportError("$", "is no JSON object")
    return of_json(document)


def check(document: Mapping[str, Any]) -> None:
    """Hold a JSON object against the schema. Raises `ReportError` with the place of the first breach."""
    error = next(iter(sorted(_validator().iter_errors(document), key=lambda each: list(map(str, each.path)))), None)
    if error is not None:
        raise ReportError(error.json_path, error.message)


@cache
def _validator() -> Validator:
    # Needed only where a report is written or read, and slow to import.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema())


def schema() -> dict[str, Any]:
    """Give the published JSON Schema (draft 2020-12)."""
    document: dict[str, Any] = json.loads(schema_path().read_bytes())
    return document


def schema_path() -> Path:
    """Tell where the schema lies in this installation."""
    return find(Resource.SCHEMAS) / "report-1.json"
