"""The four revisions: what each exports, and how one is told by the export section alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from bifrost_sections import GLOBAL, I32, I64, MEMORY, TABLE, conforming, hook, summary

from reference_host.abi.bifrost.revisions import FREE_TYPES, REVISIONS, Role, detect, free_name, revision_named
from reference_host.engine.interface import ExternType, FuncType
from reference_host.errors import UnknownRevision

DETECTED = [
    # Rule 1: the HTTP hook of r0, or LLM hooks with pointer and length of each document.
    pytest.param({"http_transport_intercept": hook(4)}, "r0", id="http_transport_intercept"),
    pytest.param({"pre_hook": hook(4)}, "r0", id="pre_hook-of-four"),
    pytest.param({"post_hook": hook(6)}, "r0", id="post_hook-of-six"),
    pytest.param(
        {"pre_hook": hook(4), "post_hook": hook(2)}, "r0", id="pre_hook-of-four-decides-over-post_hook-of-two"
    ),
    pytest.param({"http_transport_intercept": hook(2), "pre_hook": hook()}, "r0", id="r0-name-with-two-parameters"),
    pytest.param({"pre_hook": hook(4), "http_stream_chunk_hook": hook()}, "r0", id="r0-with-a-stream-hook"),
    # Rule 2: an HTTP hook of r2.
    pytest.param({"http_pre_hook": hook()}, "r2", id="http_pre_hook"),
    pytest.param({"http_post_hook": hook()}, "r2", id="http_post_hook"),
    pytest.param({"http_post_hook": hook(), "http_stream_chunk_hook": hook()}, "r2", id="http_post_hook-and-stream"),
    # Rule 3: `http_intercept`; the stream hook makes it r1b.
    pytest.param({"http_intercept": hook()}, "r1", id="http_intercept"),
    pytest.param(
        {"http_intercept": hook(), "pre_hook": hook(), "post_hook": hook()}, "r1", id="http_intercept-and-llm"
    ),
    pytest.param({"http_intercept": hook(), "http_stream_chunk_hook": hook()}, "r1b", id="http_intercept-and-stream"),
    # Rule 4: hooks that several revisions have.
    pytest.param({"pre_hook": hook(), "post_hook": hook()}, "r2", id="only-llm-hooks"),
    pytest.param({"pre_hook": hook()}, "r2", id="only-pre_hook"),
    pytest.param({"post_hook": hook()}, "r2", id="only-post_hook"),
    pytest.param({"http_stream_chunk_hook": hook()}, "r2", id="only-the-stream-hook"),
    pytest.param({"pre_hook": hook(3)}, "r2", id="pre_hook-of-three"),
    pytest.param({"pre_hook": hook(6), "post_hook": hook(4)}, "r2", id="four-and-six-the-wrong-way-round"),
    # A hook under its name that is no hook, or no function at all, is a hook done wrong.
    pytest.param({"http_intercept": GLOBAL}, "r1", id="http_intercept-is-a-global"),
    pytest.param({"http_pre_hook": TABLE}, "r2", id="http_pre_hook-is-a-table"),
    pytest.param({"pre_hook": MEMORY}, "r2", id="pre_hook-is-a-memory"),
    pytest.param({"http_transport_intercept": FuncType((I64,), (I32,))}, "r0", id="http_transport_intercept-mistyped"),
]


@pytest.mark.parametrize(("exports", "revision"), DETECTED)
def test_revision_is_told_by_the_exports(exports: Mapping[str, ExternType], revision: str) -> None:
    found = detect(summary({"memory": MEMORY, **exports}))
    assert found is not None
    assert (found.system, found.revision, found.warnings) == ("bifrost", revision, ())
    assert any(name in found.reason for name in exports)


MIXED = [
    # Hooks of several revisions: r2.
    pytest.param({"http_intercept": hook(), "http_pre_hook": hook()}, "r2", id="r1-and-r2"),
    pytest.param({"http_intercept": hook(), "http_post_hook": hook()}, "r2", id="r1-and-r2-by-http_post_hook"),
    pytest.param(
        {"http_intercept": hook(), "http_stream_chunk_hook": hook(), "http_pre_hook": hook()}, "r2", id="r1b-and-r2"
    ),
    pytest.param({"http_transport_intercept": hook(4), "http_pre_hook": hook()}, "r2", id="r0-and-r2"),
    pytest.param({"http_transport_intercept": hook(4), "http_intercept": hook()}, "r2", id="r0-and-r1"),
    pytest.param(
        {"http_transport_intercept": hook(4), "http_intercept": hook(), "http_pre_hook": hook()}, "r2", id="all-three"
    ),
    # Hooks of one revision, one of them with r0's parameters: the name says which revision was meant.
    pytest.param({"http_pre_hook": hook(), "pre_hook": hook(4)}, "r2", id="r2-with-pre_hook-of-four"),
    pytest.param({"http_intercept": hook(), "post_hook": hook(6)}, "r1", id="r1-with-post_hook-of-six"),
    pytest.param(
        {"http_intercept": hook(), "http_stream_chunk_hook": hook(), "pre_hook": hook(4)},
        "r1b",
        id="r1b-with-pre_hook-of-four",
    ),
]


@pytest.mark.parametrize(("exports", "revision"), MIXED)
def test_mixed_sets_are_told_as_such(exports: Mapping[str, ExternType], revision: str) -> None:
    found = detect(summary({"memory": MEMORY, **exports}))
    assert found is not None
    assert (found.revision, found.warnings) == (revision, ("mixed-revision",))
    assert found.reason.startswith(f"taken as {revision}: ")


NO_HOOK = [
    pytest.param({}, id="nothing"),
    pytest.param(
        {"memory": MEMORY, "malloc": FuncType((I32,), (I32,)), "get_name": FuncType((), (I64,))}, id="no-hook"
    ),
    pytest.param({"_start": FuncType(), "init": FuncType((I32, I32), (I32,))}, id="a-program"),
    pytest.param({"Pre_Hook": hook(), "prehook": hook(), "http_pre_hook ": hook()}, id="names-that-are-nearly-right"),
]


@pytest.mark.parametrize("exports", NO_HOOK)
def test_no_hook_is_no_revision(exports: Mapping[str, ExternType]) -> None:
    assert detect(summary(exports)) is None


@pytest.mark.parametrize("name", REVISIONS)
def test_what_a_document_names_is_told_as_its_revision(name: str) -> None:
    found = detect(summary(conforming(revision_named(name))))
    assert found is not None
    assert (found.revision, found.warnings) == (name, ())


LLM = {"pre_hook", "post_hook"}
BASE = {"get_name", "cleanup"}
REQUIRED = [
    pytest.param("r0", BASE | LLM | {"http_transport_intercept"}, False, ("plugin_malloc", "malloc"), id="r0"),
    pytest.param("r1", BASE | LLM | {"init", "http_intercept"}, True, ("malloc",), id="r1"),
    pytest.param("r1b", BASE | LLM | {"init", "http_intercept", "http_stream_chunk_hook"}, True, ("malloc",), id="r1b"),
    pytest.param(
        "r2",
        BASE | LLM | {"init", "http_pre_hook", "http_post_hook", "http_stream_chunk_hook"},
        True,
        ("malloc",),
        id="r2",
    ),
]


@pytest.mark.parametrize(("name", "functions", "free", "allocators"), REQUIRED)
def test_what_a_revision_requires(name: str, functions: set[str], free: bool, allocators: tuple[str, ...]) -> None:
    revision = revision_named(name)
    assert revision.required == functions
    assert revision.free_required is free
    assert revision.allocators == allocators


HOOKS = [
    pytest.param("r0", "http_transport_intercept", Role.HTTP_PRE, 4, id="r0-http_transport_intercept"),
    pytest.param("r0", "pre_hook", Role.PRE, 4, id="r0-pre_hook"),
    pytest.param("r0", "post_hook", Role.POST, 6, id="r0-post_hook"),
    pytest.param("r1", "http_intercept", Role.HTTP_PRE, 2, id="r1-http_intercept"),
    pytest.param("r1", "pre_hook", Role.PRE, 2, id="r1-pre_hook"),
    pytest.param("r1", "post_hook", Role.POST, 2, id="r1-post_hook"),
    pytest.param("r1b", "http_intercept", Role.HTTP_PRE, 2, id="r1b-http_intercept"),
    pytest.param("r1b", "http_stream_chunk_hook", Role.STREAM, 2, id="r1b-http_stream_chunk_hook"),
    pytest.param("r1b", "pre_hook", Role.PRE, 2, id="r1b-pre_hook"),
    pytest.param("r1b", "post_hook", Role.POST, 2, id="r1b-post_hook"),
    pytest.param("r2", "http_pre_hook", Role.HTTP_PRE, 2, id="r2-http_pre_hook"),
    pytest.param("r2", "http_post_hook", Role.HTTP_POST, 2, id="r2-http_post_hook"),
    pytest.param("r2", "http_stream_chunk_hook", Role.STREAM, 2, id="r2-http_stream_chunk_hook"),
    pytest.param("r2", "pre_hook", Role.PRE, 2, id="r2-pre_hook"),
    pytest.param("r2", "post_hook", Role.POST, 2, id="r2-post_hook"),
]


@pytest.mark.parametrize(("name", "export", "role", "parameters"), HOOKS)
def test_hook_has_its_role_and_type(name: str, export: str, role: Role, parameters: int) -> None:
    revision = revision_named(name)
    found = revision.hook(role)
    assert found is not None
    assert found.name == export
    assert found.type == hook(parameters)
    assert revision.types()[export] == (hook(parameters),)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        pytest.param("r0", Role.HTTP_POST, id="r0-http_post"),
        pytest.param("r0", Role.STREAM, id="r0-stream"),
        pytest.param("r1", Role.HTTP_POST, id="r1-http_post"),
        pytest.param("r1", Role.STREAM, id="r1-stream"),
        pytest.param("r1b", Role.HTTP_POST, id="r1b-http_post"),
    ],
)
def test_older_revisions_lack_hooks(name: str, role: Role) -> None:
    assert revision_named(name).hook(role) is None


@pytest.mark.parametrize("name", REVISIONS)
def test_functions_that_all_revisions_share_have_one_type(name: str) -> None:
    types = revision_named(name).types()
    assert types["get_name"] == (FuncType((), (I64,)),)
    assert types["init"] == (FuncType((I32, I32), (I32,)),)
    assert types["cleanup"] == (FuncType((), (I32,)),)
    for allocator in revision_named(name).allocators:
        assert types[allocator] == (FuncType((I32,), (I32,)),)
        assert types[free_name(allocator)] == FREE_TYPES == (FuncType((I32,)), FuncType((I32, I32)))


@pytest.mark.parametrize(
    ("allocator", "free"),
    [pytest.param("malloc", "free", id="libc"), pytest.param("plugin_malloc", "plugin_free", id="own")],
)
def test_allocator_and_free_go_in_pairs(allocator: str, free: str) -> None:
    assert free_name(allocator) == free


def test_unknown_revision_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownRevision, match=r"bifrost has no revision 'r3': it has r0, r1, r1b, r2"):
        revision_named("r3")
