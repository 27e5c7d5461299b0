"""`hookproof certify`: whether a plugin keeps its contract."""

from __future__ import annotations

import os
import re
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from conformance.commands.options import (
    abi_option,
    check_engine,
    config_option,
    engine_option,
    functions_option,
    memory_option,
    plugin_argument,
    revision_option,
    shapes,
)
from conformance.commands.pipes import mute_stdout
from conformance.judging.subject import DEFAULT_SEED, PROFILES
from conformance.judging.terms import (
    EVERY_SHAPE,
    Terms,
    make_subject,
    parse_input,
    parse_memory,
    read_given,
    read_plugin,
)
from conformance.text import printable
from reference_host.errors import UsageError

if TYPE_CHECKING:
    from conformance.catalogue import Catalogue
    from conformance.report.build import Clock
    from conformance.report.model import Report
    from conformance.runner import Judging

_EXAMPLES = """\b
Examples:
  hookproof certify plugin.wasm
  hookproof certify plugin.wasm --config plugin.json --json report.json --junit report.xml
  hookproof certify plugin.wasm --engine pywasm --quick
  hookproof certify plugin.wasm --only 'BIFROST-PACK-001[http_pre_hook/traffic/17]'
"""


@click.command(name="certify", epilog=_EXAMPLES)
@plugin_argument
@engine_option
@abi_option
@revision_option
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default=PROFILES[0],
    show_default=True,
    help="strict: all that the revision's own document requires; lenient: what the loader needs.",
)
@click.option(
    "--shape",
    metavar="NAME",
    default=EVERY_SHAPE,
    show_default=True,
    shell_complete=shapes,
    help="The shape of the payloads that are sent, of those that the plugin system has.",
)
@config_option
@functions_option
@memory_option
@click.option("--max-input", metavar="SIZE", help="Largest body or value that is sent, such as 64KiB.  [default: all]")
@click.option("--quick", is_flag=True, help="Scope quick: small bodies, a short soak, no memory above 64 MiB.")
@click.option("--only", metavar="ID[CASE]", help="Judge one requirement, or one case of it.")
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True, help="Seed of everything random.")
@click.option("-n", "processes", default="0", metavar="N", help="Judge in N processes, or auto.  [default: 0]")
@click.option("--json", "json_path", type=click.Path(), metavar="FILE", help="Write the report as JSON.")
@click.option("--junit", "junit_path", type=click.Path(), metavar="FILE", help="Write the report as JUnit XML.")
@click.option("--durations", is_flag=True, help="Print where the time went.")
def command(plugin: str, **options: Any) -> int:
    """Judge whether a plugin keeps its contract.

    PLUGIN is a WebAssembly core module. Prints the verdict first, then each violation with the command that reproduces
    it.
    """
    began = time.time()
    if not re.fullmatch(r"[0-9]{1,3}|auto", options["processes"]):
        raise UsageError(f"-n {printable(options['processes'], 40)!r} is no number of processes; expected one, or auto")
    check_engine(options["engine"])
    terms = _terms(options)
    binary = read_plugin(plugin)
    outputs = [path for path in (options["json_path"], options["junit_path"]) if path is not None]
    _check_outputs(plugin, outputs)
    return _Certification(plugin, binary, terms, options, began).run()


def _terms(options: dict[str, Any]) -> Terms:
    terms = Terms(
        abi=options["abi"],
        revision=options["revision"],
        profile=options["profile"],
        shape=options["shape"],
        config_path=options["config"],
        functions_path=options["functions"],
        given=read_given(options["config"], options["functions"]),
        memory_pages=parse_memory(options["max_memory"]),
        max_input=None if options["max_input"] is None else parse_input(options["max_input"]),
        quick=options["quick"],
        seed=options["seed"],
    )
    return terms if options["only"] is None else terms.selecting(options["only"])


def _check_outputs(plugin: str, outputs: list[str]) -> None:
    """Refuse a report path that cannot be written, before anything is run. Raises `UsageError`."""
    if len(outputs) == 2 and os.path.realpath(outputs[0]) == os.path.realpath(outputs[1]):
        raise UsageError(f"--json and --junit name the same file {printable(outputs[0], 200)!r}: choose two")
    for output in outputs:
        path = Path(output)
        shown = printable(output, 200)
        if path.exists() and path.samefile(plugin):
            raise UsageError(f"the report path {shown!r} is the plugin itself: choose another")
        if path.exists() and not path.is_dir() and not stat.S_ISREG(path.stat().st_mode):
            continue  # a pipe or a device: opening it could block, or mean something to its reader
        existed = path.exists()
        try:
            path.open("ab").close()
        except OSError as error:
            raise UsageError(f"the report path {shown!r} cannot be written: {error.strerror}") from error
        if not existed:
            path.unlink()


class _Certification:
    """One run of the command, after its options have been read."""

    def __init__(self, plugin: str, binary: bytes, terms: Terms, options: dict[str, Any], began: float) -> None:
        self.plugin = plugin
        self.binary = binary
        self.terms = terms
        self.options = options
        self.began = began

    def run(self) -> int:
        from conformance.errors import CouldNotJudge
        from conformance.registry import load_suite

        try:
            subject = make_subject(self.plugin, self.binary, self.terms, self.options["engine"] or "")
            suite = load_suite(subject.system)
        except CouldNotJudge as error:
            return self.unjudged(error)
        from conformance.runner import Judging, Plan

        plan = Plan(subject, self.terms, suite, self.options["engine"], self.options["processes"])
        with _unwinding_when_terminated(), Judging(plan) as judging:
            # Read and imported here, because the judging process is busy starting up meanwhile.
            catalogue = suite.load_catalogue()
            if self.terms.only is not None:
                _check_selected(catalogue, self.terms.only)
            from conformance.report.build import build_report

            self.follow(judging)
            evidence, notes = judging.evidence, judging.notes
        report = build_report(subject, 0, self.terms, catalogue, evidence, self.clock())
        for note in notes:
            click.echo(f"hookproof: {note}", err=True)
        refused = evidence.refused.get(0)
        if refused is not None and refused.usage:
            raise UsageError(refused.reason)
        self.write(report, catalogue)
        if refused is not None:
            raise CouldNotJudge(f"could not judge {printable(self.plugin, 200)!r}: {refused.reason}")
        return self.show(report, catalogue)

    def unjudged(self, error: Exception) -> int:
        from conformance.errors import CouldNotJudge
        from conformance.report.build import unjudged_report

        engine = self.options["engine"]
        self.write(unjudged_report(self.plugin, self.binary, self.terms, str(error), engine, self.clock()), None)
        raise CouldNotJudge(f"could not judge {printable(self.plugin, 200)!r}: {error}") from error

    def follow(self, judging: Judging) -> None:
        from conformance.commands.progress import Progress
        from conformance.report.terminal import make_console

        make_console(sys.stdout)
        with Progress(sys.stderr) as progress:
            judging.finish(progress.show)

    def clock(self) -> Clock:
        from conformance.report.build import Clock

        started = datetime.fromtimestamp(self.began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Clock(started, max(time.time() - self.began, 0.0))

    def write(self, report: Report, catalogue: Catalogue | None) -> None:
        if self.options["json_path"] is not None:
            from conformance.report.jsonform import dumps

            _write(self.options["json_path"], dumps(report).encode())
        if self.options["junit_path"] is not None:
            from conformance.report.junit import junit

            _write(self.options["junit_path"], junit(report, catalogue))

    def show(self, report: Report, catalogue: Catalogue) -> int:
        from conformance.report.terminal import make_console, render, render_durations

        console = make_console(sys.stdout)
        # Whoever closes the pipe early has seen enough; the exit code is the verdict's all the same.
        try:
            render(report, catalogue, console)
            if self.options["durations"]:
                render_durations(report, console)
            sys.stdout.flush()
        except BrokenPipeError:
            mute_stdout()
        return int(report.exit_code)


def _check_selected(catalogue: Catalogue, identifier: str) -> None:
    from conformance.catalogue import Side

    requirement = catalogue.get(identifier)
    if requirement.side is not Side.PLUGIN:
        raise UsageError(f"{identifier} binds the host, not a plugin: certify cannot judge it")


def _write(path: str, content: bytes) -> None:
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise UsageError(f"the report path {printable(path, 200)!r} cannot be written: {error.strerror}") from error


@contextmanager
def _unwinding_when_terminated() -> Iterator[None]:
    """Make SIGTERM and SIGHUP unwind the stack, so that the judging process is ended too."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    former = [signal.signal(number, leave) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)
