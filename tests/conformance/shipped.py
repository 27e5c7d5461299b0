"""The shipped Bifrost plugins as the manifest lists them, and the report on each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from judged import judge_plugin

from conformance.judging.subject import QUICK_PAGES, Scope
from conformance.judging.terms import Terms
from conformance.report.model import Report
from conformance.resources import Resource, find
from reference_host.abi.interface import Given
from reference_host.engine.binary import read_module

FIXTURES = find(Resource.FIXTURES)


@dataclass(frozen=True)
class Shipped:
    """One plugin; `breaks` is the requirement that it was made to break, None for a conforming one.

    `config` is what its author configures it with.
    """

    path: Path
    revision: str
    language: str
    breaks: str | None
    warnings: tuple[str, ...]
    config: str | None
    full_only: bool

    @property
    def name(self) -> str:
        """Its name among all of them."""
        return self.path.stem

    @cached_property
    def binary(self) -> bytes:
        """The module."""
        return self.path.read_bytes()

    @property
    def scope(self) -> Scope:
        """The smallest scope that shows what there is to see."""
        memory = read_module(self.binary).memories[:1]
        too_large = any(type_.minimum > QUICK_PAGES for type_ in memory)
        # Growth shows at full scope only.
        return "full" if self.full_only or too_large or "no-op-free" in self.warnings else "quick"

    def terms(self, scope: Scope, config_path: Path | None = None) -> Terms:
        """The terms that it is judged on."""
        return Terms(
            revision=self.revision,
            quick=scope == "quick",
            given=Given(config=None if self.config is None else self.config.encode()),
            config_path=None if config_path is None else str(config_path),
        )

    def report(self, scope: Scope, engine: str = "wasmtime", config_path: Path | None = None) -> Report:
        """Judge it in this process."""
        return judge_plugin(self.path, self.binary, self.terms(scope, config_path), engine)


def _read(entry: dict[str, Any]) -> Shipped:
    return Shipped(
        path=FIXTURES / entry["path"],
        revision=entry["revision"],
        language=entry["language"],
        breaks=entry["breaks"],
        warnings=tuple(entry.get("warnings", ())),
        config=entry.get("config"),
        full_only=entry.get("scope") == "full",
    )


_LISTED = json.loads((FIXTURES / "manifest.json").read_text())
SHIPPED = [_read(entry) for entry in _LISTED if entry["system"] == "bifrost"]
FAULTY = [each for each in SHIPPED if each.breaks is not None]
CONFORMING = [each for each in SHIPPED if each.breaks is None]


def smallest_of_each(*members: str) -> list[Shipped]:
    """The smallest faulty plugin of each combination of members, such as `breaks` and `revision`."""
    chosen: dict[tuple[str, ...], Shipped] = {}
    for each in sorted(FAULTY, key=lambda plugin: len(plugin.binary)):
        chosen.setdefault(tuple(getattr(each, member) for member in members), each)
    return list(chosen.values())
