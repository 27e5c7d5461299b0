"""The standard streams of one guest: input, which is empty, and output and error, which are captured.

The three are character devices that cannot seek, which is what wasi-libc calls a terminal: a guest then
writes line by line instead of keeping its output in a buffer that nobody ever flushes.

Source: WASI, `legacy/preview1/witx/typenames.witx` (`rights`, `fdstat`, `filestat`); POSIX.1-2017 for the
errors of each call.
"""

from __future__ import annotations

from collections.abc import Sequence

from reference_host.wasi.descriptors import PATH_RIGHTS, Descriptor, Kind
from reference_host.wasi.guest import Guest, Vector, total
from reference_host.wasi.layout import Filestat
from reference_host.wasi.types import HANGUP, Errno, FileType, Rights

STDIN, STDOUT, STDERR = 0, 1, 2

WRITABLE = 65_536
"""Bytes that an output or a file is said to have room for: what a pipe has."""

_COMMON = Rights.FD_FDSTAT_SET_FLAGS | Rights.FD_FILESTAT_GET | Rights.POLL_FD_READWRITE

_NEVER_ON_A_STREAM: dict[Rights, Errno] = {
    Rights.FD_SEEK: Errno.SPIPE,
    Rights.FD_TELL: Errno.SPIPE,
    Rights.FD_ADVISE: Errno.SPIPE,
    Rights.FD_ALLOCATE: Errno.SPIPE,
    Rights.FD_FILESTAT_SET_SIZE: Errno.INVAL,
    Rights.FD_READDIR: Errno.NOTDIR,
    **dict.fromkeys(PATH_RIGHTS, Errno.NOTDIR),
}

INPUT_STREAM = Kind(
    FileType.CHARACTER_DEVICE,
    _COMMON | Rights.FD_READ,
    {
        **_NEVER_ON_A_STREAM,
        Rights.FD_WRITE: Errno.BADF,
        Rights.FD_SYNC: Errno.INVAL,
        Rights.FD_DATASYNC: Errno.INVAL,
    },
)

OUTPUT_STREAM = Kind(
    FileType.CHARACTER_DEVICE,
    _COMMON | Rights.FD_WRITE | Rights.FD_SYNC | Rights.FD_DATASYNC,
    {**_NEVER_ON_A_STREAM, Rights.FD_READ: Errno.BADF},
)


class Capture:
    """What a guest wrote to one output, up to a limit in bytes; what is over is counted and dropped."""

    __slots__ = ("_data", "_limit", "dropped")

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit
        self.dropped = 0

    @property
    def data(self) -> bytes:
        """The bytes that were kept, the oldest ones."""
        return bytes(self._data)

    @property
    def written(self) -> int:
        """How many bytes were written, kept or not."""
        return len(self._data) + self.dropped

    @property
    def room(self) -> int:
        """How many bytes more are kept."""
        return self._limit - len(self._data)

    def append(self, data: bytes, dropped: int = 0) -> None:
        """Keep what there is room for, and count the rest, as well as `dropped` bytes that nobody needed to copy."""
        kept = data[: self.room]
        self._data += kept
        self.dropped += len(data) - len(kept) + dropped


class Stream(Descriptor):
    """What all three have in common. Their inodes, 0 to 2, tell them apart; their sizes and times are 0."""

    def __init__(self, kind: Kind, inode: int) -> None:
        super().__init__(kind, kind.rights)
        self._inode = inode

    def filestat(self) -> Filestat:
        """Tell the attributes."""
        return Filestat(0, self._inode, self.kind.filetype, 1, 0, 0, 0, 0)


class EmptyInput(Stream):
    """Standard input."""

    def __init__(self) -> None:
        super().__init__(INPUT_STREAM, STDIN)

    def read(self, guest: Guest, vectors: Sequence[Vector]) -> int:
        """Read: it is at its end."""
        return 0

    def readable(self) -> tuple[int, int]:
        """Tell what a read would find."""
        return 0, HANGUP


class Output(Stream):
    """Standard output or error. Captured output always is synchronized."""

    def __init__(self, inode: int, capture: Capture) -> None:
        super().__init__(OUTPUT_STREAM, inode)
        self._capture = capture

    def write(self, guest: Guest, vectors: Sequence[Vector]) -> int:
        """Write all of it. What is over the limit counts as written: the guest cannot tell."""
        for address, length in vectors:
            copied = min(length, self._capture.room)
            self._capture.append(guest.read(address, copied) if copied else b"", dropped=length - copied)
        return total(vectors)
