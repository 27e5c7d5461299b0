"""`poll_oneoff` waits on the fake clock, and returns at once."""

from __future__ import annotations

import struct

import pytest
from wasi_guests import Guest, Starter, every_engine

from reference_host.wasi import WasiConfig
from reference_host.wasi.types import ClockId, Errno, EventType, Rights

PREVIEW1, UNSTABLE = "wasi_snapshot_preview1", "wasi_unstable"
SUBSCRIPTIONS, EVENTS, RESULT, TIME = 0, 2048, 4000, 4008
CONFIG = WasiConfig(realtime_start=10_000, monotonic_start=1_000, clock_step=1)
MONOTONIC, REALTIME = ClockId.MONOTONIC, ClockId.REALTIME

Event = tuple[int, int, int, int, int]
"""Userdata, errno, type, bytes available, flags."""


def clock(userdata: int, timeout: int, flags: int = 0, which: int = MONOTONIC, module: str = PREVIEW1) -> bytes:
    identifier = b"" if module == PREVIEW1 else struct.pack("<Q", 0xDEAD)
    return (
        struct.pack("<QB7x", userdata, EventType.CLOCK)
        + identifier
        + struct.pack("<I4xQQH6x", which, timeout, 0, flags)
    )


def stream(userdata: int, type_: int, fd: int, module: str = PREVIEW1) -> bytes:
    return struct.pack("<QB7xI28x", userdata, type_, fd) + (b"" if module == PREVIEW1 else bytes(8))


def poll(guest: Guest, *subscriptions: bytes) -> list[Event]:
    guest.memory.write(SUBSCRIPTIONS, b"".join(subscriptions))
    assert guest("poll_oneoff", SUBSCRIPTIONS, EVENTS, len(subscriptions), RESULT) is Errno.SUCCESS
    events = guest.memory.read(EVENTS, 32 * guest.number(RESULT, 4))
    return list(struct.iter_unpack("<QHB5xQH6x", events))


def now(guest: Guest) -> int:
    guest("clock_time_get", MONOTONIC, 0, TIME)
    return guest.number(TIME, 8)


CLOCK_EVENT = (Errno.SUCCESS, EventType.CLOCK, 0, 0)
READY = (Errno.SUCCESS, EventType.FD_WRITE, 65_536, 0)
AT_END = (Errno.SUCCESS, EventType.FD_READ, 0, 1)
ABSOLUTE = 1

CASES = [
    pytest.param([clock(7, 500)], [(7, *CLOCK_EVENT)], 1_500, id="a-duration"),
    pytest.param([clock(7, 0)], [(7, *CLOCK_EVENT)], 1_000, id="no-duration"),
    pytest.param([clock(7, 1_800, ABSOLUTE)], [(7, *CLOCK_EVENT)], 1_800, id="a-moment"),
    pytest.param([clock(7, 10, ABSOLUTE)], [(7, *CLOCK_EVENT)], 1_000, id="a-moment-that-is-past"),
    pytest.param([clock(7, 10_300, ABSOLUTE, REALTIME)], [(7, *CLOCK_EVENT)], 1_300, id="a-moment-of-real-time"),
    pytest.param(
        [clock(1, 500), clock(2, 200), clock(3, 1_200, ABSOLUTE)],
        [(2, *CLOCK_EVENT), (3, *CLOCK_EVENT)],
        1_200,
        id="the-first-moment-of-several",
    ),
    pytest.param([stream(5, EventType.FD_WRITE, 1)], [(5, *READY)], 1_000, id="output-takes-everything"),
    pytest.param([stream(5, EventType.FD_READ, 0)], [(5, *AT_END)], 1_000, id="input-has-ended"),
    pytest.param(
        [clock(1, 500), stream(2, EventType.FD_READ, 0), stream(3, EventType.FD_WRITE, 2), clock(4, 0)],
        [(2, *AT_END), (3, *READY), (4, *CLOCK_EVENT)],
        1_000,
        id="nobody-waits-where-a-stream-is-ready",
    ),
    pytest.param(
        [stream(5, EventType.FD_READ, 9), clock(1, 500)],
        [(5, Errno.BADF, EventType.FD_READ, 0, 0)],
        1_000,
        id="a-stream-that-is-not-open",
    ),
    pytest.param(
        [stream(5, EventType.FD_WRITE, 0), stream(6, EventType.FD_READ, 1)],
        [(5, Errno.BADF, EventType.FD_WRITE, 0, 0), (6, Errno.BADF, EventType.FD_READ, 0, 0)],
        1_000,
        id="the-wrong-direction",
    ),
    pytest.param(
        [clock(5, 500, which=ClockId.THREAD_CPUTIME_ID), clock(6, 500)],
        [(5, Errno.INVAL, EventType.CLOCK, 0, 0)],
        1_000,
        id="a-clock-that-is-not-supported",
    ),
    pytest.param([clock(2**64 - 1, 2**64 - 1)], [(2**64 - 1, *CLOCK_EVENT)], 2**64 - 1, id="the-longest-duration"),
]


@pytest.mark.parametrize(("subscriptions", "events", "time"), CASES)
@every_engine
def test_the_first_events_come_and_the_clock_stands_where_they_do(
    start: Starter, subscriptions: list[bytes], events: list[Event], time: int
) -> None:
    guest = start(CONFIG)
    assert poll(guest, *subscriptions) == events
    assert now(guest) == time


@every_engine
def test_the_revision_before_has_another_layout(start: Starter) -> None:
    guest = start(CONFIG, module=UNSTABLE)
    events = poll(guest, clock(1, 500, module=UNSTABLE), clock(2, 1_300, ABSOLUTE, module=UNSTABLE))
    assert events == [(2, *CLOCK_EVENT)]
    assert now(guest) == 1_300
    assert poll(guest, stream(3, EventType.FD_WRITE, 1, UNSTABLE)) == [(3, *READY)]


@pytest.mark.parametrize(
    ("record", "count"),
    [
        pytest.param(b"", 0, id="none"),
        pytest.param(struct.pack("<QB39x", 1, 3), 1, id="no-such-event"),
        pytest.param(struct.pack("<QB39x", 1, 255), 1, id="greatest-tag"),
        pytest.param(clock(1, 5, flags=2), 1, id="no-such-flag"),
        pytest.param(clock(1, 5) + clock(2, 5, flags=0x8000), 2, id="one-of-two"),
    ],
)
@every_engine
def test_a_malformed_call_is_refused_and_takes_no_time(start: Starter, record: bytes, count: int) -> None:
    guest = start(CONFIG)
    guest.memory.write(SUBSCRIPTIONS, record)
    assert guest("poll_oneoff", SUBSCRIPTIONS, EVENTS, count, RESULT) is Errno.INVAL
    assert guest.number(RESULT, 4) == 0
    assert now(guest) == 1_000


@every_engine
def test_a_wait_whose_result_has_no_place_takes_no_time(start: Starter) -> None:
    guest = start(CONFIG)
    guest.memory.write(SUBSCRIPTIONS, clock(1, 500))
    assert guest("poll_oneoff", SUBSCRIPTIONS, EVENTS, 1, 65_533) is Errno.FAULT
    assert guest("poll_oneoff", SUBSCRIPTIONS, 65_505, 1, RESULT) is Errno.FAULT
    assert guest.memory.read(EVENTS, 32) == bytes(32)
    assert now(guest) == 1_000


@every_engine
def test_many_subscriptions_are_taken_and_too_many_refused(start: Starter) -> None:
    guest = start(CONFIG, pages=8)
    events, result = 4_097 * 48, 8 * 65_536 - 8
    guest.memory.write(0, clock(9, 5) * 4_097)
    assert guest("poll_oneoff", 0, events, 4_097, result) is Errno.INVAL
    assert guest("poll_oneoff", 0, events, 4_096, result) is Errno.SUCCESS
    assert guest.number(result, 4) == 4_096


@every_engine
def test_events_may_be_written_over_the_subscriptions(start: Starter) -> None:
    guest = start(CONFIG)
    guest.memory.write(0, clock(1, 5) + clock(2, 5))
    assert guest("poll_oneoff", 0, 0, 2, RESULT) is Errno.SUCCESS
    assert (guest.number(0, 8), guest.number(32, 8)) == (1, 2)


@every_engine
def test_a_stream_whose_rights_were_given_up_is_told_in_its_event(start: Starter) -> None:
    guest = start(CONFIG)
    guest("fd_fdstat_set_rights", 1, Rights.FD_WRITE, 0)
    guest("fd_fdstat_set_rights", 2, Rights.POLL_FD_READWRITE, 0)
    assert poll(guest, stream(3, EventType.FD_WRITE, 1), stream(4, EventType.FD_WRITE, 2)) == [
        (3, Errno.NOTCAPABLE, EventType.FD_WRITE, 0, 0),
        (4, Errno.NOTCAPABLE, EventType.FD_WRITE, 0, 0),
    ]
