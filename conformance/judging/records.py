"""What the judging process tells: frozen values, and the lines of JSON that carry them to the reporting one.

Each process that runs tests (the only one, or each worker of pytest-xdist) appends to a file of its own and
flushes each line, so that nothing that was judged is lost when an engine takes the process down; the last
line of a file may be cut off then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self


class Outcome(StrEnum):
    """What became of a requirement, or of one test of it."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"
    NOT_TESTED = "not-tested"
    ERROR = "error"


PRECEDENCE = (Outcome.FAILED, Outcome.ERROR, Outcome.PASSED, Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE)
"""Which outcome wins where several tests of one requirement differ: the first of these."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation as the suite saw it. `pointer` and `length` are unsigned, None where meaningless."""

    case: str
    export: str
    arguments: tuple[int | str, ...]
    pointer: int | None
    length: int | None
    expected: str
    got: str
    hint: str


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What one test found: `total` cases, of which `failed` failed; the first of those are listed."""

    outcome: Outcome
    reason: str = ""
    total: int = 0
    failed: int = 0
    violations: tuple[Finding, ...] = ()

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `asdict` wrote."""
        violations = tuple(Finding(**{**each, "arguments": tuple(each["arguments"])}) for each in value["violations"])
        return cls(Outcome(value["outcome"]), value["reason"], value["total"], value["failed"], violations)


@dataclass(frozen=True, slots=True)
class ItemRef:
    """One collected test of a suite: the subject's number and the requirement that it proves."""

    name: str
    subject: int
    requirement: str


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """The engine that really ran: name, version, whether the module was proved valid before it ran, and why it ran."""

    subject: int
    name: str
    version: str
    validity: str
    reason: str


@dataclass(frozen=True, slots=True)
class Collected:
    """The tests that are going to run, in collection order; an item's number is its place here."""

    items: tuple[ItemRef, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """A test begins: one without its `Ended` names what was judged when a process died."""

    item: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A test is over; `duration` in seconds."""

    item: int
    outcome: ItemOutcome
    duration: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The subject cannot be judged at all.

    `usage`: whoever asked mends it (exit code 2, else 3). `engine`: it is the engine's doing, not the file's.
    """

    subject: int
    usage: bool
    engine: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The harness itself failed outside of any test, e.g. a suite cannot be imported."""

    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The process came to its end in good order."""


Record = EngineFacts | Collected | Started | Ended | Refused | Broken | Finished
_KINDS: dict[str, type[Record]] = {
    kind.__name__.lower(): kind for kind in (EngineFacts, Collected, Started, Ended, Refused, Broken, Finished)
}


def encode(record: Record) -> bytes:
    """Give the line that carries a record."""
    line = {"kind": type(record).__name__.lower(), **asdict(record)}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Record:
    """Read one line. Raises `ValueError` for one that `encode` did not write."""
    try:
        members = json.loads(line)
        kind = _KINDS[members.pop("kind")]
        if kind is Collected:
            return Collected(tuple(ItemRef(**item) for item in members["items"]))
        if kind is Ended:
            return Ended(members["item"], ItemOutcome.of_json(members["outcome"]), members["duration"])
        return kind(**members)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no record: {line[:80]!r}") from error


class Recorder:
    """Appends records to the file of this process in a folder that all processes of a run share."""

    def __init__(self, folder: Path, process: str) -> None:
        self._file = (folder / f"{process}.jsonl").open("ab", buffering=0)

    def __call__(self, record: Record) -> None:
        """Write one record; it is on its way to the kernel when this returns."""
        self._file.write(encode(record))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class RecordReader:
    """Reads what any process of the run has written since it last looked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[Path, int] = {}

    def read(self) -> Iterator[tuple[str, Record]]:
        """Give the new records, each with the name of its process; an incomplete line waits for next time."""
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                data = file.read()
            end = data.rfind(b"\n") + 1
            self._offsets[path] = self._offsets.get(path, 0) + end
            yield from _decoded(path.stem, data[:end].splitlines())


def _decoded(process: str, lines: Iterable[bytes]) -> Iterator[tuple[str, Record]]:
    for line in lines:
        yield process, decode(line)


def format_numbers(numbers: frozenset[int]) -> str:
    """Write a set of numbers as ranges: `0-3,7`."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in ranges)


def parse_numbers(text: str) -> frozenset[int]:
    """Read what `format_numbers` wrote."""
    numbers: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)
