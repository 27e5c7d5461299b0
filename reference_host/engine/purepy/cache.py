"""Translations: made once in a process, and kept on disk for the next one.

What is kept is code that will be executed, so nothing is trusted for lying in the right place. The folder and each file
have to belong to this user and be closed to all others; each file carries an HMAC under a key that never leaves the
folder, over its name and its contents, so that a file which was damaged, renamed, or brought from elsewhere counts for
nothing. A file is written under another name and moved into its place, so that processes that write at once never see
halves. Whatever goes wrong here, a function is translated again, and nobody hears of it.

`HOOKPROOF_CACHE=off` switches it off; `HOOKPROOF_CACHE=/some/folder` puts it there.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import importlib.util
import marshal
import os
import secrets
import stat
import sys
import tempfile
import time
import weakref
from functools import cache
from pathlib import Path
from types import CodeType

from reference_host.engine.purepy.graph import Style
from reference_host.engine.purepy.module import WasmModule
from reference_host.engine.purepy.translate import VERSION, translate

MAX_BYTES = 256 << 20
"""Of all files together: the ones that were not used for longest go first."""

MAX_FILE = 64 << 20
"""Of one file."""

INTERVAL = 1.0
"""Seconds between two times that one module's translations are written; the rest is written when it goes."""

_KEY_BYTES = 32


class Translations:
    """The translations of one module in one style; `valid` says whether the module is known to validate."""

    def __init__(self, module: WasmModule, style: Style) -> None:
        self.module = module
        self.style = style
        self._codes: dict[int, CodeType] = {}
        self._file = _File.of(module.binary, style)
        self.valid = self._file is not None and self._file.load()
        if self._file is not None:
            weakref.finalize(self, self._file.save)

    def code(self, index: int) -> CodeType:
        """Give the translation of a function."""
        found = self._codes.get(index)
        if found is None:
            found = self._file.kept(index) if self._file is not None else None
            if found is None:
                found = translate(self.module, index, self.style)
                if self._file is not None:
                    self._file.add(index, found)
            self._codes[index] = found
        return found

    def offer(self) -> None:
        """Write what is new, if it was not done just now; only for a valid module."""
        if self._file is not None:
            self._file.save_now_and_then()


class _File:
    """The translations of one module on disk."""

    def __init__(self, folder: Path, name: str, key: bytes) -> None:
        self._folder = folder
        self._name = name
        self._key = key
        self._codes: dict[int, bytes] = {}
        self._new = False
        self._saved = time.monotonic()

    @classmethod
    def of(cls, binary: bytes, style: Style) -> _File | None:
        """Give the file for a module, None where nothing is to be kept."""
        chosen = os.environ.get("HOOKPROOF_CACHE", "")
        if chosen.lower() in ("off", "0", "no"):
            return None
        try:
            folder, key = _folder(chosen)
        except (OSError, RuntimeError):
            return None
        digest = hashlib.sha256(binary).hexdigest()
        return cls(folder, f"{digest[:40]}-{_edition()}-{style.name}", key)

    def load(self) -> bool:
        """Read what is there; whether it was there and can be trusted."""
        try:
            codes = self._read()
        except (OSError, ValueError, EOFError, TypeError):
            return False
        self._codes = codes
        return True

    def _read(self) -> dict[int, bytes]:
        path = self._folder / self._name
        contents = _read_own(path, MAX_FILE)
        mac, payload = contents[:32], contents[32:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise ValueError("not written here")
        codes: dict[int, bytes] = marshal.loads(payload)
        with contextlib.suppress(OSError):
            os.utime(path)
        return codes

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, self._name.encode() + b"\0" + payload, "sha256")

    def kept(self, index: int) -> CodeType | None:
        """Give the translation of a function if it is there."""
        found = self._codes.get(index)
        if found is None:
            return None
        code: CodeType = marshal.loads(found)
        return code

    def add(self, index: int, code: CodeType) -> None:
        """Take in a new translation."""
        self._codes[index] = marshal.dumps(code)
        self._new = True

    def save_now_and_then(self) -> None:
        """Write what is new, but not all the time."""
        if self._new and time.monotonic() - self._saved >= INTERVAL:
            self.save()

    def save(self) -> None:
        """Write everything, with what other processes have written meanwhile."""
        if not self._new:
            return
        self._new, self._saved = False, time.monotonic()
        with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
            self._codes = {**self._read(), **self._codes}
        payload = marshal.dumps(self._codes)
        if len(payload) > MAX_FILE:
            return
        with contextlib.suppress(OSError):
            _write_own(self._folder / self._name, self._mac(payload) + payload)
            _shrink(self._folder)


@cache
def _edition() -> str:
    """What a translation depends on besides the module: the translator, and the interpreter whose code it is."""
    seen = hashlib.sha256(f"{VERSION} {sys.implementation.cache_tag} {sys.hexversion}".encode())
    seen.update(importlib.util.MAGIC_NUMBER)
    with contextlib.suppress(OSError):
        # A changed translator counts as another one, also where its author forgot to say so.
        for path in sorted(Path(__file__).parent.glob("*.py")):
            found = path.stat()
            seen.update(f"{path.name} {found.st_size} {found.st_mtime_ns}".encode())
    return seen.hexdigest()[:16]


@cache
def _folder(chosen: str) -> tuple[Path, bytes]:
    """Give the folder and the key. Raises `OSError` where the folder cannot be had or is not this user's alone."""
    folder = (Path(chosen) if chosen else _user_cache()) / "purepy"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_own(folder.lstat(), stat.S_ISDIR)
    path = folder / "key"
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)  # of two processes that begin at once one wins, and both use its key
        finally:
            Path(temporary).unlink()
    key = _read_own(path, _KEY_BYTES)
    if len(key) != _KEY_BYTES:
        raise OSError("the key of the translation cache is damaged")
    return folder, key


def _user_cache() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return Path(base) / "hookproof" / "cache" if base else Path.home() / "AppData" / "Local" / "hookproof" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hookproof"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "hookproof"


def _check_own(found: os.stat_result, kind: object) -> None:
    assert callable(kind)
    if not kind(found.st_mode):
        raise OSError("not the kind of file that it should be")
    if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
        raise OSError("others have access to it")


def _read_own(path: Path, limit: int) -> bytes:
    """Read a file that belongs to this user alone. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        _check_own(found, stat.S_ISREG)
        if found.st_size > limit:
            raise OSError("larger than it should be")
        return file.read()


def _write_own(path: Path, contents: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # closed to others from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(contents)
        Path(temporary).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _shrink(folder: Path) -> None:
    """Remove what was not used for longest while all together is too large."""
    files = []
    for entry in os.scandir(folder):
        if entry.name != "key" and entry.is_file(follow_symlinks=False):
            found = entry.stat(follow_symlinks=False)
            files.append((found.st_mtime, found.st_size, entry.path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= MAX_BYTES:
            return
        with contextlib.suppress(OSError):
            Path(path).unlink()
            total -= size
