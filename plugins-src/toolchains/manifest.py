"""`fixtures/manifest.json`: a list with one entry for each built fixture, sorted by path.

Other builders add entries of their own; `replace` touches only those that it is given.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from toolchains.common import FIXTURES

MANIFEST = FIXTURES / "manifest.json"


class Entry(TypedDict):
    """What is known of a fixture. `path` is relative to `fixtures/`, `source` to the repository."""

    path: str
    kind: str  # conforming, faulty or probe
    system: str
    revision: str
    language: str
    toolchain: str
    command: str
    source: str
    sha256: str
    breaks: str | None  # the requirement, for a faulty one
    description: str


def digest(wasm: bytes) -> str:
    """Return the sha256 of a built file, as the manifest writes it."""
    return hashlib.sha256(wasm).hexdigest()


def read(path: Path = MANIFEST) -> list[Entry]:
    """Read the manifest; one that does not exist yet is empty."""
    entries: list[Entry] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return entries


def replace(entries: Iterable[Entry], path: Path = MANIFEST) -> None:
    """Put entries in the place of those with the same path, and keep all others as they are."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # the builds of other fixtures may write at the same time
        known = {entry["path"]: entry for entry in read(path)}
        known.update({entry["path"]: entry for entry in entries})
        # One member a line, so that a rebuild shows as the one line that changed.
        text = json.dumps([known[name] for name in sorted(known)], indent=2, ensure_ascii=False)
        part = path.with_suffix(".json.part")
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(path)
    finally:
        os.close(folder)
