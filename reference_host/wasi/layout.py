"""How the two revisions lay their records out in linear memory: all little-endian, padded to natural alignment.

`wasi_unstable` is the revision before `wasi_snapshot_preview1`, and differs from it in these places:

- `linkcount` is 32 bits, so that `filestat` has 56 bytes; in preview 1 it is 64 bits, and `filestat` has 64;
- `subscription_clock` starts with an `identifier` of 64 bits, so that `subscription` has 56 bytes; in preview
  1, 48;
- there is no `sock_accept` (see `signatures`);
- `whence`, of `fd_seek`, counts `cur, end, set`, where preview 1 counts `set, cur, end`.

Source: WASI, `legacy/preview1/witx/typenames.witx` and `legacy/preview0/witx/typenames.witx`.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from reference_host.wasi.types import FileType, Whence

VECTOR = Struct("<II")
"""`iovec` and `ciovec`: address and length."""

FDSTAT = Struct("<BxH4xQQ")
"""`fdstat`: filetype, flags, rights, inheriting rights. 24 bytes."""

PRESTAT = Struct("<B3xI")
"""`prestat`: type, length of the name. 8 bytes."""

DIRENT = Struct("<QQIB3x")
"""`dirent`: cookie of the next entry, inode, length of the name, filetype; the name follows. 24 bytes."""

EVENT = Struct("<QHB5xQH6x")
"""`event`: userdata, errno, event type, bytes available, flags. 32 bytes."""

SUBSCRIBED_DESCRIPTOR = Struct("<I")
"""`subscription_fd_readwrite`, at `SUBSCRIBED` in a `subscription`."""

SUBSCRIBED = 16
"""Where the contents of a `subscription` start, after its userdata and tag."""


class Filestat(NamedTuple):
    """The attributes of a file, in the order of the text. `size`: bytes. Times: nanoseconds, of the fake clock."""

    device: int
    inode: int
    filetype: FileType
    links: int
    size: int
    accessed: int
    modified: int
    changed: int


@dataclass(frozen=True, slots=True)
class Layout:
    """What differs between the revisions.

    `filestat`: see `Filestat`. `subscription`: userdata, tag, clock id, timeout, precision, flags; the last
    four only where the tag says clock. `whence`: by its number.
    """

    module: str
    filestat: Struct
    subscription: Struct
    whence: tuple[Whence, ...]


PREVIEW1 = Layout(
    module="wasi_snapshot_preview1",
    filestat=Struct("<QQB7xQQQQQ"),
    subscription=Struct("<QB7xI4xQQH6x"),
    whence=(Whence.SET, Whence.CUR, Whence.END),
)

UNSTABLE = Layout(
    module="wasi_unstable",
    filestat=Struct("<QQB3xIQQQQ"),
    subscription=Struct("<QB15xI4xQQH6x"),
    whence=(Whence.CUR, Whence.END, Whence.SET),
)

LAYOUTS = {layout.module: layout for layout in (PREVIEW1, UNSTABLE)}
"""By the module name that a guest imports."""
