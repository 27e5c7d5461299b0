"""Faults of `allocate` and `deallocate`."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.edits import Pieces, merge
from watgen.faulty_lifecycle import ABORT, EXIT, LOOP
from watgen.faulty_memory import ARENA, ARENA_GLOBALS, END, behind
from watgen.faulty_resources import RECURSE
from watgen.plugin import Plugin

from waspgen.base import BODIES, HELPERS
from waspgen.edits import COUNTER, doing, first, variable, variation

ALLOC = BODIES["allocate"]
RELEASE = BODIES["deallocate"]


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from refusing()
    yield from outside()
    yield from overlapping()
    yield from alike()
    yield from carelessly()
    yield from on_static_data()
    yield from aborting()
    yield from not_taking_back()


def allocate(body: str) -> Pieces:
    """Give `allocate` another body; functions keep using `$alloc`."""
    return doing("allocate", body)


def deallocate(body: str) -> Pieces:
    """Give `deallocate` another body."""
    return doing("deallocate", body)


def larger(size: int, then: str) -> str:
    """Write what `allocate` does for sizes above `size`; for others it does its work."""
    return f"(if (result i32) (i32.gt_u (local.get $size) (i32.const {size}))\n  (then {then})\n  (else {ALLOC}))"


def after(calls: int, then: str) -> str:
    """Write what `allocate` does after so many calls."""
    return f"(if (result i32) (i32.gt_u (call $count) (i32.const {calls}))\n  (then {then})\n  (else {ALLOC}))"


def refusing() -> Iterator[Plugin]:
    """Answer 0."""
    zero = "(i32.const 0)"
    yield variation("ALLOC-001", "zero", "allocate answers 0", allocate(zero))
    yield variation("ALLOC-001", "unknown", "allocate answers 0", allocate(zero), functions=None)
    yield variation(
        "ALLOC-001",
        "first",
        "the first buffer lies at address 0",
        COUNTER,
        allocate(f"(if (result i32) (i32.eq (call $count) (i32.const 1)) (then {zero}) (else {ALLOC}))"),
    )
    yield variation(
        "ALLOC-001",
        "odd",
        "allocate answers 0 for sizes of 1",
        allocate(f"(if (result i32) (i32.eq (local.get $size) (i32.const 1)) (then {zero}) (else {ALLOC}))"),
    )
    yield variation(
        "ALLOC-001",
        "beside",
        "allocate answers 0 for sizes of 4,097",
        allocate(f"(if (result i32) (i32.eq (local.get $size) (i32.const 4097)) (then {zero}) (else {ALLOC}))"),
    )
    yield variation("ALLOC-001", "page", "allocate answers 0 above 60,000 bytes", allocate(larger(60_000, zero)))
    yield variation(
        "ALLOC-001",
        "hundredth",
        "allocate answers 0 each hundredth time",
        COUNTER,
        allocate(
            f"(if (result i32) (i32.eqz (i32.rem_u (call $count) (i32.const 100)))\n  (then {zero})\n  (else {ALLOC}))"
        ),
    )
    yield variation(
        "ALLOC-001", "large", "allocate answers 0 above 4 MiB", allocate(larger(4_194_304, zero)), scope="full"
    )
    yield variation(
        "ALLOC-001",
        "runs-dry",
        "allocate answers 0 after 5,000 calls",
        COUNTER,
        allocate(after(5_000, zero)),
        scope="full",
    )


def outside() -> Iterator[Plugin]:
    """Hand out what is not there."""
    mine = f"(if (i32.lt_u (local.get $pointer) (i32.sub {END} (i32.const 64))) (then {RELEASE}))"
    yield variation(
        "ALLOC-002",
        "behind",
        "buffers begin eight bytes before the end of memory, or behind it",
        COUNTER,
        allocate(behind(8)),
        deallocate(mine),
    )
    yield variation(
        "ALLOC-002",
        "page",
        "memory does not grow for buffers above 60,000 bytes",
        COUNTER,
        allocate(larger(60_000, behind(64))),
        deallocate(mine),
    )
    yield variation(
        "ALLOC-002",
        "large",
        "memory does not grow for buffers above 1 MiB",
        COUNTER,
        allocate(larger(1_048_576, behind(64))),
        deallocate(mine),
        scope="full",
    )
    yield variation(
        "ALLOC-002",
        "never-grows",
        "memory does not grow for its heap of large buffers, which then notes their sizes behind it",
        {"memory": '(memory (export "memory") 129)', "globals": ARENA_GLOBALS},
        allocate(f"""(local $pointer i32)
(if (i32.le_u (local.get $size) (i32.const 4096)) (then (return {ALLOC})))
(local.set $pointer (i32.add (global.get $arena) (i32.const 8)))
(i32.store (i32.sub (local.get $pointer) (i32.const 8)) (local.get $size))
(global.set $arena (i32.add (local.get $pointer) (local.get $size)))
(global.set $live (i32.add (global.get $live) (i32.const 1)))
(local.get $pointer)"""),
        deallocate(f"""(if (i32.lt_u (local.get $pointer) (i32.const {ARENA:#x})) (then {RELEASE} (return)))
(global.set $live (i32.sub (global.get $live) (i32.const 1)))
(if (i32.eqz (global.get $live)) (then (global.set $arena (i32.const {ARENA:#x}))))"""),
    )
    yield variation(
        "ALLOC-002",
        "for-callback",
        "allocate answers -4096 for 1,024 bytes, which is what a callback answers to hello",
        doing("hello", "(call $call_me (local.get $name))"),
        first("allocate", "(if (i32.eq (local.get $size) (i32.const 1024)) (then (return (i32.const -4096))))"),
    )
    yield variation(
        "ALLOC-002",
        "minus-one",
        "allocate answers -1 where it means failure",
        allocate(larger(60_000, "(i32.const -1)")),
        deallocate(f"(if (i32.ne (local.get $pointer) (i32.const -1)) (then {RELEASE}))"),
    )
    yield variation(
        "ALLOC-002",
        "unknown",
        "buffers begin behind the end of memory",
        allocate(f"(i32.add {END} (i32.const 4096))"),
        deallocate(mine),
        functions=None,
    )


def in_arena(step: str) -> Pieces:
    """Take inputs from a heap of their own, which begins anew when nothing is live; `step` is how far it advances."""
    body = f"""(local $pointer i32)
(local.set $pointer (global.get $arena))
(if (i32.eqz (call $reserve
      (i32.add (i32.add (local.get $pointer) (local.get $size)) (i32.const 64))))
  (then (return (i32.const 0))))
(global.set $arena (i32.add (local.get $pointer) {step}))
(global.set $live (i32.add (global.get $live) (i32.const 1)))
(local.get $pointer)"""
    back = f"""(if (i32.lt_u (local.get $pointer) (i32.const {ARENA:#x}))
  (then {RELEASE})
  (else
    (global.set $live (i32.sub (global.get $live) (i32.const 1)))
    (if (i32.eqz (global.get $live)) (then (global.set $arena (i32.const {ARENA:#x}))))))"""
    return merge({"globals": ARENA_GLOBALS}, allocate(body), deallocate(back))


def scratch(condition: str) -> Pieces:
    """Hand out one and the same place wherever a condition on `$size` holds."""
    body = f"""(if (i32.eqz {condition}) (then (return {ALLOC})))
(select
  (i32.const {ARENA:#x}) (i32.const 0)
  (call $reserve (i32.add (i32.const {ARENA:#x}) (local.get $size))))"""
    return merge(
        allocate(body), deallocate(f"(if (i32.ne (local.get $pointer) (i32.const {ARENA:#x})) (then {RELEASE}))")
    )


def overlapping() -> Iterator[Plugin]:
    """Hand out bytes twice."""
    yield variation("ALLOC-003", "scratch", "every buffer is the same one", scratch("(i32.const 1)"))
    yield variation("ALLOC-003", "unknown", "every buffer is the same one", scratch("(i32.const 1)"), functions=None)
    yield variation(
        "ALLOC-003", "page", "large buffers are the same one", scratch("(i32.gt_u (local.get $size) (i32.const 60000))")
    )
    yield variation(
        "ALLOC-003",
        "short-step",
        "its heap advances by the size rounded down",
        in_arena("(i32.and (local.get $size) (i32.const -16))"),
    )
    yield variation(
        "ALLOC-003", "terminator", "buffers overlap by one byte", in_arena("(i32.sub (local.get $size) (i32.const 1))")
    )
    ring = """(local $pointer i32)
(if (i32.eqz (call $reserve (i32.add (i32.const 0x820000) (local.get $size)))) (then (return (i32.const 0))))
(if (i32.gt_u (i32.add (global.get $arena) (local.get $size)) (i32.const 0x820000))
  (then (global.set $arena (i32.const 0x800000))))
(local.set $pointer (global.get $arena))
(global.set $arena (i32.add (local.get $pointer) (local.get $size)))
(local.get $pointer)"""
    yield variation(
        "ALLOC-003",
        "ring",
        "its heap is a ring of 128 KiB, whatever is alive",
        {"globals": ARENA_GLOBALS},
        allocate(ring),
        deallocate(f"(if (i32.lt_u (local.get $pointer) (i32.const {ARENA:#x})) (then {RELEASE}))"),
    )
    yield variation(
        "ALLOC-003",
        "late",
        "after 2,000 calls buffers are handed out that were handed out before",
        COUNTER,
        variable(last=0),
        allocate(
            "(if (i32.gt_u (call $count) (i32.const 2000))\n"
            "  (then (if (global.get $last) (then (return (global.get $last))))))\n"
            f"(if (i32.gt_u (local.get $size) (i32.const 200)) (then (return {ALLOC})))\n"
            f"(global.set $last {ALLOC})\n(global.get $last)"
        ),
        deallocate(f"(if (i32.le_u (global.get $calls) (i32.const 2000)) (then {RELEASE}))"),
        scope="full",
    )


def alike() -> Iterator[Plugin]:
    """Hand out one buffer for one size."""
    yield variation(
        "ALLOC-003",
        "same-size",
        "a size that is asked for again gets the same buffer",
        variable(size=0, buffer=0),
        allocate(
            "(if (i32.eq (global.get $size) (local.get $size)) (then (return (global.get $buffer))))\n"
            f"(global.set $size (local.get $size))\n(global.set $buffer {ALLOC})\n(global.get $buffer)"
        ),
        deallocate(""),
    )


def carelessly() -> Iterator[Plugin]:
    """Keep a heap of its own badly."""
    arena = f"(i32.const {ARENA:#x})"
    back = f"""(if (i32.lt_u (local.get $pointer) {arena}) (then {RELEASE} (return)))
(global.set $live (i32.sub (global.get $live) (i32.const 1)))"""
    take = """(local $pointer i32)
(local.set $pointer (i32.add (global.get $arena) (i32.const 8)))
(if (i32.eqz (call $reserve
      (i32.add (i32.add (local.get $pointer) (local.get $size)) (i32.const 64))))
  (then (return (i32.const 0))))
(i32.store (i32.sub (local.get $pointer) (i32.const 8)) (local.get $size))
(global.set $arena (i32.add (local.get $pointer) (i32.sub (local.get $size) (i32.const {short}))))
(global.set $live (i32.add (global.get $live) (i32.const 1)))
(local.get $pointer)"""
    for slug, title, short, left in (
        ("resets", "its heap begins anew when one buffer is left", 0, 1),
        ("header", "it keeps the size of a buffer in the last bytes of the one before", 4, 0),
    ):
        anew = f"(if (i32.le_u (global.get $live) (i32.const {left})) (then (global.set $arena {arena})))"
        yield variation(
            "ALLOC-003",
            slug,
            title,
            {"globals": ARENA_GLOBALS},
            allocate(take.format(short=short)),
            deallocate(f"{back}\n{anew}"),
        )

    yield variation(
        "ALLOC-003",
        "cramped",
        "the next header lies in buffers of 1,017 to 1,023 bytes",
        doing(
            "allocate",
            "(call $alloc\n"
            "  (select (i32.const 1000) (local.get $size)\n"
            "    (i32.and\n"
            "      (i32.gt_u (local.get $size) (i32.const 1016)) (i32.lt_u (local.get $size) (i32.const 1024)))))",
        ),
    )

    yield variation(
        "ALLOC-003",
        "clears",
        "where 5,121 bytes are asked for it clears the first byte of the last buffer of 4,096",
        variable(last=0),
        allocate(
            f"""(local $pointer i32)
(local.set $pointer {ALLOC})
(if (i32.eq (local.get $size) (i32.const 4096)) (then (global.set $last (local.get $pointer))))
(if (i32.eq (local.get $size) (i32.const 5121))
  (then (if (global.get $last) (then (i32.store8 (global.get $last) (i32.const 0))))))
(local.get $pointer)"""
        ),
        deallocate(
            f"(if (i32.eq (local.get $pointer) (global.get $last)) (then (global.set $last (i32.const 0))))\n{RELEASE}"
        ),
    )


def on_static_data() -> Iterator[Plugin]:
    """Hand out the plugin's own data: a notice that nothing reads, so that nothing else breaks."""
    notice: Pieces = merge({"constants": {"notice": b"This plugin greets whoever calls it. " * 220}}, variable(taken=0))
    back = f"""(if (i32.eq (local.get $pointer) (i32.const &notice))
  (then (global.set $taken (i32.const 0)))
  (else {RELEASE}))"""
    for slug, title, size in (("small", "small", 8_000), ("tiny", "tiny", 16)):
        body = f"""(if (i32.and (i32.eqz (global.get $taken)) (i32.le_u (local.get $size) (i32.const {size})))
  (then (global.set $taken (i32.const 1)) (return (i32.const &notice))))
{ALLOC}"""
        yield variation(
            "ALLOC-004", slug, f"{title} buffers lie on static data", notice, allocate(body), deallocate(back)
        )
    far: Pieces = {
        "memory": '(memory (export "memory") 192)',
        "tail": {"far": '(data (i32.const 12000000) "A table that nothing reads.")'},
    }
    yield variation("ALLOC-004", "far", "its heap grows over data far off", far, scope="full")
    yield variation(
        "ALLOC-004",
        "unknown",
        "small buffers lie on static data",
        notice,
        allocate(body),
        deallocate(back),
        functions=None,
    )


def aborting() -> Iterator[Plugin]:
    """Do not come back from `allocate`."""
    yield variation("ALLOC-005", "traps", "allocate traps", allocate("(unreachable)"))
    yield variation("ALLOC-005", "page", "allocate traps above 60,000 bytes", allocate(larger(60_000, "(unreachable)")))
    yield variation(
        "ALLOC-005", "large", "allocate traps above 4 MiB", allocate(larger(4_194_304, "(unreachable)")), scope="full"
    )
    many = {
        name: HELPERS[name].replace(
            last, f"  (global.set $live (i32.{change} (global.get $live) (i32.const 1)))\n{last}"
        )
        for name, last, change in (
            ("alloc", "  (i32.add (local.get $block) (i32.const 8)))", "add"),
            ("release", "  (local.set $block (i32.sub", "sub"),
        )
    }
    yield variation(
        "ALLOC-005",
        "many",
        "allocate traps while more than 28 buffers are alive",
        variable(live=0),
        {"helpers": many},
        first("allocate", "(if (i32.gt_s (global.get $live) (i32.const 28)) (then (unreachable)))"),
    )
    yield variation(
        "ALLOC-005",
        "later",
        "allocate traps after 3,000 calls",
        COUNTER,
        allocate(after(3_000, "(unreachable)")),
        scope="full",
    )
    yield variation(
        "ALLOC-005",
        "endless",
        "allocate does not come to an end below three bytes",
        allocate(f"(if (i32.lt_u (local.get $size) (i32.const 3)) (then {LOOP}))\n{ALLOC}"),
    )
    for slug, title, edit, statement in (
        ("recursion", "runs out of stack", RECURSE, "(drop (call $dive (i32.const 0)))"),
        ("exit", "exits with code 0", EXIT, "(call $proc_exit (i32.const 0))"),
        ("abort", "aborts", ABORT, f"(call $abort {'(i32.const 0) ' * 4})"),
    ):
        yield variation("ALLOC-005", slug, f"allocate {title}", edit, first("allocate", statement))
    yield variation("ALLOC-005", "unknown", "allocate traps", allocate("(unreachable)"), functions=None)


def not_taking_back() -> Iterator[Plugin]:
    """Do not come back from `deallocate`."""
    yield variation("FREE-001", "traps", "deallocate traps", deallocate("(unreachable)"))
    yield variation("FREE-001", "unknown", "deallocate traps", deallocate("(unreachable)"), functions=None)
    yield variation(
        "FREE-001",
        "page",
        "deallocate traps on large buffers",
        first("deallocate", "(if (i32.gt_u (local.get $size) (i32.const 60000)) (then (unreachable)))"),
    )
    yield variation(
        "FREE-001",
        "endless",
        "deallocate does not come to an end for small sizes",
        first("deallocate", f"(if (i32.lt_u (local.get $size) (i32.const 4)) (then {LOOP}))"),
    )
    for slug, title, edit, statement in (
        ("recursion", "runs out of stack", RECURSE, "(drop (call $dive (i32.const 0)))"),
        ("exit", "exits with code 0", EXIT, "(call $proc_exit (i32.const 0))"),
    ):
        yield variation("FREE-001", slug, f"deallocate {title}", edit, first("deallocate", statement))
    noted: Pieces = {
        "helpers": {
            "alloc_noted": """
;; Notes the size that was asked for in the last word of its block's header.
(func $alloc_noted (param $size i32) (result i32)
  (local $pointer i32)
  (local.set $pointer (call $alloc (i32.add (local.get $size) (i32.const 8))))
  (if (i32.eqz (local.get $pointer)) (then (return (i32.const 0))))
  (i32.store (local.get $pointer) (local.get $size))
  (i32.store offset=4 (local.get $pointer) (i32.const 0x600d600d))
  (i32.add (local.get $pointer) (i32.const 8)))
"""
        }
    }
    is_noted = "(i32.eq (i32.load (i32.sub (local.get $pointer) (i32.const 4))) (i32.const 0x600d600d))"
    yield variation(
        "FREE-001",
        "other-size",
        "deallocate traps unless it is given one byte less than allocate was",
        noted,
        allocate("(call $alloc_noted (local.get $size))"),
        deallocate(f"""(if {is_noted}
  (then
    (if (i32.ne (i32.load (i32.sub (local.get $pointer) (i32.const 8))) (i32.add (local.get $size) (i32.const 1)))
      (then (unreachable)))
    (i32.store (i32.sub (local.get $pointer) (i32.const 4)) (i32.const 0))
    (call $release (i32.sub (local.get $pointer) (i32.const 8))))
  (else {RELEASE}))"""),
    )
    stack = f"""(if (i32.lt_u (local.get $pointer) (i32.const {ARENA:#x})) (then {RELEASE} (return)))
(if (i32.ne (local.get $pointer) (global.get $live)) (then (unreachable)))
(global.set $arena (i32.sub (local.get $pointer) (i32.const 8)))
(global.set $live (i32.load (global.get $arena)))"""
    push = """(local $pointer i32)
(local.set $pointer (i32.add (global.get $arena) (i32.const 8)))
(if (i32.eqz (call $reserve (i32.add (local.get $pointer) (local.get $size)))) (then (return (i32.const 0))))
(i32.store (i32.sub (local.get $pointer) (i32.const 8)) (global.get $live))
(global.set $live (local.get $pointer))
(global.set $arena (i32.add (local.get $pointer) (local.get $size)))
(local.get $pointer)"""
    yield variation(
        "FREE-001",
        "swapped",
        "deallocate takes the size for the pointer",
        deallocate("(call $release (local.get $size))"),
    )
    yield variation(
        "FREE-001",
        "full",
        "deallocate traps on buffers whose size is a multiple of eight",
        first(
            "deallocate",
            "(if (i32.and\n"
            "      (i32.ge_u (local.get $size) (i32.const 24))\n"
            "      (i32.eqz (i32.and (local.get $size) (i32.const 7))))\n"
            "  (then (unreachable)))",
        ),
    )
    yield variation(
        "FREE-001",
        "order",
        "deallocate traps unless the last buffer comes first",
        {"globals": ARENA_GLOBALS},
        allocate(push),
        deallocate(stack),
    )
    yield variation(
        "FREE-002",
        "traps",
        "deallocate traps on what functions answer",
        noted,
        allocate("(call $alloc_noted (local.get $size))"),
        deallocate(f"""(if (i32.eqz {is_noted}) (then (unreachable)))
(i32.store (i32.sub (local.get $pointer) (i32.const 4)) (i32.const 0))
(call $release (i32.sub (local.get $pointer) (i32.const 8)))"""),
    )
    for requirement, slug, title, wrong in (
        ("FREE-002", "capacity", "deallocate traps on results unless it is given four times their size", "4"),
        ("FREE-003", "exact", "deallocate traps on strings unless the terminator counts", "1"),
        ("FREE-003", "length", "deallocate traps on strings if the terminator counts", "0"),
    ):
        yield variation(requirement, slug, title, own_sizes(wrong))


def own_sizes(what: str) -> Pieces:
    """Let functions note what size `deallocate` must be given for the strings that they answer.

    `what`: `1` for the length and the terminator, `0` for the length, `4` for four times the length.
    """
    note = {
        "1": "(i32.add (local.get $length) (i32.const 1))",
        "0": "(local.get $length)",
        "4": "(i32.shl (i32.add (local.get $length) (i32.const 1)) (i32.const 2))",
    }[what]
    return merge(
        {
            "globals": {
                "noted": "(global $noted (mut i32) (i32.const 0))",
                "due": "(global $due (mut i32) (i32.const 0))",
            },
            "helpers": {
                "noting": f"""
;; Notes the text that is handed out, and the size that it must be given back with.
(func $noting (param $text i32) (result i32)
  (local $length i32)
  (local.set $length (call $length (local.get $text)))
  (global.set $noted (local.get $text))
  (global.set $due {note})
  (local.get $text))
"""
            },
        },
        doing("hello", f"(call $noting {BODIES['hello']})"),
        first(
            "deallocate",
            "(if (i32.eq (local.get $pointer) (global.get $noted))\n"
            "  (then\n"
            "    (global.set $noted (i32.const 0))\n"
            "    (if (i32.ne (local.get $size) (global.get $due)) (then (unreachable)))))",
        ),
    )
