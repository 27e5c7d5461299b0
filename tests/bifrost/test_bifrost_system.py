"""Bifrost for commands that know no system by name: recognise, tell facts, call one hook once."""

from __future__ import annotations

import pytest
from bifrost_guests import PRINTING, Guest, Loader, binary, every_engine, packed, printing
from bifrost_sections import I32, MEMORY, conforming, hook, summary

from reference_host.abi.bifrost import SYSTEM
from reference_host.abi.bifrost.revisions import R0, R2
from reference_host.abi.interface import Given, HookAnswer, Json, ModuleSummary, System
from reference_host.engine.interface import ExternType, FuncType, Limits
from reference_host.errors import (
    HookError,
    InitRefused,
    MissingExport,
    NotAModule,
    UnknownHook,
    UnknownRevision,
    UnresolvedImport,
    UsageError,
)

EMPTY = ModuleSummary((), ())
PRE_INPUT: Json = {"context": {"request_id": "r-7"}, "request": {"model": "m"}}
ENDLESS = "(loop $again (br $again)) unreachable"


def call(load: Loader, guest: Guest, hook: str = "pre_hook", document: Json = PRE_INPUT, **more: object) -> HookAnswer:
    return SYSTEM.call(load.engine, binary(guest.wat), hook, document, **more)  # type: ignore[arg-type]


# -- facts ----------------------------------------------------------------------------------------


def test_system_has_a_name_and_revisions_in_order() -> None:
    system: System = SYSTEM
    assert (system.name, tuple(system.revisions)) == ("bifrost", ("r0", "r1", "r1b", "r2"))


def test_system_recognises_modules() -> None:
    found = SYSTEM.detect(summary(conforming(R2)))
    assert found is not None
    assert (found.system, found.revision) == ("bifrost", "r2")
    assert SYSTEM.detect(summary({"memory": MEMORY})) is None


def test_hooks_are_in_the_order_of_the_document() -> None:
    assert SYSTEM.hooks("r0", EMPTY) == ("http_transport_intercept", "pre_hook", "post_hook")
    assert SYSTEM.hooks("r1b", EMPTY) == ("http_intercept", "http_stream_chunk_hook", "pre_hook", "post_hook")
    with pytest.raises(UnknownRevision):
        SYSTEM.hooks("r3", EMPTY)


START = FuncType()
FACTS = [
    pytest.param(conforming(R2), "r2", ("malloc, free(ptr)", "none exported", "none"), id="r2"),
    pytest.param(conforming(R0), "r0", ("plugin_malloc, plugin_free(ptr)", "none exported", "none"), id="r0"),
    pytest.param(
        {**conforming(R2), "free": FuncType((I32, I32)), "_start": START, "_initialize": START},
        "r2",
        ("malloc, free(ptr, size)", "_initialize", "none"),
        id="size-and-both-starts",
    ),
    pytest.param(
        {"pre_hook": hook(), "_start": START},
        "r2",
        ("none", "_start", "http_pre_hook, http_post_hook, http_stream_chunk_hook, post_hook"),
        id="nearly-nothing",
    ),
]


@pytest.mark.parametrize(("exports", "revision", "facts"), FACTS)
def test_facts(exports: dict[str, ExternType], revision: str, facts: tuple[str, str, str]) -> None:
    told = SYSTEM.facts(summary(exports), revision)
    assert (told["allocator"], told["start-up"], told["missing hooks"]) == facts


# -- a call ---------------------------------------------------------------------------------------


@every_engine
def test_call_answers_what_the_hook_answered(load: Loader) -> None:
    guest = Guest(answers={"pre_hook": '{"context":{"seen":true}}'})
    address, length = guest.places["pre_hook"]
    answer = call(load, guest)
    assert answer == HookAnswer("pre_hook", {"context": {"seen": True}}, address << 32 | length)


@every_engine
def test_call_of_r0_takes_an_object_with_a_member_for_each_document(load: Loader) -> None:
    echo_error = """
    (i64.or (i64.shl (i64.extend_i32_u (local.get $p4)) (i64.const 32)) (i64.extend_i32_u (local.get $p5)))
    """
    guest = Guest("r0", malloc="plugin_malloc", free_name="plugin_free", bodies={"post_hook": echo_error})
    document = {"error": {"bifrost_error": None}, "context": {}, "response": None}
    assert call(load, guest, "post_hook", document).decoded == {"bifrost_error": None}


@every_engine
def test_post_hook_is_judged_by_the_input_that_it_was_given(load: Loader) -> None:
    document = {"context": {}, "response": None, "error": {"error": {"message": "m"}}, "has_error": True}
    assert call(load, Guest(), "post_hook", document).warnings == ("error-flag-dropped: has_error: false",)
    assert call(load, Guest(), "post_hook", {**document, "error": {}, "has_error": False}).warnings == ()


@every_engine
def test_config_reaches_init(load: Loader) -> None:
    refuses = "(i32.eqz (local.get $p1))"
    assert call(load, Guest(bodies={"init": refuses}), given=Given(config=b"{}")).warnings == ()
    with pytest.raises(InitRefused, match=r"^init answered 1, expected 0$"):
        call(load, Guest(bodies={"init": refuses}))


@every_engine
def test_what_was_printed_comes_along(load: Loader) -> None:
    bodies = {
        "init": f"{printing('i')} (i32.const 0)",
        "pre_hook": f"{printing('h')} {printing('e', 2)} {packed(0, 0)}",
        "cleanup": f"{printing('c')} (i32.const 0)",
    }
    answer = call(load, Guest(imports=PRINTING, bodies=bodies))
    assert (answer.stdout, answer.stderr) == ("ihc", "e")


WARNINGS = [
    pytest.param({"pre_hook": packed(0, 0)}, "", ("empty-result: the hook answered nothing",), id="empty"),
    pytest.param(
        {},
        '{"has_short_circuit":true}',
        ("flag-without-value: short_circuit: expected a value, because has_short_circuit is true, got null",),
        id="failure",
    ),
    pytest.param(
        {},
        '{"error":"a","error":"b","short_circuit":{}}',
        (
            "duplicate-key: 'error' stands more than once, the last one wins",
            "value-without-flag: short_circuit: an object",
        ),
        id="notes",
    ),
    pytest.param({"cleanup": "(i32.const -2)"}, "{}", ("cleanup answered -2, expected 0",), id="cleanup-status"),
    pytest.param({"cleanup": "unreachable"}, "{}", ("cleanup: trap: cleanup trapped: unreachable",), id="cleanup-trap"),
]


@every_engine
@pytest.mark.parametrize(("bodies", "answer", "warnings"), WARNINGS)
def test_what_was_odd_comes_along(load: Loader, bodies: dict[str, str], answer: str, warnings: tuple[str, ...]) -> None:
    assert call(load, Guest(bodies=bodies, answers={"pre_hook": answer})).warnings == warnings


@every_engine
def test_call_is_lenient(load: Loader) -> None:
    lacking = Guest(free=None, without=frozenset({"http_pre_hook", "post_hook", "cleanup", "init"}))
    assert call(load, lacking).warnings == ()


@every_engine
def test_revision_can_be_told(load: Loader) -> None:
    mixed = Guest("r1", extra='(func (export "http_pre_hook") (param i32 i32) (result i64) unreachable)')
    with pytest.raises(UnknownHook):
        call(load, mixed, "http_intercept")
    assert call(load, mixed, "http_intercept", revision="r1").warnings == ()


# -- what goes wrong is one clear sentence --------------------------------------------------------

R0_GUEST = Guest("r0", malloc="plugin_malloc", free_name="plugin_free")
USAGE = [
    pytest.param(Guest(), "pre_hook", [], "the input of pre_hook is a JSON object, got another JSON value", id="array"),
    pytest.param(
        Guest(), "pre_hook", None, "the input of pre_hook is a JSON object, got another JSON value", id="null"
    ),
    pytest.param(
        Guest(),
        "http_intercept",
        PRE_INPUT,
        "bifrost r2 has no hook 'http_intercept': it has http_pre_hook, http_post_hook, http_stream_chunk_hook, "
        "pre_hook, post_hook",
        id="hook-of-another-revision",
    ),
    pytest.param(
        Guest(without=frozenset({"http_post_hook"})),
        "http_post_hook",
        {},
        "the plugin exports no http_post_hook of the type that r2 gives it",
        id="hook-that-is-missing",
    ),
    pytest.param(
        R0_GUEST,
        "post_hook",
        {"context": {}},
        "the input of post_hook is one JSON object with a member for each document (context, response, error); "
        "missing: response, error",
        id="documents-that-are-missing",
    ),
    pytest.param(
        Guest(),
        "pre_hook",
        {"context": "\ud800"},
        "a value cannot be sent as JSON: 'utf-8' codec can't encode character '\\ud800' in position 12: surrogates "
        "not allowed",
        id="half-of-a-surrogate-pair",
    ),
    pytest.param(
        Guest(),
        "pre_hook",
        {"context": float("nan")},
        "a value cannot be sent as JSON: Out of range float values are not JSON compliant",
        id="nan",
    ),
]


@every_engine
@pytest.mark.parametrize(("guest", "hook", "document", "message"), USAGE)
def test_usage_error(load: Loader, guest: Guest, hook: str, document: Json, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        call(load, guest, hook, document)
    assert str(caught.value).startswith(message)


@every_engine
def test_unknown_revision(load: Loader) -> None:
    with pytest.raises(UnknownRevision, match=r"^bifrost has no revision 'r9'"):
        call(load, Guest(), revision="r9")


@every_engine
def test_bytes_that_are_no_module(load: Loader) -> None:
    with pytest.raises(NotAModule):
        SYSTEM.call(load.engine, b"(module)", "pre_hook", PRE_INPUT)


LOAD = [
    pytest.param(Guest(without=frozenset({"get_name"})), MissingExport, "export get_name is missing", id="export"),
    pytest.param(
        Guest(imports='(import "env" "log" (func (param i32)))'),
        UnresolvedImport,
        "import env.log (i32) -> (): nobody provides it",
        id="import",
    ),
    pytest.param(Guest(bodies={"init": "(i32.const -1)"}), InitRefused, "init answered -1, expected 0", id="init"),
]


@every_engine
@pytest.mark.parametrize(("guest", "error", "message"), LOAD)
def test_load_error(load: Loader, guest: Guest, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call(load, guest)
    assert str(caught.value) == message


HOOK = [
    pytest.param({"pre_hook": "unreachable"}, "pre_hook: trap: pre_hook trapped: unreachable", id="trap"),
    pytest.param({"pre_hook": ENDLESS}, "pre_hook: trap: pre_hook trapped: fuel-exhausted", id="endless"),
    pytest.param({"malloc": "(i32.const -1)"}, "pre_hook: alloc-failed: malloc(56) answered 0xffffffff", id="malloc"),
    pytest.param({"pre_hook": packed(131_072, 1)}, "pre_hook: result-out-of-bounds: pointer 0x20000", id="outside"),
    pytest.param({"pre_hook": packed(64, 1)}, "pre_hook: bad-json: ", id="no-json"),
]


@every_engine
@pytest.mark.parametrize(("bodies", "message"), HOOK)
def test_hook_error(load: Loader, bodies: dict[str, str], message: str) -> None:
    with pytest.raises(HookError) as caught:
        call(load, Guest(bodies=bodies), limits=Limits(fuel=100_000))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
