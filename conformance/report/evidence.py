"""Folds the records of a run, from however many processes, into what is known of each test."""

from __future__ import annotations

import time

from conformance.judging.records import (
    Broken,
    Collected,
    Ended,
    EngineFacts,
    Finished,
    ItemOutcome,
    ItemRef,
    Outcome,
    Record,
    Refused,
    Started,
)


class Evidence:
    """What a run has shown so far. The order in which processes report makes no difference to it.

    `items` are the collected tests, `outcomes` and `durations` (seconds) what became of them by number, `running` the
    tests that each process is at, with the moment (of `time.monotonic`) at which that was seen.
    """

    def __init__(self) -> None:
        self.items: tuple[ItemRef, ...] | None = None
        self.outcomes: dict[int, ItemOutcome] = {}
        self.durations: dict[int, float] = {}
        self.engines: dict[int, EngineFacts] = {}
        self.refused: dict[int, Refused] = {}
        self.broken: list[str] = []
        self.running: dict[str, tuple[int, float]] = {}
        self.finished: set[str] = set()

    def add(self, process: str, record: Record) -> None:
        """Take in one record of a process."""
        match record:
            case Collected(items):
                self.items = items
            case Started(item):
                self.running[process] = (item, time.monotonic())
            case Ended(item, outcome, duration):
                self.running.pop(process, None)
                self.outcomes.setdefault(item, outcome)
                self.durations.setdefault(item, duration)
            case EngineFacts(subject):
                self.engines.setdefault(subject, record)
            case Refused(subject):
                self.refused.setdefault(subject, record)
            case Broken(reason):
                if reason not in self.broken:
                    self.broken.append(reason)
            case Finished():
                self.finished.add(process)

    def blame(self, process: str, reason: str) -> int | None:
        """Make what a process was at when it ended an error; answers the test's number, None if it was at none."""
        running = self.running.pop(process, None)
        if running is None:
            return None
        self.outcomes.setdefault(running[0], ItemOutcome(Outcome.ERROR, reason))
        return running[0]

    def close(self, reason: str = "the process that judged it ended without a word") -> None:
        """Make everything that is still running an error: its process is gone."""
        for process in list(self.running):
            self.blame(process, reason)

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of collected tests that have not ended."""
        return tuple(number for number in range(len(self.items or ())) if number not in self.outcomes)
