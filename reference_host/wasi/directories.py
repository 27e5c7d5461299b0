"""The functions for directories and what is in them, but for `path_open` (see `opening`) and attributes.

Entries are listed by name, in the order of their bytes, after `.` and `..`; for a preopened directory the two are
one. A listing that was begun goes on as it was, whatever comes or goes meanwhile, until it is begun anew. A name that
is no UTF-8 cannot be said in WASI, and is left out.

Symbolic links. One that the guest makes may only lead downwards: its target is relative and has no `..`. A guest is
kept inside by the way that paths are resolved, but the folder's owner, or a program that reads it later, follows
links as the operating system does; so a guest must not leave any there that lead out, nor any that would after the
directory around them was moved. Links that were there before may have `..`, are followed as far as they stay inside,
and may lead elsewhere once a guest has moved them, as with any program; where one leads is told only if, as it is
written, it stays inside.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx` and `typenames.witx` (`dirent`, `dircookie`,
`prestat`); POSIX.1-2017 for the errors.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from reference_host.wasi.attributes import follows
from reference_host.wasi.descriptors import Descriptors
from reference_host.wasi.disk import host_errors
from reference_host.wasi.guest import Guest
from reference_host.wasi.layout import DIRENT, PRESTAT
from reference_host.wasi.opened import OpenDirectory
from reference_host.wasi.paths import leads_out, resolve
from reference_host.wasi.tree import ENTRY, Tree, filetype
from reference_host.wasi.types import PREOPENED_DIRECTORY, Errno, FileType, Rights, WasiError

MAX_LISTINGS = 16
"""Directories of which the listing that was begun is kept; of another one that goes on, a new one is made."""

_MODE = 0o777
_SIZE = 4


class Directories:
    """The functions of one guest."""

    def __init__(self, descriptors: Descriptors, tree: Tree) -> None:
        self._descriptors = descriptors
        self._tree = tree
        self._listings: dict[OpenDirectory, Sequence[bytes]] = {}

    def fd_prestat_get(self, guest: Guest, fd: int, result: int) -> None:
        """Tell how long the name of a preopened directory is.

        Raises `WasiError`: `BADF` for everything else, by which wasi-libc and Go's runtime learn that there are no
        more; any other errno would make both give up.
        """
        guest.write(result, PRESTAT.pack(PREOPENED_DIRECTORY, len(self._preopened(fd))))

    def fd_prestat_dir_name(self, guest: Guest, fd: int, path: int, length: int) -> None:
        """Tell the name of a preopened directory, without a NUL."""
        name = self._preopened(fd)
        guest.check(path, length)
        if length < len(name):
            raise WasiError(Errno.NAMETOOLONG)
        guest.write(path, name)

    def fd_readdir(self, guest: Guest, fd: int, buffer: int, length: int, cookie: int, result: int) -> None:
        """Write entries until the buffer is full, of the last one as much as fits. A cookie is an entry's number."""
        directory = self._descriptors.find(OpenDirectory, fd, Rights.FD_READDIR)
        guest.check(buffer, length)
        guest.check(result, _SIZE)
        written = 0
        for number, name in enumerate(self._listing(directory, begin=not cookie)[cookie:], start=cookie + 1):
            if written == length:
                break
            entry = self._entry(directory, name, number)[: length - written]
            guest.write(buffer + written, entry)
            written += len(entry)
        guest.write_u32(result, written)

    def path_create_directory(self, guest: Guest, fd: int, path: int, length: int) -> None:
        """Create a directory."""
        directory = self._descriptors.find(OpenDirectory, fd, Rights.PATH_CREATE_DIRECTORY)
        with resolve(directory.handle.fd, guest.path(path, length), follow=False) as place, host_errors():
            if place.status_if_any():
                raise WasiError(Errno.EXIST)
            self._tree.spend(ENTRY)
            os.mkdir(place.name, _MODE, dir_fd=place.directory)
            self._tree.created(place.status())
            self._tree.entries_modified(place.directory)

    def path_remove_directory(self, guest: Guest, fd: int, path: int, length: int) -> None:
        """Remove an empty directory."""
        directory = self._descriptors.find(OpenDirectory, fd, Rights.PATH_REMOVE_DIRECTORY)
        with resolve(directory.handle.fd, guest.path(path, length), follow=False) as place, host_errors():
            status = place.status()
            if not stat.S_ISDIR(status.st_mode):
                raise WasiError(Errno.NOTDIR)
            _replacing(os.rmdir, place.name, dir_fd=place.directory)
            self._tree.removed(status)
            self._tree.entries_modified(place.directory)

    def path_unlink_file(self, guest: Guest, fd: int, path: int, length: int) -> None:
        """Remove a name of anything else; of a link, the link."""
        directory = self._descriptors.find(OpenDirectory, fd, Rights.PATH_UNLINK_FILE)
        with resolve(directory.handle.fd, guest.path(path, length), follow=False) as place, host_errors():
            status = place.status()
            if stat.S_ISDIR(status.st_mode):
                raise WasiError(Errno.ISDIR)
            os.unlink(place.name, dir_fd=place.directory)
            self._tree.removed(status)
            self._tree.entries_modified(place.directory)

    def path_rename(
        self, guest: Guest, fd: int, path: int, length: int, new_fd: int, new_path: int, new_length: int
    ) -> None:
        """Rename a file or directory, or a link itself; what has the new name already is replaced.

        Raises `WasiError`: `BUSY` for a path that ends in a directory by its dots.
        """
        source = self._descriptors.find(OpenDirectory, fd, Rights.PATH_RENAME_SOURCE)
        target = self._descriptors.find(OpenDirectory, new_fd, Rights.PATH_RENAME_TARGET)
        name, new_name = guest.path(path, length), guest.path(new_path, new_length)
        with ExitStack() as walks:
            old = walks.enter_context(resolve(source.handle.fd, name, follow=False))
            new = walks.enter_context(resolve(target.handle.fd, new_name, follow=False))
            walks.enter_context(host_errors())
            if b"." in (old.name, new.name):
                raise WasiError(Errno.BUSY)
            moved, replaced = old.status(), new.status_if_any()
            if new.slash and not stat.S_ISDIR(moved.st_mode):
                raise WasiError(Errno.NOTDIR)
            if replaced and os.path.samestat(moved, replaced):
                return
            _replacing(os.rename, old.name, new.name, src_dir_fd=old.directory, dst_dir_fd=new.directory)
            if replaced:
                self._tree.removed(replaced)
            self._tree.node(moved).changed = self._tree.now()
            self._tree.entries_modified(old.directory)
            self._tree.entries_modified(new.directory)

    def path_link(
        self, guest: Guest, fd: int, lookup: int, path: int, length: int, new_fd: int, new_path: int, new_length: int
    ) -> None:
        """Give a file one more name. Raises `WasiError`: `PERM` for a directory, `NOTCAPABLE` for a special file."""
        source = self._descriptors.find(OpenDirectory, fd, Rights.PATH_LINK_SOURCE)
        target = self._descriptors.find(OpenDirectory, new_fd, Rights.PATH_LINK_TARGET)
        follow = follows(lookup)
        name, new_name = guest.path(path, length), guest.path(new_path, new_length)
        with ExitStack() as walks:
            old = walks.enter_context(resolve(source.handle.fd, name, follow=follow))
            new = walks.enter_context(resolve(target.handle.fd, new_name, follow=False))
            walks.enter_context(host_errors())
            status = old.status()
            type_ = filetype(status)
            if type_ is FileType.DIRECTORY:
                raise WasiError(Errno.PERM)
            if type_ not in (FileType.REGULAR_FILE, FileType.SYMBOLIC_LINK):
                raise WasiError(Errno.NOTCAPABLE)
            if new.status_if_any():
                raise WasiError(Errno.EXIST)
            if new.slash:
                raise WasiError(Errno.NOENT)
            self._tree.spend(ENTRY)
            os.link(old.name, new.name, src_dir_fd=old.directory, dst_dir_fd=new.directory, follow_symlinks=False)
            self._tree.node(status).changed = self._tree.now()
            self._tree.entries_modified(new.directory)

    def path_symlink(self, guest: Guest, target: int, target_length: int, fd: int, path: int, length: int) -> None:
        """Create a symbolic link that leads downwards. Raises `WasiError`: `NOTCAPABLE` for others."""
        directory = self._descriptors.find(OpenDirectory, fd, Rights.PATH_SYMLINK)
        contents, name = guest.path(target, target_length), guest.path(path, length)
        if not contents:
            raise WasiError(Errno.NOENT)
        if contents.startswith(b"/") or b".." in contents.split(b"/"):
            raise WasiError(Errno.NOTCAPABLE)
        with resolve(directory.handle.fd, name, follow=False) as place, host_errors():
            if place.status_if_any():
                raise WasiError(Errno.EXIST)
            if place.slash:
                raise WasiError(Errno.NOENT)
            self._tree.spend(ENTRY)
            os.symlink(contents, place.name, dir_fd=place.directory)
            self._tree.created(place.status())
            self._tree.entries_modified(place.directory)

    def path_readlink(self, guest: Guest, fd: int, path: int, length: int, buffer: int, size: int, result: int) -> None:
        """Tell where a link leads, as much of it as fits. Raises `WasiError`: `NOTCAPABLE` if it leads out."""
        directory = self._descriptors.find(OpenDirectory, fd, Rights.PATH_READLINK)
        name = guest.path(path, length)
        guest.check(buffer, size)
        guest.check(result, _SIZE)
        with resolve(directory.handle.fd, name, follow=False) as place:
            place.status()
            target = place.target()
        if leads_out(target, place.depth):
            raise WasiError(Errno.NOTCAPABLE)
        told = target[:size]
        guest.write(buffer, told)
        guest.write_u32(result, len(told))

    def _preopened(self, fd: int) -> bytes:
        name = self._descriptors.find(OpenDirectory, fd).name
        if name is None:
            raise WasiError(Errno.BADF)
        return name

    def _listing(self, directory: OpenDirectory, *, begin: bool) -> Sequence[bytes]:
        names = None if begin else self._listings.pop(directory, None)
        if names is None:
            with host_errors(), os.scandir(directory.handle.fd) as entries:
                found = [os.fsencode(entry.name) for entry in entries]
            names = [b".", b"..", *sorted(filter(_is_text, found))]
        self._listings.pop(directory, None)
        self._listings[directory] = names
        if len(self._listings) > MAX_LISTINGS:
            del self._listings[next(iter(self._listings))]
        return names

    def _entry(self, directory: OpenDirectory, name: bytes, number: int) -> bytes:
        inode, type_ = self._identity(directory, name)
        return DIRENT.pack(number, inode, len(name), type_) + name

    def _identity(self, directory: OpenDirectory, name: bytes) -> tuple[int, FileType]:
        if name == b"." or (name == b".." and directory.node.inode in self._tree.roots):
            return directory.node.inode, FileType.DIRECTORY
        try:
            status = os.stat(name, dir_fd=directory.handle.fd, follow_symlinks=False)
        except OSError:
            # It is gone since the listing was begun.
            return 0, FileType.UNKNOWN
        return self._tree.node(status).inode, filetype(status)


def _replacing(function: Callable[..., None], *names: bytes, **directories: int) -> None:
    """Call what POSIX lets answer `EEXIST` for a directory that is not empty."""
    try:
        function(*names, **directories)
    except FileExistsError:
        raise WasiError(Errno.NOTEMPTY) from None


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
