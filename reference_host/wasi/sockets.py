"""The functions `sock_*`: nothing that is open is a socket, and no guest is given one.

Each has an errno all the same, so that a toolchain's library finds the answer that it can deal with.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx`.
"""

from __future__ import annotations

from reference_host.wasi.descriptors import Descriptors
from reference_host.wasi.guest import Guest
from reference_host.wasi.types import Errno, WasiError


class Sockets:
    """The functions of one guest; each answers `BADF` or `NOTSOCK`."""

    def __init__(self, descriptors: Descriptors) -> None:
        self._descriptors = descriptors

    def sock_accept(self, _guest: Guest, fd: int, *_arguments: int) -> None:
        """Accept a connection."""
        self._refuse(fd)

    def sock_recv(self, _guest: Guest, fd: int, *_arguments: int) -> None:
        """Receive a message."""
        self._refuse(fd)

    def sock_send(self, _guest: Guest, fd: int, *_arguments: int) -> None:
        """Send a message."""
        self._refuse(fd)

    def sock_shutdown(self, _guest: Guest, fd: int, *_arguments: int) -> None:
        """Shut a connection down."""
        self._refuse(fd)

    def _refuse(self, fd: int) -> None:
        self._descriptors.get(fd)
        raise WasiError(Errno.NOTSOCK)
