"""What the judging process tells survives that process: whole lines are read, a cut one waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.judging.records import (
    Broken,
    Collected,
    Ended,
    EngineFacts,
    Finding,
    Finished,
    ItemOutcome,
    ItemRef,
    Outcome,
    Record,
    Recorder,
    RecordReader,
    Refused,
    Started,
    decode,
    encode,
    format_numbers,
    parse_numbers,
)
from conformance.report.evidence import Evidence

FINDING = Finding("case", "export", (1, "a", 2**64 - 1), 7, None, "x", "y", "h")
RECORDS: list[Record] = [
    EngineFacts(0, "wasmtime", "50", "valid", "preferred"),
    Collected((ItemRef("test_x[\u4e16]", 0, "TOY-ADD-001"), ItemRef("test_y", 1, "TOY-ADD-002"))),
    Started(0),
    Ended(0, ItemOutcome(Outcome.FAILED, "", 3, 1, (FINDING,)), 0.25),
    Refused(0, True, False, "why"),
    Broken("why"),
    Finished(),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back(record: Record) -> None:
    line = encode(record)
    assert line.count(b"\n") == 1
    assert decode(line) == record


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"kind":"nope"}', b'{"kind":"started"}', b"\xff"])
def test_what_is_no_record(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode(line)


def test_a_cut_line_waits_for_its_end(tmp_path: Path) -> None:
    reader = RecordReader(tmp_path)
    recorder = Recorder(tmp_path, "gw0")
    recorder(Started(1))
    with (tmp_path / "main.jsonl").open("ab") as other:
        line = encode(Started(2))
        other.write(line[:5])
        other.flush()
        assert list(reader.read()) == [("gw0", Started(1))]
        other.write(line[5:])
        other.flush()
        assert list(reader.read()) == [("main", Started(2))]
    recorder.close()
    assert list(reader.read()) == []


@given(st.frozensets(st.integers(0, 200)))
def test_numbers_come_back(numbers: frozenset[int]) -> None:
    assert parse_numbers(format_numbers(numbers)) == numbers


def test_numbers_as_ranges() -> None:
    assert format_numbers(frozenset({0, 1, 2, 5, 7, 8})) == "0-2,5,7-8"


def test_evidence_of_a_process_that_died() -> None:
    evidence = Evidence()
    for record in RECORDS[:4]:
        evidence.add("gw0", record)
    evidence.add("gw1", Started(1))
    assert (evidence.missing, list(evidence.running)) == ((1,), ["gw1"])
    assert evidence.blame("gw0", "died") is None
    assert evidence.blame("gw1", "died") == 1
    assert evidence.missing == ()
    assert evidence.outcomes[1] == ItemOutcome(Outcome.ERROR, "died")


def test_the_first_word_on_a_test_stands() -> None:
    evidence = Evidence()
    for outcome in (Outcome.PASSED, Outcome.ERROR):
        evidence.add("gw0", Ended(0, ItemOutcome(outcome), 0.1))
    assert evidence.outcomes[0].outcome is Outcome.PASSED
