"""Progress of a run: one line on a terminal, rewritten in place; nothing at all elsewhere."""

from __future__ import annotations

import os
import shutil
import time
from types import TracebackType
from typing import Self, TextIO

from conformance.report.evidence import Evidence

_EVERY = 0.1
_AFTER = 0.4
"""Seconds before the first line: what is over by then needs none."""


class Progress:
    """Shows how many tests are over, and what is being judged; a context manager that leaves the line clean."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._next = time.monotonic() + _AFTER
        self._dirty = False

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear the line."""
        if self._dirty:
            self._write("")

    def show(self, evidence: Evidence) -> None:
        """Show where a run is, if it is time to."""
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + _EVERY
        self._write(_line(evidence))

    def _write(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r\x1b[K{text[:width]}")
        self._stream.flush()
        self._dirty = bool(text)


def _line(evidence: Evidence) -> str:
    if evidence.items is None:
        return "starting"
    running = sorted({evidence.items[item].requirement for item, _ in evidence.running.values()})
    return f"{len(evidence.outcomes)}/{len(evidence.items)} judged  {', '.join(running)}"
