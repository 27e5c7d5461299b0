"""Faults of behaviour: traps, endless work, answers that change, requests that show in other requests' answers."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import HOOKS, constant, pass_on
from watgen.edits import (
    CONTAINS,
    COUNTER,
    Pieces,
    choosing,
    contains,
    doing,
    from_call,
    hooks,
    http_hook,
    merge,
    variation,
)
from watgen.faulty_lifecycle import ABORT, EXIT, LOOP
from watgen.faulty_text import plain
from watgen.plugin import Plugin

STREAM = "http_stream_chunk_hook"

RECURSE = """
(func $recurse (param $depth i32) (result i64)
  (local $a i64) (local $b i64)
  (local.set $a (call $recurse (i32.add (local.get $depth) (i32.const 1))))
  (i64.add (local.get $a) (local.get $b)))
"""
TABLE: Pieces = {
    "tail": {
        "table": "(type $status (func (result i32)))\n(table 2 funcref)\n"
        "(func $other (param i32))\n(elem (i32.const 0) $other)"
    }
}
TRAPS: tuple[tuple[str, str, str, tuple[Pieces, ...]], ...] = (
    ("unreachable", "traps", "(unreachable)", ()),
    (
        "out-of-bounds",
        "reads far behind its input",
        "(i64.load (i32.add (local.get $input) (i32.const 0x70000000)))",
        (),
    ),
    ("divides", "divides by zero", "(i64.div_u (i64.const 1) (i64.const 0))", ()),
    ("converts", "converts a number that is none", "(i64.trunc_f64_s (f64.const nan))", ()),
    (
        "abort",
        "aborts",
        "(call $abort (i32.const 0) (i32.const 0) (i32.const 12) (i32.const 5))\n(i64.const 0)",
        (ABORT,),
    ),
    ("exit-zero", "exits with code 0", "(call $proc_exit (i32.const 0))\n(i64.const 0)", (EXIT,)),
    ("exit-three", "exits with code 3", "(call $proc_exit (i32.const 3))\n(i64.const 0)", (EXIT,)),
    ("recursion", "runs out of stack", "(call $recurse (i32.const 0))", ({"helpers": {"recurse": RECURSE}},)),
    (
        "mistyped-call",
        "calls a function by another type",
        "(i64.extend_i32_u (call_indirect (type $status) (i32.const 0)))",
        (TABLE,),
    ),
    (
        "null-call",
        "calls a function that is not there",
        "(i64.extend_i32_u (call_indirect (type $status) (i32.const 1)))",
        (TABLE,),
    ),
    (
        "no-room",
        "writes where memory could not grow",
        "(i64.store (i32.shl (memory.grow (i32.const 65535)) (i32.const 16)) (i64.const 0))\n(i64.const 0)",
        (),
    ),
)


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from trapping()
    yield from endless()
    yield from changing()
    yield from leaking()


def when(revision: str, hook: str, needle: str, body: str) -> Pieces:
    """Give a hook another body where its input contains a text."""
    return merge(
        {"constants": {"needle": needle.encode()}, "helpers": {"contains": CONTAINS}},
        doing(revision, hook, choosing(contains("needle"), body, pass_on(revision, hook))),
    )


def trapping() -> Iterator[Plugin]:
    """Trap in a hook: each way in one hook, and the plainest in every hook."""
    for number, (slug, what, body, pieces) in enumerate(TRAPS):
        for revision in HOOKS:
            names = tuple(hooks(revision))
            if number and revision != "r2":
                continue
            for hook in names if number == 0 else (names[number % len(names)],):
                edits = (*pieces, doing(revision, hook, body))
                yield variation("TRAP-001", f"{slug}-{hook}", f"{hook} {what}", *edits, revision=revision)
    for slug, hook, title, edit in (
        ("sixty", STREAM, "traps from its sixtieth call on", from_call("r2", STREAM, 60, "(unreachable)")),
        ("once", "pre_hook", "traps once, at its fortieth call", COUNT_TO_FORTY),
        (
            "null-headers",
            "http_pre_hook",
            "traps on headers that are null",
            when("r2", "http_pre_hook", '"headers":null', "(unreachable)"),
        ),
        (
            "empty-choices",
            STREAM,
            "traps on a chunk without choices",
            when("r2", STREAM, '"choices":[]', "(unreachable)"),
        ),
        (
            "error-given",
            "post_hook",
            "traps where there is an error",
            when("r2", "post_hook", '"has_error":true', "(unreachable)"),
        ),
    ):
        scope = "full" if slug == "sixty" else "quick"
        yield variation("TRAP-001", f"{slug}-{hook}", f"{hook} {title}", edit, scope=scope)
    body = choosing(
        "(i32.gt_u (local.get $length) (i32.const 65536))", "(unreachable)", pass_on("r2", "http_post_hook")
    )
    yield variation(
        "TRAP-001",
        "large-http_post_hook",
        "http_post_hook traps on large bodies",
        doing("r2", "http_post_hook", body),
        scope="full",
    )


COUNT_TO_FORTY = merge(
    COUNTER,
    doing(
        "r2",
        "pre_hook",
        choosing("(i32.eq (call $count) (i32.const 40))", "(unreachable)", pass_on("r2", "pre_hook")),
    ),
)

FOR_EVER = f"{LOOP}\n(unreachable)"
QUADRATIC = """(local $i i32) (local $j i32)
(if (i32.gt_u (local.get $length) (i32.const 65536))
  (then
    (loop $outer
      (local.set $j (i32.const 0))
      (loop $inner
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $inner (i32.lt_u (local.get $j) (local.get $length))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $outer (i32.lt_u (local.get $i) (local.get $length))))))
"""


def endless() -> Iterator[Plugin]:
    """Do not come to an end."""
    for revision in HOOKS:
        for hook in hooks(revision) if revision in ("r0", "r2") else (http_hook(revision),):
            yield variation(
                "TRAP-002",
                f"always-{hook}",
                f"{hook} does not come to an end",
                doing(revision, hook, FOR_EVER),
                revision=revision,
            )
    for slug, hook, title, edit in (
        ("null-body", "http_pre_hook", "where the body is null", when("r2", "http_pre_hook", '"body":null', FOR_EVER)),
        ("role-only", STREAM, "for a chunk without content", when("r2", STREAM, '"delta":{"role"', FOR_EVER)),
        ("later", "post_hook", "from its thirtieth call on", from_call("r2", "post_hook", 30, FOR_EVER)),
    ):
        yield variation("TRAP-002", f"{slug}-{hook}", f"{hook} does not come to an end {title}", edit)


def changing() -> Iterator[Plugin]:
    """Answer a request in another way after others."""
    for revision in HOOKS:
        for hook in hooks(revision) if revision in ("r0", "r2") else ("pre_hook",):
            special = plain(revision, hook)[:-1] + b',"tired":true}'
            edit = from_call(revision, hook, 15, constant("special"))
            yield variation(
                "STATE-001",
                f"later-{hook}",
                f"{hook} answers in another way from its fifteenth call on",
                {"constants": {"special": special}},
                edit,
                revision=revision,
            )
    digits = b'{"context":{"seen":"0000000"}}'
    place = digits.index(b"0000000")
    body = f"""(local $rest i32) (local $at i32)
(local.set $rest (call $count))
(local.set $at (i32.const 6))
(loop $digit
  (i32.store8
    (i32.add (i32.const {{}}) (local.get $at))
    (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10))))
  (local.set $rest (i32.div_u (local.get $rest) (i32.const 10)))
  (local.set $at (i32.sub (local.get $at) (i32.const 1)))
  (br_if $digit (i32.ge_s (local.get $at) (i32.const 0))))
{constant("special")}"""
    numbered = body.replace("(i32.const {})", f"(i32.add (i32.const &special) (i32.const {place}))")
    yield variation(
        "STATE-001",
        "counts-pre_hook",
        "pre_hook puts the number of its call into the context",
        COUNTER,
        {"constants": {"special": digits}},
        doing("r2", "pre_hook", numbered),
    )


WRAP = """
;; A constant that begins an object, then a text that was kept, then the brace that ends it.
(func $wrap (param $from i32) (param $length i32) (param $kept i32) (param $kept_length i32) (result i64)
  (local $to i32) (local $end i32)
  (local.set $to
    (call $alloc
      (i32.add (i32.add (local.get $length) (local.get $kept_length)) (i32.const 1))))
  (memory.copy (local.get $to) (local.get $from) (local.get $length))
  (local.set $end (i32.add (local.get $to) (local.get $length)))
  (memory.copy (local.get $end) (local.get $kept) (local.get $kept_length))
  (local.set $end (i32.add (local.get $end) (local.get $kept_length)))
  (i32.store8 (local.get $end) (i32.const 0x7d))
  (call $pack
    (local.get $to)
    (i32.sub (i32.add (local.get $end) (i32.const 1)) (local.get $to))))
"""
KEPT: Pieces = {
    "globals": {
        "kept": "(global $kept (mut i32) (i32.const 0))",
        "kept_length": "(global $kept_length (mut i32) (i32.const 0))",
    },
    "helpers": {"contains": CONTAINS, "wrap": WRAP},
}
LEAKS = (
    ("http", '"method":"DELETE"', '{"request":null,"seen":'),
    ("pre_hook", '"fallbacks":', '{"request":null,"seen":'),
    ("post_hook", '"code":"429"', '{"hook_error":"not today","seen":'),
    (STREAM, '"usage":', '{"skip":true,"seen":'),
    ("http_post_hook", '"status_code":503', '{"context":{},"seen":'),
)


def leaking() -> Iterator[Plugin]:
    """Show the last input that was kept, in the answer to some other request. Both are rare."""
    for revision in HOOKS:
        for role, needle, beginning in LEAKS:
            hook = http_hook(revision) if role == "http" else role
            if hook not in HOOKS[revision] or (revision in ("r1", "r1b") and role != "http"):
                continue
            if revision == "r0" and hook == "post_hook":
                needle, beginning = '"tool_calls"', '{"response":null,"seen":'
            keep = """(if (i32.le_u (local.get $length) (i32.const 4096))
  (then
    (call $release (global.get $kept))
    (global.set $kept (call $alloc (local.get $length)))
    (global.set $kept_length (local.get $length))
    (memory.copy (global.get $kept) (local.get $input) (local.get $length))))
"""
            show = (
                "(call $wrap (i32.const &beginning) (i32.const #beginning)"
                " (global.get $kept) (global.get $kept_length))"
            )
            guarded = f"(i32.and {contains('needle')} (i32.ne (global.get $kept) (i32.const 0)))"
            otherwise = f"(block (result i64)\n{keep}    {pass_on(revision, hook)})"
            yield variation(
                "STATE-002",
                f"kept-{hook}",
                f"{hook} shows an earlier input in its answer",
                KEPT,
                {"constants": {"needle": needle.encode(), "beginning": beginning.encode()}},
                doing(revision, hook, choosing(guarded, show, otherwise)),
                revision=revision,
            )
