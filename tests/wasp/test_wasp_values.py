"""Values in both directions: how they lie in the guest's memory, and what comes back."""

from __future__ import annotations

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from wasp_guests import (
    COPY,
    ECHO,
    HEAP,
    PAGE,
    REAL_HOST,
    Guest,
    Loader,
    every_engine,
    function,
    journal,
    one_engine,
    static,
)

from reference_host.abi.wasp import HeapPolicy, Instance, Profile, Type, Value
from reference_host.abi.wasp.events import Allocated, Buffer, NotFreed, Oddity, OddText, Owner, SpareReason, Stage
from reference_host.errors import (
    AllocationFailed,
    HookError,
    StringSizeFailed,
    TrapCode,
    UsageError,
    ValueOutOfBounds,
    ValueTooLong,
)

TOP = 2 * PAGE
TAKES_ONE = Guest(function("", "i32"))


def memory(instance: Instance, address: int, length: int) -> bytes:
    assert instance.instance is not None
    assert instance.instance.memory is not None
    return instance.instance.memory.read(address, length)


# -- in -------------------------------------------------------------------------------------------

FORMS = [
    pytest.param("Nic", b"Nic\0", id="string"),
    pytest.param("", b"\0", id="empty-string"),
    pytest.param("a\0b", b"a\0b\0", id="string-with-a-nul"),
    pytest.param("é日本𝄞", "é日本𝄞".encode() + b"\0", id="string-beyond-ascii"),
    pytest.param(bytes([1, 2, 3]), b"\3\0\0\0\1\2\3", id="bytes"),
    pytest.param(b"", b"\0\0\0\0", id="empty-bytes"),
    pytest.param(bytes(300), b"\x2c\1\0\0" + bytes(300), id="length-is-little-endian"),
]


@every_engine
@pytest.mark.parametrize(("value", "form"), FORMS)
def test_what_goes_in_lies_in_the_buffer_that_allocate_gave(load: Loader, value: Value, form: bytes) -> None:
    instance = load(TAKES_ONE)
    exchange = instance.exchange("run", [value])
    assert journal(instance) == [
        f"allocate({len(form)})",
        f"function({HEAP})",
        f"deallocate({HEAP}, {len(form)})",
    ]
    assert memory(instance, HEAP, len(form)) == form
    assert exchange.arguments == (HEAP,)
    assert exchange.inputs == (Buffer(HEAP, len(form), len(form)),)
    assert exchange.failure is None


@every_engine
def test_numbers_go_in_as_they_are(load: Loader) -> None:
    stores = "".join(
        f"({type_}.store (i32.const {HEAP + 8 * at}) (local.get $p{at}))"
        for at, type_ in enumerate(("i32", "i64", "f32", "f64"))
    )
    instance = load(Guest(function(stores, "i32 i64 f32 f64")))
    instance.call_function("run", -1, 2**63, 1.5, -0.25)
    assert memory(instance, HEAP, 32) == bytes.fromhex(
        "ffffffff00000000 0000000000000080 0000c03f00000000 000000000000d0bf".replace(" ", "")
    )


@every_engine
def test_arguments_are_placed_in_order(load: Loader) -> None:
    exchange = load(Guest(function("", "i32 i32 i32"))).exchange("run", ["one", 7, b"two"])
    assert exchange.arguments == (HEAP, 7, HEAP + 8)


# -- out ------------------------------------------------------------------------------------------

RESULTS = [
    pytest.param(b"Nic\0", Type.STRING, "Nic", id="string"),
    pytest.param(b"\0", Type.STRING, "", id="empty-string"),
    pytest.param(b"\xe6\x97\xa5\0", Type.STRING, "日", id="string-beyond-ascii"),
    pytest.param(b"\3\0\0\0\1\2\3", Type.BYTES, b"\1\2\3", id="bytes"),
    pytest.param(b"\0\0\0\0", Type.BYTES, b"", id="empty-bytes"),
]


@every_engine
@pytest.mark.parametrize(("lying", "type_", "expected"), RESULTS)
def test_what_comes_out_is_read_where_the_guest_says(load: Loader, lying: bytes, type_: Type, expected: Value) -> None:
    instance = load(Guest(static(lying, HEAP - 16) + function(f"(i32.const {HEAP - 16})", result="i32")))
    exchange = instance.exchange("run", (), type_)
    assert (exchange.raw, exchange.value, exchange.failure) == (HEAP - 16, expected, None)


@every_engine
@pytest.mark.parametrize(
    ("raw", "expected"),
    [pytest.param(5, 5, id="5"), pytest.param(-1, -1, id="-1"), pytest.param(1 << 31, -(2**31), id="2^31")],
)
def test_integers_come_out_signed(load: Loader, raw: int, expected: int) -> None:
    instance = load(Guest(ECHO))
    assert instance.call_function("run", raw, returns=int) == expected
    exchange = instance.exchange("run", [raw], Type.I32)
    assert (exchange.raw, exchange.value) == (raw % 2**32, expected)


@every_engine
def test_a_result_that_nobody_asked_for_is_not_read(load: Loader) -> None:
    instance = load(Guest(function("(i64.const -1)", result="i64")))
    assert instance.call_function("run") is None
    exchange = instance.exchange("run")
    assert (exchange.raw, exchange.value, exchange.failure) == (2**64 - 1, None, None)


ODD = [
    pytest.param(b"N\xffc\0", [Oddity.NOT_UTF8], "N\ufffdc", id="no-utf8"),
    pytest.param(b"Ni\0\0", [Oddity.COUNTS_TERMINATOR], "Ni\0", id="size-counts-the-terminator"),
    pytest.param(b"N\0c\0", [Oddity.EMBEDDED_NUL], "N\0c", id="nul-within"),
    pytest.param(b"NicX", [Oddity.NO_TERMINATOR], "Nic", id="no-terminator"),
    pytest.param(b"\xff\0\0X", [Oddity.NO_TERMINATOR, Oddity.EMBEDDED_NUL, Oddity.NOT_UTF8], "\ufffd\0\0", id="all"),
]


@every_engine
@pytest.mark.parametrize(("lying", "oddities", "expected"), ODD)
def test_odd_strings_are_read_and_told(load: Loader, lying: bytes, oddities: list[Oddity], expected: str) -> None:
    instance = load(Guest(static(lying) + function("(i32.const 4096)", result="i32"), get_string_size="(i32.const 3)"))
    exchange = instance.exchange("run", (), Type.STRING)
    assert exchange.value == expected
    assert exchange.data == lying[:3]
    assert [event.oddity for event in exchange.events if isinstance(event, OddText)] == oddities


@every_engine
def test_a_string_at_the_end_of_memory_has_no_terminator(load: Loader) -> None:
    guest = Guest(
        static(b"Nic", TOP - 3) + function(f"(i32.const {TOP - 3})", result="i32"), get_string_size="(i32.const 3)"
    )
    instance = load(guest)
    assert instance.call_function("run", returns=str) == "Nic"
    assert OddText(TOP - 3, Owner.RESULT, Oddity.NO_TERMINATOR, b"Nic") in instance.events


@every_engine
def test_a_terminator_that_is_counted_can_be_taken_off(load: Loader) -> None:
    guest = Guest(static(b"Ni\0") + function("(i32.const 4096)", result="i32"), get_string_size="(i32.const 3)")
    exchange = load(guest, policy=HeapPolicy(strip_terminator=True)).exchange("run", (), Type.STRING)
    assert (exchange.value, exchange.data) == ("Ni", b"Ni\0")


# -- round trips ----------------------------------------------------------------------------------

ROOMY = Guest(COPY + ECHO, memory='(memory (export "memory") 8)')


@every_engine
@settings(max_examples=40)
@drawn(st.text(max_size=200))
def test_any_text_comes_back(load: Loader, text: str) -> None:
    instance = load(ROOMY)
    cut, _, _ = text.partition("\0")
    assert instance.call_function("copy_string", text, returns=str) == cut
    assert instance.call_function("run", text, returns=str) == cut


@every_engine
@settings(max_examples=40)
@drawn(st.binary(max_size=400))
def test_any_bytes_come_back(load: Loader, data: bytes) -> None:
    instance = load(ROOMY)
    assert instance.call_function("copy_bytes", data, returns=bytes) == data
    assert instance.call_function("run", data, returns=bytes) == data


GROWING = """
(i32.mul (memory.size) (i32.const 65536))
(if (i32.eq (memory.grow (i32.const 257)) (i32.const -1)) (then unreachable))
"""


@one_engine
@pytest.mark.parametrize("size", [pytest.param(65_536, id="64-KiB"), pytest.param(16 * 2**20, id="16-MiB")])
def test_memory_may_grow_between_allocate_and_write(load: Loader, size: int) -> None:
    instance = load(Guest(ECHO, allocate=GROWING))
    assert instance.call_function("run", "x" * size, returns=str) == "x" * size
    assert instance.call_function("run", b"y" * size, returns=bytes) == b"y" * size


@one_engine
def test_ten_thousand_calls_record_nothing_from_one_to_the_next(load: Loader) -> None:
    instance = load(Guest(ECHO, allocate=f"(i32.const {HEAP})"))
    for number in range(10_000):
        assert instance.call_function("run", str(number), returns=str) == str(number)
    assert len(instance.events) == 3


# -- hostile guests -------------------------------------------------------------------------------


def answering(address: int, size: str | None = None) -> Guest:
    """A guest that answers an address, and says of every string that it has this size."""
    body = function(f"(i32.const {address - ((address >> 31) << 32)})", result="i32")
    return Guest(body) if size is None else Guest(body, get_string_size=f"(i32.const {size})")


OUTSIDE = [
    pytest.param(answering(16, "-1"), Type.STRING, ValueOutOfBounds, id="string-of-4-GiB"),
    pytest.param(answering(16, str(TOP - 15)), Type.STRING, ValueOutOfBounds, id="string-one-byte-too-long"),
    pytest.param(answering(TOP + 1, "0"), Type.STRING, ValueOutOfBounds, id="empty-string-outside"),
    pytest.param(answering(2**31, "3"), Type.STRING, ValueOutOfBounds, id="string-above-2-GiB"),
    pytest.param(answering(2**32 - 1, "1"), Type.STRING, ValueOutOfBounds, id="string-at-the-last-address"),
    pytest.param(answering(TOP), Type.STRING, StringSizeFailed, id="size-of-a-string-outside"),
    pytest.param(answering(TOP - 3), Type.BYTES, ValueOutOfBounds, id="length-half-outside"),
    pytest.param(answering(2**31), Type.BYTES, ValueOutOfBounds, id="bytes-above-2-GiB"),
    pytest.param(answering(2**32 - 4), Type.BYTES, ValueOutOfBounds, id="bytes-at-the-last-address"),
]


@every_engine
@pytest.mark.parametrize(("guest", "type_", "error"), OUTSIDE)
def test_values_outside_memory_are_refused(load: Loader, guest: Guest, type_: Type, error: type[HookError]) -> None:
    instance = load(guest)
    exchange = instance.exchange("run", (), type_)
    assert type(exchange.failure) is error
    assert exchange.failed_at is Stage.RESULT
    assert exchange.value is None
    assert isinstance(exchange.raw, int)
    assert NotFreed(exchange.raw, Owner.RESULT, SpareReason.UNREAD) in exchange.events
    assert exchange.lost is (error is StringSizeFailed)


@every_engine
@pytest.mark.parametrize(
    "length", [pytest.param(b"\xff\xff\xff\xff", id="4-GiB"), pytest.param(b"\x00\x00\x02\x00", id="128-KiB")]
)
def test_the_length_of_bytes_is_not_believed(load: Loader, length: bytes) -> None:
    instance = load(Guest(static(length) + function("(i32.const 4096)", result="i32")))
    with pytest.raises(ValueOutOfBounds, match=r"^run: out-of-bounds: the result has .* in a memory of 0x20000 bytes"):
        instance.call_function("run", returns=bytes)
    assert instance.alive


@every_engine
@pytest.mark.parametrize("type_", [pytest.param(Type.STRING, id="string"), pytest.param(Type.BYTES, id="bytes")])
def test_a_host_takes_no_more_than_it_wants(load: Loader, type_: Type) -> None:
    guest = Guest(static(b"\x20\0\0\0") + function("(i32.const 4096)", result="i32"), get_string_size="(i32.const 33)")
    instance = load(guest, policy=HeapPolicy(longest=32))
    assert isinstance(instance.exchange("run", (), type_).failure, ValueTooLong)


REFUSED = [
    pytest.param("(i32.const 0)", "allocate(4) answered 0", id="zero"),
    pytest.param("(i32.const -8)", "allocate(4) answered 0xfffffff8, which does not fit", id="last-address"),
    pytest.param(f"(i32.const {TOP - 3})", f"allocate(4) answered {TOP - 3:#x}, which does not fit", id="half-outside"),
    pytest.param(f"(i32.const {2**31 - 1})", "allocate(4) answered 0x7fffffff, which does not fit", id="far"),
]


@every_engine
@pytest.mark.parametrize(("body", "detail"), REFUSED)
def test_an_address_that_cannot_be_used_is_a_failed_allocation(load: Loader, body: str, detail: str) -> None:
    instance = load(Guest(ECHO, allocate=body))
    exchange = instance.exchange("run", ["Nic"], Type.STRING)
    assert isinstance(exchange.failure, AllocationFailed)
    assert exchange.failure.detail.startswith(detail)
    assert (exchange.failed_at, exchange.lost, exchange.raw) == (Stage.ALLOCATE, False, None)
    assert journal(instance) == ["allocate(4)"]
    assert isinstance(exchange.events[0], Allocated)


@one_engine
def test_buffers_above_2_gib_are_used(load: Loader) -> None:
    guest = Guest(ECHO, allocate="(i32.const -65536)", memory='(memory (export "memory") 65536)')
    instance = load(guest)
    assert instance.call_function("run", "Nic", returns=str) == "Nic"
    assert instance.call_function("run", b"Nic", returns=bytes) == b"Nic"
    assert journal(instance)[-1] == f"deallocate({2**32 - 65_536}, 7)"


NO_ROOM = [
    pytest.param(Guest(ECHO, allocate=None), "the module exports no allocate", id="no-allocate"),
    pytest.param(
        Guest(ECHO + '(global (export "allocate") i32 (i32.const 1))', allocate=None),
        "allocate has type global i32, expected (i32) -> i32",
        id="allocate-is-no-function",
    ),
    pytest.param(
        Guest(ECHO + '(func (export "allocate") (param i32))', allocate=None),
        "allocate has type (i32) -> (), expected (i32) -> i32",
        id="allocate-of-another-type",
    ),
    pytest.param(Guest(ECHO, memory="(memory 2)"), "the module exports no memory", id="no-memory"),
    pytest.param(
        Guest(ECHO, memory='(memory (export "heap") 2)'), "the module exports no memory", id="memory-of-another-name"
    ),
]


@every_engine
@pytest.mark.parametrize(("guest", "detail"), NO_ROOM)
def test_what_strings_need_is_looked_for_when_there_are_some(load: Loader, guest: Guest, detail: str) -> None:
    instance = load(guest)
    assert instance.call_function("run", 7, returns=int) == 7
    exchange = instance.exchange("run", ["Nic"], Type.STRING)
    assert isinstance(exchange.failure, AllocationFailed)
    assert exchange.failure.detail == detail
    assert exchange.failed_at is Stage.ALLOCATE


NO_SIZE = [
    pytest.param(Guest(ECHO, get_string_size=None), "the module exports no get_string_size", id="absent"),
    pytest.param(
        Guest(ECHO + '(func (export "get_string_size") (param i32) (result i64) (i64.const 1))', get_string_size=None),
        "get_string_size has type (i32) -> i64, expected (i32) -> i32",
        id="of-another-type",
    ),
    pytest.param(Guest(ECHO, memory="(memory 2)"), "the module exports no memory", id="no-memory"),
]


@every_engine
@pytest.mark.parametrize(("guest", "detail"), NO_SIZE)
def test_a_string_without_a_size_is_not_read(load: Loader, guest: Guest, detail: str) -> None:
    exchange = load(guest).exchange("run", [4096], Type.STRING)
    assert isinstance(exchange.failure, StringSizeFailed)
    assert (exchange.failure.detail, exchange.failure.trap) == (detail, None)
    assert exchange.failed_at is Stage.RESULT


@every_engine
def test_bytes_without_a_memory_are_not_read(load: Loader) -> None:
    exchange = load(Guest(ECHO, memory="(memory 2)")).exchange("run", [4096], Type.BYTES)
    assert isinstance(exchange.failure, ValueOutOfBounds)


TRAPS = [
    pytest.param(Guest(ECHO, allocate="unreachable"), AllocationFailed, Stage.ALLOCATE, id="allocate"),
    pytest.param(Guest(ECHO, get_string_size="unreachable"), StringSizeFailed, Stage.RESULT, id="get_string_size"),
]


@every_engine
@pytest.mark.parametrize(("guest", "error", "stage"), TRAPS)
def test_a_trap_of_the_abi_is_told_from_one_of_the_function(
    load: Loader, guest: Guest, error: type[HookError], stage: Stage
) -> None:
    instance = load(guest)
    exchange = instance.exchange("run", ["Nic"], Type.STRING)
    assert type(exchange.failure) is error
    assert exchange.failure.trap is not None
    assert exchange.failure.trap.code is TrapCode.UNREACHABLE
    assert (exchange.failed_at, exchange.lost, instance.alive) == (stage, True, False)


# -- the real host's way --------------------------------------------------------------------------

MANGLED = [
    pytest.param("Nic", b"Nic..", b"Nic.\0", id="the-terminator-lies-behind-the-buffer"),
    pytest.param("é", b"....", b"\xe9..\0", id="a-character-becomes-a-byte"),
    pytest.param("日本", b"........", b"\xe5..\x2c...\0", id="where-its-first-byte-belongs"),
    pytest.param("", b"..", b".\0", id="an-empty-string-has-no-terminator"),
]


@every_engine
@pytest.mark.parametrize(("text", "before", "after"), MANGLED)
def test_the_real_hosts_strings(load: Loader, text: str, before: bytes, after: bytes) -> None:
    guest = Guest(static(before, HEAP) + function("", "i32"), REAL_HOST)
    instance = load(guest, profile=Profile.WASP_0_0_8)
    instance.call_function("run", text)
    assert memory(instance, HEAP, len(before)) == after
    assert journal(instance) == [
        f"allocate({len(text.encode()) + 1})",
        f"function({HEAP})",
        f"deallocate({HEAP}, {len(text.encode()) + 1})",
    ]


@every_engine
def test_bytes_are_as_they_should_be_there_too(load: Loader) -> None:
    instance = load(Guest(ECHO, REAL_HOST), profile=Profile.WASP_0_0_8)
    assert instance.call_function("run", b"\1\2\3", returns=bytes) == b"\1\2\3"


@one_engine
def test_the_real_host_has_one_way_with_buffers(load: Loader) -> None:
    with pytest.raises(UsageError, match="one way to treat buffers"):
        load.host(profile=Profile.WASP_0_0_8, policy=HeapPolicy(slack=4))
