"""The memory contract: which allocator, in what order, with which arguments, and every buffer given back exactly once.

The guests keep a journal, so that each expectation is what the guest was really asked for.
"""

from __future__ import annotations

import pytest
from bifrost_guests import ECHO, HEAP, Guest, Loader, every_engine, journal, packed

from reference_host.abi.bifrost.events import Allocated, Buffer, Freed, NotFreed, Owner, Stage
from reference_host.abi.bifrost.types import HookFailure

ONE = b'{"context":{}}'
"""14 bytes, of which an aligned allocator makes 16."""

R0_OWN = Guest("r0", malloc="plugin_malloc", free_name="plugin_free")


def after_init(calls: list[str]) -> list[str]:
    """The calls of the one exchange that was made, `get_name` or a hook, after `init`."""
    assert calls[0] == "init(0, 0)"
    return calls[1:]


# -- order and arguments --------------------------------------------------------------------------

ORDER = [
    pytest.param(
        Guest(),
        ["malloc(14)", "pre_hook(32768, 14)", "free({answer})", "free(32768)"],
        id="free-takes-a-pointer",
    ),
    pytest.param(
        Guest(free=2),
        ["malloc(14)", "pre_hook(32768, 14)", "free({answer}, {length})", "free(32768, 14)"],
        id="free-takes-pointer-and-size",
    ),
    pytest.param(Guest(free=None), ["malloc(14)", "pre_hook(32768, 14)"], id="no-free"),
    pytest.param(
        Guest(malloc="plugin_malloc", free_name="plugin_free"),
        ["plugin_malloc(14)", "pre_hook(32768, 14)", "plugin_free({answer})", "plugin_free(32768)"],
        id="own-pair",
    ),
]


@every_engine
@pytest.mark.parametrize(("guest", "expected"), ORDER)
def test_result_is_given_back_first_then_the_input(load: Loader, guest: Guest, expected: list[str]) -> None:
    plugin = load(guest, checked=False)
    plugin.exchange("pre_hook", [ONE])
    address, length = guest.places["pre_hook"]
    assert after_init(journal(plugin.instance)) == [call.format(answer=address, length=length) for call in expected]


@every_engine
@pytest.mark.parametrize("free", [pytest.param(1, id="pointer"), pytest.param(2, id="pointer-and-size")])
def test_documents_of_r0_are_placed_in_order_and_given_back_in_order(load: Loader, free: int) -> None:
    guest = Guest("r0", malloc="plugin_malloc", free_name="plugin_free", free=free)
    plugin = load(guest)
    plugin.exchange("post_hook", [b'{"a":1}', b'{"response":2}', b"null"])
    address, length = guest.places["post_hook"]
    given_back = [(address, length), (32768, 7), (32776, 14), (32792, 4)]
    assert after_init(journal(plugin.instance)) == [
        "plugin_malloc(7)",
        "plugin_malloc(14)",
        "plugin_malloc(4)",
        "post_hook(32768, 7, 32776, 14, 32792, 4)",
        *(f"plugin_free({', '.join(map(str, arguments[:free]))})" for arguments in given_back),
    ]


@every_engine
def test_two_documents_of_r0(load: Loader) -> None:
    plugin = load(R0_OWN)
    exchange = plugin.exchange("pre_hook", [b'{"a":1}', ONE])
    assert exchange.arguments == (32768, 7, 32776, 14)
    assert "pre_hook(32768, 7, 32776, 14)" in journal(plugin.instance)


@every_engine
def test_get_name_gives_back_its_result(load: Loader) -> None:
    guest = Guest()
    plugin = load(guest)
    assert plugin.name == "scripted"
    assert after_init(journal(plugin.instance)) == ["get_name()", f"free({guest.places['get_name'][0]})"]


@every_engine
def test_config_is_given_back_after_init(load: Loader) -> None:
    plugin = load(Guest(free=2), config=b'{"word":"x"}')
    assert journal(plugin.instance) == ["malloc(12)", "init(32768, 12)", "free(32768, 12)"]


@every_engine
def test_what_was_seen_is_told_as_events(load: Loader) -> None:
    guest = Guest(free=2)
    address, length = guest.places["pre_hook"]
    exchange = load(guest).exchange("pre_hook", [ONE])
    assert exchange.events == (
        Allocated(32768, 14, 131_072),
        Freed(address, length, Owner.RESULT),
        Freed(32768, 14, Owner.INPUT),
    )
    assert exchange.inputs == (Buffer(32768, 14, 14),)
    assert (exchange.pointer, exchange.length) == (address, length)
    assert exchange.raw == address << 32 | length
    assert exchange.memory_size == 131_072
    assert (exchange.failure, exchange.failed_at, exchange.lost) == (None, None, False)


# -- the pair -------------------------------------------------------------------------------------

TOOLCHAIN = """
(func (export "malloc") (param i32) (result i32) unreachable)
(func (export "free") (param i32) unreachable)
"""


@every_engine
def test_own_pair_is_used_where_the_toolchain_exports_another(load: Loader) -> None:
    plugin = load(Guest(malloc="plugin_malloc", free_name="plugin_free", extra=TOOLCHAIN))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert exchange.failure is None
    assert after_init(journal(plugin.instance))[0] == "plugin_malloc(14)"


NOT_MIXED = [
    pytest.param(Guest(malloc="plugin_malloc", free_name="free"), id="plugin_malloc-without-plugin_free"),
    pytest.param(Guest(malloc="malloc", free_name="plugin_free"), id="malloc-without-free"),
]


@every_engine
@pytest.mark.parametrize("guest", NOT_MIXED)
def test_pairs_are_never_mixed(load: Loader, guest: Guest) -> None:
    plugin = load(guest, checked=False)
    exchange = plugin.exchange("pre_hook", [ONE])
    assert exchange.failure is None
    assert [call for call in journal(plugin.instance) if "free" in call] == []
    assert [event for event in exchange.events if isinstance(event, NotFreed)] == [
        NotFreed(guest.places["pre_hook"][0], Owner.RESULT, "no-free"),
        NotFreed(HEAP, Owner.INPUT, "no-free"),
    ]


@every_engine
def test_module_without_allocator_fails_at_the_allocation(load: Loader) -> None:
    plugin = load(Guest(malloc=None), checked=False)
    exchange = plugin.exchange("pre_hook", [ONE])
    assert exchange.failure is not None
    assert (exchange.failure.code, exchange.failed_at) == (HookFailure.ALLOC_FAILED, Stage.ALLOCATE)
    assert after_init(journal(plugin.instance)) == []


# -- nothing to carry -----------------------------------------------------------------------------


@every_engine
def test_input_of_length_zero_is_zero_and_zero_and_the_allocator_is_not_asked(load: Loader) -> None:
    guest = Guest()
    plugin = load(guest)
    exchange = plugin.exchange("pre_hook", [b""])
    assert exchange.inputs == (Buffer(0, 0, 0),)
    assert after_init(journal(plugin.instance)) == ["pre_hook(0, 0)", f"free({guest.places['pre_hook'][0]})"]


@every_engine
def test_one_of_several_documents_may_be_empty(load: Loader) -> None:
    plugin = load(R0_OWN)
    exchange = plugin.exchange("post_hook", [b"{}", b"", b"null"])
    assert exchange.arguments == (32768, 2, 0, 0, 32776, 4)
    assert [call for call in journal(plugin.instance) if "malloc" in call] == ["plugin_malloc(2)", "plugin_malloc(4)"]


# -- where a result may lie -----------------------------------------------------------------------


@every_engine
@pytest.mark.parametrize("free", [pytest.param(1, id="pointer"), pytest.param(2, id="pointer-and-size")])
def test_echo_of_the_input_is_given_back_once(load: Loader, free: int) -> None:
    plugin = load(Guest(bodies={"pre_hook": ECHO}, free=free))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert exchange.output == ONE
    freed = "free(32768)" if free == 1 else "free(32768, 14)"
    assert after_init(journal(plugin.instance)) == ["malloc(14)", "pre_hook(32768, 14)", freed]
    assert NotFreed(HEAP, Owner.RESULT, "same-as-input") in exchange.events


@every_engine
def test_echo_of_the_second_document_is_given_back_once(load: Loader) -> None:
    body = ECHO.replace("$p0", "$p2").replace("$p1", "$p3")
    plugin = load(Guest("r0", malloc="plugin_malloc", free_name="plugin_free", bodies={"pre_hook": body}))
    exchange = plugin.exchange("pre_hook", [b'{"a":1}', b'{"b":2}'])
    assert exchange.output == b'{"b":2}'
    assert after_init(journal(plugin.instance))[3:] == ["plugin_free(32768)", "plugin_free(32776)"]


IN_INPUT = [
    pytest.param(packed(HEAP + 11, 2), b"{}", id="its-end"),
    pytest.param(packed(HEAP, 1), b"{", id="its-beginning"),
    pytest.param(packed(HEAP + 1, 9), b'"context"', id="its-middle"),
    pytest.param(packed(HEAP + 11, 4), b"{}}\0", id="across-its-end"),
]


@every_engine
@pytest.mark.parametrize(("body", "output"), IN_INPUT)
def test_result_inside_the_input_is_copied_out_and_given_back_with_it(load: Loader, body: str, output: bytes) -> None:
    plugin = load(Guest(bodies={"pre_hook": body}, free=2))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert exchange.output == output
    assert after_init(journal(plugin.instance))[2:] == ["free(32768, 14)"]


@every_engine
def test_result_next_to_the_input_is_a_buffer_of_its_own(load: Loader) -> None:
    plugin = load(Guest(bodies={"pre_hook": packed(HEAP + 14, 2)}, free=2))
    plugin.exchange("pre_hook", [ONE])
    assert after_init(journal(plugin.instance))[2:] == ["free(32782, 2)", "free(32768, 14)"]


@every_engine
def test_result_is_copied_out_before_anything_is_given_back(load: Loader) -> None:
    wipe = "(i32.store8 (local.get $p0) (i32.const 0x21))"
    guest = Guest(answers={"pre_hook": b'{"error":"kept"}'}, bodies={"free": wipe})
    plugin = load(guest)
    assert plugin.exchange("pre_hook", [ONE]).output == b'{"error":"kept"}'
    assert plugin.instance is not None
    assert plugin.instance.memory is not None
    assert plugin.instance.memory.read(guest.places["pre_hook"][0], 3) == b'!"e'


# -- the packed result ----------------------------------------------------------------------------

SIZE = 131_072
EMPTY = [
    pytest.param(packed(0, 0), id="zero"),
    pytest.param(packed(4_096, 0), id="pointer-without-length"),
    pytest.param(packed(SIZE, 0), id="end-of-memory"),
    pytest.param(packed(0xFFFF_FFFF, 0), id="beyond-memory"),
]


@every_engine
@pytest.mark.parametrize("body", EMPTY)
def test_result_of_length_zero_is_empty_and_not_given_back(load: Loader, body: str) -> None:
    plugin = load(Guest(bodies={"pre_hook": body}))
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (exchange.output, exchange.length, exchange.failure) == (b"", 0, None)
    assert after_init(journal(plugin.instance))[2:] == ["free(32768)"]


INSIDE = [
    pytest.param(SIZE - 1, 1, id="last-byte"),
    pytest.param(SIZE - 2, 2, id="ends-with-memory"),
    pytest.param(1, SIZE - 1, id="all-but-the-first-byte"),
]


@every_engine
@pytest.mark.parametrize(("pointer", "length"), INSIDE)
def test_result_may_end_where_memory_ends(load: Loader, pointer: int, length: int) -> None:
    exchange = load(Guest(bodies={"pre_hook": packed(pointer, length)})).exchange("pre_hook", [ONE])
    assert exchange.failure is None
    assert exchange.output is not None
    assert len(exchange.output) == length


OUTSIDE = [
    pytest.param(SIZE, 1, id="first-byte-behind-memory"),
    pytest.param(SIZE - 1, 2, id="one-byte-too-long"),
    pytest.param(1, SIZE, id="one-byte-longer-than-memory"),
    pytest.param(0, SIZE + 1, id="from-zero-too-long"),
    pytest.param(77, 4_096 << 6, id="halves-swapped"),
    pytest.param(0x8000_0000, 2, id="pointer-that-is-negative-when-signed"),
    pytest.param(4_096, 0xFFFF_FFFF, id="length-that-is-negative-when-signed"),
    pytest.param(0xFFFF_FFFF, 0xFFFF_FFFF, id="all-ones"),
    pytest.param(0xFFFF_FFFF, 1, id="ends-at-four-gibibytes"),
]


@every_engine
@pytest.mark.parametrize(("pointer", "length"), OUTSIDE)
def test_result_outside_memory_fails_the_hook_and_costs_no_instance(load: Loader, pointer: int, length: int) -> None:
    plugin = load(Guest(bodies={"pre_hook": packed(pointer, length)}))
    instance = plugin.instance
    exchange = plugin.exchange("pre_hook", [ONE])
    assert exchange.failure is not None
    assert (exchange.failure.code, exchange.failed_at) == (HookFailure.RESULT_OUT_OF_BOUNDS, Stage.RESULT)
    assert (exchange.output, exchange.pointer) == (None, pointer)
    assert "in a memory of 0x20000 bytes" in exchange.failure.detail
    assert plugin.instance is instance
    assert after_init(journal(instance))[2:] == ["free(32768)"]


@every_engine
def test_result_at_address_zero_is_read_and_not_given_back(load: Loader) -> None:
    guest = Guest(bodies={"pre_hook": packed(0, 2)}, extra='(data (i32.const 0) "{}")')
    plugin = load(guest)
    exchange = plugin.exchange("pre_hook", [ONE])
    assert (exchange.output, exchange.failure) == (b"{}", None)
    assert NotFreed(0, Owner.RESULT, "zero") in exchange.events
    assert after_init(journal(plugin.instance))[2:] == ["free(32768)"]
