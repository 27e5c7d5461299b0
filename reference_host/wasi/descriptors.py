"""The descriptors of one guest: standard input, which is empty, and standard output and error, which are captured.

What a descriptor may do is its rights. Where one is absent, the errno says why:

- the descriptor's kind can never do it: what POSIX has for that kind (a stream has no offset: `SPIPE`; it is
  no directory: `NOTDIR`; standard input is not open for writing: `BADF`);
- else (never granted, or given up by `fd_fdstat_set_rights`): `NOTCAPABLE`.

The three are character devices that cannot seek, which is what wasi-libc calls a terminal: a guest then
writes line by line instead of keeping its output in a buffer that nobody ever flushes.

A sandboxed directory belongs here as one more kind of `Descriptor`, numbered from 3 on; `ungranted` tells
which functions it takes over.

Source: WASI, `legacy/preview1/witx/typenames.witx` (`rights`, `fdstat`, `filestat`); POSIX.1-2017 for the
errors of each call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reference_host.wasi.types import Errno, FdFlags, FileType, Rights, WasiError

STDIN, STDOUT, STDERR = 0, 1, 2

PATH_RIGHTS = Rights(sum(right for right in Rights if right.name is not None and right.name.startswith("PATH_")))

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


@dataclass(frozen=True, slots=True)
class Kind:
    """What descriptors of one kind have in common: type, rights when new, and the errno of what they can never do."""

    filetype: FileType
    rights: Rights
    never: Mapping[Rights, Errno]


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


@dataclass(slots=True)
class Descriptor:
    """An open descriptor. `capture` is where writes go; `inode` tells streams apart."""

    kind: Kind
    inode: int
    capture: Capture | None = None
    flags: FdFlags = field(init=False)
    rights: Rights = field(init=False)

    def __post_init__(self) -> None:
        self.flags = FdFlags(0)
        self.rights = self.kind.rights

    def require(self, *rights: Rights) -> None:
        """Raise `WasiError` for the first right that is absent: see the module's docstring."""
        for right in rights:
            if right not in self.rights:
                raise WasiError(self.kind.never.get(right, Errno.NOTCAPABLE))


class Descriptors:
    """The table of open descriptors."""

    def __init__(self, stdout: Capture, stderr: Capture) -> None:
        self._open = {
            STDIN: Descriptor(INPUT_STREAM, STDIN),
            STDOUT: Descriptor(OUTPUT_STREAM, STDOUT, stdout),
            STDERR: Descriptor(OUTPUT_STREAM, STDERR, stderr),
        }

    def get(self, fd: int, *rights: Rights) -> Descriptor:
        """Find a descriptor that has these rights. Raises `WasiError`: `BADF` where none is open."""
        descriptor = self._open.get(fd)
        if descriptor is None:
            raise WasiError(Errno.BADF)
        descriptor.require(*rights)
        return descriptor

    def close(self, fd: int) -> None:
        """Close a descriptor. Raises `WasiError`: `BADF` where none is open."""
        self.get(fd)
        del self._open[fd]

    def renumber(self, fd: int, to: int) -> None:
        """Move a descriptor over another open one, which is closed.

        Raises `WasiError`: `BADF` where either is not open.
        """
        descriptor = self.get(fd)
        self.get(to)
        del self._open[fd]
        self._open[to] = descriptor
