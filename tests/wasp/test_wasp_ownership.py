"""Who gives back what, with which size, once; and what the host tells of it."""

from __future__ import annotations

import pytest
from wasp_guests import (
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
    given,
    journal,
    one_engine,
    static,
)

from reference_host.abi.buffers import CANARY, SCRUB
from reference_host.abi.wasp import HeapPolicy, Profile, Type, Value
from reference_host.abi.wasp.events import (
    Allocated,
    Event,
    Freed,
    FreeFailed,
    InputOverwritten,
    NotFreed,
    Owner,
    Recorded,
    SpareReason,
)
from reference_host.engine.interface import Limits
from reference_host.errors import CallFailed, DeallocationFailed, GuestError, InstanceLost, TrapCode, ValueOutOfBounds

SIZE = 131_072
CALL_ME = '(import "env" "call_me" (func $me (param i32) (result i32)))'

NIC = "(i32.store (i32.const 40000) (i32.const 0x63694e))"
"""Writes `Nic` and its terminator to 40,000, outside static data."""
THREE = "(i64.store (i32.const 40000) (i64.const 0x302010000000003))"
"""Writes three bytes in their form to 40,000."""

# Guest, arguments, wanted result; then what `deallocate` is called with: by the default host, and by the real one.
FREED = [
    pytest.param(Guest(function("", "i32")), ["Nic"], Type.NONE, [(HEAP, 4)], [(HEAP, 4)], id="string-input"),
    pytest.param(Guest(function("", "i32")), ["é"], Type.NONE, [(HEAP, 3)], [(HEAP, 3)], id="input-beyond-ascii"),
    pytest.param(Guest(function("", "i32")), [b"Nic"], Type.NONE, [(HEAP, 7)], [(HEAP, 7)], id="bytes-input"),
    pytest.param(
        Guest(function("", "i32 i32")), ["", b""], Type.NONE, [(HEAP, 1), (HEAP + 8, 4)], [(HEAP, 1), (HEAP + 8, 4)],
        id="empty-inputs",
    ),
    pytest.param(
        Guest(function(f"{NIC} (i32.const 40000)", result="i32")), [], Type.STRING, [(40000, 4)], [(40000, 3)],
        id="string-result",
    ),
    pytest.param(
        Guest(function(f"{THREE} (i32.const 40000)", result="i32")), [], Type.BYTES, [(40000, 7)], [(40000, 7)],
        id="bytes-result",
    ),
    pytest.param(
        Guest(function(f"{NIC} (drop (call $me (i32.const 40000)))"), CALL_ME),
        [], Type.NONE, [(40000, 4), (HEAP, 10)], [(40000, 3), (HEAP, 10)],
        id="callback",
    ),
    pytest.param(
        Guest(function(f"{NIC} (call $raise (i32.const 40000))"), RAISE), [], Type.NONE, [(40000, 4)], [(40000, 3)],
        id="error",
    ),
    pytest.param(
        Guest(ECHO), ["Nic"], Type.STRING, [(HEAP, 4)], [(HEAP, 3)],
        id="echoed-string",
    ),
    pytest.param(Guest(ECHO), [b"Nic"], Type.BYTES, [(HEAP, 7)], [(HEAP, 7)], id="echoed-bytes"),
    pytest.param(
        Guest(ECHO, allocate=f"(i32.const {HEAP})"), ["a\0b"], Type.STRING, [(HEAP, 4)], [(HEAP, 1)],
        id="echoed-string-with-a-nul",
    ),
]  # fmt: skip


@every_engine
@pytest.mark.parametrize("profile", [pytest.param(profile, id=profile) for profile in Profile])
@pytest.mark.parametrize(("guest", "arguments", "returns", "default", "real"), FREED)
def test_every_buffer_is_given_back_once(
    load: Loader,
    profile: Profile,
    guest: Guest,
    arguments: list[Value],
    returns: Type,
    default: list[tuple[int, int]],
    real: list[tuple[int, int]],
) -> None:
    # The real host leaves a heap's own bytes where a terminator belongs: the memory is zero, so that there is one.
    guest = Guest(guest.extra, guest.imports + REAL_HOST, guest.allocate)
    instance = load(guest, given("call_me", _call_me), profile=profile)
    exchange = instance.exchange("run", arguments, returns)
    expected = default if profile is Profile.DEFAULT else real
    calls = [call for call in journal(instance) if call.startswith("deallocate")]
    assert calls == [f"deallocate({pointer}, {size})" for pointer, size in expected]
    assert [(event.pointer, event.size) for event in exchange.events if isinstance(event, Freed)] == expected


def _call_me(name: str) -> str:
    return f"Hello {name}"


@every_engine
def test_a_call_from_the_first_allocation_to_the_last_event(load: Loader) -> None:
    guest = Guest(function(f"{NIC} (i32.const 40000)", "i32 i32", "i32"), CALL_ME)
    instance = load(guest, given("call_me", _call_me))
    exchange = instance.exchange("run", ["one", b"two"], Type.STRING)
    assert exchange.events == (
        Allocated(HEAP, 4, SIZE),
        Allocated(HEAP + 8, 7, SIZE),
        Freed(HEAP, 4, Owner.INPUT),
        Freed(HEAP + 8, 7, Owner.INPUT),
        Freed(40_000, 4, Owner.RESULT),
    )
    assert exchange.events == instance.events
    assert (exchange.memory_size, exchange.lost, exchange.failed_at) == (SIZE, False, None)


@every_engine
def test_the_same_address_twice_is_told(load: Loader) -> None:
    echoed = load(Guest(ECHO)).exchange("run", ["Nic"], Type.STRING)
    assert Recorded(HEAP, Owner.RESULT, 4, 4) in echoed.events
    one_for_all = load(Guest(function("", "i32 i32"), allocate=f"(i32.const {HEAP})"))
    assert Recorded(HEAP, Owner.INPUT, 7, 4) in one_for_all.exchange("run", ["one", b"two"]).events


# -- not given back -------------------------------------------------------------------------------

SPARED = [
    pytest.param(
        Guest(ECHO, deallocate=None), ["Nic"], Type.STRING, NotFreed(HEAP, Owner.INPUT, SpareReason.NO_DEALLOCATE),
        id="no-deallocate",
    ),
    pytest.param(
        Guest(ECHO + '(func (export "deallocate") (param i32) unreachable)', deallocate=None),
        ["Nic"], Type.STRING, NotFreed(HEAP, Owner.INPUT, SpareReason.NO_DEALLOCATE),
        id="deallocate-of-another-type",
    ),
    pytest.param(
        Guest(ECHO + '(global (export "deallocate") i32 (i32.const 0))', deallocate=None),
        ["Nic"], Type.STRING, NotFreed(HEAP, Owner.INPUT, SpareReason.NO_DEALLOCATE),
        id="deallocate-is-no-function",
    ),
    pytest.param(
        Guest(static(b"Nic\0") + function(f"(i32.const {STATIC})", result="i32")),
        [], Type.STRING, NotFreed(STATIC, Owner.RESULT, SpareReason.STATIC),
        id="static-string",
    ),
    pytest.param(
        Guest(static(b"\1\0\0\0a") + function(f"(i32.const {STATIC})", result="i32")),
        [], Type.BYTES, NotFreed(STATIC, Owner.RESULT, SpareReason.STATIC),
        id="static-bytes",
    ),
    pytest.param(
        Guest(static(b"aNic\0") + function(f"(i32.const {STATIC + 4})", result="i32")),
        [], Type.STRING, NotFreed(STATIC + 4, Owner.RESULT, SpareReason.STATIC),
        id="last-byte-of-a-segment",
    ),
    pytest.param(
        Guest(static(b"Nic\0") + function(f"(drop (call $me (i32.const {STATIC})))"), CALL_ME),
        [], Type.NONE, NotFreed(STATIC, Owner.CALLBACK_ARGUMENT, SpareReason.STATIC),
        id="static-callback-argument",
    ),
    pytest.param(
        Guest(static(b"Nic\0") + function(f"(call $raise (i32.const {STATIC}))"), RAISE),
        [], Type.NONE, NotFreed(STATIC, Owner.ERROR, SpareReason.STATIC),
        id="static-error",
    ),
    pytest.param(
        Guest(function("(i32.const 0)", result="i32"), get_string_size="(i32.const 0)"),
        [], Type.STRING, NotFreed(0, Owner.RESULT, SpareReason.ZERO),
        id="zero",
    ),
    pytest.param(
        Guest(function(f"{NIC} (call $raise (i32.const 40000)) (i32.const 50000)", result="i32"), RAISE),
        [], Type.STRING, NotFreed(50_000, Owner.RESULT, SpareReason.ERROR_RAISED),
        id="result-beside-an-error",
    ),
]  # fmt: skip


@every_engine
@pytest.mark.parametrize(("guest", "arguments", "returns", "event"), SPARED)
def test_what_is_not_given_back_is_told_with_its_reason(
    load: Loader, guest: Guest, arguments: list[Value], returns: Type, event: NotFreed
) -> None:
    instance = load(guest, given("call_me", _call_me))
    exchange = instance.exchange("run", arguments, returns)
    assert [each for each in exchange.events if isinstance(each, NotFreed)] == [event]
    assert not any(call.startswith(f"deallocate({event.pointer}") for call in journal(instance))
    assert exchange.lost is False


@every_engine
def test_what_lies_beside_a_segment_is_not_static(load: Loader) -> None:
    nothing = static(b"", STATIC + 3)
    guest = Guest(static(b"Nic") + nothing + function(f"(i32.const {STATIC + 3})", result="i32"))
    assert Freed(STATIC + 3, 1, Owner.RESULT) in load(guest).exchange("run", (), Type.STRING).events


@every_engine
def test_segments_may_lie_over_each_other(load: Loader) -> None:
    segments = static(b"N" * 16 + b"\0") + static(b"ic", STATIC + 1)
    guest = Guest(segments + function(f"(i32.const {STATIC + 8})", result="i32"))
    events = load(guest).exchange("run", (), Type.STRING).events
    assert NotFreed(STATIC + 8, Owner.RESULT, SpareReason.STATIC) in events


@every_engine
def test_a_host_gives_back_what_it_asked_for_wherever_it_lies(load: Loader) -> None:
    guest = Guest(static(bytes(64), HEAP) + ECHO)
    assert Freed(HEAP, 4, Owner.INPUT) in load(guest).exchange("run", ["Nic"], Type.STRING).events


@every_engine
def test_the_real_host_gives_back_static_data_and_zero(load: Loader) -> None:
    guest = Guest(static(b"Nic\0") + ECHO, REAL_HOST)
    instance = load(guest, profile=Profile.WASP_0_0_8)
    instance.call_function("run", STATIC, returns=str)
    assert instance.events == (Freed(STATIC, 3, Owner.RESULT),)
    instance.call_function("run", 8, returns=bytes)
    instance.call_function("run", 0, returns=bytes)
    assert journal(instance)[-1] == "deallocate(0, 4)"


@every_engine
def test_results_of_deallocate_are_ignored(load: Loader) -> None:
    own = '(func (export "deallocate") (param i32 i32) (result i64) (i64.const 1))'
    instance = load(Guest(ECHO + own, deallocate=None))
    assert instance.call_function("run", "Nic", returns=str) == "Nic"
    assert Freed(HEAP, 4, Owner.INPUT) in instance.events


# -- going wrong ----------------------------------------------------------------------------------


@every_engine
def test_a_deallocate_that_traps_costs_the_instance_and_not_the_value(load: Loader) -> None:
    instance = load(Guest(function("", "i32 i32") + COPY, deallocate="unreachable"))
    exchange = instance.exchange("copy_string", ["Nic"], Type.STRING)
    assert (exchange.value, exchange.failure, exchange.lost) == ("Nic", None, True)
    first, second = exchange.events[-2:]
    assert isinstance(first, FreeFailed)
    assert (first.pointer, first.owner) == (HEAP, Owner.INPUT)
    assert isinstance(first.failure, DeallocationFailed)
    assert first.failure.trap is not None
    assert first.failure.trap.code is TrapCode.UNREACHABLE
    assert second == NotFreed(HEAP + 8, Owner.RESULT, SpareReason.INSTANCE_LOST)
    assert isinstance(instance.exchange("copy_string", ["Nic"]).failure, InstanceLost)


@every_engine
def test_a_deallocate_that_cannot_be_read_is_one_that_failed(load: Loader) -> None:
    guest = Guest(ECHO, RAISE, deallocate="(call $raise (i32.const -1))", get_string_size="(i32.const 3)")
    exchange = load(guest).exchange("run", ["Nic"], Type.STRING)
    assert (exchange.value, exchange.failure, exchange.lost) == ("Nic", None, True)
    failed = exchange.events[-1]
    assert isinstance(failed, FreeFailed)
    assert isinstance(failed.failure, ValueOutOfBounds)


@every_engine
def test_a_lost_instance_gives_nothing_back(load: Loader) -> None:
    exchange = load(Guest(function("unreachable", "i32"))).exchange("run", ["Nic"])
    assert exchange.events == (Allocated(HEAP, 4, SIZE), NotFreed(HEAP, Owner.INPUT, SpareReason.INSTANCE_LOST))


@every_engine
def test_a_guest_that_exits_gives_its_buffers_back(load: Loader) -> None:
    exits = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
    instance = load(Guest(function("(call $exit (i32.const 3))", "i32"), exits))
    exchange = instance.exchange("run", ["Nic"])
    assert isinstance(exchange.failure, CallFailed)
    assert exchange.failure.trap is not None
    assert (exchange.failure.trap.code, exchange.failure.trap.exit_code) == (TrapCode.EXIT, 3)
    assert exchange.events[-1] == Freed(HEAP, 4, Owner.INPUT)
    assert instance.alive


@every_engine
def test_inputs_are_given_back_where_a_later_one_finds_no_room(load: Loader) -> None:
    used = f"(i32.ne (global.get $next) (i32.const {HEAP}))"
    once = f"(if {used} (then (return (i32.const 0)))) (call $bump (local.get $p0))"
    instance = load(Guest(function("", "i32 i32"), allocate=once))
    exchange = instance.exchange("run", ["one", "two"])
    assert exchange.failure is not None
    assert journal(instance) == ["allocate(4)", "allocate(4)", f"deallocate({HEAP}, 4)"]


@every_engine
def test_an_error_while_buffers_are_given_back_is_no_error_of_the_call(load: Loader) -> None:
    guest = Guest(ECHO + static(b"Late\0", 40_000), RAISE, deallocate="(call $raise (i32.const 40000))")
    exchange = load(guest).exchange("run", ["Nic"], Type.STRING)
    assert (exchange.value, exchange.failure, exchange.raised) == ("Nic", None, ("Late",))
    assert exchange.events[-1] == NotFreed(40_000, Owner.ERROR, SpareReason.LATE)


@every_engine
def test_a_call_that_raised_an_error_gives_its_inputs_back(load: Loader) -> None:
    guest = Guest(static(b"Oops\0") + function(f"(call $raise (i32.const {STATIC}))", "i32"), RAISE)
    instance = load(guest)
    with pytest.raises(GuestError):
        instance.call_function("run", "Nic")
    assert journal(instance)[-1] == f"deallocate({HEAP}, 4)"


# -- what a suite may want ------------------------------------------------------------------------


def events_of(load: Loader, guest: Guest, policy: HeapPolicy, arguments: list[Value], returns: Type) -> list[Event]:
    return list(load(guest, given("call_me", _call_me), policy=policy).exchange("run", arguments, returns).events)


@every_engine
def test_slack_is_asked_for_and_given_back(load: Loader) -> None:
    events = events_of(load, Guest(ECHO), HeapPolicy(slack=8), ["Nic"], Type.STRING)
    assert events == [
        Allocated(HEAP, 12, SIZE),
        Recorded(HEAP, Owner.RESULT, 4, 12),
        Freed(HEAP, 12, Owner.INPUT),
    ]


@every_engine
@pytest.mark.parametrize("at", [pytest.param(4, id="first"), pytest.param(11, id="last")])
def test_a_changed_canary_is_told(load: Loader, at: int) -> None:
    assert CANARY != 7
    guest = Guest(function(f"(i32.store8 (i32.add (local.get $p0) (i32.const {at})) (i32.const 7))", "i32"))
    events = events_of(load, guest, HeapPolicy(slack=8), ["Nic"], Type.NONE)
    assert InputOverwritten(HEAP, 4, at) in events


@every_engine
def test_scrubbed_buffers_were_the_hosts_own(load: Loader) -> None:
    guest = Guest(COPY + function(f"{NIC} (drop (call $me (i32.const 40000)))"), CALL_ME)
    instance = load(guest, given("call_me", _call_me), policy=HeapPolicy(scrub=SCRUB))
    assert instance.call_function("copy_string", "Nic", returns=str) == "Nic"
    assert instance.instance is not None
    assert instance.instance.memory is not None
    assert instance.instance.memory.read(HEAP, 4) == bytes([SCRUB]) * 4
    assert instance.instance.memory.read(HEAP + 8, 4) == b"Nic\0"
    instance.call_function("run")
    assert instance.instance.memory.read(40_000, 4) == b"Nic\0"
    assert instance.instance.memory.read(HEAP + 16, 10) == bytes([SCRUB]) * 10


@every_engine
def test_an_echo_is_read_before_it_is_scrubbed(load: Loader) -> None:
    instance = load(Guest(ECHO), policy=HeapPolicy(scrub=SCRUB))
    assert instance.call_function("run", "Nic", returns=str) == "Nic"


INNER = function("(i32.add (local.get $p0) (i32.const 1))", "i32", "i32")
BAD_TEXT = function("(i32.store (i32.const 40000) (i32.const 0xff)) (i32.const 40000)", result="i32")

DOUBTS = [
    pytest.param(Guest(INNER), ["Nic"], HEAP + 1, id="within-an-input"),
    pytest.param(Guest(BAD_TEXT), [], 40_000, id="no-utf8"),
]


@every_engine
@pytest.mark.parametrize(("guest", "arguments", "pointer"), DOUBTS)
def test_doubtful_results_are_given_back_unless_a_suite_doubts(
    load: Loader, guest: Guest, arguments: list[Value], pointer: int
) -> None:
    trusting = events_of(load, guest, HeapPolicy(), arguments, Type.STRING)
    assert [event.owner for event in trusting if isinstance(event, Freed) and event.pointer == pointer]
    doubting = events_of(load, guest, HeapPolicy(doubts=True), arguments, Type.STRING)
    assert NotFreed(pointer, Owner.RESULT, SpareReason.DOUBTFUL) in doubting


@every_engine
def test_buffers_can_be_withheld(load: Loader) -> None:
    policy = HeapPolicy(withheld=frozenset({Owner.INPUT}))
    events = events_of(load, Guest(function(f"{NIC} (i32.const 40000)", "i32", "i32")), policy, ["x"], Type.STRING)
    assert events[1:] == [NotFreed(HEAP, Owner.INPUT, SpareReason.WITHHELD), Freed(40_000, 4, Owner.RESULT)]


@every_engine
def test_the_newest_can_go_first(load: Loader) -> None:
    events = events_of(load, Guest(function("", "i32 i32")), HeapPolicy(newest_first=True), ["x", "y"], Type.NONE)
    assert events[2:] == [Freed(HEAP + 8, 2, Owner.INPUT), Freed(HEAP, 2, Owner.INPUT)]


@one_engine
def test_a_budget_is_for_each_guest_call(load: Loader) -> None:
    spin = """(func (export "run") (param i32) (local $n i32)
      (loop $more
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $more (i32.ne (local.get $n) (i32.const 100)))))"""
    instance = load(Guest(spin), limits=Limits(fuel=100_000))
    exchange = instance.exchange("run", ["Nic"])
    assert exchange.failure is None
    assert exchange.fuel is not None
    assert exchange.fuel > 300
    starved = instance.exchange("run", ["Nic"], fuel=exchange.fuel // 2)
    assert isinstance(starved.failure, CallFailed)
    assert starved.failure.trap is not None
    assert starved.failure.trap.code is TrapCode.FUEL_EXHAUSTED
