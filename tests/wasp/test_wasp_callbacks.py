"""Functions of the host's that a guest calls: what they are given, what they answer, and how they fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wasp_guests import (
    ECHO,
    HEAP,
    REAL_HOST,
    STATIC,
    Guest,
    Loader,
    every_engine,
    function,
    given,
    journal,
    one_engine,
    static,
)

from reference_host.abi.wasp import Callbacks, HeapPolicy, Instance, PluginConfig, Profile, Signature, Type, Value
from reference_host.abi.wasp.events import Allocated, CallbackCalled, Freed, NotFreed, Owner, SpareReason
from reference_host.engine.interface import FuncType, Limits, ValueType
from reference_host.errors import (
    AllocationFailed,
    CallbackFailed,
    CallFailed,
    GuestError,
    HookError,
    StringSizeFailed,
    Trap,
    TrapCode,
    UnresolvedImport,
    UsageError,
    ValueOutOfBounds,
    ValueTooLong,
)

SIZE = 131_072
I32 = ValueType.I32


def importing(parameters: str, result: str = "") -> str:
    """The import `env.f`, as `$f`."""
    declared = f"(param {parameters})" if parameters else ""
    returned = f"(result {result})" if result else ""
    return f'(import "env" "f" (func $f {declared} {returned}))'


def calling(argument: bytes, result: str = "", *, more: str = "") -> Guest:
    """A guest that calls `env.f` with the address of static bytes, and answers what it answers."""
    body = function(f"(call $f (i32.const {STATIC}))", result=result)
    return Guest(static(argument) + body + more, importing("i32", result))


# -- values ---------------------------------------------------------------------------------------


def call_me(name: str) -> str:
    return f"Hello {name}"


def reverse(data: bytes) -> bytes:
    return data[::-1]


def negate(number: int) -> int:
    return -number


VALUES = [
    pytest.param(call_me, b"Nic\0", str, "Hello Nic", ("Nic",), id="string"),
    pytest.param(call_me, "é日本\0".encode(), str, "Hello é日本", ("é日本",), id="string-beyond-ascii"),
    pytest.param(call_me, b"\0", str, "Hello ", ("",), id="empty-string"),
    pytest.param(reverse, b"\3\0\0\0\1\2\3", bytes, b"\3\2\1", (b"\1\2\3",), id="bytes"),
    pytest.param(reverse, b"\0\0\0\0", bytes, b"", (b"",), id="empty-bytes"),
    pytest.param(negate, b"", int, -STATIC, (STATIC,), id="number"),
]


@every_engine
@pytest.mark.parametrize(("callback", "argument", "returns", "answer", "seen"), VALUES)
def test_values_go_both_ways(
    load: Loader, callback: Callable[..., Any], argument: bytes, returns: type, answer: Value, seen: tuple[Value, ...]
) -> None:
    instance = load(calling(argument, "i32"), given("f", callback))
    assert instance.call_function("run", returns=returns) == answer
    assert CallbackCalled("env", "f", seen, answer) in instance.events


@every_engine
def test_a_call_with_a_callback_in_its_order(load: Loader) -> None:
    instance = load(calling(b"Nic\0", "i32"), given("f", call_me))
    exchange = instance.exchange("run", (), Type.STRING)
    assert journal(instance) == [
        "function(0)",
        f"get_string_size({STATIC})",
        "allocate(10)",
        f"get_string_size({HEAP})",
        f"deallocate({HEAP}, 10)",
    ]
    kinds = [type(event) for event in exchange.events]
    assert kinds.index(CallbackCalled) < kinds.index(Allocated) < kinds.index(NotFreed) < kinds.index(Freed)
    assert NotFreed(STATIC, Owner.CALLBACK_ARGUMENT, SpareReason.STATIC) in exchange.events
    assert Freed(HEAP, 10, Owner.CALLBACK_RESULT) in exchange.events


@every_engine
@pytest.mark.parametrize(("number", "seen"), [pytest.param(-1, -1, id="-1"), pytest.param(2**31, -(2**31), id="2^31")])
def test_numbers_are_signed(load: Loader, number: int, seen: int) -> None:
    body = function("(call $f (local.get $p0))", "i32", "i32")
    instance = load(Guest(body, importing("i32", "i32")), given("f", negate))
    assert instance.exchange("run", [number]).events == (CallbackCalled("env", "f", (seen,), -seen),)


@every_engine
def test_many_arguments_and_no_result(load: Loader) -> None:
    seen: list[tuple[str, int, bytes]] = []

    def f(text: str, number: int, data: bytes) -> None:
        seen.append((text, number, data))

    body = function("(call $f (local.get $p0) (local.get $p1) (local.get $p2))", "i32 i32 i32")
    instance = load(Guest(body, importing("i32 i32 i32")), given("f", f))
    assert instance.call_function("run", "a", 2, b"c") is None
    assert seen == [("a", 2, b"c")]


@every_engine
def test_a_long_answer_grows_memory_within_the_call(load: Loader) -> None:
    growing = """(i32.mul (memory.size) (i32.const 65536))
      (if (i32.eq (memory.grow (i32.const 2)) (i32.const -1)) (then unreachable))"""
    instance = load(
        Guest(
            static(b"x\0") + function(f"(call $f (i32.const {STATIC}))", result="i32"), importing("i32", "i32"), growing
        ),
        given("f", lambda text: text * 100_000, signature=Signature((Type.STRING,), Type.STRING)),
    )
    assert instance.call_function("run", returns=str) == "x" * 100_000


# -- what is a callback ---------------------------------------------------------------------------


def test_annotations_tell_the_signature() -> None:
    callbacks = Callbacks()

    def f(text: str, number: int, data: bytes) -> None: ...

    callbacks.add_callback("env", "f", f)
    (callback,) = callbacks
    assert callback.signature == Signature((Type.STRING, Type.I32, Type.BYTES), Type.NONE)
    assert callback.type == FuncType((I32, I32, I32))
    assert not callback.in_the_real_host


def test_the_same_key_replaces() -> None:
    callbacks = Callbacks()
    callbacks.add_callback("env", "f", call_me)
    callbacks.add_callback("plugin", "f", call_me)
    callbacks.add_callback("env", "f", negate)
    found = callbacks.get("env", "f")
    assert found is not None
    assert found.function is negate
    assert [(callback.namespace, callback.name) for callback in callbacks] == [("env", "f"), ("plugin", "f")]
    assert callbacks.get("env", "g") is None


def _float(number: float) -> int:
    return int(number)


def _bare(text) -> str:  # type: ignore[no-untyped-def]
    return str(text)


def _list(text: str) -> list[str]:
    return [text]


@pytest.mark.parametrize(
    ("callback", "complaint"),
    [
        pytest.param(
            _float, "callback env.f: number is annotated <class 'float'>, expected str, bytes or int", id="float"
        ),
        pytest.param(_bare, "callback env.f: text is annotated None, expected str, bytes or int", id="no-annotation"),
        pytest.param(_list, "callback env.f: return is annotated list[str], expected str, bytes or int", id="list"),
    ],
)
def test_what_no_callback_can_carry_is_refused(callback: Callable[..., Any], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Callbacks().add_callback("env", "f", callback)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(Signature((Type.I64,)), id="i64"),
        pytest.param(Signature((), Type.F32), id="result"),
        pytest.param(Signature((Type.NONE,)), id="none"),
    ],
)
def test_signatures_that_no_callback_has_are_refused(signature: Signature) -> None:
    with pytest.raises(UsageError, match="takes and gives string, bytes and i32, not"):
        Callbacks().add_callback("env", "f", negate, signature)


@every_engine
@pytest.mark.parametrize(
    ("parameters", "result"),
    [
        pytest.param("i32", "i64", id="result"),
        pytest.param("i64", "i32", id="parameter"),
        pytest.param("i32 i32", "i32", id="one-more"),
    ],
)
def test_the_type_of_an_import_is_looked_at_when_an_instance_is_made(
    load: Loader, parameters: str, result: str
) -> None:
    host = load.host()
    host.register_plugin("guest", load.module(Guest("", importing(parameters, result)).wat), given("f", negate))
    with pytest.raises(UnresolvedImport, match=r"^import env\.f "):
        host.get_instance("guest")


# -- failures -------------------------------------------------------------------------------------


class Mine(Exception):
    pass


def _raises(_text: str) -> str:
    raise Mine("no")


def _exits(_text: str) -> str:
    raise KeyboardInterrupt


def _refuses(_text: str) -> str:
    raise Trap(TrapCode.HOST, "not today")


@every_engine
def test_an_exception_of_a_callback_ends_the_call_and_the_instance(load: Loader) -> None:
    instance = load(calling(b"Nic\0", "i32"), given("f", _raises))
    with pytest.raises(CallbackFailed, match=r"^run: callback-failed: env\.f: Mine: no$") as caught:
        instance.call_function("run", returns=str)
    assert isinstance(caught.value.__cause__, Mine)
    assert (caught.value.module, caught.value.name, caught.value.trap) == ("env", "f", None)
    assert CallbackCalled("env", "f", ("Nic",), None) in instance.events
    assert not instance.alive


@every_engine
def test_what_is_no_exception_comes_out_as_it_is(load: Loader) -> None:
    instance = load(calling(b"Nic\0", "i32"), given("f", _exits))
    with pytest.raises(KeyboardInterrupt):
        instance.call_function("run", returns=str)
    assert not instance.alive


@every_engine
def test_a_callback_may_trap(load: Loader) -> None:
    with pytest.raises(CallFailed, match=r"run trapped: host: not today$"):
        load(calling(b"Nic\0", "i32"), given("f", _refuses)).call_function("run")


WRONG = [
    pytest.param(7, Type.STRING, "it answered 7, expected string", id="number-for-a-string"),
    pytest.param("x", Type.BYTES, "it answered 'x', expected bytes", id="string-for-bytes"),
    pytest.param(None, Type.I32, "it answered None, expected i32", id="nothing-for-a-number"),
    pytest.param(2**32, Type.I32, "it answered 4294967296, expected i32", id="too-large"),
    pytest.param("x", Type.NONE, "it answered 'x', expected none", id="something-for-nothing"),
]


@every_engine
@pytest.mark.parametrize(("answer", "type_", "detail"), WRONG)
def test_an_answer_of_another_type_is_the_callbacks_failure(
    load: Loader, answer: Any, type_: Type, detail: str
) -> None:
    signature = Signature((Type.STRING,), type_)
    guest = calling(b"Nic\0", "" if type_ is Type.NONE else "i32")
    failure = load(guest, given("f", lambda _text: answer, signature=signature)).exchange("run").failure
    assert isinstance(failure, CallbackFailed)
    assert failure.detail == f"env.f: {detail}"


UNREADABLE = [
    pytest.param(calling(b"Nic\0"), {"get_string_size": "unreachable"}, StringSizeFailed, id="size-traps"),
    pytest.param(calling(b"Nic\0"), {"get_string_size": None}, StringSizeFailed, id="no-size"),
    pytest.param(calling(b"Nic\0"), {"get_string_size": "(i32.const -1)"}, ValueOutOfBounds, id="size-of-4-GiB"),
    pytest.param(calling(b"Nic\0"), {"get_string_size": "(i32.const 200)"}, ValueTooLong, id="more-than-is-taken"),
    pytest.param(calling(b"Nic\0", "i32"), {"allocate": "unreachable"}, AllocationFailed, id="allocate-traps"),
    pytest.param(calling(b"Nic\0", "i32"), {"allocate": "(i32.const 0)"}, AllocationFailed, id="no-room"),
    pytest.param(calling(b"Nic\0", "i32"), {"allocate": None}, AllocationFailed, id="no-allocate"),
]


@every_engine
@pytest.mark.parametrize(("guest", "parts", "error"), UNREADABLE)
def test_what_keeps_a_callback_from_its_values_aborts_the_guest(
    load: Loader, guest: Guest, parts: dict[str, Any], error: type[HookError]
) -> None:
    changed = Guest(guest.extra, guest.imports, **parts)
    signature = Signature((Type.STRING,), Type.STRING if "result i32" in guest.imports else Type.NONE)
    config = given("f", lambda text: text if signature.result is Type.STRING else None, signature=signature)
    exchange = load(changed, config, policy=HeapPolicy(longest=100)).exchange("run")
    assert type(exchange.failure) is error
    assert exchange.lost


# -- calling back in ------------------------------------------------------------------------------


def _reentrant(load: Loader, guest: Guest, again: Callable[[Instance, str], str], **settings: Any) -> Instance:
    made: list[Instance] = []

    def f(text: str) -> str:
        return again(made[0], text)

    made.append(load(guest, given("f", f), **settings))
    return made[0]


TWICE = calling(b"Nic\0", "i32", more=ECHO.replace('"run"', '"echo"'))


@every_engine
def test_a_callback_may_call_the_guest(load: Loader) -> None:
    def again(instance: Instance, text: str) -> str:
        return str(instance.call_function("echo", f"<{text}>", returns=str))

    instance = _reentrant(load, TWICE, again)
    assert instance.call_function("run", returns=str) == "<Nic>"
    inner = HEAP
    assert journal(instance) == [
        "function(0)",
        f"get_string_size({STATIC})",
        "allocate(6)",
        f"function({inner})",
        f"get_string_size({inner})",
        f"deallocate({inner}, 6)",
        "allocate(6)",
        f"get_string_size({inner + 8})",
        f"deallocate({inner + 8}, 6)",
    ]
    assert Freed(HEAP, 6, Owner.INPUT) not in instance.events


@every_engine
def test_an_error_of_the_inner_call_is_not_the_outer_ones(load: Loader) -> None:
    raising = function("(call $raise (i32.const 4096))", name="fail")
    guest = Guest(TWICE.extra + raising, TWICE.imports + '(import "env" "raise_error" (func $raise (param i32)))')

    def again(instance: Instance, text: str) -> str:
        with pytest.raises(GuestError, match="Nic"):
            instance.call_function("fail")
        return text

    exchange = _reentrant(load, guest, again).exchange("run", (), Type.STRING)
    assert (exchange.value, exchange.raised, exchange.failure) == ("Nic", (), None)


@every_engine
def test_an_aborted_inner_call_aborts_the_outer_one(load: Loader) -> None:
    guest = Guest(TWICE.extra + function("unreachable", name="trap"), TWICE.imports)

    def again(instance: Instance, text: str) -> str:
        instance.exchange("trap")
        return text

    exchange = _reentrant(load, guest, again).exchange("run", (), Type.STRING)
    assert exchange.lost
    assert exchange.failure is not None


@every_engine
def test_recursion_through_callbacks_ends(load: Loader) -> None:
    def again(instance: Instance, text: str) -> str:
        return str(instance.call_function("run", returns=str))

    instance = _reentrant(load, calling(b"Nic\0", "i32"), again, limits=Limits(fuel=10_000_000))
    exchange = instance.exchange("run", (), Type.STRING)
    assert exchange.lost
    assert isinstance(exchange.failure, HookError)
    assert exchange.failure.trap is not None
    assert exchange.failure.trap.code is TrapCode.STACK_EXHAUSTED


@one_engine
def test_a_budget_bounds_how_often_callbacks_are_called(load: Loader) -> None:
    calls: list[str] = []
    body = function(f"(loop $more (call $f (i32.const {STATIC})) (br $more))")
    config = given("f", calls.append, signature=Signature((Type.STRING,)))
    instance = load(Guest(static(b"\0") + body, importing("i32")), config, limits=Limits(fuel=100_000))
    exchange = instance.exchange("run")
    assert exchange.failure is not None
    assert exchange.failure.trap is not None
    assert exchange.failure.trap.code is TrapCode.FUEL_EXHAUSTED
    assert len(calls) <= 200


# -- the real host's way --------------------------------------------------------------------------


@every_engine
@pytest.mark.parametrize(
    ("signature", "seen"),
    [
        pytest.param(Signature((Type.BYTES,), Type.I32), [], id="argument"),
        pytest.param(Signature((Type.I32,), Type.BYTES), [STATIC], id="answer-after-it-was-called"),
    ],
)
def test_the_real_host_refuses_bytes_at_the_call(load: Loader, signature: Signature, seen: list[Value]) -> None:
    called: list[Value] = []

    def f(argument: Value) -> bytes:
        called.append(argument)
        return b""

    guest = calling(b"\0\0\0\0", "i32")
    real = Guest(guest.extra, guest.imports + REAL_HOST)
    instance = load(real, given("f", f, signature=signature), profile=Profile.WASP_0_0_8)
    assert "wasp-real-host: env.f has bytes, which its callbacks cannot carry" in instance.registered.notes
    failure = instance.exchange("run").failure
    assert isinstance(failure, CallbackFailed)
    assert "only String and Int32 parameters" in failure.detail
    assert called == seen


@every_engine
def test_the_engines_instance_may_be_called_directly(load: Loader) -> None:
    instance = load(calling(b"Nic\0", "i32"), given("f", call_me))
    assert instance.instance is not None
    assert instance.instance.call("run") == (HEAP,)


def test_a_config_without_callbacks_has_none() -> None:
    assert PluginConfig().callbacks is None
