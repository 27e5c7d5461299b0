"""The context of a request: what a merge does, for any keys and values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline_parts import Echo, Parts

from reference_host.abi.bifrost.types import JsonObject, PreResult
from reference_host.pipeline import RESERVED, Gateway, RequestContext

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
KEYS = st.text(max_size=3) | st.sampled_from(sorted(RESERVED))
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)


@given(first=OBJECTS, update=OBJECTS)
def test_an_http_hook_sets_or_overwrites_keys_and_deletes_none(first: JsonObject, update: JsonObject) -> None:
    context = RequestContext(first)
    assert context.merge(update, llm_hook=False) == ()
    assert context.snapshot() == {**first, **update}


@given(first=OBJECTS, update=OBJECTS)
def test_an_llm_hook_writes_all_keys_but_the_reserved_ones(first: JsonObject, update: JsonObject) -> None:
    context = RequestContext(first)
    dropped = context.merge(update, llm_hook=True)
    open_part = {key: value for key, value in update.items() if key not in RESERVED}
    assert context.snapshot() == {**first, **open_part}
    assert set(dropped) == {key for key in update.keys() & RESERVED if key not in first or first[key] != update[key]}


@given(first=OBJECTS, llm_hook=st.booleans())
def test_nothing_changes_by_an_empty_object_or_null_or_an_echo(first: JsonObject, llm_hook: bool) -> None:
    context = RequestContext(first)
    for update in ({}, None, context.snapshot()):
        assert context.merge(update, llm_hook=llm_hook) == ()
        assert context.snapshot() == first


@given(first=OBJECTS, update=OBJECTS)
def test_what_a_plugin_was_given_does_not_change_under_its_hands(first: JsonObject, update: JsonObject) -> None:
    context = RequestContext(first)
    given_to_plugin = context.snapshot()
    context.merge(update, llm_hook=False)
    context.set("host", 1)
    assert given_to_plugin == first


@given(updates=st.lists(OBJECTS, max_size=4))
def test_the_last_write_to_a_key_wins(updates: list[JsonObject]) -> None:
    context = RequestContext({})
    expected: dict[str, object] = {}
    for update in updates:
        context.merge(update, llm_hook=False)
        expected.update(update)
    assert context.snapshot() == expected


@pytest.mark.parametrize(
    ("given_context", "seen"),
    [
        pytest.param(None, "fresh", id="no context"),
        pytest.param({}, "fresh", id="empty context"),
        pytest.param({"request_id": "mine"}, "mine", id="the caller's own"),
        pytest.param({"request_id": 7}, "fresh", id="not a string"),
        pytest.param({"request_id": None}, "fresh", id="null"),
    ],
)
def test_every_request_has_a_request_id(given_context: JsonObject | None, seen: str) -> None:
    contexts: list[JsonObject] = []

    def look(context: JsonObject, _request: JsonObject) -> PreResult:
        contexts.append(context)
        return PreResult()

    gateway = Gateway([Parts("a", pre_hook=look)], Echo(), new_id=lambda: "fresh")
    gateway.run_llm({"provider": "p", "model": "m", "input": [{"content": "x"}]}, given_context)
    assert contexts[0]["request_id"] == seen


def test_ids_are_fresh_for_each_request_by_default() -> None:
    gateway = Gateway([], Echo())
    request = {"provider": "p", "model": "m", "input": [{"content": "x"}]}
    ids = {gateway.run_llm(request).context.snapshot()["request_id"] for _ in range(3)}
    assert len(ids) == 3
