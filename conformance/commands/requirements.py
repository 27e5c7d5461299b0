"""`hookproof requirements`: what is required, of whom, and how it is tested."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from conformance.catalogue import Catalogue, Level, Requirement, Side
from conformance.commands.options import systems
from conformance.registry import load_suite, load_system, suite_names
from reference_host.errors import UnknownRevision, UnknownSystem

if TYPE_CHECKING:
    from rich.console import Console

_EXAMPLES = """\b
Examples:
  hookproof requirements
  hookproof requirements --system bifrost --revision r2 --side plugin --level MUST
  hookproof requirements --untested
  hookproof requirements --format markdown
"""


@click.command(name="requirements", epilog=_EXAMPLES)
@click.option("--system", metavar="NAME", shell_complete=systems, help="Of one plugin system.  [default: all]")
@click.option("--level", type=click.Choice([level.value for level in Level]), help="Of one level.")
@click.option("--side", type=click.Choice([side.value for side in Side]), help="That bind one side.")
@click.option("--revision", metavar="NAME", help="That apply to one revision.")
@click.option("--untested", is_flag=True, help="Only those without a test, with the reason.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="How to print them.",
)
def command(
    system: str | None, level: str | None, side: str | None, revision: str | None, untested: bool, form: str
) -> int:
    """List the requirements: whom each binds, to which revisions it applies, what it says, its source and its tests."""
    names = suite_names()
    if system is not None and system not in names:
        raise UnknownSystem(f"no catalogue for a plugin system {system!r}; expected one of {', '.join(names)}")
    chosen = names if system is None else (system,)
    if revision is not None:
        known = [each for name in chosen for each in load_system(name).revisions]
        if revision not in known:
            raise UnknownRevision(f"no plugin system has a revision {revision!r}; expected one of {', '.join(known)}")
    catalogues = [
        (
            catalogue,
            [
                each
                for each in catalogue.requirements
                if (level is None or each.level.value == level)
                and (side is None or each.side.value == side)
                and (revision is None or each.applies_to(revision))
                and (not untested or each.untested is not None)
            ],
        )
        for catalogue in (load_suite(name).load_catalogue() for name in chosen)
    ]
    if form == "json":
        click.echo(json.dumps(_json(catalogues), indent=2))
    elif form == "markdown":
        click.echo("\n".join(_markdown(catalogues)))
    else:
        _table(catalogues)
    return 0


def _json(catalogues: Iterable[tuple[Catalogue, list[Requirement]]]) -> list[dict[str, object]]:
    return [{"system": catalogue.system, **asdict(each)} for catalogue, chosen in catalogues for each in chosen]


def counts(requirements: Iterable[Requirement]) -> str:
    """Say how many there are, how many of them no test proves, and why not."""
    requirements = list(requirements)
    reasons: dict[str, int] = {}
    for each in requirements:
        if each.untested is not None:
            # "not observable: ..." and "host-side: ..." tell the kind of reason before the colon.
            kind = each.untested.partition(":")[0]
            reasons[kind] = reasons.get(kind, 0) + 1
    without = ", ".join(f"{count} {kind}" for kind, count in sorted(reasons.items()))
    tested = len(requirements) - sum(reasons.values())
    return f"{len(requirements)} requirements, {tested} tested{f'; not tested: {without}' if without else ''}"


def unobservable(requirements: Iterable[Requirement]) -> Iterator[str]:
    """Say of each that no run from outside can observe why that is so."""
    for each in requirements:
        kind, _, reason = (each.untested or "").partition(": ")
        if kind == "not observable":
            yield f"{each.id} is not observable: {reason}"


def _markdown(catalogues: Iterable[tuple[Catalogue, list[Requirement]]]) -> Iterator[str]:
    for number, (catalogue, chosen) in enumerate(catalogues):
        if number:
            yield ""
        yield from (f"# Requirements: {catalogue.system}", "", f"{counts(chosen)}.", "")
        if reasons := [f"- {line}." for line in unobservable(chosen)]:
            yield from (*reasons, "")
        yield "| id | level | side | revisions | requirement | source | proven by |"
        yield "|---|---|---|---|---|---|---|"
        for each in chosen:
            sentence = " ".join(filter(None, (each.sentence, each.stand and f"Stand: {each.stand}", each.reason)))
            cells = (
                each.id,
                each.level,
                each.side,
                ", ".join(each.revisions),
                sentence,
                each.source,
                ", ".join(f"`{test}`" for test in each.tests) or f"not tested: {each.untested}",
            )
            yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _table(catalogues: Iterable[tuple[Catalogue, list[Requirement]]]) -> None:
    from conformance.report.terminal import make_console

    console = make_console(sys.stdout)
    for catalogue, chosen in catalogues:
        for each in chosen:
            _entry(console, each)
        console.print(f"{catalogue.system}: {counts(chosen)}", soft_wrap=True)
        _indented(console, unobservable(chosen))


def _entry(console: Console, each: Requirement) -> None:
    from rich.text import Text

    head = Text.assemble((each.id, "bold"), f"  {each.level}  {each.side}  {', '.join(each.revisions)}")
    console.print(head, soft_wrap=True)
    lines = [each.sentence, f"source: {each.source}"]
    if each.stand is not None:
        lines.append(f"stand: {each.stand}")
    if each.reason is not None:
        lines.append(f"reason: {each.reason}")
    lines.append(f"tests: {', '.join(each.tests)}" if each.tests else f"not tested: {each.untested}")
    _indented(console, lines)


def _indented(console: Console, lines: Iterable[str]) -> None:
    from rich.text import Text

    for line in lines:
        for part in Text(line).wrap(console, max(console.width - 2, 20)) if console.is_terminal else [Text(line)]:
            console.print(Text("  ") + part, soft_wrap=True)
