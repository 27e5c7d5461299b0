"""The catalogues keep their own rules, and agree with what the reference hosts know of the revisions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from conformance.catalogue import Level, Requirement, Side, load_catalogue
from conformance.registry import load_system
from conformance.resources import Resource, find
from reference_host.abi.bifrost.revisions import REVISIONS

CATALOGUES = {path.stem: load_catalogue(path) for path in sorted(find(Resource.CATALOGUES).glob("*.toml"))}
BIFROST = CATALOGUES["bifrost"]

SECTIONS = {
    "Writing WASM Plugins": {
        "Overview",
        "Plugin Interface",
        "Return Value Format",
        "Data Exchange",
        "Getting Started, TypeScript, Step 2: Implement the Plugin",
        "Hook Input/Output Structures",
        "Hook Input/Output Structures, http_pre_hook",
        "Hook Input/Output Structures, http_post_hook",
        "Hook Input/Output Structures, http_stream_chunk_hook",
        "Hook Input/Output Structures, pre_hook",
        "Hook Input/Output Structures, post_hook",
        "Configuration",
        "Troubleshooting, Module fails to load",
        "Troubleshooting, Memory allocation errors",
        "Troubleshooting, JSON parsing errors",
    },
    "README of hello-world-wasm-go": {
        "Plugin Structure",
        "Return Value Format",
        "Data Exchange",
        "Usage with Bifrost",
        "Benefits",
    },
    "README of wasp": {
        "Web Assembly System Plugins",
        "Basic Usage",
        "Callbacks",
    },
    "Host of wasp 0.0.8": {
        "RegisterPlugin",
        "GetInstance",
        "CallFunction",
        "Remove",
        "AddCallback",
        "raise_error",
        "strings",
        "byte slices",
        "freeing",
    },
    "Guest code of wasp 0.0.8": {
        "Go ABI",
    },
}
"""The sections of the documents that speak of the contracts; of the program, its functions and what they do."""


def breaking(rule: Callable[[Requirement], bool]) -> list[str]:
    """Name the entries for which a rule does not hold."""
    return [entry.id for catalogue in CATALOGUES.values() for entry in catalogue.requirements if not rule(entry)]


@pytest.mark.parametrize("system", CATALOGUES)
def test_ids_are_of_the_system(system: str) -> None:
    catalogue, prefix = CATALOGUES[system], system.upper()
    assert catalogue.system == system
    assert all(entry.id.startswith(f"{prefix}-") for entry in catalogue.requirements)
    assert {entry.id for entry in catalogue.on_side(Side.HOST)} == {
        entry.id for entry in catalogue.requirements if entry.id.startswith(f"{prefix}-HOST-")
    }


@pytest.mark.parametrize("system", CATALOGUES)
def test_revisions_are_known_and_in_order(system: str) -> None:
    known = load_system(system).revisions
    for entry in CATALOGUES[system].requirements:
        assert list(entry.revisions) == [revision for revision in known if revision in entry.revisions], entry.id


def test_each_sentence_is_one() -> None:
    more = re.compile(r"[.!?] +[A-Z`]")
    assert breaking(lambda entry: entry.sentence.endswith(".") and not more.search(entry.sentence)) == []


def test_each_source_can_be_found() -> None:
    def can_be_found(source: str) -> bool:
        document, _, section = source.partition(", ")
        return source == "stand" or section in SECTIONS.get(document, ())

    assert breaking(lambda entry: all(map(can_be_found, entry.source.split("; ")))) == []


def test_a_stand_without_a_document_has_its_reason() -> None:
    assert breaking(lambda entry: entry.source != "stand" or bool(entry.stand and entry.reason)) == []
    assert breaking(lambda entry: entry.reason is None or entry.stand is not None) == []


def test_a_plugin_is_warned_by_a_word() -> None:
    def warns(entry: Requirement) -> bool:
        return entry.level is Level.SHOULD and entry.side is Side.PLUGIN

    assert breaking(lambda entry: (entry.warning is not None) == warns(entry)) == []


def test_each_warning_has_one_requirement() -> None:
    for catalogue in CATALOGUES.values():
        words = Counter(entry.warning for entry in catalogue.requirements if entry.warning)
        assert [word for word, count in words.items() if count > 1] == []


def test_what_is_untested_says_why() -> None:
    reasons = {Side.HOST: ("host-side: ",), Side.PLUGIN: ("not observable: ", "not yet: ")}
    assert breaking(lambda entry: (entry.untested or "").startswith(reasons[entry.side]) != bool(entry.tests)) == []
    assert breaking(lambda entry: not (entry.tests and entry.side is Side.HOST)) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_required_exports_are_those_of_the_host(revision: str) -> None:
    required = {
        found[1]
        for entry in BIFROST.requirements
        if entry.applies_to(revision) and (found := re.fullmatch(r"A plugin exports `(\w+)`\.", entry.sentence))
    }
    assert required == REVISIONS[revision].required


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_counterpart_is_required_where_the_host_requires_it(revision: str) -> None:
    entry = BIFROST.get("BIFROST-EXPORT-003")
    assert entry.applies_to(revision) == REVISIONS[revision].free_required


@pytest.mark.parametrize("revision", REVISIONS)
def test_rules_for_envelopes_leave_out_the_revision_without(revision: str) -> None:
    for name in ("OUT-001", "OUT-003", "OUT-004", "OUT-005", "HTTPPRE-001", "POST-003"):
        assert BIFROST.get(f"BIFROST-{name}").applies_to(revision) == REVISIONS[revision].enveloped
