"""The form of a report that a person reads: the verdict first, then what breaks it, then the rest, grouped.

In a terminal, text is wrapped at its width and coloured; in a pipe, each fact is one line. A command to copy is never
broken into lines. No text is ever taken for rich's markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.text import Text

from conformance.catalogue import Catalogue, Level
from conformance.judging.records import Outcome
from conformance.judging.terms import format_size
from conformance.report.model import Report, Result, Verdict, Violation

SHOWN = 3
"""Violations of one requirement that are shown in full; the JSON report lists more."""

_STYLES = {
    Verdict.CONFORMS: "bold green",
    Verdict.DOES_NOT_CONFORM: "bold red",
    Verdict.COULD_NOT_JUDGE: "bold yellow",
}
_WORDS = {
    Verdict.CONFORMS: "conforms",
    Verdict.DOES_NOT_CONFORM: "does not conform",
    Verdict.COULD_NOT_JUDGE: "could not judge",
}
_INDENT = 2
_LABEL = 10


def make_console(file: TextIO) -> Console:
    """Make a console for a stream: coloured in a terminal, plain in a pipe, without colours under `NO_COLOR`."""
    return _Console(file=file, markup=False, highlight=False, emoji=False)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Fall silent, where rich would exit with a code that means something else here."""
        self.quiet = True
        raise BrokenPipeError


def render(report: Report, catalogue: Catalogue | None, console: Console) -> None:
    """Print a report; with the catalogue, each requirement comes with its sentence."""
    _Page(report, catalogue, console).print()


def render_durations(report: Report, console: Console, count: int = 15) -> None:
    """Print the requirements that took longest, in seconds."""
    page = _Page(report, None, console)
    slowest = sorted(report.timings.requirements.items(), key=lambda pair: (-pair[1], pair[0]))
    page.heading("Durations", f"{report.timings.total:.2f} s in all")
    for requirement, seconds in slowest[:count]:
        page.line(f"{seconds:8.3f} s  {requirement}")


class _Page:
    def __init__(self, report: Report, catalogue: Catalogue | None, console: Console) -> None:
        self.report = report
        self.catalogue = catalogue
        self.console = console

    def print(self) -> None:
        self.verdict()
        self.violations()
        self.errors()
        self.warnings()
        self.informations()
        self.groups(Outcome.NOT_APPLICABLE, "Not applicable")
        self.groups(Outcome.NOT_TESTED, "Not tested")

    # -- the parts

    def verdict(self) -> None:
        report, subject = self.report, self.report.subject
        only = f", --only {report.provenance.only}" if report.provenance.only else ""
        self.emit(
            Text.assemble(
                (_WORDS[report.verdict], _STYLES[report.verdict]),
                (f"{' in what was asked for' if only else ''}: ", ""),
                (subject.name, "bold"),
            )
        )
        for reason in self.reasons():
            self.field("reason", reason)
        if subject.abi is not None:
            detected = f" ({subject.detection})" if subject.detection else ""
            self.field("plugin", f"{subject.abi} {subject.revision}{detected}")
        self.field("sha256", subject.sha256)
        largest = report.provenance.max_input
        inputs = "" if largest is None else f", inputs up to {format_size(largest)}"
        self.field("judged", f"{report.profile}, scope {report.scope}{inputs}{only}")
        if report.engine.name is not None:
            validity = {"valid": ", module validated", "not-tested": ", module not validated"}
            version = f" {report.engine.version}" if report.engine.version else ""
            self.field("engine", f"{report.engine.name}{version}{validity.get(report.engine.validity or '', '')}")
            if report.engine.reason and report.engine.reason not in ("asked for", "preferred"):
                self.field("because", report.engine.reason)
        if report.results:
            self.field("results", ", ".join(self.counts()))

    def reasons(self) -> Iterable[str]:
        """Tell in a line why there is no verdict."""
        problems = [*filter(None, (self.report.subject.problem, self.report.engine.problem))]
        errors = [result for result in self.report.results if result.outcome is Outcome.ERROR]
        if problems or self.report.verdict is not Verdict.COULD_NOT_JUDGE:
            return problems
        if not errors:
            only = (self.report.provenance.only or "").partition("[")[0]
            selected = [result.reason for result in self.report.results if result.requirement == only]
            return [f"nothing was executed{f': {selected[0]}' if selected and selected[0] else ''}"]
        reason, ids = _grouped(errors)[0]
        return [f"{reason} ({ids[0]}{f' and {len(errors) - 1} more' if len(errors) > 1 else ''})"]

    def counts(self) -> Iterable[str]:
        def count(outcome: Outcome, *levels: Level) -> int:
            return sum(r.outcome is outcome and r.level in (levels or tuple(Level)) for r in self.report.results)

        if failed := count(Outcome.FAILED, Level.MUST):
            yield f"{failed} broken"
        yield f"{count(Outcome.PASSED)} held"
        yield from (
            f"{number} {word}"
            for number, word in (
                (len(self.report.warnings), "warned"),
                (count(Outcome.FAILED, Level.MAY), "noted"),
                (count(Outcome.ERROR), "could not be judged"),
                (count(Outcome.NOT_APPLICABLE), "not applicable"),
                (count(Outcome.NOT_TESTED), "not tested"),
            )
            if number
        )

    def violations(self) -> None:
        broken = list(self.failed(Level.MUST))
        if broken:
            self.heading("Violations", f"{len(broken)} of {len(self.report.results)} requirements")
        for result in broken:
            self.requirement(result, "bold red")
            self.listed(result)

    def errors(self) -> None:
        errors = [result for result in self.report.results if result.outcome is Outcome.ERROR]
        if errors:
            self.heading("Could not be judged", "neither the plugin's fault nor to its credit")
        for reason, ids in _grouped(errors):
            self.group(reason, ids, "yellow")

    def warnings(self) -> None:
        broken = list(self.failed(Level.SHOULD))
        codes = {warning.requirement: warning.code for warning in self.report.warnings}
        if broken:
            self.heading("Warnings", "they do not change the verdict")
        for result in broken:
            self.requirement(result, "bold yellow", codes.get(result.requirement, ""))
            self.listed(result, 1)

    def informations(self) -> None:
        broken = list(self.failed(Level.MAY))
        if broken:
            self.heading("For information")
        for result in broken:
            self.requirement(result, "bold")
            self.listed(result, 1)

    def groups(self, outcome: Outcome, title: str) -> None:
        results = [result for result in self.report.results if result.outcome is outcome]
        if results:
            self.heading(title, str(len(results)))
        for reason, ids in _grouped(results):
            self.group(reason, ids, "")

    # -- their pieces

    def failed(self, level: Level) -> Iterable[Result]:
        return (r for r in self.report.results if r.outcome is Outcome.FAILED and r.level is level)

    def requirement(self, result: Result, style: str, code: str = "") -> None:
        self.emit(Text())
        sentence = "" if self.catalogue is None else self.catalogue.get(result.requirement).sentence
        title = Text.assemble((result.requirement, style), f" {result.level}", f" {code}" if code else "")
        self.emit(title)
        if sentence:
            self.emit(Text(sentence), _INDENT)
        cases = f"case{'' if result.total == 1 else 's'} break{'s' if result.failed == 1 else ''}"
        self.emit(Text(f"{result.failed} of {result.total} {cases} it"), _INDENT)

    def listed(self, result: Result, count: int = SHOWN) -> None:
        for violation in result.violations[:count]:
            self.emit(Text())
            self.violation(violation)
        more = result.failed - min(count, len(result.violations))
        if more > 0:
            self.emit(Text())
            self.emit(Text(f"and {more} more; --json lists up to 10 of a requirement"), _INDENT)

    def violation(self, violation: Violation) -> None:
        self.field("case", violation.case)
        self.field("export", f"{violation.export}({', '.join(map(str, violation.arguments))})")
        if violation.pointer is not None or violation.length is not None:
            self.field("at", ", ".join(_place(violation)))
        self.field("expected", violation.expected)
        self.field("got", violation.got)
        self.field("hint", violation.hint)
        self.field("again", violation.reproduce, wrapped=False)

    def group(self, reason: str, ids: list[str], style: str) -> None:
        self.emit(Text(reason, style), _INDENT)
        self.emit(Text(", ".join(_shortened(ids)), "dim"), 2 * _INDENT)

    def heading(self, title: str, note: str = "") -> None:
        self.emit(Text())
        self.emit(Text.assemble((title, "bold underline"), f"  {note}" if note else ""))

    def field(self, label: str, value: str, *, wrapped: bool = True) -> None:
        self.emit(Text(value), _INDENT, label, wrapped=wrapped)

    def line(self, text: str) -> None:
        self.emit(Text(text))

    def emit(self, text: Text, indent: int = 0, label: str = "", *, wrapped: bool = True) -> None:
        """Print one text; where it is wrapped, its further lines hang below its first."""
        first = Text(" " * indent)
        if label:
            first.append(label.ljust(_LABEL), "dim")
        margin = first.cell_len
        width = self.console.width - margin
        if not wrapped or not self.console.is_terminal or width < 20:
            self.console.print(first + text, soft_wrap=True)
            return
        for number, part in enumerate(text.wrap(self.console, width) or [Text()]):
            self.console.print((first if number == 0 else Text(" " * margin)) + part, soft_wrap=True)


def _place(violation: Violation) -> Iterable[str]:
    if violation.pointer is not None:
        yield f"pointer {violation.pointer:#x} ({violation.pointer})"
    if violation.length is not None:
        yield f"length {violation.length}"


def _shortened(ids: Iterable[str]) -> Iterable[str]:
    """Leave out of each id what it has in common with the one before: `TOY-ADD-001, -002`."""
    former = ""
    for identifier in ids:
        room, _, number = identifier.rpartition("-")
        yield f"-{number}" if room == former else identifier
        former = room


def _grouped(results: Iterable[Result]) -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    for result in results:
        groups.setdefault(result.reason or "no reason was given", []).append(result.requirement)
    return list(groups.items())
