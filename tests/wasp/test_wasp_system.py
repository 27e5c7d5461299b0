"""wasp for commands that know no system by name: recognise, tell facts, call one function once."""

from __future__ import annotations

import pytest
from wasp_guests import (
    COPY,
    ECHO,
    RAISE,
    REAL_HOST,
    STATIC,
    Guest,
    Loader,
    binary,
    every_engine,
    function,
    one_engine,
    static,
)

from reference_host.abi.interface import Given, HookAnswer, Json, ModuleSummary, System
from reference_host.abi.wasp import SYSTEM
from reference_host.engine.binary import read_module
from reference_host.engine.interface import Limits
from reference_host.errors import (
    ArgumentMismatch,
    CallFailed,
    FunctionNotFound,
    GuestError,
    NotAModule,
    UnknownRevision,
    UsageError,
)

SUM = '(func (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))'


def summary(wat: str) -> ModuleSummary:
    info = read_module(binary(wat))
    return ModuleSummary(info.imports, info.exports)


def call(load: Loader, guest: Guest, name: str, document: Json, functions: str = "", **more: object) -> HookAnswer:
    given = Given(functions=functions.encode() or None, config=more.pop("config", None))  # type: ignore[arg-type]
    return SYSTEM.call(load.engine, binary(guest.wat), name, document, given=given, **more)  # type: ignore[arg-type]


# -- recognising ----------------------------------------------------------------------------------

ALLOCATE = '(func (export "allocate") (param i32) (result i32) (i32.const 0))'
DEALLOCATE = '(func (export "deallocate") (param i32))'
GET_SIZE = '(func (export "get_string_size"))'

MODULES = [
    pytest.param(ALLOCATE + DEALLOCATE, "exports allocate and deallocate", id="deallocate-of-whatever-type"),
    pytest.param(ALLOCATE + GET_SIZE, "exports allocate and get_string_size", id="get_string_size"),
    pytest.param(ALLOCATE + GET_SIZE + DEALLOCATE, "exports allocate and deallocate and get_string_size", id="both"),
    pytest.param(RAISE, "imports env.raise_error", id="raise-error"),
]


def test_the_system_has_a_name_and_one_revision() -> None:
    system: System = SYSTEM
    assert (system.name, tuple(system.revisions), tuple(system.shapes)) == ("wasp", ("0.0.8",), ())


@pytest.mark.parametrize(("fields", "reason"), MODULES)
def test_modules_are_recognised_by_what_marks_them(fields: str, reason: str) -> None:
    found = SYSTEM.detect(summary(f"(module {fields})"))
    assert found is not None
    assert (found.system, found.revision, found.reason, found.warnings) == ("wasp", "0.0.8", reason, ())


WEAK = [
    pytest.param(SUM, True, id="a-function"),
    pytest.param(ALLOCATE, True, id="allocate-alone"),
    pytest.param(GET_SIZE + DEALLOCATE, True, id="companions-alone"),
    pytest.param(
        '(func (export "allocate") (param i64) (result i64) (i64.const 0))' + DEALLOCATE, True, id="another-allocate"
    ),
    pytest.param('(memory (export "memory") 1)', False, id="no-function"),
    pytest.param("", False, id="nothing"),
]


@pytest.mark.parametrize(("fields", "by_name"), WEAK)
def test_what_has_no_mark_is_recognised_by_name_at_most(fields: str, by_name: bool) -> None:
    module = summary(f"(module {fields})")
    assert SYSTEM.detect(module) is None
    assert (SYSTEM.detect(module, named=True) is not None) is by_name


# -- facts ----------------------------------------------------------------------------------------


def test_what_can_be_called_is_what_the_module_exports() -> None:
    module = summary(Guest(ECHO + SUM, starts=("_start", "_initialize")).wat)
    assert SYSTEM.hooks("0.0.8", module) == ("run", "sum")
    with pytest.raises(UnknownRevision, match=r"wasp has no revision '1', it has: 0\.0\.8"):
        SYSTEM.hooks("1", module)


def test_facts_of_a_whole_plugin() -> None:
    callback = '(import "env" "call_me" (func (param i32) (result i32)))'
    assert SYSTEM.facts(summary(Guest(ECHO, REAL_HOST + RAISE + callback, starts=("_start",)).wat), "0.0.8") == {
        "strings in": "allocate",
        "strings out": "get_string_size",
        "given back": "deallocate",
        "start-up": "_start",
        "callbacks": "env.call_me (i32) -> i32",
        "functions": "run",
        "real wasp host": "takes it",
    }


def test_facts_of_nearly_nothing() -> None:
    assert SYSTEM.facts(summary(f'(module (import "a" "b" (memory 1)) {SUM})'), "0.0.8") == {
        "strings in": "the module exports no memory",
        "strings out": "the module exports no memory",
        "given back": "never: the module exports no deallocate of two i32",
        "start-up": "none exported",
        "callbacks": "a.b memory of 1 pages",
        "functions": "sum",
        "real wasp host": "needs a WASI import; needs an exported memory",
    }


# -- a call ---------------------------------------------------------------------------------------

COPY_FUNCTIONS = """
[functions.copy_string]
parameters = ["string"]
result = "string"
[functions.copy_bytes]
parameters = ["bytes"]
result = "bytes"
"""


@every_engine
@pytest.mark.parametrize(
    ("name", "document", "decoded"),
    [
        pytest.param("copy_string", ["Nic é"], "Nic é", id="string"),
        pytest.param("copy_bytes", [[1, 2, 255]], [1, 2, 255], id="bytes"),
    ],
)
def test_a_file_of_functions_says_what_a_result_is(load: Loader, name: str, document: Json, decoded: Json) -> None:
    answer = call(load, Guest(COPY, REAL_HOST), name, document, COPY_FUNCTIONS)
    assert (answer.hook, answer.decoded, answer.warnings) == (name, decoded, ())
    assert isinstance(answer.raw, int)


RESULTS = [
    pytest.param("i32", "-1", 2**32 - 1, -1, id="i32"),
    pytest.param("i64", "-1", 2**64 - 1, 2**64 - 1, id="i64"),
    pytest.param("f64", "0.5", 0.5, 0.5, id="f64"),
]


@one_engine
@pytest.mark.parametrize(("type_", "value", "raw", "decoded"), RESULTS)
@pytest.mark.parametrize("described", [pytest.param(True, id="described"), pytest.param(False, id="unknown")])
def test_numbers(load: Loader, type_: str, value: str, raw: float, decoded: float, described: bool) -> None:
    guest = Guest(function(f"({type_}.const {value})", result=type_), REAL_HOST)
    answer = call(load, guest, "run", [], f'[functions.run]\nresult = "{type_}"' if described else "")
    assert (answer.raw, answer.decoded) == (raw, decoded)
    assert bool(answer.warnings) is not described


@every_engine
def test_without_a_file_results_are_numbers(load: Loader) -> None:
    answer = call(load, Guest(SUM, REAL_HOST), "sum", [3, 2])
    assert (answer.decoded, answer.raw) == (5, 5)
    assert answer.warnings == ("--functions says nothing of sum: its result is shown as a number",)
    assert call(load, Guest(function("", "i32 i32"), REAL_HOST), "run", ["x", [1, 2]]).warnings == ()


@every_engine
def test_callbacks_answer_as_the_file_says(load: Loader) -> None:
    functions = """
[functions.run]
result = "string"
[callbacks."env.call_me"]
parameters = ["string"]
result = "string"
answers = "Hello {0}"
"""
    imports = '(import "env" "call_me" (func $me (param i32) (result i32)))'
    guest = Guest(static(b"Nic\0") + function(f"(call $me (i32.const {STATIC}))", result="i32"), REAL_HOST + imports)
    answer = call(load, guest, "run", [], functions)
    assert answer.decoded == "Hello Nic"
    assert answer.warnings == ("static: the callback-argument at 0x1000 is not given back: it lies in static data",)
    with pytest.raises(UsageError, match=r"\[callbacks\.\"env\.call_me\"\]"):
        call(load, guest, "run", [])


WARNINGS = [
    pytest.param(Guest(COPY), "wasp-real-host: needs a WASI import", id="real-host"),
    pytest.param(
        Guest(COPY, REAL_HOST, deallocate=None),
        "no-deallocate: the input at 0x8000 is not given back: the plugin exports no deallocate",
        id="no-deallocate",
    ),
    pytest.param(
        Guest(COPY, REAL_HOST, deallocate="unreachable"),
        "free-failed: the input at 0x8000: deallocate(0x8000, 4) trapped: unreachable",
        id="deallocate-traps",
    ),
    pytest.param(
        Guest(COPY, REAL_HOST, get_string_size="(i32.add (call $strlen (local.get $p0)) (i32.const 1))"),
        "counts-terminator: the result at 0x8008 has a NUL at its end: get_string_size counts the terminator",
        id="size-counts-the-terminator",
    ),
]


@one_engine
@pytest.mark.parametrize(("guest", "warning"), WARNINGS)
def test_what_is_odd_is_a_warning(load: Loader, guest: Guest, warning: str) -> None:
    assert warning in call(load, guest, "copy_string", ["Nic"], COPY_FUNCTIONS).warnings


@one_engine
def test_what_a_plugin_prints_and_is_given(load: Loader) -> None:
    imports = """
(import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
"""
    prints = """(drop (call $get (i32.const 40000) (i32.const 41000)))
      (i32.store (i32.const 42000) (i32.const 41000)) (i32.store (i32.const 42004) (i32.const 5))
      (drop (call $write (local.get $p0) (i32.const 42000) (i32.const 1) (i32.const 42008)))"""
    guest = Guest(function(prints, "i32"), imports)
    answer = call(load, guest, "run", [1], config=b'{"NAME": "Nic"}')
    assert (answer.stdout, answer.stderr, answer.raw, answer.decoded) == ("NAME=", "", None, None)
    assert call(load, guest, "run", [2], config=b'{"NAME": "Nic"}').stderr == "NAME="


REFUSED = [
    pytest.param({}, "the input of run is a JSON array of its arguments, got another JSON value", id="object"),
    pytest.param([True], "argument 1: expected a text, a number, or bytes as a list of integers, got True", id="true"),
    pytest.param([None], "argument 1: expected a text, a number, or bytes as a list of integers, got None", id="null"),
    pytest.param([[256]], "argument 1: expected bytes: a list of integers from 0 to 255, got [256]", id="no-byte"),
]


@one_engine
@pytest.mark.parametrize(("document", "complaint"), REFUSED)
def test_what_no_function_can_be_sent(load: Loader, document: Json, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        call(load, Guest(ECHO), "run", document)
    assert str(caught.value) == complaint


@one_engine
def test_what_the_file_says_of_arguments_holds(load: Loader) -> None:
    with pytest.raises(UsageError, match=r"^copy_string takes 1 arguments, the input has 0$"):
        call(load, Guest(COPY), "copy_string", [], COPY_FUNCTIONS)
    with pytest.raises(UsageError, match=r"^argument 1: expected a value of type string, got 1$"):
        call(load, Guest(COPY), "copy_string", [1], COPY_FUNCTIONS)
    with pytest.raises(ArgumentMismatch):
        call(load, Guest(COPY), "copy_string", [])


GIVEN = [
    pytest.param(Given(config=b"[]"), "JSON object of environment variables", id="no-object"),
    pytest.param(Given(config=b'{"A": 1}'), "each a text", id="no-text"),
    pytest.param(Given(config=b"{"), "the configuration is no JSON text in UTF-8", id="no-json"),
    pytest.param(Given(functions=b"x"), "the functions file is no TOML text in UTF-8", id="no-toml"),
    pytest.param(Given(functions=b"[functions.f]\nresult = 1"), "result: expected one of", id="mistake"),
]


@pytest.mark.parametrize(("given", "complaint"), GIVEN)
def test_files_with_mistakes_are_refused_before_anything_runs(given: Given, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        SYSTEM.check(given)


def test_good_files_are_taken() -> None:
    SYSTEM.check(Given())
    SYSTEM.check(Given(config=b'{"A": "b"}', functions=COPY_FUNCTIONS.encode()))


@every_engine
def test_what_goes_wrong_is_raised(load: Loader) -> None:
    oops = Guest(static(b"Oops\0") + function(f"(call $raise (i32.const {STATIC}))"), RAISE)
    with pytest.raises(GuestError, match=r"^Oops$"):
        call(load, oops, "run", [])
    with pytest.raises(FunctionNotFound):
        call(load, oops, "walk", [])
    with pytest.raises(CallFailed):
        call(load, Guest(function("(loop $more (br $more))")), "run", [], limits=Limits(fuel=10_000))
    with pytest.raises(NotAModule):
        SYSTEM.call(load.engine, b"text", "run", [])
