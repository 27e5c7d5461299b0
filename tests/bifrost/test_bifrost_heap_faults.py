"""The memory contract at its edges: allocators that fail, memory that grows, guests that overstep, high addresses."""

from __future__ import annotations

import pytest
from bifrost_guests import BUMP, ECHO, HEAP, PAGE, PASS, Guest, Loader, every_engine, journal, large_memories, packed

from reference_host.abi.bifrost.contract import Profile
from reference_host.abi.bifrost.events import (
    Allocated,
    Exchange,
    Freed,
    FreeFailed,
    InputOverwritten,
    NotFreed,
    Owner,
    Stage,
)
from reference_host.abi.bifrost.heap import SCRUB, HeapPolicy
from reference_host.abi.bifrost.plugin import Budget
from reference_host.abi.bifrost.types import HookFailure
from reference_host.errors import HookError, TrapCode

ONE = b'{"context":{}}'
SIZE = 2 * PAGE


def failure(exchange: Exchange) -> HookError:
    assert exchange.failure is not None
    return exchange.failure


# -- allocation -----------------------------------------------------------------------------------

OUTSIDE = [
    pytest.param(
        f"(i32.const {SIZE - 13})", "answered 0x1fff3, which does not fit into 0x20000 bytes", id="a-byte-short"
    ),
    pytest.param(f"(i32.const {SIZE})", "answered 0x20000, which does not fit into 0x20000 bytes", id="end-of-memory"),
    pytest.param("(i32.const -1)", "answered 0xffffffff, which does not fit", id="minus-one"),
    pytest.param("(i32.const -8)", "answered 0xfffffff8, which does not fit", id="wraps-round-four-gibibytes"),
]


@every_engine
@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize(("body", "detail"), OUTSIDE)
def test_buffer_outside_memory_is_a_failed_allocation(load: Loader, body: str, detail: str, profile: Profile) -> None:
    plugin = load(Guest(bodies={"malloc": body}), profile=profile)
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (failure(exchange).code, exchange.failed_at) == (HookFailure.ALLOC_FAILED, Stage.ALLOCATE)
    assert detail in failure(exchange).detail
    assert journal(plugin.instance) == ["init(0, 0)", "malloc(14)"]


@every_engine
def test_buffer_may_end_where_memory_ends(load: Loader) -> None:
    plugin = load(Guest(bodies={"malloc": f"(i32.const {SIZE - 14})", "pre_hook": ECHO}))
    assert plugin.exchange("pre_hook", [ONE]).output == ONE


@every_engine
def test_hook_is_not_called_where_the_allocator_answers_zero(load: Loader) -> None:
    plugin = load(Guest(bodies={"malloc": "(i32.const 0)"}))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert str(failure(exchange)) == "pre_hook: alloc-failed: malloc(14) answered 0"
    assert (exchange.raw, exchange.output, exchange.failed_at) == (None, None, Stage.ALLOCATE)
    assert exchange.events == (Allocated(0, 14, SIZE),)
    assert journal(plugin.instance) == ["init(0, 0)", "malloc(14)"]


FAILS_SECOND = "(global $asked (mut i32) (i32.const 0))"
SECOND_OF_THREE = [
    pytest.param("(i32.const 0)", id="zero"),
    pytest.param("(i32.const -8)", id="outside-memory"),
]


@every_engine
@pytest.mark.parametrize("answer", SECOND_OF_THREE)
def test_documents_that_were_placed_before_a_failed_allocation_are_given_back(load: Loader, answer: str) -> None:
    body = f"""
    (global.set $asked (i32.add (global.get $asked) (i32.const 1)))
    (if (result i32) (i32.eq (global.get $asked) (i32.const 2)) (then {answer}) (else {BUMP}))
    """
    guest = Guest(
        "r0", malloc="plugin_malloc", free_name="plugin_free", bodies={"plugin_malloc": body}, extra=FAILS_SECOND
    )
    plugin = load(guest)
    exchange = plugin.exchange("post_hook", [b"{}", b"{}", b"null"])
    assert failure(exchange).code == HookFailure.ALLOC_FAILED
    assert [buffer.pointer for buffer in exchange.inputs] == [HEAP]
    assert journal(plugin.instance)[1:] == ["plugin_malloc(2)", "plugin_malloc(2)", "plugin_free(32768)"]


@every_engine
def test_trap_in_the_allocator_fails_the_hook_that_asked(load: Loader) -> None:
    plugin = load(Guest(bodies={"malloc": "unreachable"}))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (failure(exchange).code, exchange.failed_at) == (HookFailure.TRAP, Stage.ALLOCATE)
    assert failure(exchange).hook == "pre_hook"
    assert failure(exchange).detail == "malloc trapped: unreachable"
    assert exchange.lost
    assert exchange.memory_size is None


@every_engine
def test_config_that_cannot_be_placed_fails_init(load: Loader) -> None:
    with pytest.raises(HookError, match=r"^init: alloc-failed: malloc\(2\) answered 0$"):
        load(Guest(bodies={"malloc": "(i32.const 0)"}), config=b"{}")


# -- address zero: the vendor's documented samples hand it out first ------------------------------

FROM_ZERO = Guest(bodies={"malloc": "(i32.const 0)", "pre_hook": ECHO})


@every_engine
def test_lenient_takes_address_zero_for_the_very_first_buffer(load: Loader) -> None:
    plugin = load(FROM_ZERO, profile=Profile.LENIENT)
    first = plugin.exchange("pre_hook", [b"{}"])
    assert (first.output, first.failure) == (b"{}", None)
    assert NotFreed(0, Owner.INPUT, "zero") in first.events
    assert not [event for event in first.events if isinstance(event, Freed)]
    second = plugin.exchange("pre_hook", [b"{}"])
    assert failure(second).code == HookFailure.ALLOC_FAILED


@every_engine
def test_strict_does_not_take_address_zero(load: Loader) -> None:
    assert failure(load(FROM_ZERO).exchange("pre_hook", [b"{}"])).code == HookFailure.ALLOC_FAILED


@every_engine
def test_lenient_does_not_take_address_zero_for_more_than_memory_has(load: Loader) -> None:
    exchange = load(FROM_ZERO, profile=Profile.LENIENT).exchange("pre_hook", [b"{" + b" " * SIZE])
    assert failure(exchange).code == HookFailure.ALLOC_FAILED


@every_engine
def test_config_counts_as_the_very_first_buffer(load: Loader) -> None:
    plugin = load(FROM_ZERO, profile=Profile.LENIENT, config=b"{}")
    assert failure(plugin.exchange("pre_hook", [b"{}"])).code == HookFailure.ALLOC_FAILED


# -- memory that grows ----------------------------------------------------------------------------

GROW = "(drop (memory.grow (i32.const 1)))"


@every_engine
def test_buffer_in_pages_that_the_allocator_has_just_grown(load: Loader) -> None:
    plugin = load(Guest(bodies={"malloc": f"{GROW} (i32.const {SIZE})", "pre_hook": ECHO}))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert exchange.output == ONE
    assert exchange.events[0] == Allocated(SIZE, 14, SIZE + PAGE)
    assert exchange.memory_size == SIZE + PAGE


@every_engine
def test_result_in_pages_that_the_hook_has_just_grown(load: Loader) -> None:
    body = f"{GROW} (i32.store16 (i32.const {SIZE + 8}) (i32.const 0x7d7b)) {packed(SIZE + 8, 2)}"
    plugin = load(Guest(bodies={"pre_hook": body}))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert exchange.output == b"{}"
    assert exchange.memory_size == SIZE + PAGE
    assert journal(plugin.instance)[-2:] == [f"free({SIZE + 8})", "free(32768)"]


@every_engine
def test_input_that_memory_grew_over_is_given_back_where_it_was(load: Loader) -> None:
    plugin = load(Guest(bodies={"pre_hook": f"{GROW} {ECHO}", "free": GROW}))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (exchange.output, exchange.memory_size) == (ONE, SIZE + 2 * PAGE)
    assert journal(plugin.instance)[-1] == "free(32768)"


# -- the canary: room behind the text -------------------------------------------------------------

SLACK = HeapPolicy(slack=16)


def write(offset: int) -> str:
    """A hook that writes one byte so far behind the beginning of its input."""
    return f"(i32.store8 (i32.add (local.get $p0) (i32.const {offset})) (i32.const 0x21)) (i64.const 0)"


@every_engine
def test_slack_is_asked_for_and_given_back_and_the_hook_does_not_see_it(load: Loader) -> None:
    plugin = load(Guest(free=2, bodies={"pre_hook": ECHO}), heap=SLACK)
    exchange = plugin.exchange("pre_hook", [ONE])
    assert exchange.output == ONE
    assert journal(plugin.instance)[1:] == ["malloc(30)", "pre_hook(32768, 14)", "free(32768, 30)"]


WRITES = [
    pytest.param(13, None, id="last-byte-of-the-text"),
    pytest.param(14, 14, id="first-byte-behind-the-text"),
    pytest.param(29, 29, id="last-byte-of-the-slack"),
    pytest.param(30, None, id="behind-the-slack"),
]


@every_engine
@pytest.mark.parametrize(("offset", "seen"), WRITES)
def test_write_behind_the_text_is_seen(load: Loader, offset: int, seen: int | None) -> None:
    exchange = load(Guest(bodies={"pre_hook": write(offset)}), heap=SLACK).exchange("pre_hook", [ONE])
    assert exchange.failure is None
    found = [event for event in exchange.events if isinstance(event, InputOverwritten)]
    assert found == ([] if seen is None else [InputOverwritten(HEAP, 14, seen)])


@every_engine
def test_without_slack_nothing_behind_the_text_is_looked_at(load: Loader) -> None:
    exchange = load(Guest(bodies={"pre_hook": write(14)})).exchange("pre_hook", [ONE])
    assert not [event for event in exchange.events if isinstance(event, InputOverwritten)]


@every_engine
def test_input_of_length_zero_has_no_slack(load: Loader) -> None:
    plugin = load(Guest(), heap=SLACK)
    assert plugin.exchange("pre_hook", [b""]).arguments == (0, 0)
    assert "malloc(16)" not in journal(plugin.instance)


@every_engine
def test_write_behind_the_config_is_seen(load: Loader) -> None:
    body = "(i32.store8 (i32.add (local.get $p0) (local.get $p1)) (i32.const 0x21)) (i32.const 0)"
    plugin = load(Guest(bodies={"init": body}), heap=SLACK, config=b"{}")
    assert InputOverwritten(HEAP, 2, 2) in plugin.heap.events


# -- scrubbing ------------------------------------------------------------------------------------

KEEPS = """
(global $kept (mut i32) (i32.const 0))
(func (export "kept") (result i32) (global.get $kept))
"""
LOOK = "(global.set $kept (i32.load8_u (local.get $p0)))"
"""A `free` that keeps the first byte of the last buffer that it took."""


@every_engine
@pytest.mark.parametrize(
    ("scrub", "byte"), [pytest.param(SCRUB, SCRUB, id="scrubbed"), pytest.param(None, ord("{"), id="left-alone")]
)
def test_input_is_overwritten_just_before_it_is_given_back(load: Loader, scrub: int | None, byte: int) -> None:
    plugin = load(Guest(bodies={"free": LOOK}, extra=KEEPS), heap=HeapPolicy(scrub=scrub))
    assert plugin.exchange("pre_hook", [ONE]).failure is None
    assert plugin.instance is not None
    assert plugin.instance.call("kept") == (byte,)


@every_engine
def test_result_is_never_overwritten(load: Loader) -> None:
    guest = Guest(free=1, bodies={"free": ""})
    plugin = load(guest, heap=HeapPolicy(scrub=SCRUB, slack=16))
    plugin.exchange("pre_hook", [ONE])
    assert plugin.instance is not None
    assert plugin.instance.memory is not None
    assert plugin.instance.memory.read(guest.places["pre_hook"][0], 12) == b'{"context":{'
    assert plugin.instance.memory.read(HEAP, 31) == bytes([SCRUB]) * 30 + b"\0"


@every_engine
def test_echo_is_copied_out_before_it_is_overwritten(load: Loader) -> None:
    plugin = load(Guest(bodies={"pre_hook": ECHO}), heap=HeapPolicy(scrub=SCRUB))
    assert plugin.exchange("pre_hook", [ONE]).output == ONE


# -- a `free` that traps --------------------------------------------------------------------------


@every_engine
def test_trap_while_the_result_is_given_back(load: Loader) -> None:
    guest = Guest(bodies={"free": "unreachable"})
    plugin = load(guest)
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (failure(exchange).code, exchange.failed_at) == (HookFailure.TRAP, Stage.FREE)
    assert failure(exchange).detail == "free trapped: unreachable"
    assert exchange.output == PASS["pre_hook"].encode()
    assert exchange.events[1:] == (
        FreeFailed(guest.places["pre_hook"][0], Owner.RESULT, failure(exchange)),
        NotFreed(HEAP, Owner.INPUT, "instance-lost"),
    )
    assert exchange.lost
    assert plugin.instance is None


@every_engine
def test_trap_while_an_input_is_given_back(load: Loader) -> None:
    guest = Guest(
        "r0",
        malloc="plugin_malloc",
        free_name="plugin_free",
        bodies={"plugin_free": "unreachable", "pre_hook": packed(0, 0)},
    )
    exchange = load(guest).exchange("pre_hook", [b"{}", b"{}"])
    assert (failure(exchange).code, exchange.failed_at) == (HookFailure.TRAP, Stage.FREE)
    assert exchange.events[2:] == (
        FreeFailed(HEAP, Owner.INPUT, failure(exchange)),
        NotFreed(HEAP + 8, Owner.INPUT, "instance-lost"),
    )


@every_engine
def test_trap_in_free_after_another_failure_costs_the_instance_too(load: Loader) -> None:
    plugin = load(Guest(bodies={"free": "unreachable", "pre_hook": packed(SIZE, 1)}))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (failure(exchange).code, exchange.failed_at) == (HookFailure.RESULT_OUT_OF_BOUNDS, Stage.RESULT)
    assert exchange.lost
    assert exchange.memory_size is None
    assert failure(plugin.exchange("pre_hook", [ONE])).code == HookFailure.RESULT_OUT_OF_BOUNDS


@every_engine
def test_buffers_of_a_call_that_trapped_are_not_given_back(load: Loader) -> None:
    plugin = load(Guest(bodies={"pre_hook": "unreachable"}))
    instance = plugin.instance
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (failure(exchange).code, exchange.failed_at) == (HookFailure.TRAP, Stage.CALL)
    assert exchange.events[1:] == (NotFreed(HEAP, Owner.INPUT, "instance-lost"),)
    assert journal(instance)[1:] == ["malloc(14)", "pre_hook(32768, 14)"]


@every_engine
def test_trap_in_free_after_init_fails_init(load: Loader) -> None:
    with pytest.raises(HookError, match=r"^init: trap: free trapped: unreachable$"):
        load(Guest(bodies={"free": "unreachable"}), config=b"{}")


# -- high addresses -------------------------------------------------------------------------------

HIGH = '(memory (export "memory") 65536)'
LAST = 2**32 - 14


@large_memories
@pytest.mark.parametrize(
    "pointer",
    [
        pytest.param(0x7FFF_FFFF, id="across-two-gibibytes"),
        pytest.param(0x8000_0000, id="at-two-gibibytes"),
        pytest.param(0xFFFF_0000, id="in-the-last-page"),
        pytest.param(LAST, id="ends-at-four-gibibytes"),
    ],
)
def test_pointers_are_unsigned(load: Loader, pointer: int) -> None:
    guest = Guest(memory=HIGH, bodies={"malloc": f"(i32.const {pointer - (pointer >> 31 << 32)})", "pre_hook": ECHO})
    plugin = load(guest)
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (exchange.output, exchange.pointer, exchange.arguments) == (ONE, pointer, (pointer, 14))
    assert journal(plugin.instance)[1:] == ["malloc(14)", f"pre_hook({pointer}, 14)", f"free({pointer})"]


@large_memories
def test_result_may_end_at_four_gibibytes(load: Loader) -> None:
    plugin = load(Guest(memory=HIGH, bodies={"pre_hook": packed(2**32 - 1, 1)}))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (exchange.output, exchange.failure, exchange.memory_size) == (b"\0", None, 2**32)


@large_memories
def test_result_beyond_four_gibibytes_is_out_of_bounds(load: Loader) -> None:
    plugin = load(Guest(memory=HIGH, bodies={"pre_hook": packed(2**32 - 1, 2)}))
    assert failure(plugin.exchange("pre_hook", [ONE])).code == HookFailure.RESULT_OUT_OF_BOUNDS


# -- fuel -----------------------------------------------------------------------------------------

ENDLESS = "(loop $again (br $again))"
ENDLESS_IN = [
    pytest.param({"malloc": f"{ENDLESS} unreachable"}, Stage.ALLOCATE, id="malloc"),
    pytest.param({"pre_hook": f"{ENDLESS} unreachable"}, Stage.CALL, id="hook"),
    pytest.param({"free": ENDLESS}, Stage.FREE, id="free"),
]


@every_engine
@pytest.mark.parametrize(("bodies", "stage"), ENDLESS_IN)
def test_endless_work_ends_with_the_budget(load: Loader, bodies: dict[str, str], stage: Stage) -> None:
    exchange = load(Guest(bodies=bodies), budget=Budget(10_000, 0)).exchange("pre_hook", [ONE])
    assert exchange.failed_at is stage
    trap = failure(exchange).trap
    assert trap is not None
    assert trap.code is TrapCode.FUEL_EXHAUSTED


@every_engine
def test_budget_grows_with_the_input_and_with_memory(load: Loader) -> None:
    count_down = """
    (loop $again (local.set $p1 (i32.sub (local.get $p1) (i32.const 1))) (br_if $again (local.get $p1)))
    (i64.const 0)
    """
    guest = Guest(bodies={"pre_hook": count_down})
    by_size, fixed = load(guest, budget=Budget(1_000, 20)), load(guest, budget=Budget(1_000, 0))
    long = b"{" + b" " * 4_000
    assert by_size.exchange("pre_hook", [long]).failure is None
    assert fixed.exchange("pre_hook", [long]).failed_at is Stage.CALL
    assert fixed.exchange("pre_hook", [b"{}"]).failure is None
    by_memory = load(guest, budget=Budget(1_000, 0, 1))
    assert by_memory.exchange("pre_hook", [long]).failure is None
