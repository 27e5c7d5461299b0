"""What the profile `lenient`, the choice of shapes and the largest input change, and that they change nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from judged import failed, judge_plugin
from shipped import FAULTY, Shipped, smallest_of_each

from conformance.judging.records import Outcome
from conformance.judging.terms import Terms

DONE_WITHOUT: dict[str, list[str]] = {
    "BIFROST-EXPORT-003": ["BIFROST-EXPORT-015"],
    **{f"BIFROST-EXPORT-{number:03}": [] for number in range(5, 14)},
}
"""The exports that `lenient` does without, and what is a warning then."""
OTHER_NAMES = [each for each in FAULTY if each.name.startswith("export-002-plugin-names")]
QUICK = [each for each in smallest_of_each("breaks") if each.scope == "quick"]
OF_GO = [each for each in smallest_of_each("breaks", "revision") if each.breaks == "BIFROST-INPUT-002"]
UNREFUSED = "BIFROST-ALLOC-001"
"""`lenient` uses a buffer at address 0, and what comes of it may show as well."""


def _params(plugins: list[Shipped]) -> list[object]:
    return [pytest.param(each, id=each.name) for each in plugins]


def _failed(plugin: Shipped, terms: Terms) -> list[str]:
    return failed(judge_plugin(plugin.path, plugin.binary, terms))


@pytest.mark.parametrize("plugin", _params([each for each in QUICK if each.breaks != UNREFUSED]))
def test_lenient_does_without_some_exports_and_forgives_nothing_else(plugin: Shipped) -> None:
    assert plugin.breaks is not None
    lenient = replace(plugin.terms("quick"), profile="lenient")
    assert _failed(plugin, lenient) == DONE_WITHOUT.get(plugin.breaks, [plugin.breaks])


@pytest.mark.parametrize("plugin", _params([each for each in QUICK if each.breaks in DONE_WITHOUT]))
def test_lenient_says_what_it_does_without(plugin: Shipped) -> None:
    assert plugin.breaks is not None
    terms = replace(plugin.terms("quick"), profile="lenient").selecting(plugin.breaks)
    report = judge_plugin(plugin.path, plugin.binary, terms)
    result = next(each for each in report.results if each.requirement == plugin.breaks)
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert (result.reason or "").startswith("the lenient profile does without ")


@pytest.mark.parametrize("plugin", _params(OTHER_NAMES))
def test_lenient_takes_the_allocator_by_either_name(plugin: Shipped) -> None:
    assert _failed(plugin, replace(plugin.terms("quick"), profile="lenient")) == []


@pytest.mark.parametrize("shape", ["docs", "go-struct"])
@pytest.mark.parametrize("plugin", _params(OF_GO))
def test_go_shape_is_sent_where_it_is_asked_for(plugin: Shipped, shape: str) -> None:
    expected = [plugin.breaks] if shape == "go-struct" else []
    assert _failed(plugin, replace(plugin.terms("quick"), shape=shape)) == expected


@pytest.mark.parametrize("name", ["pack-001-large-http_post_hook", "input-006-huge-pre_hook"])
@pytest.mark.parametrize("largest", [65_536, None], ids=["64KiB", "all"])
def test_no_larger_body_is_sent_than_was_asked_for(name: str, largest: int | None) -> None:
    (plugin,) = [each for each in FAULTY if each.name == name]
    expected = [] if largest else [plugin.breaks]
    assert _failed(plugin, replace(plugin.terms("full"), max_input=largest)) == expected
