"""A folder of the user's own, in which engines keep what is costly to make and has to be made alike every time.

What lies there is executed by the next process, so it is read only where nobody else can have written it: the folder
and the file are the user's own, and closed to everybody else, and neither is a link. Whoever can write there all the
same can already run programs as that user. A checksum finds what was cut short or has rotted; it keeps nobody out.

A cache is never needed: whatever stands in its way (no room, no right, a system without owners and modes of files)
makes it empty, and nothing else. `HOOKPROOF_CACHE` names another folder; `off` does without.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CAPACITY = 256 << 20
"""Bytes that a cache may hold; what was not used for the longest time goes first."""

_DIGEST = hashlib.sha256().digest_size
_SUPPORTED = {os.open, os.unlink, os.rename, os.utime, os.stat} <= os.supports_dir_fd and hasattr(os, "geteuid")


def cache_folder() -> Path | None:
    """The folder that the environment names, else the usual one; None where there is to be none."""
    named = os.environ.get("HOOKPROOF_CACHE", "")
    if named == "off" or not _SUPPORTED:
        return None
    if named:
        return Path(named)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    usual = home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or usual) / "hookproof"


def digest(*parts: bytes) -> str:
    """A key for what is made of these parts and of nothing else."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


class Cache:
    """One kind of content, by key; safe with many processes at once, since a file appears whole or not at all."""

    def __init__(self, folder: Path | None, capacity: int = CAPACITY) -> None:
        self._folder = folder
        self._capacity = capacity

    def read(self, key: str) -> bytes | None:
        """Give what was kept under the key; None where there is nothing, or nothing that can be trusted."""
        with suppress(OSError), self._opened() as folder:
            file = os.open(key, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(file, "rb") as opened:
                if not _own(file, stat.S_ISREG):
                    return None
                whole = opened.read()
            content = whole[_DIGEST:]
            if hashlib.sha256(content).digest() == whole[:_DIGEST]:
                os.utime(key, dir_fd=folder)
                return content
        return None

    def write(self, key: str, content: bytes) -> None:
        """Keep content under a key, if that is possible."""
        if len(content) > self._capacity // 4:
            return
        with suppress(OSError), self._opened() as folder:
            temporary = f"{key}.{secrets.token_hex(8)}"
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
            try:
                with os.fdopen(file, "wb") as opened:
                    opened.write(hashlib.sha256(content).digest() + content)
                os.rename(temporary, key, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise
            self._make_room(folder)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the folder, and make it where it is missing. Raises `OSError` where it cannot be trusted."""
        if self._folder is None:
            raise FileNotFoundError("there is no cache")
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if not _own(folder, stat.S_ISDIR):
                raise PermissionError(f"{self._folder} is open to others")
            yield folder
        finally:
            os.close(folder)

    def _make_room(self, folder: int) -> None:
        files = []
        for name in os.listdir(folder):
            with suppress(OSError):  # another process was here first
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                files.append((found.st_mtime_ns, found.st_size, name))
        excess = sum(size for _, size, _ in files) - self._capacity
        for _, size, name in sorted(files):
            if excess <= 0:
                return
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            excess -= size


def _own(file: int, kind: Callable[[int], bool]) -> bool:
    """Whether an open file is of that kind, belongs to the user, and is closed to everybody else."""
    found = os.fstat(file)
    return kind(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
