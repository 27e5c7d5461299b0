"""`fixtures/manifest.json`: a list with one entry for each built fixture, sorted by path.

Every builder adds entries of its own, and leaves those of the others as they are.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from toolchains.common import FIXTURES

MANIFEST = FIXTURES / "manifest.json"


class Entry(TypedDict):
    """What is known of a fixture. `path` is relative to `fixtures/`, `source` to the repository."""

    path: str
    kind: str  # conforming or faulty
    system: str
    revision: str
    language: str
    toolchain: str
    command: str
    source: str
    sha256: str
    breaks: str | None  # the requirement, for a faulty one
    description: str
    scope: NotRequired[str]  # full, where less does not show the fault
    config: NotRequired[str]  # what the plugin's author configures it with
    functions: NotRequired[str]  # the file that declares its functions, relative to fixtures/
    warnings: NotRequired[list[str]]  # what a conforming one deserves


def digest(wasm: bytes) -> str:
    """Return the sha256 of a built file, as the manifest writes it."""
    return hashlib.sha256(wasm).hexdigest()


def read(path: Path = MANIFEST) -> list[Entry]:
    """Read the manifest; one that does not exist yet is empty."""
    entries: list[Entry] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return entries


def dump(entries: Iterable[Mapping[str, Any]]) -> str:
    """Write the manifest's text. One member a line, so that a rebuild shows as the one line that changed."""
    return json.dumps(sorted(entries, key=lambda entry: entry["path"]), indent=2, ensure_ascii=False) + "\n"


def merge(
    entries: Iterable[Mapping[str, Any]],
    owned: Callable[[Entry], bool] = lambda _: False,
    path: Path = MANIFEST,
) -> None:
    """Put entries in, in place of those of the same path and of every other one that is `owned`."""
    fresh = {entry["path"]: entry for entry in entries}
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path.parent):
        kept = {entry["path"]: entry for entry in read(path) if not owned(entry)}
        text = dump({**kept, **fresh}.values())
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            part = path.with_suffix(".json.part")
            part.write_text(text, encoding="utf-8")
            part.replace(path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: another builder may merge its entries at the same time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
