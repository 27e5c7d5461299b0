"""The functions that no open descriptor has the right to: files, directories and sockets are not given to a guest.

Each has an errno all the same, so that a toolchain's library finds the answer that it can deal with. A
descriptor that is not open is `BADF`; one that is has the errno of its kind (see `descriptors`). So
`fd_prestat_get` is `BADF` from 3 on, by which wasi-libc and Go's runtime learn that there are no directories;
any other errno would make both give up.

A sandboxed directory moves its functions from these tables into a module of its own beside `files`.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx` (the functions) and `typenames.witx`
(`rights`: which one each needs).
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_host.wasi.descriptors import Descriptors
from reference_host.wasi.guest import Guest
from reference_host.wasi.types import Errno, Rights, WasiError


@dataclass(frozen=True, slots=True)
class Ungranted:
    """Which rights a function needs of which descriptor, and the errno where none of them lacks.

    `position`: where among the arguments the descriptor is.
    """

    rights: tuple[Rights, ...] = ()
    position: int = 0
    errno: Errno = Errno.NOTCAPABLE

    def answer(self, descriptors: Descriptors, _guest: Guest, *arguments: int) -> None:
        """Raise `WasiError`, always."""
        descriptors.get(arguments[self.position], *self.rights)
        raise WasiError(self.errno)


FILES = {
    "fd_advise": Ungranted((Rights.FD_ADVISE,)),
    "fd_allocate": Ungranted((Rights.FD_ALLOCATE,)),
    "fd_filestat_set_size": Ungranted((Rights.FD_FILESTAT_SET_SIZE,)),
    "fd_filestat_set_times": Ungranted((Rights.FD_FILESTAT_SET_TIMES,)),
    "fd_pread": Ungranted((Rights.FD_READ, Rights.FD_SEEK)),
    "fd_pwrite": Ungranted((Rights.FD_WRITE, Rights.FD_SEEK)),
    "fd_seek": Ungranted((Rights.FD_SEEK,)),
    "fd_tell": Ungranted((Rights.FD_TELL,)),
}

DIRECTORIES = {
    "fd_prestat_dir_name": Ungranted(errno=Errno.BADF),
    "fd_prestat_get": Ungranted(errno=Errno.BADF),
    "fd_readdir": Ungranted((Rights.FD_READDIR,)),
    "path_create_directory": Ungranted((Rights.PATH_CREATE_DIRECTORY,)),
    "path_filestat_get": Ungranted((Rights.PATH_FILESTAT_GET,)),
    "path_filestat_set_times": Ungranted((Rights.PATH_FILESTAT_SET_TIMES,)),
    "path_link": Ungranted((Rights.PATH_LINK_SOURCE,)),
    "path_open": Ungranted((Rights.PATH_OPEN,)),
    "path_readlink": Ungranted((Rights.PATH_READLINK,)),
    "path_remove_directory": Ungranted((Rights.PATH_REMOVE_DIRECTORY,)),
    "path_rename": Ungranted((Rights.PATH_RENAME_SOURCE,)),
    "path_symlink": Ungranted((Rights.PATH_SYMLINK,), position=2),
    "path_unlink_file": Ungranted((Rights.PATH_UNLINK_FILE,)),
}

SOCKETS = {name: Ungranted(errno=Errno.NOTSOCK) for name in ("sock_accept", "sock_recv", "sock_send", "sock_shutdown")}

UNGRANTED = {**FILES, **DIRECTORIES, **SOCKETS}
