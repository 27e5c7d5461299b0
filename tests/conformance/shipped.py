"""The shipped plugins as the manifest lists them, the report on each, and what has to stand in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from judged import catalogue, failed, judge_plugin

from conformance.catalogue import Level
from conformance.errors import NoKnownSystem
from conformance.judging.subject import QUICK_PAGES, Scope
from conformance.judging.terms import Terms, identify
from conformance.report.model import Report, Verdict
from conformance.resources import Resource, find
from reference_host.abi.interface import Given
from reference_host.engine.binary import read_module

FIXTURES = find(Resource.FIXTURES)


@dataclass(frozen=True)
class Shipped:
    """One plugin; `breaks` is the requirement that it was made to break, None for a conforming one.

    `config` is what its author configures it with, `functions` the file in which they declare what it has.
    """

    path: Path
    system: str
    revision: str
    language: str
    breaks: str | None
    warnings: tuple[str, ...]
    config: str | None
    functions: Path | None
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

    @cached_property
    def abi(self) -> str | None:
        """How its system has to be named; None where its exports tell."""
        try:
            identify(read_module(self.binary), None)
        except NoKnownSystem:
            return self.system
        return None

    def terms(self, scope: Scope, config_path: Path | None = None) -> Terms:
        """The terms that it is judged on."""
        return Terms(
            abi=self.abi,
            revision=self.revision,
            quick=scope == "quick",
            given=Given(
                config=None if self.config is None else self.config.encode(),
                functions=None if self.functions is None else self.functions.read_bytes(),
            ),
            config_path=None if config_path is None else str(config_path),
            functions_path=None if self.functions is None else str(self.functions),
        )

    def report(self, scope: Scope, engine: str = "wasmtime", config_path: Path | None = None) -> Report:
        """Judge it in this process."""
        return judge_plugin(self.path, self.binary, self.terms(scope, config_path), engine)


def _read(entry: dict[str, Any]) -> Shipped:
    return Shipped(
        path=FIXTURES / entry["path"],
        system=entry["system"],
        revision=entry["revision"],
        language=entry["language"],
        breaks=entry["breaks"],
        warnings=tuple(entry.get("warnings", ())),
        config=entry.get("config"),
        functions=FIXTURES / entry["functions"] if "functions" in entry else None,
        full_only=entry.get("scope") == "full",
    )


LISTED = [_read(entry) for entry in json.loads((FIXTURES / "manifest.json").read_text())]
"""Those of all systems; below are those of the first."""
SHIPPED = [each for each in LISTED if each.system == "bifrost"]
FAULTY = [each for each in SHIPPED if each.breaks is not None]
CONFORMING = [each for each in SHIPPED if each.breaks is None]


def smallest_of_each(*members: str, among: Iterable[Shipped] = FAULTY) -> list[Shipped]:
    """The smallest faulty plugin of each combination of members, such as `breaks` and `revision`."""
    chosen: dict[tuple[str, ...], Shipped] = {}
    for each in sorted(among, key=lambda plugin: len(plugin.binary)):
        chosen.setdefault(tuple(getattr(each, member) for member in members), each)
    return list(chosen.values())


def check(plugin: Shipped, report: Report) -> None:
    """Hold a report against what the plugin was made for."""
    broken = failed(report)
    if plugin.breaks is None:
        assert [warned.code for warned in report.warnings] == list(plugin.warnings)
        assert report.verdict is Verdict.CONFORMS, broken
        return
    requirement = catalogue(plugin.system).get(plugin.breaks)
    # What cannot hold once the rule is broken is named by the catalogue, and may fail along with it.
    assert [each for each in broken if each not in requirement.implied] == [plugin.breaks]
    expected = Verdict.DOES_NOT_CONFORM if requirement.level is Level.MUST else Verdict.CONFORMS
    assert report.verdict is expected, [(each.requirement, each.reason) for each in report.results]


def cases(plugins: Iterable[Shipped], plain: Iterable[Shipped], *before: str) -> list[Any]:
    """Give the plugins as parameters, those that are not in `plain` for the exhaustive run only."""
    taken = set(plain)
    marks = {True: (), False: (pytest.mark.exhaustive,)}
    return [
        pytest.param(*before, each, id="-".join((*before, each.name)), marks=marks[each in taken]) for each in plugins
    ]
