"""Faults of strings, of bytes, and of what is told about them."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.edits import Pieces, merge
from watgen.faulty_lifecycle import EXIT, LOOP
from watgen.faulty_memory import END
from watgen.plugin import Plugin

from waspgen.base import BODIES, FRESH_NAME
from waspgen.edits import constant, doing, first, helper, noted, variable, variation

SIZE = BODIES["get_string_size"]


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from measuring()
    yield from placing()
    yield from wording()
    yield from counting()


def size(body: str) -> Pieces:
    """Give `get_string_size` another body; functions keep using `$length`."""
    return doing("get_string_size", body)


CHARACTERS = """
;; Counts characters: the bytes that begin one.
(func $characters (param $text i32) (result i32)
  (local $count i32) (local $byte i32)
  (block $end
    (loop $next
      (local.set $byte (i32.load8_u (local.get $text)))
      (br_if $end (i32.eqz (local.get $byte)))
      (if (i32.ne (i32.and (local.get $byte) (i32.const 0xc0)) (i32.const 0x80))
        (then (local.set $count (i32.add (local.get $count) (i32.const 1)))))
      (local.set $text (i32.add (local.get $text) (i32.const 1)))
      (br $next)))
  (local.get $count))
"""


def measuring() -> Iterator[Plugin]:
    """Measure strings wrong, and only those that no function answers, so that nothing else shows."""
    for slug, title, edits in (
        (
            "characters",
            "counts characters",
            [helper("characters", CHARACTERS), size("(call $characters (local.get $text))")],
        ),
        (
            "byte",
            "stops at 255 bytes",
            [
                size(
                    f"(local $size i32)\n(select\n  (local.tee $size {SIZE}) (i32.const 255)\n"
                    "  (i32.lt_u (local.get $size) (i32.const 255)))"
                )
            ],
        ),
        ("short", "counts in sixteen bits", [size(f"(i32.and {SIZE} (i32.const 0xffff))")]),
        ("words", "rounds up to four", [size(f"(i32.and (i32.add {SIZE} (i32.const 3)) (i32.const -4))")]),
        (
            "empty",
            "answers 1 for the empty string",
            [size(f"(select {SIZE} (i32.const 1) (i32.load8_u (local.get $text)))")],
        ),
        ("less", "answers one byte less", [size(f"(i32.sub {SIZE} (i32.ne {SIZE} (i32.const 0)))")]),
        ("two-more", "answers two bytes more", [size(f"(i32.add {SIZE} (i32.const 2))")]),
        (
            "minus-one",
            "answers -1 for the empty string",
            [size(f"(select {SIZE} (i32.const -1) (i32.load8_u (local.get $text)))")],
        ),
    ):
        yield variation("STRING-001", slug, f"get_string_size {title}", *edits)
    yield variation(
        "STRING-001",
        "unknown",
        "get_string_size counts characters",
        helper("characters", CHARACTERS),
        size("(call $characters (local.get $text))"),
        functions=None,
    )
    yield variation(
        "STRING-001",
        "nowhere",
        "get_string_size answers -1 above 3,000 bytes, for what hello passes to its callback too",
        size(f"(select (i32.const -1) {SIZE} (i32.gt_u {SIZE} (i32.const 3000)))"),
        doing("hello", "(call $call_me (local.get $name))"),
    )
    yield variation(
        "STRING-001",
        "large",
        "get_string_size stops at one million bytes",
        size(
            f"(local $size i32)\n(select\n  (local.tee $size {SIZE}) (i32.const 1000000)\n"
            "  (i32.lt_u (local.get $size) (i32.const 1000000)))"
        ),
        scope="full",
    )
    yield variation(
        "STRING-002", "all", "get_string_size counts the terminator", size(f"(i32.add {SIZE} (i32.const 1))")
    )
    yield variation(
        "STRING-002",
        "unknown",
        "get_string_size counts the terminator",
        size(f"(i32.add {SIZE} (i32.const 1))"),
        functions=None,
    )
    yield variation(
        "STRING-002",
        "results",
        "get_string_size counts the terminator of what hello answers",
        remembered("hello", BODIES["hello"], "(i32.add (call $length (local.get $text)) (i32.const 1))"),
    )
    for slug, title, edits in (
        ("traps", "traps", [size("(unreachable)")]),
        (
            "long",
            "traps on more than 60,000 bytes",
            [first("get_string_size", f"(if (i32.gt_u {SIZE} (i32.const 60000)) (then (unreachable)))")],
        ),
        (
            "empty",
            "does not come to an end for the empty string",
            [first("get_string_size", f"(if (i32.eqz (i32.load8_u (local.get $text))) (then {LOOP}))")],
        ),
        ("exit", "exits", [EXIT, first("get_string_size", "(call $proc_exit (i32.const 0))")]),
        (
            "beyond",
            "traps on what is not ASCII",
            [
                helper("characters", CHARACTERS),
                first(
                    "get_string_size", f"(if (i32.ne (call $characters (local.get $text)) {SIZE}) (then (unreachable)))"
                ),
            ],
        ),
    ):
        yield variation("STRING-007", slug, f"get_string_size {title}", *edits)
    yield variation(
        "STRING-007",
        "results",
        "get_string_size traps on what hello answers",
        remembered("hello", BODIES["hello"], "(unreachable)"),
    )
    yield variation("STRING-007", "unknown", "get_string_size traps", size("(unreachable)"), functions=None)


def remembered(name: str, pointer: str, told: str) -> Pieces:
    """Let a function remember what it answers, and `get_string_size` tell another size for that; `$text` is it."""
    return merge(
        noted(told),
        doing(name, f"(global.set $noted {pointer})\n(global.get $noted)"),
    )


def answering(name: str, data: bytes, told: int | None = None) -> Pieces:
    """Let a function answer a copy of these bytes, of which `get_string_size` tells so many; no terminator is added."""
    body = "(call $raw (i32.const &special) (i32.const #special))"
    raw = """
;; Copies bytes into a fresh buffer, and nothing behind them.
(func $raw (param $from i32) (param $length i32) (result i32)
  (local $to i32)
  (local.set $to (call $alloc (i32.add (local.get $length) (i32.const 16))))
  (memory.fill (local.get $to) (i32.const 0x2e) (i32.add (local.get $length) (i32.const 16)))
  (memory.copy (local.get $to) (local.get $from) (local.get $length))
  (local.get $to))
"""
    size_ = len(data) if told is None else told
    return merge(helper("raw", raw), constant(special=data), remembered(name, body, f"(i32.const {size_})"))


LARGE = "(call $alloc (i32.const 100))"


def placing() -> Iterator[Plugin]:
    """Answer with strings that are not where they should be."""
    for slug, title, body in (
        ("behind", "behind the end of memory", f"(i32.add {END} (i32.const 64))"),
        ("minus-one", "at -1", "(i32.const -1)"),
        ("high", "at 2 GiB", "(i32.const 0x80000000)"),
    ):
        edits = [remembered("hello", f"(select {body} (i32.const 0) (local.get $name))", "(i32.const 9)")]
        yield variation("STRING-004", slug, f"the result of hello lies {title}", *edits)
    for slug, title, told in (
        ("long", "has a size that reaches over the end of memory", END),
        ("negative", "has a size of -1", "(i32.const -1)"),
    ):
        yield variation("STRING-004", slug, f"the result of hello {title}", remembered("hello", BODIES["hello"], told))
    yield variation(
        "STRING-004",
        "callback",
        "callback answers a pointer behind the end of memory",
        remembered(
            "callback", f"(i32.add {END} (i32.shl (call $call_me {FRESH_NAME}) (i32.const 1)))", "(i32.const 9)"
        ),
    )
    yield variation("STRING-003", "result", "the result of hello does not end with a NUL", unterminated("hello"))
    argument = """
;; A fresh name with no NUL behind it.
(func $open (result i32)
  (local $to i32)
  (local.set $to (call $text (i32.const &name) (i32.const #name)))
  (i32.store8 (i32.add (local.get $to) (i32.const #name)) (i32.const 0x21))
  (global.set $noted (local.get $to))
  (local.get $to))
"""
    yield variation(
        "STRING-003",
        "argument",
        "the argument of call_me does not end with a NUL",
        noted("(i32.const #name)"),
        helper("open", argument),
        doing("callback", "(call $call_me (call $open))"),
    )


def unterminated(name: str) -> Pieces:
    """Let a string function overwrite its terminator, and remember the length."""
    return merge(
        variable(long=0),
        doing(
            name,
            f"(global.set $noted {BODIES[name]})\n"
            "(global.set $long (call $length (global.get $noted)))\n"
            "(i32.store8 (i32.add (global.get $noted) (global.get $long)) (i32.const 0x21))\n"
            "(global.get $noted)",
        ),
        noted("(global.get $long)"),
    )


LATIN = """
;; Writes `é` as the single byte e9 behind a greeting.
(func $latin (param $text i32) (result i32)
  (local $end i32)
  (local.set $end (i32.add (local.get $text) (call $length (local.get $text))))
  (if (i32.gt_u (i32.sub (local.get $end) (local.get $text)) (i32.const 40))
    (then (i32.store8 (i32.sub (local.get $end) (i32.const 1)) (i32.const 0xe9))))
  (local.get $text))
"""


def wording() -> Iterator[Plugin]:
    """Answer with strings that are no good text."""
    yield variation(
        "STRING-005",
        "latin",
        "hello ends longer greetings with a single byte above ASCII",
        helper("latin", LATIN),
        doing("hello", f"(call $latin {BODIES['hello']})"),
    )
    yield variation(
        "STRING-005",
        "cut",
        "hello cuts names at forty-one bytes",
        helper("characters", CHARACTERS),
        doing(
            "hello",
            """(local $length i32)
(local.set $length (call $length (local.get $name)))
(if (i32.gt_u (local.get $length) (i32.const 41)) (then (local.set $length (i32.const 41))))
(call $greet (local.get $name) (local.get $length))""",
        ),
    )
    surrogates = b"\xed\xa0\xbd\xed\xb8\x80"
    yield variation(
        "STRING-005",
        "argument",
        "the argument of call_me is not UTF-8",
        constant(bad=b"Nic\xff"),
        doing(
            "callback", f"(drop (call $call_me (call $text (i32.const &bad) (i32.const #bad))))\n{BODIES['callback']}"
        ),
    )
    yield variation(
        "STRING-005",
        "surrogates",
        "callback answers surrogates, as no example says",
        answering("callback", surrogates + b"\0", 6),
        functions="no-examples",
    )
    yield variation(
        "STRING-006",
        "result",
        "callback answers a text with a NUL inside, and counts all of it",
        answering("callback", b"Hello\0Nic\0", 9),
        functions="no-examples",
    )
    yield variation(
        "STRING-006", "utf16", "callback answers UTF-16", answering("callback", "Hello Nic\0".encode("utf-16-le"), 18)
    )
    yield variation(
        "STRING-006",
        "argument",
        "an argument of call_me holds a NUL",
        constant(split=b"Ni\0c"),
        noted("(i32.const #split)"),
        doing(
            "callback",
            "(global.set $noted (call $text (i32.const &split) (i32.const #split)))\n"
            f"(drop (call $call_me (global.get $noted)))\n{BODIES['callback']}",
        ),
    )


SWAP = """
;; Turns the number in front of bytes around.
(func $swap (param $bytes i32) (result i32)
  (local $count i32)
  (local.set $count (i32.load (local.get $bytes)))
  (i32.store (local.get $bytes)
    (i32.or
      (i32.or
        (i32.shl (local.get $count) (i32.const 24))
        (i32.shl (i32.and (local.get $count) (i32.const 0xff00)) (i32.const 8)))
      (i32.or
        (i32.and (i32.shr_u (local.get $count) (i32.const 8)) (i32.const 0xff00))
        (i32.shr_u (local.get $count) (i32.const 24)))))
  (local.get $bytes))
"""


def counting() -> Iterator[Plugin]:
    """Answer with bytes that are not where they should be, or not as many."""
    reverse = BODIES["reverse"]
    for slug, title, edits in (
        ("big-endian", "is big-endian", [helper("swap", SWAP), doing("reverse", f"(call $swap {reverse})")]),
        ("behind", "lies behind the end of memory", [doing("reverse", f"(i32.add {END} (i32.const 64))")]),
        ("end", "lies three bytes before the end of memory", [doing("reverse", f"(i32.sub {END} (i32.const 3))")]),
        ("minus-one", "is -1", [doing("reverse", "(i32.const -1)")]),
        ("high", "lies at 2 GiB", [doing("reverse", "(i32.const 0x80000000)")]),
        (
            "count",
            "has a number of -1",
            [
                doing(
                    "reverse",
                    f"(local $to i32)\n(local.set $to {reverse})\n"
                    "(i32.store (local.get $to) (i32.const -1))\n(local.get $to)",
                )
            ],
        ),
        (
            "over",
            "has a number that reaches over the end of memory",
            [
                doing(
                    "reverse",
                    f"(local $to i32)\n(local.set $to {reverse})\n(i32.store (local.get $to) {END})\n(local.get $to)",
                )
            ],
        ),
        (
            "bits",
            "is counted in units of 2^20",
            [
                doing(
                    "reverse",
                    f"(local $to i32)\n(local.set $to {reverse})\n"
                    "(i32.store (local.get $to) (i32.shl (i32.load (local.get $to)) (i32.const 20)))\n(local.get $to)",
                )
            ],
        ),
    ):
        yield variation("BYTES-001", slug, f"the result of reverse {title}", *edits)
    yield variation(
        "BYTES-001",
        "above-hundred",
        "the result of reverse has a number of -1 above 100 bytes",
        doing(
            "reverse",
            f"(local $to i32)\n(local.set $to {reverse})\n"
            "(if (i32.gt_u (i32.load (local.get $bytes)) (i32.const 100))\n"
            "  (then (i32.store (local.get $to) (i32.const -1))))\n(local.get $to)",
        ),
        scope="full",
    )
