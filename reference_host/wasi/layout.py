"""How the two revisions lay their records out in linear memory: all little-endian, padded to natural alignment.

`wasi_unstable` is the revision before `wasi_snapshot_preview1`, and differs from it in these places:

- `linkcount` is 32 bits, so that `filestat` has 56 bytes; in preview 1 it is 64 bits, and `filestat` has 64;
- `subscription_clock` starts with an `identifier` of 64 bits, so that `subscription` has 56 bytes; in preview
  1, 48;
- there is no `sock_accept` (see `signatures`);
- `whence`, of `fd_seek`, counts `cur, end, set`, where preview 1 counts `set, cur, end`. Nothing that is open
  here can seek, so that this shows nowhere yet; what opens a file will need it here.

Source: WASI, `legacy/preview1/witx/typenames.witx` and `legacy/preview0/witx/typenames.witx`.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

VECTOR = Struct("<II")
"""`iovec` and `ciovec`: address and length."""

FDSTAT = Struct("<BxH4xQQ")
"""`fdstat`: filetype, flags, rights, inheriting rights. 24 bytes."""

EVENT = Struct("<QHB5xQH6x")
"""`event`: userdata, errno, event type, bytes available, flags. 32 bytes."""

SUBSCRIBED_DESCRIPTOR = Struct("<I")
"""`subscription_fd_readwrite`, at `SUBSCRIBED` in a `subscription`."""

SUBSCRIBED = 16
"""Where the contents of a `subscription` start, after its userdata and tag."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The records that differ between the revisions.

    `filestat`: device, inode, filetype, links, size in bytes, three times in nanoseconds. `subscription`:
    userdata, tag, clock id, timeout, precision, flags; the last four only where the tag says clock.
    """

    module: str
    filestat: Struct
    subscription: Struct


PREVIEW1 = Layout(
    module="wasi_snapshot_preview1",
    filestat=Struct("<QQB7xQQQQQ"),
    subscription=Struct("<QB7xI4xQQH6x"),
)

UNSTABLE = Layout(
    module="wasi_unstable",
    filestat=Struct("<QQB3xIQQQQ"),
    subscription=Struct("<QB15xI4xQQH6x"),
)

LAYOUTS = {layout.module: layout for layout in (PREVIEW1, UNSTABLE)}
"""By the module name that a guest imports."""
