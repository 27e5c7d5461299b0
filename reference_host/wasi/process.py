"""The functions that concern the guest as a process: arguments, environment, clocks, randomness, yielding and ending.

Each method is the function of its name: its parameters are those of the text, then the address of each
result.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx`, and
`legacy/preview0/witx/wasi_unstable.witx`.
"""

from __future__ import annotations

from collections.abc import Sequence

from reference_host.errors import Trap, TrapCode
from reference_host.wasi.clock import FakeClock
from reference_host.wasi.guest import Guest
from reference_host.wasi.randomness import SeededRandom
from reference_host.wasi.types import Errno, Signal, WasiError

MAX_RANDOM = 16 * 1024 * 1024
"""Bytes that one `random_get` may ask for; more is `IO`.

No engine can interrupt a host function, so each must be short.
"""

_TIMESTAMP = 8
_POINTER = 4

_IGNORED = frozenset({Signal.NONE, Signal.PIPE, Signal.CHLD, Signal.CONT, Signal.URG, Signal.WINCH})
_STOPS = frozenset({Signal.STOP, Signal.TSTP, Signal.TTIN, Signal.TTOU})


class Process:
    """The functions of one guest. Arguments and entries of the environment, `name=value`, are bytes without a NUL."""

    def __init__(
        self, arguments: Sequence[bytes], environment: Sequence[bytes], clock: FakeClock, random: SeededRandom
    ) -> None:
        self._arguments = arguments
        self._environment = environment
        self._clock = clock
        self._random = random

    def args_get(self, guest: Guest, pointers: int, buffer: int) -> None:
        """Write the arguments."""
        _write_strings(guest, self._arguments, pointers, buffer)

    def args_sizes_get(self, guest: Guest, count: int, size: int) -> None:
        """Tell how many arguments there are, and their size in bytes, NULs included."""
        _write_sizes(guest, self._arguments, count, size)

    def environ_get(self, guest: Guest, pointers: int, buffer: int) -> None:
        """Write the environment."""
        _write_strings(guest, self._environment, pointers, buffer)

    def environ_sizes_get(self, guest: Guest, count: int, size: int) -> None:
        """Tell how many entries the environment has, and their size in bytes, NULs included."""
        _write_sizes(guest, self._environment, count, size)

    def clock_res_get(self, guest: Guest, clock: int, result: int) -> None:
        """Tell the resolution: the step of the fake clock."""
        self._clock.now(clock)
        guest.write_u64(result, self._clock.resolution)

    def clock_time_get(self, guest: Guest, clock: int, _precision: int, result: int) -> None:
        """Tell the time."""
        self._clock.now(clock)
        guest.check(result, _TIMESTAMP)
        guest.write_u64(result, self._clock.read(clock))

    def random_get(self, guest: Guest, buffer: int, length: int) -> None:
        """Write random bytes, up to `MAX_RANDOM` of them."""
        guest.check(buffer, length)
        if length > MAX_RANDOM:
            raise WasiError(Errno.IO)
        guest.write(buffer, self._random.take(length))

    def sched_yield(self, _guest: Guest) -> None:
        """Yield: nobody else runs."""

    def proc_exit(self, _guest: Guest, code: int) -> None:
        """End the guest's execution. Raises `Trap` with the exit code, unsigned."""
        raise Trap(TrapCode.EXIT, exit_code=code)

    def proc_raise(self, _guest: Guest, signal: int) -> None:
        """Do what the text says is the signal's action, since no guest can have a handler.

        A signal that terminates raises `Trap` as an exit with 128 and the signal's number, as shells report
        it. One that is ignored is success; to stop a guest is not supported.
        """
        if signal > max(Signal):
            raise WasiError(Errno.INVAL)
        if signal in _IGNORED:
            return
        if signal in _STOPS:
            raise WasiError(Errno.NOTSUP)
        raise Trap(TrapCode.EXIT, exit_code=128 + signal)


def _write_sizes(guest: Guest, strings: Sequence[bytes], count: int, size: int) -> None:
    guest.check(size, _POINTER)
    guest.write_u32(count, len(strings))
    guest.write_u32(size, sum(len(string) + 1 for string in strings))


def _write_strings(guest: Guest, strings: Sequence[bytes], pointers: int, buffer: int) -> None:
    data = b"".join(string + b"\0" for string in strings)
    guest.check(pointers, _POINTER * len(strings))
    guest.check(buffer, len(data))
    guest.write(buffer, data)
    for index, string in enumerate(strings):
        guest.write_u32(pointers + _POINTER * index, buffer)
        buffer += len(string) + 1
