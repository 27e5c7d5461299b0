"""The catalogue of requirements: one TOML file for each plugin system, data only, read into frozen values.

The form of such a file; nothing else may stand in it:

    system = "bifrost"

    [[requirement]]
    id = "BIFROST-PACK-001"            # stable, never renumbered
    level = "MUST"                     # MUST, SHOULD or MAY
    side = "plugin"                    # plugin or host: whom it binds
    revisions = ["r0", "r1"]           # to which it applies
    sentence = "..."                   # the rule
    source = "..."                     # document and section
    stand = "..."                      # optional: what is held where the sources are silent or disagree
    reason = "..."                     # optional: why
    warning = "empty-result"           # the word in a report's `warnings`, for a SHOULD
    tests = ["test_x.py::test_y"]      # or untested = "reason"; just one of the two
    implied = ["..."]                  # optional: ids that cannot hold where this one is broken, three at most
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from conformance.errors import CatalogueError, UnknownRequirement

MAX_IMPLIED = 3
"""Ids that one requirement may imply: a fault is told once, at its root, and not by what follows from it."""

_ID = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-[0-9]{3}")


class Level(StrEnum):
    """How much a requirement weighs: a MUST drives the verdict, a SHOULD warns, a MAY informs."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Side(StrEnum):
    """Whom a requirement binds."""

    PLUGIN = "plugin"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative statement. Either `tests` names its tests, or `untested` says why there are none."""

    id: str
    level: Level
    side: Side
    revisions: tuple[str, ...]
    sentence: str
    source: str
    stand: str | None = None
    reason: str | None = None
    warning: str | None = None
    tests: tuple[str, ...] = ()
    untested: str | None = None
    implied: tuple[str, ...] = ()

    def applies_to(self, revision: str) -> bool:
        """Whether it binds a plugin of that revision."""
        return revision in self.revisions


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All requirements of a plugin system, in the order of the file; `digest` is the sha256 of its bytes."""

    system: str
    requirements: tuple[Requirement, ...]
    digest: str

    def get(self, identifier: str) -> Requirement:
        """Find one requirement by its id. Raises `UnknownRequirement`."""
        for requirement in self.requirements:
            if requirement.id == identifier:
                return requirement
        raise UnknownRequirement(
            f"{self.system} has no requirement {identifier!r}; `hookproof requirements` lists them"
        )

    def on_side(self, side: Side) -> tuple[Requirement, ...]:
        """Give the requirements that bind one side, in order."""
        return tuple(requirement for requirement in self.requirements if requirement.side is side)


def load_catalogue(path: Path) -> Catalogue:
    """Read a catalogue file. Raises `CatalogueError` with the entry and the reason."""
    try:
        content = path.read_bytes()
        document = tomllib.loads(content.decode())
    except OSError as error:
        raise CatalogueError(path.name, "", f"cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(path.name, "", f"is no TOML: {error}") from error
    return _read(path.name, document, hashlib.sha256(content).hexdigest())


_TEXTS = ("id", "level", "side", "sentence", "source")
_OPTIONAL_TEXTS = ("stand", "reason", "warning", "untested")
_LISTS = ("revisions", "tests", "implied")


def _read(name: str, document: Mapping[str, Any], digest: str) -> Catalogue:
    system = document.get("system")
    entries = document.get("requirement", [])
    if not isinstance(system, str) or not system:
        raise CatalogueError(name, "", "needs `system`, a string")
    if unknown := sorted(set(document) - {"system", "requirement"}):
        raise CatalogueError(name, "", f"has an unknown member {unknown[0]!r}")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CatalogueError(name, "", "needs `[[requirement]]` tables")
    seen: dict[str, Requirement] = {}
    for number, entry in enumerate(entries, 1):
        requirement = _entry(name, f"requirement {number}", entry)
        if requirement.id in seen:
            raise CatalogueError(name, requirement.id, "stands twice")
        seen[requirement.id] = requirement
    for requirement in seen.values():
        if len(requirement.implied) > MAX_IMPLIED:
            raise CatalogueError(name, requirement.id, f"implies more than {MAX_IMPLIED} others")
        for other in requirement.implied:
            if other not in seen:
                raise CatalogueError(name, requirement.id, f"implies {other!r}, which is not in the catalogue")
    return Catalogue(system, tuple(seen.values()), digest)


def _entry(name: str, where: str, entry: Mapping[str, Any]) -> Requirement:
    where = entry["id"] if isinstance(entry.get("id"), str) else where
    if unknown := sorted(set(entry) - {*_TEXTS, *_OPTIONAL_TEXTS, *_LISTS}):
        raise CatalogueError(name, where, f"has an unknown member {unknown[0]!r}")
    for key in _TEXTS:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise CatalogueError(name, where, f"needs `{key}`, a text")
    for key in _OPTIONAL_TEXTS:
        if key in entry and (not isinstance(entry[key], str) or not entry[key].strip()):
            raise CatalogueError(name, where, f"`{key}` has to be a text")
    for key in _LISTS:
        values = entry.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
            raise CatalogueError(name, where, f"`{key}` has to be a list of texts")
    if not _ID.fullmatch(entry["id"]):
        raise CatalogueError(name, where, "its id has to look like BIFROST-PACK-001")
    if not entry.get("revisions"):
        raise CatalogueError(name, where, "needs `revisions`, at least one")
    if bool(entry.get("tests")) == ("untested" in entry):
        raise CatalogueError(name, where, "needs either `tests` or `untested`, and not both")
    try:
        level, side = Level(entry["level"]), Side(entry["side"])
    except ValueError as error:
        raise CatalogueError(name, where, f"{error}; levels are MUST, SHOULD, MAY, sides plugin, host") from error
    return Requirement(
        id=entry["id"],
        level=level,
        side=side,
        revisions=tuple(entry["revisions"]),
        sentence=" ".join(entry["sentence"].split()),
        source=" ".join(entry["source"].split()),
        stand=_text(entry, "stand"),
        reason=_text(entry, "reason"),
        warning=_text(entry, "warning"),
        tests=tuple(entry.get("tests", ())),
        untested=_text(entry, "untested"),
        implied=tuple(entry.get("implied", ())),
    )


def _text(entry: Mapping[str, Any], key: str) -> str | None:
    # TOML's multi-line strings are for the author's eye: a report wants one line.
    return " ".join(entry[key].split()) if key in entry else None
