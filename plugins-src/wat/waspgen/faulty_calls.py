"""Faults of functions: how they end, what they answer, callbacks, errors, and memory over time."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.edits import merge
from watgen.faulty_lifecycle import ABORT, EXIT, LOOP
from watgen.faulty_memory import END
from watgen.faulty_resources import HOG_BY_HALVES, HOG_BY_PAGES, RECURSE
from watgen.plugin import Plugin

from waspgen.base import BODIES, FRESH_ERROR, FRESH_NAME
from waspgen.edits import COUNTER, constant, doing, first, helper, later, noted, variable, variation
from waspgen.faulty_values import CHARACTERS

HELLO, REVERSE, CALLBACK = BODIES["hello"], BODIES["reverse"], BODIES["callback"]
LENGTH = "(call $length (local.get $name))"
ABORTS = f"(call $abort {'(i32.const 0) ' * 4})"


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from ending()
    yield from answering()
    yield from calling_back()
    yield from raising()
    yield from growing()


def ending() -> Iterator[Plugin]:
    """Do not come back."""
    trap = "(unreachable)"
    for slug, title, edits in (
        ("empty", "hello traps on the empty string", [first("hello", f"(if (i32.eqz {LENGTH}) (then {trap}))")]),
        ("sum", "sum traps", [doing("sum", trap)]),
        (
            "long",
            "hello traps on more than 60,000 bytes",
            [first("hello", f"(if (i32.gt_u {LENGTH} (i32.const 60000)) (then {trap}))")],
        ),
        (
            "middle",
            "hello traps on more than 4,000 bytes",
            [first("hello", f"(if (i32.gt_u {LENGTH} (i32.const 4000)) (then {trap}))")],
        ),
        (
            "beyond",
            "hello traps on what is not ASCII",
            [
                helper("characters", CHARACTERS),
                first("hello", f"(if (i32.ne {LENGTH} (call $characters (local.get $name))) (then {trap}))"),
            ],
        ),
        (
            "nothing",
            "reverse traps on no bytes",
            [first("reverse", f"(if (i32.eqz (i32.load (local.get $bytes))) (then {trap}))")],
        ),
        (
            "zero-byte",
            "reverse traps where the first byte is 0",
            [
                first(
                    "reverse",
                    "(if (i32.and (i32.ne (i32.load (local.get $bytes)) (i32.const 0))\n"
                    f"  (i32.eqz (i32.load8_u offset=4 (local.get $bytes)))) (then {trap}))",
                ),
            ],
        ),
        (
            "many",
            "reverse traps on more than 60,000 bytes",
            [first("reverse", f"(if (i32.gt_u (i32.load (local.get $bytes)) (i32.const 60000)) (then {trap}))")],
        ),
        ("callback", "callback traps after call_me", [doing("callback", f"(drop {CALLBACK})\n{trap}")]),
        ("abort", "hello aborts", [ABORT, first("hello", ABORTS)]),
        ("exit", "hello exits with code 0", [EXIT, first("hello", "(call $proc_exit (i32.const 0))")]),
        ("exit-ask", "ask exits with code 3", [EXIT, first("ask", "(call $proc_exit (i32.const 3))")]),
        ("recursion", "reverse runs out of stack", [RECURSE, first("reverse", "(drop (call $dive (i32.const 0)))")]),
        (
            "newlines",
            "hello traps on a name with a line break",
            [
                first(
                    "hello",
                    f"""(if (i32.gt_u {LENGTH} (i32.const 3))
  (then (if (i32.eq (i32.load8_u offset=3 (local.get $name)) (i32.const 10)) (then {trap}))))""",
                )
            ],
        ),
    ):
        yield variation("CALL-001", slug, title, *edits)
    yield variation(
        "CALL-001",
        "large",
        "hello traps on more than one million bytes",
        first("hello", f"(if (i32.gt_u {LENGTH} (i32.const 1000000)) (then {trap}))"),
        scope="full",
    )
    yield variation("CALL-001", "later", "hello traps after 1,000 calls", later("hello", 1_000, trap), scope="full")
    yield variation(
        "CALL-001",
        "256th",
        "hello traps at its 256th call",
        COUNTER,
        first("hello", f"(if (i32.eq (call $count) (i32.const 256)) (then {trap}))"),
        scope="full",
    )
    yield variation("CALL-001", "no-examples", "sum traps", doing("sum", trap), functions="no-examples")
    for slug, title, edits in (
        ("endless", "callback does not come to an end", [doing("callback", LOOP + "\n(i32.const 0)")]),
        (
            "empty",
            "hello does not come to an end for the empty string",
            [first("hello", f"(if (i32.eqz {LENGTH}) (then {LOOP}))")],
        ),
        (
            "nothing",
            "reverse does not come to an end for no bytes",
            [first("reverse", f"(if (i32.eqz (i32.load (local.get $bytes))) (then {LOOP}))")],
        ),
        (
            "after-error",
            "fail raises its error and does not come to an end",
            [doing("fail", f"{BODIES['fail']}\n{LOOP}")],
        ),
        (
            "ask",
            "ask calls back for ever",
            [doing("ask", "(loop $again (drop (call $next (local.get $number))) (br $again))\n(i32.const 0)")],
        ),
    ):
        yield variation("CALL-002", slug, title, *edits)


def answering() -> Iterator[Plugin]:
    """Answer something else than the examples say."""
    for slug, title, edits in (
        ("sum", "sum multiplies", [doing("sum", "(i32.mul (local.get $a) (local.get $b))")]),
        (
            "unsigned",
            "sum forgets the sign",
            [doing("sum", "(i32.and (i32.add (local.get $a) (local.get $b)) (i32.const 0xffff))")],
        ),
        ("hello", "hello greets otherwise", [constant(hello=b"Hallo ")]),
        ("forgets", "hello forgets the name", [doing("hello", "(call $text (i32.const &hello) (i32.const #hello))")]),
        (
            "order",
            "reverse leaves the order",
            [
                doing(
                    "reverse",
                    """(local $size i32) (local $to i32)
(local.set $size (i32.add (i32.load (local.get $bytes)) (i32.const 4)))
(local.set $to (call $alloc (local.get $size)))
(memory.copy (local.get $to) (local.get $bytes) (local.get $size))
(local.get $to)""",
                )
            ],
        ),
        (
            "three",
            "reverse answers three bytes always",
            [
                doing(
                    "reverse",
                    f"""(local $to i32) (local $old i32)
(local.set $old {REVERSE})
(local.set $to (call $alloc (i32.const 7)))
(memory.fill (local.get $to) (i32.const 0) (i32.const 7))
(i32.store (local.get $to) (i32.const 3))
(if (i32.ge_u (i32.load (local.get $old)) (i32.const 3))
  (then (memory.copy (i32.add (local.get $to) (i32.const 4)) (i32.add (local.get $old) (i32.const 4)) (i32.const 3))))
(call $release (local.get $old))
(local.get $to)""",
                )
            ],
        ),
        ("callback", "callback answers the name itself", [doing("callback", f"(drop {CALLBACK})\n{FRESH_NAME}")]),
        ("ask", "ask does not ask", [doing("ask", "(local.get $number)")]),
    ):
        yield variation("EXAMPLE-001", slug, title, *edits)
    yield variation(
        "EXAMPLE-001",
        "later",
        "sum is one off after 1,000 calls",
        later("sum", 1_000, f"(i32.add {BODIES['sum']} (i32.const 1))"),
        scope="full",
    )
    for slug, title, edits in (
        ("text", "fail says something else", [constant(oops=b"Ooops")]),
        ("silent", "fail does not fail", [doing("fail", "")]),
        ("raises", "sum raises an error along with its result", [first("sum", f"(call $raise_error {FRESH_ERROR})")]),
        (
            "last",
            "fail raises a second error",
            [
                constant(more=b"More"),
                doing(
                    "fail", f"{BODIES['fail']}\n(call $raise_error (call $text (i32.const &more) (i32.const #more)))"
                ),
            ],
        ),
        ("empty", "the text of the error is empty", [constant(oops=b"")]),
    ):
        yield variation("EXAMPLE-002", slug, title, *edits)
    yield variation(
        "EXAMPLE-002", "later", "fail does not fail after 500 calls", later("fail", 500, "", result=False), scope="full"
    )
    yield variation(
        "STATE-001",
        "hello",
        "hello greets otherwise after 1,500 calls",
        constant(hallo=b"HELLO "),
        merge(
            COUNTER,
            doing(
                "hello",
                f"(local $to i32)\n(local.set $to {HELLO})\n(if (i32.gt_u (call $count) (i32.const 1500))\n"
                "  (then (memory.copy (local.get $to) (i32.const &hallo) (i32.const #hallo))))\n(local.get $to)",
            ),
        ),
        scope="full",
        functions="no-examples",
    )
    yield variation(
        "STATE-001",
        "reverse",
        "reverse loses its first byte after 1,000 calls",
        merge(
            COUNTER,
            doing(
                "reverse",
                "(local $to i32)\n"
                f"(local.set $to {REVERSE})\n"
                "(if (i32.and (i32.gt_u (call $count) (i32.const 1000)) (i32.ne (i32.load (local.get $to)) "
                "(i32.const 0)))\n"
                "  (then (i32.store8 offset=4 (local.get $to) (i32.const 0))))\n(local.get $to)",
            ),
        ),
        scope="full",
        functions="no-examples",
    )


def inside(name: str, body: str) -> object:
    """Let an export do something else while `callback` or `ask` waits for the host."""
    result = " (result i32)" if name in ("allocate", "get_string_size") else ""
    return merge(
        variable(inside=0),
        doing(
            "callback",
            f"(local $given i32)\n(global.set $inside (i32.const 1))\n(local.set $given {CALLBACK})\n"
            "(global.set $inside (i32.const 0))\n(local.get $given)",
        ),
        doing(name, f"(if{result} (global.get $inside)\n  (then {body})\n  (else {BODIES[name]}))"),
    )


def calling_back() -> Iterator[Plugin]:
    """Call back in a wrong way, or not be there when the host does."""
    for slug, title, argument in (
        ("behind", "behind the end of memory", f"(i32.add {END} (i32.const 64))"),
        ("minus-one", "at -1", "(i32.const -1)"),
        ("high", "at 2 GiB", "(i32.const 0x80000010)"),
    ):
        edit = first("get_string_size", f"(if (i32.ge_u (local.get $text) {END}) (then (return (i32.const 3))))")
        yield variation(
            "CALLBACK-001",
            slug,
            f"the argument of call_me lies {title}",
            edit,
            doing("callback", f"(call $call_me {argument})"),
        )
    yield variation(
        "CALLBACK-001",
        "unmeasured",
        "the argument of call_me lies at -32, where get_string_size traps",
        doing("callback", "(call $call_me (i32.const -32))"),
    )
    yield variation(
        "CALLBACK-001",
        "long",
        "the argument of call_me has a size of -1",
        noted("(i32.const -1)"),
        doing("callback", f"(global.set $noted {FRESH_NAME})\n(call $call_me (global.get $noted))"),
    )
    for slug, title, name, body in (
        ("allocate-traps", "allocate traps while callback waits", "allocate", "(unreachable)"),
        ("allocate-zero", "allocate answers 0 while callback waits", "allocate", "(i32.const 0)"),
        (
            "allocate-outside",
            "allocate answers what is not there while callback waits",
            "allocate",
            f"(i32.add {END} (i32.const 64))",
        ),
        ("size-traps", "get_string_size traps while callback waits", "get_string_size", "(unreachable)"),
        (
            "size-endless",
            "get_string_size does not come to an end while callback waits",
            "get_string_size",
            LOOP + " (i32.const 0)",
        ),
    ):
        yield variation("CALLBACK-002", slug, title, inside(name, body))  # type: ignore[arg-type]
    first_block = "(i32.add (i32.const &heap) (i32.const 8))"
    yield variation(
        "ALLOC-003",
        "in-callback",
        "allocate answers its very first block while callback waits",
        inside("allocate", first_block),  # type: ignore[arg-type]
    )
    for slug, title, offset in (
        ("in-input", "inside", "(i32.const 4)"),
        ("over-end", "over the end of", f"(i32.sub {LENGTH} (i32.const 2))"),
    ):
        yield variation(
            "ALLOC-003",
            slug,
            f"allocate answers a place {title} the input of hello while that waits",
            variable(inside=0),
            first("allocate", "(if (global.get $inside) (then (return (global.get $inside))))"),
            first(
                "hello",
                f"(if (i32.gt_u {LENGTH} (i32.const 20))\n  (then\n"
                f"    (global.set $inside (i32.add (local.get $name) {offset}))\n"
                f"    (drop (call $call_me {FRESH_NAME}))\n    (global.set $inside (i32.const 0))))",
            ),
        )
    yield variation(
        "CALLBACK-003",
        "bytes",
        "a callback takes bytes and answers bytes",
        {"imports": {"relay_me": '(import "env" "relay_me" (func $relay_me (param i32) (result i32)))'}},
        doing("relay", "(call $relay_me (call $turn (local.get $bytes)))", "(param $bytes i32) (result i32)"),
        functions="bytes-callback",
    )


def raising() -> Iterator[Plugin]:
    """Raise errors in a wrong way."""
    for slug, title, pointer in (
        ("behind", "lies behind the end of memory", f"(i32.add {END} (i32.const 64))"),
        ("minus-one", "lies at -1", "(i32.const -1)"),
    ):
        edit = first("get_string_size", f"(if (i32.ge_u (local.get $text) {END}) (then (return (i32.const 3))))")
        yield variation(
            "ERROR-001", slug, f"the text of the error {title}", edit, doing("fail", f"(call $raise_error {pointer})")
        )
    yield variation(
        "ERROR-001",
        "unmeasured",
        "the text of the error lies at -32, where get_string_size traps",
        doing("fail", "(call $raise_error (i32.const -32))"),
    )
    yield variation(
        "ERROR-001",
        "long",
        "the text of the error has a size of -1",
        noted("(i32.const -1)"),
        doing("fail", f"(global.set $noted {FRESH_ERROR})\n(call $raise_error (global.get $noted))"),
    )
    for slug, title, edits in (
        ("traps", "traps", [doing("fail", f"{BODIES['fail']}\n(unreachable)")]),
        ("exits", "exits", [EXIT, doing("fail", f"{BODIES['fail']}\n(call $proc_exit (i32.const 1))")]),
        ("aborts", "aborts", [ABORT, doing("fail", f"{BODIES['fail']}\n{ABORTS}")]),
    ):
        yield variation("ERROR-002", slug, f"fail raises its error and {title}", *edits)
    yield variation(
        "ERROR-002",
        "refuses",
        "hello refuses long names with an error, and traps",
        first(
            "hello",
            f"(if (i32.gt_u {LENGTH} (i32.const 4000))\n  (then (call $raise_error {FRESH_ERROR}) (unreachable)))",
        ),
    )
    for slug, title, edits in (
        ("latin", "is not UTF-8", [constant(oops=b"Hopp\xe9")]),
        (
            "nul",
            "holds a NUL",
            [
                constant(oops=b"Oo\0ps"),
                noted("(i32.const #oops)"),
                doing("fail", f"(global.set $noted {FRESH_ERROR})\n(call $raise_error (global.get $noted))"),
            ],
        ),
    ):
        yield variation("ERROR-003", slug, f"the text of the error {title}", *edits, functions="no-examples")
    yield variation(
        "STRING-003",
        "error",
        "the text of the error does not end with a NUL",
        constant(oops=b"Oops!"),
        noted("(i32.const 4)"),
        doing("fail", f"(global.set $noted {FRESH_ERROR})\n(call $raise_error (global.get $noted))"),
    )


def growing() -> Iterator[Plugin]:
    """Need ever more memory."""
    for name in ("hello", "reverse", "sum", "callback", "fail", "get_string_size", "allocate"):
        yield variation(
            "MEM-001",
            f"block-{name}",
            f"{name} loses a block of 500 bytes in every call",
            first(name, "(drop (call $alloc (i32.const 500)))"),
            scope="full",
        )
    yield variation(
        "MEM-001",
        "little",
        "hello loses a block of 100 bytes in every call",
        first("hello", "(drop (call $alloc (i32.const 100)))"),
        scope="full",
    )
    yield variation(
        "MEM-001",
        "page",
        "a page is lost every fifty calls of hello",
        COUNTER,
        first(
            "hello",
            "(if (i32.eqz (i32.rem_u (call $count) (i32.const 50)))\n  (then (drop (memory.grow (i32.const 1)))))",
        ),
        scope="full",
    )
    yield variation("MEM-002", "no-op", "deallocate does nothing", doing("deallocate", ""), scope="full")
    yield variation(
        "MEM-002", "unknown", "deallocate does nothing", doing("deallocate", ""), scope="full", functions=None
    )
    yield variation(
        "MEM-002",
        "small",
        "deallocate does nothing for more than sixteen bytes",
        doing(
            "deallocate", "(if (i32.le_u (local.get $size) (i32.const 16)) (then (call $release (local.get $pointer))))"
        ),
        scope="full",
    )
    hog = "(call $hog)"
    for slug, title, edit, name in (
        ("hello", "hello takes page after page", HOG_BY_PAGES, "hello"),
        ("halves", "reverse takes as much as there is", HOG_BY_HALVES, "reverse"),
        ("ask", "ask takes as much as there is", HOG_BY_HALVES, "ask"),
        ("fail", "fail takes as much as there is", HOG_BY_HALVES, "fail"),
        ("allocate", "allocate takes as much as there is", HOG_BY_HALVES, "allocate"),
        ("deallocate", "deallocate takes as much as there is", HOG_BY_HALVES, "deallocate"),
        ("size", "get_string_size takes as much as there is", HOG_BY_HALVES, "get_string_size"),
    ):
        yield variation("MEM-003", slug, title, edit, first(name, hog))
    yield variation(
        "MEM-003", "initialize", "_initialize takes as much as there is", HOG_BY_HALVES, doing("_initialize", hog, "")
    )
