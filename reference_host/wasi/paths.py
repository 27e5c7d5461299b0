"""Where a guest's path leads: one component at a time, from one open directory to the next, and never out.

Nothing but a single name is ever given to the operating system, together with the open directory that it is
looked up in, and links are not followed there. A link is read, and its target is walked like the rest of the
path. So a link that somebody puts into the tree at the worst moment is refused at its own step, and does not
change where the others lead.

- An absolute path, an absolute target of a link, and a `..` in the directory that the path starts from are
  `NOTCAPABLE`. A descriptor is a capability: for one of a subdirectory, that one is where `..` ends.
- `..` further down goes back to the directory that the walk came from, whatever was moved meanwhile.
- A path with more links than `MAX_LINKS` is `LOOP`; one that is longer than `MAX_PATH` with the targets of its
  links written out, or deeper than `MAX_DEPTH`, is `NAMETOOLONG`.
- A slash at the end, as in POSIX, wants a directory, and follows a link.

Source: WASI, `legacy/preview1/witx/typenames.witx` (`errno::notcapable`, `lookupflags`); POSIX.1-2017, 4.13
(pathname resolution). The text itself says of escapes only that paths are relative to their descriptor.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reference_host.wasi.disk import FOLDER, host_errors
from reference_host.wasi.guest import MAX_PATH
from reference_host.wasi.types import Errno, WasiError

MAX_LINKS = 40
MAX_DEPTH = 128
"""Directories between the start of a path and its end; the host has all of them open for the moment of a call."""


@dataclass(frozen=True, slots=True)
class Place:
    """A name in an open directory, whether there is something of that name or not.

    `depth`: directories below the start of the path. `slash`: the path wants it to be a directory. Good for as
    long as the path is being walked. A path that ends in a directory by its dots has the name `.`.
    """

    directory: int
    name: bytes
    depth: int
    slash: bool

    def status(self) -> os.stat_result:
        """Look at it, following nothing. Raises `WasiError`: `NOENT`; `NOTDIR` if it was to be a directory."""
        with host_errors():
            status = os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        if self.slash and not stat.S_ISDIR(status.st_mode):
            raise WasiError(Errno.NOTDIR)
        return status

    def status_if_any(self) -> os.stat_result | None:
        """Look at it as `status` does; None if there is nothing."""
        try:
            return self.status()
        except WasiError as error:
            if error.errno is Errno.NOENT:
                return None
            raise

    def target(self) -> bytes:
        """Read it as a symbolic link. Raises `WasiError`: `INVAL` if it is none."""
        with host_errors():
            return os.readlink(self.name, dir_fd=self.directory)


@contextmanager
def resolve(start: int, path: bytes, *, follow: bool) -> Iterator[Place]:
    """Walk from an open directory to where the path leads; a link at its end is followed if it is to be.

    Raises `WasiError`, see the module's docstring; `NOENT` for an empty path.
    """
    walk = _Walk(start)
    try:
        yield walk.to(path, follow=follow)
    finally:
        walk.close()


def leads_out(target: bytes, depth: int) -> bool:
    """Tell whether the target of a link, as it is written, leaves the directory `depth` levels above the link."""
    if target.startswith(b"/"):
        return True
    for name in _components(target):
        if name == b"..":
            depth -= 1
        elif name != b".":
            depth += 1
        if depth < 0:
            return True
    return False


def _components(path: bytes) -> list[bytes]:
    return [name for name in path.split(b"/") if name]


class _Walk:
    """The directories between the start and where the walk is now."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._entered: list[int] = []

    @property
    def _here(self) -> int:
        return self._entered[-1] if self._entered else self._start

    def close(self) -> None:
        while self._entered:
            os.close(self._entered.pop())

    def to(self, path: bytes, *, follow: bool) -> Place:
        if not path:
            raise WasiError(Errno.NOENT)
        slash = path.endswith(b"/")
        length, links = len(path), 0
        left = self._parse(path)
        while left:
            name = left.pop()
            if name == b"..":
                self._leave()
            if name in (b".", b".."):
                continue
            place = Place(self._here, name, len(self._entered), slash and not left)
            target = self._target(place, follow=follow) if not left else self._enter(place)
            if target is None:
                if not left:
                    return place
                continue
            links, length = links + 1, length + len(target)
            if links > MAX_LINKS:
                raise WasiError(Errno.LOOP)
            if length > MAX_PATH:
                raise WasiError(Errno.NAMETOOLONG)
            slash = slash or (not left and target.endswith(b"/"))
            left += self._parse(target)
        return Place(self._here, b".", len(self._entered), slash=True)

    def _parse(self, path: bytes) -> list[bytes]:
        """Give the components, the last one first."""
        if path.startswith(b"/"):
            raise WasiError(Errno.NOTCAPABLE)
        return _components(path)[::-1]

    def _leave(self) -> None:
        if not self._entered:
            raise WasiError(Errno.NOTCAPABLE)
        os.close(self._entered.pop())

    def _enter(self, place: Place) -> bytes | None:
        """Enter a directory; if it is a link, give its target instead."""
        if len(self._entered) == MAX_DEPTH:
            raise WasiError(Errno.NAMETOOLONG)
        try:
            with host_errors():
                self._entered.append(os.open(place.name, FOLDER, dir_fd=place.directory))
        except WasiError as error:
            # What systems answer for a link that is not to be followed.
            if error.errno not in (Errno.NOTDIR, Errno.LOOP, Errno.MLINK):
                raise
        else:
            return None
        target = self._target_if_link(place)
        if target is None:
            raise WasiError(Errno.NOTDIR)
        return target

    def _target(self, place: Place, *, follow: bool) -> bytes | None:
        """Give the target of the last component, if it is a link and is followed."""
        if not follow and not place.slash:
            return None
        return self._target_if_link(place)

    def _target_if_link(self, place: Place) -> bytes | None:
        try:
            return place.target()
        except WasiError as error:
            if error.errno in (Errno.INVAL, Errno.NOENT):
                return None
            raise
