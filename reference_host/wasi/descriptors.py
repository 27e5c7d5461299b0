"""The table of what one guest has open, and what each descriptor may do.

What a descriptor may do is its rights. Where one is absent, the errno says why:

- the descriptor's kind can never do it: what POSIX has for that kind (a stream has no offset: `SPIPE`; it is
  no directory: `NOTDIR`; standard input is not open for writing: `BADF`; what lies in a directory that the
  guest may only read: `ROFS`);
- else (never granted, or given up by `fd_fdstat_set_rights`): `NOTCAPABLE`.

The kinds are in `streams` and `opened`.

Source: WASI, `legacy/preview1/witx/typenames.witx` (`rights`, `fdstat`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from reference_host.wasi.guest import Guest, Vector
from reference_host.wasi.layout import Filestat
from reference_host.wasi.types import Errno, FdFlags, FileType, Rights, WasiError

MAX_DESCRIPTORS = 128
"""Descriptors that one guest may have open: each file or directory among them is one that the host has open too."""

PATH_RIGHTS = Rights(sum(right for right in Rights if right.name is not None and right.name.startswith("PATH_")))

NO_RIGHTS, NO_FLAGS = Rights(0), FdFlags(0)


@dataclass(frozen=True, slots=True)
class Kind:
    """What descriptors of one kind have in common.

    `rights` and `inheriting`: all that apply to the kind. `never`: the errno of what it can never do.
    """

    filetype: FileType
    rights: Rights
    never: Mapping[Rights, Errno]
    inheriting: Rights = NO_RIGHTS


class Descriptor:
    """An open descriptor. What a kind has no right to, its class need not define."""

    def __init__(self, kind: Kind, rights: Rights, inheriting: Rights = NO_RIGHTS, flags: FdFlags = NO_FLAGS) -> None:
        self.kind = kind
        self.rights = rights
        self.inheriting = inheriting
        self.flags = flags

    def require(self, *rights: Rights) -> None:
        """Raise `WasiError` for the first right that is absent: see the module's docstring."""
        for right in rights:
            if right not in self.rights:
                raise WasiError(self.kind.never.get(right, Errno.NOTCAPABLE))

    def read(self, guest: Guest, vectors: Sequence[Vector]) -> int:
        """Read into buffers that lie in memory, and tell how many bytes."""
        raise WasiError(Errno.BADF)

    def write(self, guest: Guest, vectors: Sequence[Vector]) -> int:
        """Write from buffers that lie in memory, and tell how many bytes."""
        raise WasiError(Errno.BADF)

    def readable(self) -> tuple[int, int]:
        """Tell how many bytes a read would find at once, and the flags of type `eventrwflags`."""
        raise WasiError(Errno.BADF)

    def filestat(self) -> Filestat:
        """Tell the attributes."""
        raise WasiError(Errno.BADF)

    def synchronize(self, *, metadata: bool) -> None:
        """Bring what was written to the disk, if there is one."""

    def close(self) -> None:
        """Give up what the host holds for it."""


D = TypeVar("D", bound=Descriptor)


class Descriptors:
    """The table of open descriptors. The lowest number that is free is the next one."""

    def __init__(self, *opened: Descriptor) -> None:
        self._open = dict(enumerate(opened))

    def get(self, fd: int, *rights: Rights) -> Descriptor:
        """Find a descriptor that has these rights. Raises `WasiError`: `BADF` where none is open."""
        descriptor = self._open.get(fd)
        if descriptor is None:
            raise WasiError(Errno.BADF)
        descriptor.require(*rights)
        return descriptor

    def find(self, type_: type[D], fd: int, *rights: Rights) -> D:
        """Find a descriptor of this class, as `get`. Raises `WasiError`: `BADF` for one of another class."""
        descriptor = self.get(fd, *rights)
        if not isinstance(descriptor, type_):
            raise WasiError(Errno.BADF)
        return descriptor

    def free(self) -> int:
        """Tell the next number. Raises `WasiError`: `MFILE` where as many are open as may be."""
        for fd in range(MAX_DESCRIPTORS):
            if fd not in self._open:
                return fd
        raise WasiError(Errno.MFILE)

    def open(self, fd: int, descriptor: Descriptor) -> None:
        """Take a descriptor in, under a free number."""
        self._open[fd] = descriptor

    def close(self, fd: int) -> None:
        """Close a descriptor. Raises `WasiError`: `BADF` where none is open."""
        self.get(fd)
        self._open.pop(fd).close()

    def close_all(self) -> None:
        """Close every descriptor."""
        for fd in list(self._open):
            self.close(fd)

    def renumber(self, fd: int, to: int) -> None:
        """Move a descriptor over another open one, which is closed.

        Raises `WasiError`: `BADF` where either is not open.
        """
        self.get(fd)
        self.get(to)
        if fd != to:
            self.close(to)
            self._open[to] = self._open.pop(fd)
