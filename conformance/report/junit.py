"""The JUnit form of a report, with the elements that CI systems read: `<failure>`, `<error>`, `<skipped>`.

One test case for each requirement. A verdict of "could not judge" is never green: where no requirement carries an
error, a test case `verdict` does.

Source: the de facto schema of Jenkins' xUnit plugin, as pytest's `--junit-xml` writes it (family `xunit2`).
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from conformance.catalogue import Catalogue, Level
from conformance.judging.records import Outcome
from conformance.report.model import Report, Result, Verdict, Violation


def junit(report: Report, catalogue: Catalogue | None) -> bytes:
    """Write a report as JUnit XML; with the catalogue, each failure tells its requirement's sentence."""
    cases = [_case(report, result, catalogue) for result in report.results]
    if report.verdict is Verdict.COULD_NOT_JUDGE and not any(case.find("error") is not None for case in cases):
        cases.append(_verdict(report))
    counts = {
        "tests": len(cases),
        "failures": _count(cases, "failure"),
        "errors": _count(cases, "error"),
        "skipped": _count(cases, "skipped"),
    }
    numbers = {name: str(count) for name, count in counts.items()} | {"time": f"{report.timings.total:.3f}"}
    root = ElementTree.Element("testsuites", numbers | {"name": "hookproof"})
    suite = ElementTree.SubElement(
        root, "testsuite", numbers | {"name": _suite_name(report), "timestamp": report.timings.started.rstrip("Z")}
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(report):
        ElementTree.SubElement(properties, "property", {"name": name, "value": value})
    suite.extend(cases)
    ElementTree.indent(root)
    body: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _count(cases: list[ElementTree.Element], kind: str) -> int:
    return sum(case.find(kind) is not None for case in cases)


def _suite_name(report: Report) -> str:
    subject = report.subject
    return f"{subject.name} ({subject.abi} {subject.revision})" if subject.abi else subject.name


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield "verdict", report.verdict.value
    yield "sha256", report.subject.sha256
    yield "scope", report.scope
    yield "profile", report.profile
    yield "engine", f"{report.engine.name or 'none'} {report.engine.version or ''}".strip()
    yield "command", report.provenance.command


def _case(report: Report, result: Result, catalogue: Catalogue | None) -> ElementTree.Element:
    room, _, _ = result.requirement.rpartition("-")
    case = ElementTree.Element(
        "testcase",
        {
            "classname": f"hookproof.{report.subject.abi}.{report.subject.revision}.{room}",
            "name": result.requirement,
            "time": f"{report.timings.requirements.get(result.requirement, 0.0):.3f}",
        },
    )
    sentence = "" if catalogue is None else catalogue.get(result.requirement).sentence
    told = "\n".join(_told(result, sentence))
    if result.outcome is Outcome.FAILED and result.level is Level.MUST:
        message = sentence or f"{result.failed} of {result.total} cases break it"
        ElementTree.SubElement(case, "failure", {"message": message, "type": result.level.value}).text = told
    elif result.outcome is Outcome.FAILED:
        ElementTree.SubElement(case, "system-out").text = f"{result.level}, not a failure:\n{told}"
    elif result.outcome is Outcome.ERROR:
        ElementTree.SubElement(case, "error", {"message": result.reason or "", "type": "error"}).text = told
    elif result.outcome in {Outcome.NOT_APPLICABLE, Outcome.NOT_TESTED}:
        message = f"{result.outcome.value}: {result.reason}"
        ElementTree.SubElement(case, "skipped", {"message": message, "type": result.outcome.value})
    return case


def _verdict(report: Report) -> ElementTree.Element:
    case = ElementTree.Element("testcase", {"classname": "hookproof", "name": "verdict", "time": "0.000"})
    reason = report.subject.problem or report.engine.problem or "no requirement could be judged"
    ElementTree.SubElement(case, "error", {"message": f"could not judge: {reason}", "type": "could-not-judge"})
    return case


def _told(result: Result, sentence: str) -> Iterator[str]:
    if sentence:
        yield sentence
    if result.failed:
        yield f"{result.failed} of {result.total} cases break it."
    if result.reason:
        yield result.reason
    for violation in result.violations:
        yield ""
        yield from _violation(violation)


def _violation(violation: Violation) -> Iterator[str]:
    yield f"case      {violation.case}"
    yield f"export    {violation.export}({', '.join(map(str, violation.arguments))})"
    if violation.pointer is not None or violation.length is not None:
        yield f"at        pointer {violation.pointer}, length {violation.length}"
    yield f"expected  {violation.expected}"
    yield f"got       {violation.got}"
    yield f"hint      {violation.hint}"
    yield f"again     {violation.reproduce}"
