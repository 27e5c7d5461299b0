"""Arguments, environment, clocks, randomness, yielding and ending."""

from __future__ import annotations

import pytest
from wasi_guests import Starter, every_engine

from reference_host.errors import Trap, TrapCode, UsageError
from reference_host.wasi import WasiConfig
from reference_host.wasi.types import ClockId, Errno, Signal

COUNT, SIZE, POINTERS, BUFFER = 0, 8, 64, 1024

STRINGS = [
    pytest.param("args", WasiConfig(arguments=("a", "", "ü")), [b"a", b"", b"\xc3\xbc"], id="arguments"),
    pytest.param("args", WasiConfig(), [b"plugin"], id="arguments-by-default"),
    pytest.param("args", WasiConfig(arguments=()), [], id="no-arguments"),
    pytest.param(
        "environ",
        WasiConfig(environment=(("B", "2"), ("A", "x=y"), ("N", ""))),
        [b"B=2", b"A=x=y", b"N="],
        id="environment-in-its-order",
    ),
    pytest.param("environ", WasiConfig(), [], id="empty-environment-by-default"),
]


@pytest.mark.parametrize(("what", "config", "strings"), STRINGS)
@every_engine
def test_arguments_and_environment_are_those_that_were_chosen(
    start: Starter, what: str, config: WasiConfig, strings: list[bytes]
) -> None:
    guest = start(config)
    assert guest(f"{what}_sizes_get", COUNT, SIZE) is Errno.SUCCESS
    assert guest.number(COUNT, 4) == len(strings)
    assert guest.number(SIZE, 4) == sum(len(string) + 1 for string in strings)
    assert guest(f"{what}_get", POINTERS, BUFFER) is Errno.SUCCESS
    pointers = [guest.number(POINTERS + 4 * index, 4) for index in range(len(strings))]
    for pointer, string in zip(pointers, strings, strict=True):
        assert guest.memory.read(pointer, len(string) + 1) == string + b"\0"
    assert guest.memory.read(BUFFER, 64).rstrip(b"\0") == b"\0".join(strings).rstrip(b"\0")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"arguments": ("a\0b",)}, id="nul-in-argument"),
        pytest.param({"arguments": ("\ud800",)}, id="lone-surrogate"),
        pytest.param({"environment": (("", "x"),)}, id="empty-name"),
        pytest.param({"environment": (("A=B", "x"),)}, id="name-with-equals-sign"),
        pytest.param({"environment": (("A", "x\0"),)}, id="nul-in-value"),
        pytest.param({"clock_step": 0}, id="clock-that-stands"),
        pytest.param({"realtime_start": -1}, id="negative-time"),
        pytest.param({"monotonic_start": 2**64}, id="time-beyond-64-bits"),
        pytest.param({"stdout_limit": -1}, id="negative-limit"),
        pytest.param({"stderr_limit": -1}, id="negative-limit-of-stderr"),
    ],
)
def test_what_no_guest_can_be_given_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        WasiConfig(**values)  # type: ignore[arg-type]


@every_engine
def test_each_reading_advances_both_clocks_by_one_step(start: Starter) -> None:
    guest = start(WasiConfig(realtime_start=5_000, monotonic_start=70, clock_step=10))
    readings = []
    for clock in (ClockId.REALTIME, ClockId.MONOTONIC, ClockId.MONOTONIC, ClockId.REALTIME):
        assert guest("clock_time_get", clock, 0, 16) is Errno.SUCCESS
        readings.append(guest.number(16, 8))
    assert readings == [5_000, 80, 90, 5_030]


@every_engine
def test_time_by_default(start: Starter) -> None:
    guest = start()
    guest("clock_time_get", ClockId.REALTIME, 0, 0)
    guest("clock_time_get", ClockId.MONOTONIC, 0, 8)
    assert guest.number(0, 8) == 1_767_225_600_000_000_000, "2026-01-01T00:00:00Z"
    assert guest.number(8, 8) == 1_001_000_000, "not 0, on which Go's runtime gives up"


@every_engine
def test_a_failed_reading_lets_no_time_pass(start: Starter) -> None:
    guest = start(WasiConfig(monotonic_start=70, clock_step=10))
    assert guest("clock_time_get", ClockId.MONOTONIC, 0, 65_536) is Errno.FAULT
    assert guest("clock_time_get", 9, 0, 0) is Errno.INVAL
    guest("clock_time_get", ClockId.MONOTONIC, 0, 0)
    assert guest.number(0, 8) == 70


@every_engine
def test_the_clock_stops_at_the_last_time_that_64_bits_can_say(start: Starter) -> None:
    guest = start(WasiConfig(realtime_start=2**64 - 2, clock_step=5))
    for _ in range(2):
        guest("clock_time_get", ClockId.REALTIME, 0, 0)
    assert guest.number(0, 8) == 2**64 - 1


@pytest.mark.parametrize(
    ("clock", "errno"),
    [
        pytest.param(ClockId.REALTIME, Errno.SUCCESS, id="realtime"),
        pytest.param(ClockId.MONOTONIC, Errno.SUCCESS, id="monotonic"),
        pytest.param(ClockId.PROCESS_CPUTIME_ID, Errno.INVAL, id="process-cpu-time"),
        pytest.param(ClockId.THREAD_CPUTIME_ID, Errno.INVAL, id="thread-cpu-time"),
        pytest.param(4, Errno.INVAL, id="no-such-clock"),
        pytest.param(0xFFFF_FFFF, Errno.INVAL, id="greatest-number"),
    ],
)
@every_engine
def test_two_clocks_are_supported(start: Starter, clock: int, errno: Errno) -> None:
    guest = start(WasiConfig(clock_step=250))
    assert guest("clock_res_get", clock, 0) is errno
    assert guest("clock_time_get", clock, 0, 8) is errno
    assert guest.number(0, 8) == (250 if errno is Errno.SUCCESS else 0)


@every_engine
def test_yielding_changes_nothing(start: Starter) -> None:
    assert start()("sched_yield") is Errno.SUCCESS


@pytest.mark.parametrize("code", [0, 1, 255, 0xFFFF_FFFF])
@every_engine
def test_proc_exit_ends_the_execution_with_its_code(start: Starter, code: int) -> None:
    with pytest.raises(Trap) as caught:
        start().instance.call("proc_exit", code)
    assert (caught.value.code, caught.value.exit_code, caught.value.message) == (TrapCode.EXIT, code, "")


@pytest.mark.parametrize(
    ("signal", "errno"),
    [
        pytest.param(Signal.NONE, Errno.SUCCESS, id="none"),
        pytest.param(Signal.PIPE, Errno.SUCCESS, id="ignored-pipe"),
        pytest.param(Signal.CONT, Errno.SUCCESS, id="continue"),
        pytest.param(Signal.WINCH, Errno.SUCCESS, id="ignored-winch"),
        pytest.param(Signal.STOP, Errno.NOTSUP, id="stop"),
        pytest.param(Signal.TTOU, Errno.NOTSUP, id="stop-ttou"),
        pytest.param(31, Errno.INVAL, id="no-such-signal"),
        pytest.param(0xFFFF_FFFF, Errno.INVAL, id="greatest-number"),
    ],
)
@every_engine
def test_a_signal_that_does_not_terminate_is_answered(start: Starter, signal: int, errno: Errno) -> None:
    assert start()("proc_raise", signal) is errno


@pytest.mark.parametrize("signal", [Signal.HUP, Signal.ABRT, Signal.SEGV, Signal.SYS], ids=lambda s: s.name)
@every_engine
def test_a_signal_that_terminates_is_an_exit(start: Starter, signal: Signal) -> None:
    with pytest.raises(Trap) as caught:
        start().instance.call("proc_raise", signal)
    assert (caught.value.code, caught.value.exit_code) == (TrapCode.EXIT, 128 + signal)


@every_engine
def test_equal_seeds_give_equal_bytes_everywhere(start: Starter) -> None:
    guest = start()
    assert guest("random_get", 0, 16) is Errno.SUCCESS
    # Written down once: every engine and every version of Python must come to it.
    assert guest.memory.read(0, 16).hex() == "ab555049d336a8d2ac46121d6d3a0a5e"


@every_engine
def test_how_the_stream_is_cut_does_not_change_it(start: Starter) -> None:
    whole, cut = start(WasiConfig(seed=7)), start(WasiConfig(seed=7))
    whole("random_get", 0, 5_000)
    address = 0
    for length in (1, 0, 7, 1_336, 1_344, 2_000, 312):
        assert cut("random_get", address, length) is Errno.SUCCESS
        address += length
    assert whole.memory.read(0, 5_000) == cut.memory.read(0, 5_000)


@every_engine
def test_different_seeds_give_different_bytes(start: Starter) -> None:
    streams = set()
    for seed in (0, 1, -1, 2**70):
        guest = start(WasiConfig(seed=seed))
        guest("random_get", 0, 32)
        streams.add(guest.memory.read(0, 32))
    assert len(streams) == 4


@every_engine
def test_a_request_for_randomness_that_fails_draws_nothing(start: Starter) -> None:
    guest, other = start(pages=257), start(pages=257)
    assert guest("random_get", 0, 16 * 1024 * 1024 + 1) is Errno.IO
    assert guest("random_get", 257 * 65_536 - 8, 9) is Errno.FAULT
    assert guest.memory.read(0, 64) == bytes(64)
    guest("random_get", 0, 8)
    other("random_get", 0, 8)
    assert guest.memory.read(0, 8) == other.memory.read(0, 8)
