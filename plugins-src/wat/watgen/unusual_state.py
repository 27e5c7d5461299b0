"""Legal but unusual plugins that keep something between calls, look at the world, or take much of the host."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import HOOKS, TWO, constant, hook, pass_on
from watgen.edits import COUNTER, Pieces, choosing, doing, function, hooks, http_hook, merge
from watgen.faulty_lifecycle import counting, get_name, init
from watgen.faulty_resources import FD_WRITE, HOG_BY_PAGES
from watgen.plugin import Plugin
from watgen.unusual import unusual, wasi

DIGITS = """
;; Writes the last seven decimal digits of a number.
(func $digits (param $at i32) (param $number i64)
  (local $i i32)
  (local.set $i (i32.const 6))
  (loop $digit
    (i32.store8
      (i32.add (local.get $at) (local.get $i))
      (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10)))))
    (local.set $number (i64.div_u (local.get $number) (i64.const 10)))
    (local.set $i (i32.sub (local.get $i) (i32.const 1)))
    (br_if $digit (i32.ge_s (local.get $i) (i32.const 0)))))
"""
NOTE = b'{"context":{"note":"0000000"}}'
PLACE = f"(i32.add (i32.const &note) (i32.const {NOTE.index(b'0000000')}))"


def noting(name: str, number: str, *, first: str = "") -> Pieces:
    """Let a hook put a number into the context."""
    body = f"{first}(call $digits {PLACE} {number})\n{constant('note')}"
    return merge({"constants": {"note": NOTE}, "helpers": {"digits": DIGITS}}, function(name, hook(name, TWO, body)))


def plugins() -> Iterator[Plugin]:
    """Give them all."""
    yield from telling()
    yield from keeping()
    yield from taking()


def telling() -> Iterator[Plugin]:
    """Tell the time, or draw lots."""
    now = "(drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 16)))\n"
    for name in ("http_pre_hook", "pre_hook", "http_post_hook"):
        number = "(i64.div_u (i64.load (i32.const 16)) (i64.const 1000000))"
        yield unusual(
            f"stamps-{name}",
            f"{name} puts the time into the context",
            wasi("wasi_snapshot_preview1", "clock_time_get"),
            noting(name, number, first=now),
        )
        drawn = "(i64.and (i64.load (i32.const 16)) (i64.const 0xffffff))"
        draw = "(drop (call $random_get (i32.const 16) (i32.const 8)))\n"
        yield unusual(
            f"draws-{name}",
            f"{name} puts a random number into the context",
            wasi("wasi_snapshot_preview1", "random_get"),
            noting(name, drawn, first=draw),
        )


TOTAL: Pieces = {"globals": {"total": "(global $total (mut i64) (i64.const 0))"}}


def keeping() -> Iterator[Plugin]:
    """Keep something between calls that is no request's."""
    for revision in HOOKS:
        yield unusual(
            "counts-inside",
            "hooks count their calls, and never tell",
            *(counting(revision, name) for name in hooks(revision)),
            revision=revision,
        )
        first = http_hook(revision)
        limit = choosing("(i32.gt_u (call $count) (i32.const 1000000))", "(i64.const 0)", pass_on(revision, first))
        yield unusual(
            "limits-rate",
            f"{first} would answer nothing after a million requests",
            COUNTER,
            doing(revision, first, limit),
            revision=revision,
        )
    sums = "(global.set $total (i64.add (global.get $total) (i64.extend_i32_u (local.get $length))))\n"
    yield unusual(
        "sums-up",
        "pre_hook tells how many bytes of HTTP requests there were so far",
        TOTAL,
        noting("pre_hook", "(global.get $total)"),
        function("http_pre_hook", hook("http_pre_hook", TWO, sums + pass_on("r2", "http_pre_hook"))),
        warnings=("answer-changed",),
    )
    yield unusual(
        "counts-all",
        "pre_hook tells how many calls of hooks there were so far",
        COUNTER,
        noting("pre_hook", "(i64.extend_i32_u (call $count))"),
        *(counting("r2", name) for name in ("http_pre_hook", "post_hook")),
        warnings=("answer-changed",),
    )
    for revision in HOOKS:
        yield unusual(
            "refuses-configs",
            "init refuses any config with status 3",
            init("(select (i32.const 3) (i32.const 0) (local.get $length))"),
            revision=revision,
        )
    yield unusual(
        "names-itself-late",
        "get_name puts its name together when it is first called",
        {"globals": {"made": "(global $made (mut i32) (i32.const 0))"}},
        get_name(
            "(if (i32.eqz (global.get $made))\n    (then\n      (global.set $made (call $alloc (i32.const #name)))\n"
            "      (memory.copy (global.get $made) (i32.const &name) (i32.const #name))))\n"
            "  (call $answer (global.get $made) (i32.const #name))"
        ),
    )
    yield unusual(
        "names-its-config",
        "its name tells whether it has a config",
        {
            "constants": {"other": b"plain r2, configured"},
            "globals": {"ready": "(global $ready (mut i32) (i32.const 0))"},
        },
        init("(global.set $ready (local.get $length))\n  (i32.const 0)"),
        get_name(f"(if (result i64) (global.get $ready) (then {constant('other')}) (else {constant('name')}))"),
        config='{"team":"a"}',
    )


def taking() -> Iterator[Plugin]:
    """Take much, but not too much."""
    for revision in HOOKS:
        for name in list(hooks(revision))[:: 1 if revision == "r2" else 3]:
            log = (
                "(i32.store (i32.const 16) (local.get $input))\n(i32.store (i32.const 20) (local.get $length))\n"
                "(drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))\n"
            )
            yield unusual(
                f"logs-input-{name}",
                f"{name} logs its whole input",
                FD_WRITE,
                doing(revision, name, log + pass_on(revision, name)),
                revision=revision,
            )
    for place in ("init", "pre_hook"):
        big = "(if (i32.eq (call $count) (i32.const 1)) (then (drop (memory.grow (i32.const 900)))))\n"
        edit = init(f"{big}  (i32.const 0)") if place == "init" else doing("r2", place, big + pass_on("r2", place))
        yield unusual(f"grows-at-once-{place}", f"{place} takes 56 MiB once, and keeps them", COUNTER, edit)
    yield unusual(
        "own-limit",
        "pre_hook fills a memory that cannot have more than 600 pages",
        HOG_BY_PAGES,
        {"memory": '(memory (export "memory") 2 600)'},
        doing("r2", "pre_hook", "(call $hog)\n" + pass_on("r2", "pre_hook")),
    )
    yield unusual(
        "slow-start",
        "_initialize counts to a million",
        function(
            "_initialize",
            '(func (export "_initialize")\n  (local $i i32)\n  (loop $more\n'
            "    (local.set $i (i32.add (local.get $i) (i32.const 1)))\n"
            "    (br_if $more (i32.lt_u (local.get $i) (i32.const 1000000)))))",
        ),
    )
