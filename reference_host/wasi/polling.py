"""`poll_oneoff`: waits for clocks, streams and files, and never takes real time.

A stream is always ready: standard input is at its end, outputs take everything; and so is a file. So waiting means
waiting for clocks alone, and then the fake clock jumps to the first of them.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx` (`poll_oneoff`) and `typenames.witx`
(`subscription`, `event`).
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_host.wasi.clock import FakeClock
from reference_host.wasi.descriptors import Descriptors
from reference_host.wasi.guest import Guest
from reference_host.wasi.layout import EVENT, SUBSCRIBED, SUBSCRIBED_DESCRIPTOR
from reference_host.wasi.streams import WRITABLE
from reference_host.wasi.types import ABSTIME, Errno, EventType, Rights, WasiError

MAX_SUBSCRIPTIONS = 4_096
"""Subscriptions of one call; more is `INVAL`. No engine can interrupt a host function, so each must be short."""

_COUNT = 4


@dataclass(frozen=True, slots=True)
class _Subscription:
    userdata: int
    type: EventType
    errno: Errno = Errno.SUCCESS
    wait: int = 0
    """Nanoseconds until it happens."""
    available: int = 0
    flags: int = 0

    def event(self) -> bytes:
        return EVENT.pack(self.userdata, self.errno, self.type, self.available, self.flags)


class Polling:
    """The function of one guest."""

    def __init__(self, clock: FakeClock, descriptors: Descriptors) -> None:
        self._clock = clock
        self._descriptors = descriptors

    def poll_oneoff(self, guest: Guest, subscriptions: int, events: int, count: int, result: int) -> None:
        """Write the events that have happened at the first moment at which one has, in the order of the subscriptions.

        What is wrong with one subscription is told in its event; `INVAL` for the whole is no subscription at
        all, too many of them, or bits that the text does not have.
        """
        if not 0 < count <= MAX_SUBSCRIPTIONS:
            raise WasiError(Errno.INVAL)
        size = guest.layout.subscription.size
        guest.check(subscriptions, count * size)
        guest.check(events, count * EVENT.size)
        guest.check(result, _COUNT)
        records = guest.read(subscriptions, count * size)
        parsed = [self._parse(guest, records[at : at + size]) for at in range(0, len(records), size)]
        wait = min(subscription.wait for subscription in parsed)
        happened = [subscription for subscription in parsed if subscription.wait <= wait]
        self._clock.advance(wait)
        guest.write(events, b"".join(subscription.event() for subscription in happened))
        guest.write_u32(result, len(happened))

    def _parse(self, guest: Guest, record: bytes) -> _Subscription:
        userdata, tag, clock, timeout, _precision, flags = guest.layout.subscription.unpack(record)
        if tag == EventType.CLOCK:
            return self._clock_subscription(userdata, clock, timeout, flags)
        if tag in (EventType.FD_READ, EventType.FD_WRITE):
            (fd,) = SUBSCRIBED_DESCRIPTOR.unpack_from(record, SUBSCRIBED)
            return self._descriptor_subscription(userdata, EventType(tag), fd)
        raise WasiError(Errno.INVAL)

    def _clock_subscription(self, userdata: int, clock: int, timeout: int, flags: int) -> _Subscription:
        if flags & ~ABSTIME:
            raise WasiError(Errno.INVAL)
        try:
            now = self._clock.now(clock)
        except WasiError as error:
            return _Subscription(userdata, EventType.CLOCK, error.errno)
        wait = max(timeout - now, 0) if flags & ABSTIME else timeout
        return _Subscription(userdata, EventType.CLOCK, wait=wait)

    def _descriptor_subscription(self, userdata: int, type_: EventType, fd: int) -> _Subscription:
        reads = type_ is EventType.FD_READ
        right = Rights.FD_READ if reads else Rights.FD_WRITE
        try:
            descriptor = self._descriptors.get(fd, right, Rights.POLL_FD_READWRITE)
            available, flags = descriptor.readable() if reads else (WRITABLE, 0)
        except WasiError as error:
            return _Subscription(userdata, type_, error.errno)
        return _Subscription(userdata, type_, available=available, flags=flags)
