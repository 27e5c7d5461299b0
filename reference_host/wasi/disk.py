"""What of the operating system a sandboxed directory stands on: open files that are closed for sure, and its errors.

Source: Python's `os`; POSIX.1-2017 for the names of errors, which WASI shares.
"""

from __future__ import annotations

import errno
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from reference_host.errors import DirectoriesUnsupported
from reference_host.wasi.types import Errno, WasiError

FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
"""Opens a directory, and nothing else: no link is followed, no device is touched."""

FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""Opens what the caller has seen to be a regular file, and does not wait if it has become something else since."""

_RELATIVE = ("open", "stat", "mkdir", "rmdir", "unlink", "rename", "link", "symlink", "readlink", "utime")
_BY_DESCRIPTOR = ("scandir", "stat", "utime")
_NOT_FOLLOWING = ("stat", "link", "utime")


def require_support() -> None:
    """Make sure that each step of a path can be taken from an open directory, and without following a link.

    Raises `DirectoriesUnsupported`.
    """
    missing = [
        *(name for name in _RELATIVE if getattr(os, name, None) not in os.supports_dir_fd),
        *(name for name in _BY_DESCRIPTOR if getattr(os, name, None) not in os.supports_fd),
        *(name for name in _NOT_FOLLOWING if getattr(os, name, None) not in os.supports_follow_symlinks),
        *(name for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "pread", "pwrite") if not hasattr(os, name)),
    ]
    if missing:
        raise DirectoriesUnsupported(
            f"no directory can be given to a guest here: this system cannot keep it inside (its os.{missing[0]} falls"
            " short)"
        )


@contextmanager
def host_errors() -> Iterator[None]:
    """Turn what the operating system answers into the errno of the same name; nothing else of it is told."""
    try:
        yield
    except OSError as error:
        raise WasiError(_errno(error)) from None


def _errno(error: OSError) -> Errno:
    name = errno.errorcode.get(error.errno or 0, "EIO").removeprefix("E")
    return {"2BIG": Errno.TOOBIG, "OPNOTSUPP": Errno.NOTSUP}.get(name) or Errno.__members__.get(name, Errno.IO)


class Handle:
    """A file or directory that the host has open for a guest; closed with the last reference at the latest."""

    __slots__ = ("__weakref__", "close", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.close = weakref.finalize(self, os.close, fd)
        """Callable more than once."""
