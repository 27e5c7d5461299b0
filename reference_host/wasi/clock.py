"""The fake clock: time starts where the configuration says, and passes only when the guest looks at it or waits for it.

So a run tells the same times on every machine, and a guest that waits for time to pass by looking at the
clock still comes to an end.

Source: WASI, `legacy/preview1/witx/typenames.witx` (`clockid`, `timestamp`).
"""

from __future__ import annotations

from reference_host.wasi.types import U64_MAX, ClockId, Errno, WasiError


class FakeClock:
    """The clocks of one guest, in nanoseconds: real time and monotonic time, which pass together."""

    def __init__(self, realtime_start: int, monotonic_start: int, step: int) -> None:
        self._starts = {ClockId.REALTIME: realtime_start, ClockId.MONOTONIC: monotonic_start}
        self._step = step
        self._elapsed = 0

    @property
    def resolution(self) -> int:
        """The least by which two readings differ."""
        return self._step

    def now(self, clock: int) -> int:
        """Tell the time without letting it pass. Raises `WasiError` with `INVAL` for a clock that is not supported.

        The two clocks of CPU time are not: fuel is what measures work here, and an engine need not count it.
        """
        if clock not in self._starts:
            raise WasiError(Errno.INVAL)
        return min(self._starts[ClockId(clock)] + self._elapsed, U64_MAX)

    def read(self, clock: int) -> int:
        """Tell the time, as the guest's own reading, which lets one step pass. Raises as `now`."""
        time = self.now(clock)
        self._elapsed += self._step
        return time

    def advance(self, duration: int) -> None:
        """Let time pass."""
        self._elapsed += duration
