"""How directories and files are opened: for a guest, before it starts, and by it, with `path_open`.

Rights. What a guest asks for is first cut to what applies to the kind of file, as the text allows; what is left
must be among the inheriting rights of the directory, else `NOTCAPABLE`. Toolchains count on the first: they ask
for a file's and a directory's rights at once, and Go asks for those to change a file even if it only reads. Only
the wish to write is never cut: it is `ISDIR` for a directory and `ROFS` where the guest may only read, as in POSIX.

A descriptor that may not write can still set a file's size or allocate space as little as in POSIX: the disk's own
errno is the answer. Special files (pipes, devices, sockets) are never opened: `NOTCAPABLE`.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx` (`path_open`) and `typenames.witx` (`rights`,
`oflags`); POSIX.1-2017, `open`.
"""

from __future__ import annotations

import os

from reference_host.errors import DirectoryUnusable
from reference_host.wasi.attributes import follows
from reference_host.wasi.config import Directory
from reference_host.wasi.descriptors import NO_FLAGS, Descriptors, Kind
from reference_host.wasi.disk import FILE, FOLDER, Handle, host_errors, require_support
from reference_host.wasi.guest import Guest
from reference_host.wasi.opened import DIRECTORY, READ_ONLY_DIRECTORY, OnDisk, OpenDirectory, OpenFile
from reference_host.wasi.paths import Place, resolve
from reference_host.wasi.tree import ENTRY, Tree, filetype
from reference_host.wasi.types import (
    ALL_FD_FLAGS,
    ALL_OPEN_FLAGS,
    Errno,
    FdFlags,
    FileType,
    OpenFlags,
    Rights,
    WasiError,
)

_FD = 4
_MODE = 0o666
"""Before the umask of the host's process."""

_NEEDED = {
    OpenFlags.CREAT: Rights.PATH_CREATE_FILE,
    OpenFlags.TRUNC: Rights.PATH_FILESTAT_SET_SIZE,
}
_NEEDED_BY_FLAGS = {
    FdFlags.DSYNC: Rights.FD_DATASYNC,
    FdFlags.RSYNC: Rights.FD_SYNC,
    FdFlags.SYNC: Rights.FD_SYNC,
}


def preopen(directory: Directory, tree: Tree) -> OpenDirectory:
    """Open a folder for a guest.

    Raises `DirectoryUnusable`, and `DirectoriesUnsupported` where the guest could not be kept inside.
    """
    require_support()
    try:
        # The folder itself may be a link: it is the caller's word, not the guest's.
        handle = Handle(os.open(directory.folder, os.O_RDONLY | os.O_DIRECTORY))
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise DirectoryUnusable(f"{directory.folder} cannot be given to a guest as a directory: {reason}") from None
    kind = DIRECTORY if directory.writable else READ_ONLY_DIRECTORY
    node = tree.node(os.fstat(handle.fd))
    tree.roots.add(node.inode)
    opened = OpenDirectory(kind, kind.rights, kind.inheriting, NO_FLAGS, handle, node, tree)
    opened.name = directory.name.encode()
    return opened


class Opening:
    """The function of one guest."""

    def __init__(self, descriptors: Descriptors, tree: Tree) -> None:
        self._descriptors = descriptors
        self._tree = tree

    def path_open(
        self,
        guest: Guest,
        fd: int,
        lookup: int,
        path: int,
        length: int,
        open_flags: int,
        rights: int,
        inheriting: int,
        fd_flags: int,
        result: int,
    ) -> None:
        """Open a file or directory."""
        needed = [
            *(right for flag, right in _NEEDED.items() if open_flags & flag),
            *(right for flag, right in _NEEDED_BY_FLAGS.items() if fd_flags & flag),
        ]
        directory = self._descriptors.find(OpenDirectory, fd, Rights.PATH_OPEN, *needed)
        follow = follows(lookup)
        if open_flags & ~ALL_OPEN_FLAGS.value or fd_flags & ~ALL_FD_FLAGS.value:
            raise WasiError(Errno.INVAL)
        asked = _Asked(directory, OpenFlags(open_flags), rights, inheriting, FdFlags(fd_flags))
        name = guest.path(path, length)
        guest.check(result, _FD)
        new = self._descriptors.free()
        # What must not exist is not looked for behind a link, as in POSIX.
        follow = follow and not asked.new
        with resolve(directory.handle.fd, name, follow=follow) as place:
            opened = asked.open(place, self._tree)
        self._descriptors.open(new, opened)
        guest.write_u32(result, new)


class _Asked:
    """What one call wants. Raises `WasiError`: `INVAL` for a new directory, which `path_open` does not make."""

    def __init__(
        self, parent: OpenDirectory, open_flags: OpenFlags, rights: int, inheriting: int, fd_flags: FdFlags
    ) -> None:
        if OpenFlags.CREAT in open_flags and OpenFlags.DIRECTORY in open_flags:
            raise WasiError(Errno.INVAL)
        self._parent = parent
        self._flags = open_flags
        self._rights, self._inheriting = rights, inheriting
        self._fd_flags = fd_flags

    @property
    def new(self) -> bool:
        """Whether there must be nothing yet."""
        return OpenFlags.CREAT in self._flags and OpenFlags.EXCL in self._flags

    def open(self, place: Place, tree: Tree) -> OnDisk:
        status = place.status_if_any()
        if status is None:
            return self._create(place, tree)
        if self.new:
            raise WasiError(Errno.EXIST)
        match filetype(status):
            case FileType.DIRECTORY:
                return self._open_directory(place, tree)
            case FileType.REGULAR_FILE:
                return self._open_file(place, tree)
            case FileType.SYMBOLIC_LINK:
                raise WasiError(Errno.LOOP)
            case _:
                raise WasiError(Errno.NOTCAPABLE)

    def _create(self, place: Place, tree: Tree) -> OpenFile:
        if OpenFlags.CREAT not in self._flags:
            raise WasiError(Errno.NOENT)
        if place.slash:
            raise WasiError(Errno.ISDIR)
        kind = self._parent.kind_of(directory=False)
        rights, inheriting = self._grant(kind)
        tree.spend(ENTRY)
        with host_errors():
            handle = Handle(
                os.open(place.name, self._access(rights) | os.O_CREAT | os.O_EXCL, _MODE, dir_fd=place.directory)
            )
            node = tree.created(os.fstat(handle.fd))
            tree.entries_modified(place.directory)
        return OpenFile(kind, rights, inheriting, self._fd_flags, handle, node, tree)

    def _open_file(self, place: Place, tree: Tree) -> OpenFile:
        if OpenFlags.DIRECTORY in self._flags:
            raise WasiError(Errno.NOTDIR)
        kind = self._parent.kind_of(directory=False)
        rights, inheriting = self._grant(kind)
        with host_errors():
            handle = Handle(os.open(place.name, self._access(rights), dir_fd=place.directory))
            status = os.fstat(handle.fd)
        # It may be another file by now.
        if filetype(status) is not FileType.REGULAR_FILE:
            handle.close()
            raise WasiError(Errno.NOTCAPABLE)
        file = OpenFile(kind, rights, inheriting, self._fd_flags, handle, tree.node(status), tree)
        if OpenFlags.TRUNC in self._flags:
            file.resize(0)
        return file

    def _open_directory(self, place: Place, tree: Tree) -> OpenDirectory:
        if self._flags & (OpenFlags.CREAT | OpenFlags.TRUNC) or self._rights & Rights.FD_WRITE:
            raise WasiError(Errno.ISDIR)
        kind = self._parent.kind_of(directory=True)
        rights, inheriting = self._grant(kind)
        with host_errors():
            handle = Handle(os.open(place.name, FOLDER, dir_fd=place.directory))
            node = tree.node(os.fstat(handle.fd))
        return OpenDirectory(kind, rights, inheriting, self._fd_flags, handle, node, tree)

    def _grant(self, kind: Kind) -> tuple[Rights, Rights]:
        if self._rights & Rights.FD_WRITE & ~kind.rights:
            raise WasiError(Errno.ROFS)
        rights = Rights(self._rights & kind.rights.value)
        inheriting = Rights(self._inheriting & kind.inheriting.value)
        if (rights | inheriting) & ~self._parent.inheriting:
            raise WasiError(Errno.NOTCAPABLE)
        return rights, inheriting

    def _access(self, rights: Rights) -> int:
        writes = Rights.FD_WRITE in rights or OpenFlags.TRUNC in self._flags
        if not writes:
            return FILE | os.O_RDONLY
        return FILE | (os.O_RDWR if Rights.FD_READ in rights else os.O_WRONLY)
