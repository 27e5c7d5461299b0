"""Whether an export section is worth running: `strict` by its revision's own document, `lenient` by the least."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from bifrost_sections import GLOBAL, I32, I64, MEMORY, conforming, hook, summary

from reference_host.abi.bifrost.contract import Profile, export_defects, well_typed_hooks
from reference_host.abi.bifrost.heap import AllocatorPair, choose_pair
from reference_host.abi.bifrost.revisions import R0, R1, R2, REVISIONS, Revision, revision_named
from reference_host.engine.interface import ExternType, FuncType
from reference_host.errors import MissingExport, MistypedExport

MALLOC, FREE, FREE_SIZED = FuncType((I32,), (I32,)), FuncType((I32,)), FuncType((I32, I32))
THREE = FuncType((I32,) * 3)
NO_FREE_RESULT = FuncType((I32,), (I32,))


def defects(exports: Mapping[str, ExternType], revision: Revision, profile: Profile) -> list[str]:
    """What is wrong, as `missing malloc` or `mistyped malloc`."""
    told = []
    for defect in export_defects(summary(exports), revision, profile):
        assert isinstance(defect, MissingExport | MistypedExport)
        told.append(f"{'missing' if isinstance(defect, MissingExport) else 'mistyped'} {defect.name}")
    return told


def without(exports: Mapping[str, ExternType], *names: str) -> dict[str, ExternType]:
    return {name: type_ for name, type_ in exports.items() if name not in names}


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("name", REVISIONS)
def test_what_a_document_names_is_without_defect(name: str, profile: Profile) -> None:
    revision = revision_named(name)
    assert defects(conforming(revision), revision, profile) == []


def _required(names: Iterable[tuple[str, str]]) -> list[object]:
    return [pytest.param(revision, export, id=f"{revision}-{export}") for revision, export in names]


IN_ALL = ("memory", "get_name", "cleanup", "pre_hook", "post_hook")
STRICTLY_REQUIRED = [
    *((name, export) for name in REVISIONS for export in IN_ALL),
    *((name, export) for name in ("r1", "r1b", "r2") for export in ("malloc", "free", "init")),
    ("r0", "plugin_malloc"),
    ("r0", "http_transport_intercept"),
    ("r1", "http_intercept"),
    ("r1b", "http_intercept"),
    ("r1b", "http_stream_chunk_hook"),
    ("r2", "http_pre_hook"),
    ("r2", "http_post_hook"),
    ("r2", "http_stream_chunk_hook"),
]


@pytest.mark.parametrize(("name", "export"), _required(STRICTLY_REQUIRED))
def test_strict_misses_each_export_that_the_document_requires(name: str, export: str) -> None:
    revision = revision_named(name)
    assert defects(without(conforming(revision), export), revision, Profile.STRICT) == [f"missing {export}"]


@pytest.mark.parametrize(("name", "export"), _required([("r0", "init"), ("r0", "plugin_free")]))
def test_strict_does_without_what_the_document_calls_optional(name: str, export: str) -> None:
    revision = revision_named(name)
    assert defects(without(conforming(revision), export), revision, Profile.STRICT) == []


def test_r0_takes_the_other_name_of_the_allocator() -> None:
    exports = without(conforming(R0), "plugin_malloc", "plugin_free") | {"malloc": MALLOC, "free": FREE}
    assert defects(exports, R0, Profile.STRICT) == []


def test_r2_wants_malloc_and_free_by_these_names() -> None:
    exports = without(conforming(R2), "malloc", "free") | {"plugin_malloc": MALLOC, "plugin_free": FREE}
    assert defects(exports, R2, Profile.STRICT) == ["missing malloc", "missing free"]
    assert defects(exports, R2, Profile.LENIENT) == []


LEAST: dict[str, ExternType] = {"memory": MEMORY, "malloc": MALLOC, "get_name": FuncType((), (I64,))}
HOOK_NAMES = [
    pytest.param(name, hook_.name, id=f"{name}-{hook_.name}") for name in REVISIONS for hook_ in REVISIONS[name].hooks
]


@pytest.mark.parametrize(("name", "export"), HOOK_NAMES)
def test_lenient_does_with_any_one_hook(name: str, export: str) -> None:
    revision = revision_named(name)
    assert defects({**LEAST, export: revision.types()[export][0]}, revision, Profile.LENIENT) == []


@pytest.mark.parametrize(
    ("exports", "told"),
    [
        pytest.param(without(LEAST, "memory"), ["missing memory"], id="memory"),
        pytest.param(without(LEAST, "malloc"), ["missing malloc"], id="allocator"),
        pytest.param(without(LEAST, "get_name"), ["missing get_name"], id="get_name"),
        pytest.param({}, ["missing memory", "missing malloc", "missing get_name"], id="all"),
    ],
)
def test_lenient_misses_what_no_plugin_can_do_without(exports: Mapping[str, ExternType], told: list[str]) -> None:
    assert defects({**exports, "pre_hook": hook()}, R2, Profile.LENIENT) == told


@pytest.mark.parametrize(
    ("revision", "exports", "told"),
    [
        pytest.param(R2, {}, ["missing http_pre_hook"], id="no-hook"),
        pytest.param(R2, {"http_intercept": hook()}, ["missing http_pre_hook"], id="only-a-hook-of-another-revision"),
        pytest.param(R1, {"http_pre_hook": hook()}, ["missing http_intercept"], id="r1-with-a-hook-of-r2"),
    ],
)
def test_lenient_misses_a_hook_of_the_revision(
    revision: Revision, exports: Mapping[str, ExternType], told: list[str]
) -> None:
    assert defects({**LEAST, **exports}, revision, Profile.LENIENT) == told


MISTYPED = [
    pytest.param(R2, "memory", GLOBAL, id="memory-is-a-global"),
    pytest.param(R2, "memory", hook(), id="memory-is-a-function"),
    pytest.param(R2, "malloc", FuncType((I64,), (I32,)), id="malloc-takes-i64"),
    pytest.param(R2, "malloc", FuncType((I32,), (I64,)), id="malloc-answers-i64"),
    pytest.param(R2, "malloc", GLOBAL, id="malloc-is-a-global"),
    pytest.param(R2, "free", THREE, id="free-takes-three"),
    pytest.param(R2, "free", FuncType(), id="free-takes-none"),
    pytest.param(R2, "free", NO_FREE_RESULT, id="free-answers"),
    pytest.param(R2, "free", FuncType((I32, I64)), id="free-takes-a-size-of-i64"),
    pytest.param(R2, "get_name", FuncType((), (I32,)), id="get_name-answers-i32"),
    pytest.param(R2, "get_name", FuncType((I32,), (I64,)), id="get_name-takes-one"),
    pytest.param(R2, "init", FuncType((I32, I32), (I64,)), id="init-answers-i64"),
    pytest.param(R2, "init", FuncType((), (I32,)), id="init-takes-none"),
    pytest.param(R2, "init", FuncType((I32, I32)), id="init-answers-nothing"),
    pytest.param(R2, "cleanup", FuncType(), id="cleanup-answers-nothing"),
    pytest.param(R2, "http_pre_hook", FuncType((I32, I32), (I32,)), id="http_pre_hook-answers-i32"),
    pytest.param(R2, "http_post_hook", hook(4), id="http_post_hook-takes-four"),
    pytest.param(R2, "http_stream_chunk_hook", FuncType((I32, I32), (I64, I64)), id="stream-hook-answers-two"),
    pytest.param(R2, "pre_hook", hook(4), id="pre_hook-of-r0"),
    pytest.param(R2, "post_hook", FuncType((I32, I32), (I32,)), id="post_hook-answers-i32"),
    pytest.param(R1, "http_intercept", hook(4), id="http_intercept-takes-four"),
    pytest.param(R0, "http_transport_intercept", hook(2), id="http_transport_intercept-takes-two"),
    pytest.param(R0, "post_hook", hook(4), id="r0-post_hook-takes-four"),
    pytest.param(R0, "plugin_malloc", hook(1), id="plugin_malloc-answers-i64"),
    pytest.param(R0, "plugin_free", THREE, id="plugin_free-takes-three"),
    pytest.param(R0, "init", hook(2), id="r0-init-answers-i64"),
    pytest.param(R2, "_initialize", FuncType((I32,)), id="_initialize-takes-one"),
    pytest.param(R2, "_start", FuncType((), (I32,)), id="_start-answers"),
]


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize(("revision", "export", "type_"), MISTYPED)
def test_mistyped_export_is_a_defect_in_every_profile(
    revision: Revision, export: str, type_: ExternType, profile: Profile
) -> None:
    assert defects({**conforming(revision), export: type_}, revision, profile) == [f"mistyped {export}"]


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        pytest.param({"plugin_malloc": hook(1)}, ["mistyped plugin_malloc"], id="allocator"),
        pytest.param({"plugin_malloc": MALLOC, "plugin_free": THREE}, ["mistyped plugin_free"], id="free"),
        pytest.param({"plugin_free": THREE}, [], id="free-of-a-pair-that-is-not-used"),
    ],
)
def test_pair_that_a_host_uses_is_well_typed_in_every_revision(
    extra: Mapping[str, ExternType], told: list[str]
) -> None:
    assert defects({**conforming(R2), **extra}, R2, Profile.STRICT) == told


def test_defect_tells_what_was_expected_and_found() -> None:
    (defect,) = export_defects(summary({**conforming(R2), "free": THREE}), R2, Profile.STRICT)
    assert str(defect) == "export free has type (i32, i32, i32) -> (), expected (i32) -> () or (i32, i32) -> ()"


def test_exports_that_no_document_names_are_nobodys_business() -> None:
    extra: dict[str, ExternType] = {
        "plugin_reset": FuncType(),
        "calloc": hook(),
        "__heap_base": GLOBAL,
        "init2": MEMORY,
    }
    assert defects({**conforming(R2), **extra}, R2, Profile.STRICT) == []


def test_hooks_that_can_be_called_are_those_of_the_right_type() -> None:
    exports = {**conforming(R2), "pre_hook": hook(4), "post_hook": GLOBAL, "http_intercept": hook()}
    assert well_typed_hooks(summary(exports), R2) == {"http_pre_hook", "http_post_hook", "http_stream_chunk_hook"}


PAIRS = [
    pytest.param({"malloc": MALLOC, "free": FREE}, ("malloc", "free", False), id="libc"),
    pytest.param({"malloc": MALLOC, "free": FREE_SIZED}, ("malloc", "free", True), id="libc-with-size"),
    pytest.param(
        {"plugin_malloc": MALLOC, "plugin_free": FREE, "malloc": MALLOC, "free": FREE_SIZED},
        ("plugin_malloc", "plugin_free", False),
        id="own-pair-wins",
    ),
    pytest.param(
        {"plugin_malloc": MALLOC, "malloc": MALLOC, "free": FREE}, ("plugin_malloc", None, False), id="not-mixed"
    ),
    pytest.param({"malloc": MALLOC, "plugin_free": FREE}, ("malloc", None, False), id="not-mixed-either"),
    pytest.param({"malloc": MALLOC}, ("malloc", None, False), id="no-free"),
    pytest.param({"malloc": MALLOC, "free": THREE}, ("malloc", None, False), id="mistyped-free"),
    pytest.param({"malloc": GLOBAL, "free": FREE}, None, id="mistyped-allocator"),
    pytest.param({"free": FREE}, None, id="no-allocator"),
]


@pytest.mark.parametrize(("exports", "pair"), PAIRS)
def test_pair_is_chosen_by_name_and_type(
    exports: Mapping[str, ExternType], pair: tuple[str, str | None, bool] | None
) -> None:
    expected = None if pair is None else AllocatorPair(*pair)
    assert choose_pair(summary(exports).exports) == expected


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        pytest.param(AllocatorPair("malloc", "free", False), "malloc, free(ptr)", id="pointer"),
        pytest.param(AllocatorPair("malloc", "free", True), "malloc, free(ptr, size)", id="pointer-and-size"),
        pytest.param(AllocatorPair("malloc", None, False), "malloc, nothing to free with", id="no-free"),
    ],
)
def test_pair_is_told_in_words(pair: AllocatorPair, text: str) -> None:
    assert str(pair) == text
