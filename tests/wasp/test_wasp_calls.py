"""Calls: what can be called with what, errors of the guest's, traps, and what becomes of an instance."""

from __future__ import annotations

import gc
import weakref

import pytest
from wasp_guests import (
    ALLOCATE,
    COPY,
    ECHO,
    HEAP,
    RAISE,
    REAL_HOST,
    STATIC,
    Guest,
    Loader,
    every_engine,
    function,
    journal,
    one_engine,
    static,
)

from reference_host.abi.buffers import Witness
from reference_host.abi.wasp import Profile, Type, Value
from reference_host.abi.wasp.events import Buffer, ErrorRaised, Oddity, OddText, Owner, Stage
from reference_host.engine.interface import Limits
from reference_host.errors import (
    ArgumentMismatch,
    CallFailed,
    FunctionNotFound,
    GuestError,
    HookError,
    InstanceLost,
    TrapCode,
    UnsupportedResult,
    UsageError,
)

# -- functions ------------------------------------------------------------------------------------

ABSENT = [
    pytest.param(Guest(), "function run, does not exist in plugin: it exports no such name", id="absent"),
    pytest.param(
        Guest('(global (export "run") i32 (i32.const 1))'),
        "function run, does not exist in plugin: it exports a global i32 of that name",
        id="a-global",
    ),
]


@every_engine
@pytest.mark.parametrize(("guest", "text"), ABSENT)
def test_a_function_that_is_not_there(load: Loader, guest: Guest, text: str) -> None:
    instance = load(guest)
    with pytest.raises(FunctionNotFound) as caught:
        instance.call_function("run", "Nic")
    assert str(caught.value) == text
    assert journal(instance) == []
    assert instance.alive


@every_engine
def test_any_export_can_be_called(load: Loader) -> None:
    instance = load(Guest(static(b"Nic\0")))
    assert instance.call_function("get_string_size", STATIC, returns=int) == 3


MISMATCHES = [
    pytest.param("i32", (), "it has type (i32) -> (), called with 0 arguments", id="too-few"),
    pytest.param("i32", (1, 2), "it has type (i32) -> (), called with 2 arguments", id="too-many"),
    pytest.param("i64", ("x",), "it has type (i64) -> (), argument 1 is of type str", id="string-for-an-i64"),
    pytest.param("i32 f64", (1, b"x"), "it has type (i32, f64) -> (), argument 2 is of type bytes", id="bytes-for-f64"),
    pytest.param("i32", (None,), "it has type (i32) -> (), argument 1 is of type NoneType", id="nothing"),
    pytest.param("i32", (1.5,), "1.5 is not a value of type i32", id="float-for-an-i32"),
    pytest.param("i32", (2**32,), "4294967296 is not a value of type i32", id="too-large"),
    pytest.param("i32", (-(2**31) - 1,), "-2147483649 is not a value of type i32", id="too-small"),
    pytest.param("i32", ("\ud800",), "'\\ud800' has a lone surrogate: it is no text", id="no-text"),
]


@every_engine
@pytest.mark.parametrize(("parameters", "arguments", "detail"), MISMATCHES)
def test_arguments_that_do_not_fit(load: Loader, parameters: str, arguments: tuple[Value, ...], detail: str) -> None:
    instance = load(Guest(function("", parameters)))
    with pytest.raises(ArgumentMismatch) as caught:
        instance.call_function("run", *arguments)
    assert caught.value.detail == detail
    assert journal(instance) == []
    assert instance.alive


@every_engine
def test_a_number_that_does_not_fit_gives_the_other_arguments_back(load: Loader) -> None:
    instance = load(Guest(function("", "i32 i32")))
    with pytest.raises(ArgumentMismatch):
        instance.call_function("run", "Nic", 2**32)
    assert journal(instance) == ["allocate(4)", f"deallocate({HEAP}, 4)"]


UNSUPPORTED = [
    pytest.param("", str, id="string-of-nothing"),
    pytest.param("", bytes, id="bytes-of-nothing"),
    pytest.param("", int, id="number-of-nothing"),
    pytest.param("i64", int, id="i64"),
    pytest.param("i64", str, id="string-of-an-i64"),
    pytest.param("f32", int, id="f32"),
    pytest.param("f64", bytes, id="bytes-of-an-f64"),
    pytest.param("i32 i32", int, id="two-results"),
]


@every_engine
@pytest.mark.parametrize(("result", "returns"), UNSUPPORTED)
def test_results_that_no_host_reads_are_refused_before_the_call(load: Loader, result: str, returns: type) -> None:
    values = "".join(f"({type_}.const 0)" for type_ in result.split())
    instance = load(Guest(function(values, "i32", result)))
    with pytest.raises(UnsupportedResult, match=r"^run: unsupported-result-type: it has type"):
        instance.call_function("run", "Nic", returns=returns)
    assert journal(instance) == []


@every_engine
def test_no_host_reads_an_i64(load: Loader) -> None:
    instance = load(Guest(function("(i64.const 7)", result="i64")))
    assert isinstance(instance.exchange("run", (), Type.I64).failure, UnsupportedResult)
    assert instance.exchange("run").raw == 7


@every_engine
def test_only_four_kinds_of_results_can_be_asked_for(load: Loader) -> None:
    with pytest.raises(UsageError, match="returns str, bytes, int or None"):
        load(Guest(ECHO)).call_function("run", 1, returns=float)


@every_engine
def test_the_real_host_looks_at_types_when_it_is_too_late(load: Loader) -> None:
    instance = load(Guest(function("(i64.const 7)", "i32", "i64"), REAL_HOST), profile=Profile.WASP_0_0_8)
    assert isinstance(instance.exchange("run", ["Nic"], Type.I32).failure, UnsupportedResult)
    assert journal(instance) == ["allocate(4)", f"function({HEAP})", f"deallocate({HEAP}, 4)"]
    assert isinstance(instance.exchange("run", ["Nic", 1]).failure, ArgumentMismatch)
    assert journal(instance)[3:] == ["allocate(4)", f"deallocate({HEAP + 8}, 4)"]


# -- errors of the guest's ------------------------------------------------------------------------

RAISING = static(b"Oops\0") + static(b"100%d\0", STATIC + 16)
FIRST, SECOND = f"(call $raise (i32.const {STATIC}))", f"(call $raise (i32.const {STATIC + 16}))"

ERRORS = [
    pytest.param(function(FIRST), ("Oops",), "Oops", id="once"),
    pytest.param(function(FIRST + SECOND), ("Oops", "100%d"), "100%d", id="the-last-call-wins"),
    pytest.param(function(SECOND + SECOND), ("100%d", "100%d"), "100%d", id="the-same-twice"),
    pytest.param(function(f"(call $raise (i32.const {STATIC + 4}))"), ("",), "", id="empty-text"),
]


@every_engine
@pytest.mark.parametrize(("body", "raised", "message"), ERRORS)
def test_an_error_is_its_text(load: Loader, body: str, raised: tuple[str, ...], message: str) -> None:
    instance = load(Guest(RAISING + body, RAISE))
    with pytest.raises(GuestError) as caught:
        instance.call_function("run")
    assert (str(caught.value), caught.value.message, caught.value.trap) == (message, message, None)
    assert instance.exchange("run").raised == raised
    assert instance.alive


RESULTS = [
    pytest.param("i32", "(i32.const 7)", Type.STRING, id="string"),
    pytest.param("i32", "(i32.const -1)", Type.BYTES, id="bytes-outside"),
    pytest.param("i32", "(i32.const 7)", Type.I32, id="number"),
    pytest.param("", "", Type.NONE, id="none"),
]


@every_engine
@pytest.mark.parametrize(("result", "value", "returns"), RESULTS)
def test_a_result_beside_an_error_is_not_read(load: Loader, result: str, value: str, returns: Type) -> None:
    instance = load(Guest(RAISING + function(FIRST + value, result=result), RAISE))
    exchange = instance.exchange("run", (), returns)
    assert isinstance(exchange.failure, GuestError)
    assert (exchange.failed_at, exchange.value, exchange.data) == (Stage.CALL, None, None)
    assert journal(instance)[2:] == []


@every_engine
def test_an_error_belongs_to_its_call(load: Loader) -> None:
    instance = load(Guest(RAISING + function(FIRST) + function("", name="well"), RAISE))
    assert isinstance(instance.exchange("run").failure, GuestError)
    assert instance.exchange("well").failure is None
    assert instance.events == ()


EARLY = [
    pytest.param(Guest(RAISING + function("", "i32"), RAISE, allocate=f"{FIRST} {ALLOCATE}"), ["Nic"], id="allocate"),
    pytest.param(Guest(RAISING + function(FIRST, "i32"), RAISE), [1], id="function"),
]


@every_engine
@pytest.mark.parametrize(("guest", "arguments"), EARLY)
def test_whoever_raises_before_the_function_is_done(load: Loader, guest: Guest, arguments: list[Value]) -> None:
    assert isinstance(load(guest).exchange("run", arguments).failure, GuestError)


@every_engine
def test_an_error_text_that_is_no_utf8_is_an_error_all_the_same(load: Loader) -> None:
    exchange = load(Guest(static(b"O\xffps\0") + function(FIRST), RAISE)).exchange("run")
    assert exchange.raised == ("O\ufffdps",)
    assert exchange.events[:2] == (
        OddText(STATIC, Owner.ERROR, Oddity.NOT_UTF8, b"O\xffps"),
        ErrorRaised(STATIC, "O\ufffdps"),
    )


@every_engine
def test_the_real_host_takes_an_error_text_for_a_format(load: Loader) -> None:
    instance = load(Guest(RAISING + function(SECOND), RAISE + REAL_HOST), profile=Profile.WASP_0_0_8)
    exchange = instance.exchange("run")
    assert (str(exchange.failure), exchange.raised) == ("100%!d(MISSING)", ("100%d",))


@every_engine
def test_an_error_text_that_cannot_be_read_aborts_the_guest(load: Loader) -> None:
    instance = load(Guest(function("(call $raise (i32.const -1))"), RAISE, get_string_size="(i32.const 9)"))
    exchange = instance.exchange("run")
    assert isinstance(exchange.failure, HookError)
    assert (exchange.failure.code, exchange.failed_at, exchange.lost) == ("out-of-bounds", Stage.CALL, True)


@every_engine
def test_an_error_raised_while_an_error_is_read_ends(load: Loader) -> None:
    guest = Guest(RAISING + function(FIRST), RAISE, get_string_size=f"{FIRST} (i32.const 4)")
    exchange = load(guest).exchange("run")
    assert exchange.lost
    assert exchange.failure is not None
    assert exchange.failure.trap is not None
    assert exchange.failure.trap.code is TrapCode.STACK_EXHAUSTED


# -- traps ----------------------------------------------------------------------------------------

TRAPS = [
    pytest.param("unreachable", TrapCode.UNREACHABLE, id="unreachable"),
    pytest.param("(drop (i32.load (i32.const -1)))", TrapCode.MEMORY_OUT_OF_BOUNDS, id="out-of-bounds"),
    pytest.param("(drop (i32.div_u (i32.const 1) (i32.const 0)))", TrapCode.DIVIDE_BY_ZERO, id="division"),
    pytest.param("(call $forever)", TrapCode.STACK_EXHAUSTED, id="recursion"),
    pytest.param("(loop $more (br $more))", TrapCode.FUEL_EXHAUSTED, id="endless-loop"),
]


@every_engine
@pytest.mark.parametrize(("body", "code"), TRAPS)
def test_a_trap_loses_the_instance(load: Loader, body: str, code: TrapCode) -> None:
    guest = Guest("(func $forever (call $forever))" + function(body) + ECHO.replace('"run"', '"echo"'))
    instance = load(guest, limits=Limits(fuel=1_000_000))
    with pytest.raises(CallFailed, match=r"^unable to call function: run trapped") as caught:
        instance.call_function("run")
    assert caught.value.trap is not None
    assert caught.value.trap.code is code
    assert not instance.alive
    with pytest.raises(InstanceLost):
        instance.call_function("echo", 1)


@one_engine
def test_a_deadline_ends_a_call(load: Loader) -> None:
    exchange = load(Guest(function("(loop $more (br $more))")), limits=Limits(deadline=0.02)).exchange("run")
    assert exchange.failure is not None
    assert exchange.failure.trap is not None
    assert exchange.failure.trap.code is TrapCode.DEADLINE


# -- instances ------------------------------------------------------------------------------------


@every_engine
def test_each_instance_has_its_own_memory(load: Loader) -> None:
    host = load.host()
    counter = """(global $n (mut i32) (i32.const 0))
      (func (export "next") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))"""
    host.register_plugin("counter", load.module(Guest(counter).wat))
    one, other = host.get_instance("counter"), host.get_instance("counter")
    assert [one.call_function("next", returns=int) for _ in range(3)] == [1, 2, 3]
    assert other.call_function("next", returns=int) == 1


@every_engine
def test_what_is_removed_cannot_be_called(load: Loader) -> None:
    instance = load(Guest(ECHO))
    instance.remove()
    assert not instance.alive
    exchange = instance.exchange("run", [1])
    assert isinstance(exchange.failure, InstanceLost)
    assert (exchange.lost, exchange.memory_size, exchange.events) == (True, None, ())
    instance.remove()


@one_engine
def test_an_instance_is_let_go_without_the_collector(load: Loader) -> None:
    gc.collect()
    gc.disable()
    try:
        guest = Guest(COPY + RAISING + function(FIRST), RAISE + REAL_HOST)
        instance = load(guest)
        instance.call_function("copy_string", "Nic", returns=str)
        instance.exchange("run")
        engine_instance = weakref.ref(instance.instance)
        del instance
        assert engine_instance() is None
    finally:
        gc.enable()


class _Watching(Witness):
    def __init__(self) -> None:
        self.seen: list[object] = []

    def placed(self, inputs: object) -> None:
        self.seen.append(inputs)

    def returned(self, inputs: object, result: object) -> None:
        self.seen.append((inputs, result))


@every_engine
def test_a_witness_looks_on_from_within(load: Loader) -> None:
    witness = _Watching()
    load(Guest(COPY)).exchange("copy_bytes", [b"abc"], Type.BYTES, witness=witness)
    inputs = (Buffer(HEAP, 7, 7),)
    assert witness.seen == [inputs, (inputs, Buffer(HEAP + 8, 7, 7))]
    witness.seen.clear()
    load(Guest(COPY)).exchange("copy_string", ["abc"], Type.STRING, witness=witness)
    assert witness.seen[-1] == ((Buffer(HEAP, 4, 4),), Buffer(HEAP + 8, 4, 4))
    load(Guest(ECHO)).exchange("run", [7], Type.I32, witness=witness)
    assert witness.seen.pop() == ((), None)
