"""A guest with a workspace, and short ways to call the functions on files as a guest's libc does."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from wasi_guests import Guest, Starter

from reference_host.wasi import Directory, WasiConfig
from reference_host.wasi.layout import DIRENT, FDSTAT, LAYOUTS, Filestat
from reference_host.wasi.types import SYMLINK_FOLLOW, Errno, FdFlags, OpenFlags, Rights

VECTORS, RESULT, PATH, OTHER, DATA = 0, 512, 1_024, 6_144, 16_384
ROOM = 65_536 - DATA
"""Bytes of memory for data."""

WORKSPACE = 3
"""The descriptor of the only preopened directory."""

ALL = sum(Rights)
READ = Rights.FD_READ | Rights.FD_SEEK | Rights.FD_TELL | Rights.FD_FILESTAT_GET
WRITE = READ | Rights.FD_WRITE | Rights.FD_FILESTAT_SET_SIZE | Rights.FD_ALLOCATE
ENTER = ALL & ~Rights.FD_WRITE
"""All that can be asked for with a directory."""

LIST = Rights.FD_READDIR | Rights.PATH_OPEN | Rights.FD_FILESTAT_GET

NEW = OpenFlags.CREAT | OpenFlags.EXCL


class Refused(Exception):
    """A function answered another errno than success."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno.name)
        self.errno = errno


@dataclass(frozen=True)
class Disk:
    """A guest and its workspace. Methods are named for the functions, and raise `Refused`."""

    guest: Guest
    module: str

    def call(self, function: str, *arguments: int) -> None:
        errno = self.guest(function, *arguments)
        if errno is not Errno.SUCCESS:
            raise Refused(errno)

    def path(self, path: bytes | str, at: int = PATH) -> tuple[int, int]:
        """Put a path into memory, and give its address and length."""
        data = path.encode() if isinstance(path, str) else path
        self.guest.memory.write(at, data)
        return at, len(data)

    def path_open(
        self,
        path: bytes | str,
        rights: int = READ,
        open_flags: int = 0,
        *,
        fd: int = WORKSPACE,
        inheriting: int = 0,
        fd_flags: int = 0,
        follow: bool = True,
    ) -> int:
        lookup = SYMLINK_FOLLOW if follow else 0
        self.call("path_open", fd, lookup, *self.path(path), open_flags, rights, inheriting, fd_flags, RESULT)
        return self.guest.number(RESULT, 4)

    def create(self, path: bytes | str, data: bytes = b"", *, fd: int = WORKSPACE) -> None:
        """Make a file, as `open`, `write` and `close` do."""
        file = self.path_open(path, WRITE, NEW, fd=fd)
        self.fd_write(file, data)
        self.call("fd_close", file)

    def contents(self, path: bytes | str, *, fd: int = WORKSPACE) -> bytes:
        """Read a file, as `open`, `read` and `close` do."""
        file = self.path_open(path, READ, fd=fd)
        try:
            return self.fd_read(file)
        finally:
            self.call("fd_close", file)

    def fd_write(self, fd: int, *texts: bytes) -> int:
        self._vectors(texts)
        self.call("fd_write", fd, VECTORS, len(texts), RESULT)
        return self.guest.number(RESULT, 4)

    def fd_pwrite(self, fd: int, text: bytes, offset: int) -> int:
        self._vectors((text,))
        self.call("fd_pwrite", fd, VECTORS, 1, offset, RESULT)
        return self.guest.number(RESULT, 4)

    def fd_read(self, fd: int, length: int = ROOM) -> bytes:
        self.guest.vectors(VECTORS, (DATA, length))
        self.call("fd_read", fd, VECTORS, 1, RESULT)
        return self.guest.memory.read(DATA, self.guest.number(RESULT, 4))

    def fd_pread(self, fd: int, length: int, offset: int) -> bytes:
        self.guest.vectors(VECTORS, (DATA, length))
        self.call("fd_pread", fd, VECTORS, 1, offset, RESULT)
        return self.guest.memory.read(DATA, self.guest.number(RESULT, 4))

    def fd_seek(self, fd: int, offset: int, whence: int) -> int:
        self.call("fd_seek", fd, offset, whence, RESULT)
        return self.guest.number(RESULT, 8)

    def fd_tell(self, fd: int) -> int:
        self.call("fd_tell", fd, RESULT)
        return self.guest.number(RESULT, 8)

    def path_filestat_get(self, path: bytes | str, *, fd: int = WORKSPACE, follow: bool = True) -> Filestat:
        self.call("path_filestat_get", fd, SYMLINK_FOLLOW if follow else 0, *self.path(path), RESULT)
        return self._filestat()

    def fd_filestat_get(self, fd: int) -> Filestat:
        self.call("fd_filestat_get", fd, RESULT)
        return self._filestat()

    def fd_fdstat_get(self, fd: int) -> tuple[int, FdFlags, Rights, Rights]:
        self.call("fd_fdstat_get", fd, RESULT)
        filetype, flags, rights, inheriting = FDSTAT.unpack(self.guest.memory.read(RESULT, FDSTAT.size))
        return filetype, FdFlags(flags), Rights(rights), Rights(inheriting)

    def prestat(self, fd: int) -> str:
        self.call("fd_prestat_get", fd, RESULT)
        tag, length = struct.unpack("<B3xI", self.guest.memory.read(RESULT, 8))
        assert tag == 0, "a directory"
        self.call("fd_prestat_dir_name", fd, DATA, length)
        return self.guest.memory.read(DATA, length).decode()

    def fd_readdir(self, fd: int, cookie: int = 0, length: int = ROOM) -> bytes:
        self.call("fd_readdir", fd, DATA, length, cookie, RESULT)
        return self.guest.memory.read(DATA, self.guest.number(RESULT, 4))

    def entries(self, fd: int) -> list[tuple[str, int, int]]:
        """List a directory: name, filetype and inode."""
        records, found = self.fd_readdir(fd), []
        while records:
            _next, inode, length, filetype = DIRENT.unpack_from(records)
            name = records[DIRENT.size : DIRENT.size + length]
            found.append((name.decode(), filetype, inode))
            records = records[DIRENT.size + length :]
        return found

    def names(self, path: str = ".") -> list[str]:
        """List a directory, but for its dots."""
        directory = self.path_open(path, LIST, OpenFlags.DIRECTORY)
        try:
            return [name for name, _, _ in self.entries(directory)][2:]
        finally:
            self.call("fd_close", directory)

    def path_create_directory(self, path: bytes | str, *, fd: int = WORKSPACE) -> None:
        self.call("path_create_directory", fd, *self.path(path))

    def path_remove_directory(self, path: bytes | str, *, fd: int = WORKSPACE) -> None:
        self.call("path_remove_directory", fd, *self.path(path))

    def path_unlink_file(self, path: bytes | str, *, fd: int = WORKSPACE) -> None:
        self.call("path_unlink_file", fd, *self.path(path))

    def path_rename(self, old: bytes | str, new: bytes | str, *, fd: int = WORKSPACE, to: int = WORKSPACE) -> None:
        self.call("path_rename", fd, *self.path(old), to, *self.path(new, OTHER))

    def path_link(
        self, old: bytes | str, new: bytes | str, *, fd: int = WORKSPACE, to: int = WORKSPACE, follow: bool = False
    ) -> None:
        self.call("path_link", fd, SYMLINK_FOLLOW if follow else 0, *self.path(old), to, *self.path(new, OTHER))

    def path_symlink(self, target: bytes | str, path: bytes | str, *, fd: int = WORKSPACE) -> None:
        self.call("path_symlink", *self.path(target, OTHER), fd, *self.path(path))

    def path_readlink(self, path: bytes | str, length: int = ROOM, *, fd: int = WORKSPACE) -> bytes:
        self.call("path_readlink", fd, *self.path(path), DATA, length, RESULT)
        return self.guest.memory.read(DATA, self.guest.number(RESULT, 4))

    def set_times(self, path: str, flags: int, accessed: int = 0, modified: int = 0, *, follow: bool = True) -> None:
        lookup = SYMLINK_FOLLOW if follow else 0
        self.call("path_filestat_set_times", WORKSPACE, lookup, *self.path(path), accessed, modified, flags)

    def _vectors(self, texts: tuple[bytes, ...]) -> None:
        vectors, address = [], DATA
        for text in texts:
            self.guest.memory.write(address, text)
            vectors.append((address, len(text)))
            address += len(text)
        self.guest.vectors(VECTORS, *vectors)

    def _filestat(self) -> Filestat:
        record = LAYOUTS[self.module].filestat
        return Filestat(*record.unpack(self.guest.memory.read(RESULT, record.size)))


def workspace(
    start: Starter,
    folder: Path,
    *,
    writable: bool = True,
    module: str = "wasi_snapshot_preview1",
    config: WasiConfig | None = None,
) -> Disk:
    """Start a guest that has a folder as its workspace."""
    config = config or WasiConfig(directories=(Directory("workspace", folder, writable),))
    return Disk(start(config, module=module), module)
