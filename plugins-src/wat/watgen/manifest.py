"""Entries of `fixtures/manifest.json`: merged by path, kept in the order of the paths."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Entry = Mapping[str, object]


def read(manifest: Path) -> list[dict[str, object]]:
    """Read all entries; an absent file has none."""
    if not manifest.exists():
        return []
    entries: list[dict[str, object]] = json.loads(manifest.read_text(encoding="utf-8"))
    return entries


def dump(entries: Iterable[Entry]) -> str:
    """Write the manifest's text: a list of entries, sorted by path."""
    ordered = sorted(entries, key=lambda entry: str(entry["path"]))
    return json.dumps(ordered, indent=2, ensure_ascii=False) + "\n"


def merge(manifest: Path, entries: Iterable[Entry], owned: Callable[[Entry], bool]) -> None:
    """Put `entries` in, in place of those of the same path and of every other entry that is `owned`."""
    fresh = {str(entry["path"]): entry for entry in entries}
    manifest.parent.mkdir(parents=True, exist_ok=True)
    with _alone(manifest.parent):
        kept = {str(entry["path"]): entry for entry in read(manifest) if not owned(entry)}
        text = dump({**kept, **fresh}.values())
        if not manifest.exists() or manifest.read_text(encoding="utf-8") != text:
            part = manifest.with_suffix(".json.part")
            part.write_text(text, encoding="utf-8")
            part.replace(manifest)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: the build of another language may merge its entries at the same time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
