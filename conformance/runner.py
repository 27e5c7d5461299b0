"""Runs the judging of one plugin in a process of its own, and gathers what it finds, whatever becomes of that process.

A process that dies (an engine crashed it, a suite left it, memory ran out) takes one test with it: that test is an
`error`, and another process goes on with the rest.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from conformance.isolation import clean_environment, command, pytest_arguments, search_path
from conformance.judging.records import Broken, RecordReader, format_numbers
from conformance.judging.subject import Subject
from conformance.judging.terms import Terms
from conformance.report.evidence import Evidence
from conformance.suite import Suite
from conformance.text import printable

TEST_TIMEOUT = 900.0
"""Seconds that one test may take before its process is given up: a net far below the engines' own deadlines."""

_RESTARTS = 8
_POLL = 0.05
_LAST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be judged, by which suite.

    `engine`: None for the preferred one. `processes`: workers of pytest-xdist, a number or `auto`; `0` for none.
    """

    subject: Subject
    terms: Terms
    suite: Suite
    engine: str | None = None
    processes: str = "0"


class Judging:
    """A run of the judging process; a context manager, so that no process outlives the command."""

    def __init__(self, plan: Plan, *, timeout: float = TEST_TIMEOUT) -> None:
        self.evidence = Evidence()
        self.notes: list[str] = []
        self._plan = plan
        self._timeout = timeout
        self._temporary = tempfile.TemporaryDirectory(prefix="hookproof-", ignore_cleanup_errors=True)
        self._folder = Path(self._temporary.name).resolve()
        self._records = self._folder / "records"
        self._reader = RecordReader(self._records)
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Start the process; it runs while the caller does other things."""
        plan = self._plan
        self._records.mkdir()
        (self._folder / "empty").mkdir()
        (self._folder / "plugin.wasm").write_bytes(plan.subject.binary)
        for name, content in self._given():
            (self._folder / name).write_bytes(content)
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process if it still runs, and remove its folder."""
        self._kill()
        self._temporary.cleanup()

    def finish(self, progress: Callable[[Evidence], None]) -> None:
        """Wait until all is judged or cannot be; `progress` is called whenever there is news, and now and then."""
        for restart in range(_RESTARTS + 1):
            if restart:
                self._start()
            hung = self._watch(progress)
            if self.evidence.refused or not self._blame(hung) or not self.evidence.missing:
                break
        else:
            self._note("the judging process died too often; what is left was not judged")
        self._kill()

    # -- one process

    def _start(self) -> None:
        self._kill()
        self._over.clear()
        self.evidence.finished.clear()
        with (self._folder / "stderr").open("wb") as stderr:
            self._process = process = subprocess.Popen(
                command(self._arguments(), search_path()),
                cwd=self._folder / "empty",
                env=clean_environment(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )

        def wait() -> None:
            process.wait()
            self._over.set()

        threading.Thread(target=wait, daemon=True).start()

    def _arguments(self) -> Iterator[str]:
        plan, terms = self._plan, self._plan.terms
        yield from pytest_arguments(self._folder, plan.suite.tests, plan.processes)
        values = {
            "plugin": str(self._folder / "plugin.wasm"),
            # pytest-xdist could not send a name that is no UTF-8.
            "shown-path": printable(plan.subject.path),
            "records": str(self._records),
            "skip": format_numbers(frozenset(self.evidence.outcomes)),
            "engine": plan.engine,
            "abi": plan.subject.system,
            "revision": plan.subject.revision,
            "profile": terms.profile,
            "shape": terms.shape,
            "max-memory": str(terms.memory_pages * 65_536),
            "max-input": None if terms.max_input is None else str(terms.max_input),
            "seed": str(terms.seed),
            "only": terms.selector,
        }
        for name, value in values.items():
            if value:
                yield f"--hookproof-{name}={value}"
        for name, _ in self._given():
            yield f"--hookproof-{name}={self._folder / name}"
        if terms.quick:
            yield "--hookproof-quick"

    def _given(self) -> Iterator[tuple[str, bytes]]:
        """Give each file that belongs to the plugin, under the name of the option that names it."""
        given = self._plan.terms.given
        for name, content in (("plugin-config", given.config), ("functions", given.functions)):
            if content is not None:
                yield name, content

    def _watch(self, progress: Callable[[Evidence], None]) -> str | None:
        """Follow the records until the process ends; answers the worker whose test took too long, if one did."""
        while True:
            over = self._over.wait(_POLL)
            try:
                for process, record in self._reader.read():
                    self.evidence.add(process, record)
            except ValueError as error:
                self.evidence.add("main", Broken(f"the judging process wrote {error}"))
            progress(self.evidence)
            if over or self.evidence.refused:
                return None
            now = time.monotonic()
            for process, (_, since) in self.evidence.running.items():
                if now - since > self._timeout:
                    self._kill()
                    return process

    def _blame(self, hung: str | None) -> bool:
        """Make each test that its process did not survive an error; answers whether the rest can go on without it."""
        if hung is not None:
            item = self.evidence.blame(hung, f"it did not end within {self._timeout:g} seconds")
            self._note(f"the judging process hung for {self._timeout:g} seconds", item)
            # The others were killed with it, and are judged again.
            self.evidence.running.clear()
            return True
        assert self._process is not None
        well = "main" in self.evidence.finished
        how = "lost a worker" if well else _how_it_ended(self._process.returncode)
        blamed = [
            self.evidence.blame(process, "the process that judged it died") for process in [*self.evidence.running]
        ]
        for item in blamed:
            self._note(f"the judging process {how}", item)
        if not blamed and not well and not self.evidence.broken:
            last = self._last_words()
            self.evidence.add("main", Broken(f"the judging process {how} outside of any test{last and f': {last}'}"))
        return bool(blamed)

    def _note(self, what: str, item: int | None = None) -> None:
        items = self.evidence.items or ()
        where = f" in {items[item].name}, a test of {items[item].requirement}" if item is not None else ""
        self.notes.append(f"{what}{where}")

    def _last_words(self) -> str:
        lines = (self._folder / "stderr").read_bytes()[-_LAST_WORDS:].decode("utf-8", "replace").strip().splitlines()
        return printable(lines[-1]) if lines else ""

    def _kill(self) -> None:
        process = self._process
        if process is None:
            return
        # The group holds the workers, and may outlive its leader.
        if process.poll() is None or self._plan.processes != "0":
            with suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended itself with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"was ended by signal {name}"
