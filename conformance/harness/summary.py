"""The verdict section that pytest prints at its end, for whoever runs the suites by hand."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from conformance.harness.setup import Setup
from conformance.report.build import Clock, build_report
from conformance.report.evidence import Evidence
from conformance.report.jsonform import dumps
from conformance.report.model import Verdict
from conformance.report.terminal import render


class Summary:
    """Reports on every subject of a run of pytest."""

    def __init__(self, setup: Setup, evidence: Evidence, began: float) -> None:
        started = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        clock = Clock(started, max(time.time() - began, 0.0))
        self._setup = setup
        self._reports = [
            (build_report(subject, n, setup.terms, setup.catalogues[subject.system], evidence, clock), subject.system)
            for n, subject in enumerate(setup.subjects)
        ]
        if setup.json is not None:
            for number, (report, _) in enumerate(self._reports):
                _report_path(setup.json, number, report.subject.name).write_text(dumps(report))

    @property
    def all_conform(self) -> bool:
        """Whether every plugin conforms."""
        return all(report.verdict is Verdict.CONFORMS for report, _ in self._reports)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print each report; without colours, because pytest's own decide about them."""
        for report, system in self._reports:
            text = io.StringIO()
            render(report, self._setup.catalogues[system], Console(file=text, color_system=None, markup=False))
            terminalreporter.section(f"hookproof: {report.subject.name}")
            terminalreporter.write_line(text.getvalue().rstrip("\n"))


def _report_path(given: Path, number: int, name: str) -> Path:
    """The file itself, or one in the folder that was given for several plugins, in the order of `--plugin`."""
    return given / f"{number}-{Path(name).stem}.json" if given.is_dir() else given
