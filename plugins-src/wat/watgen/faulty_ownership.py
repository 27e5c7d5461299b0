"""Faults of ownership: freed inputs, kept pointers, memory of the host that is written to."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import ALLOC as BASE_ALLOC
from watgen.base import HOOKS, pass_on
from watgen.base import RELEASE as BASE_RELEASE
from watgen.edits import COUNTER, Pieces, choosing, doing, function, hooks, merge, variation
from watgen.faulty_lifecycle import init
from watgen.faulty_memory import ALLOC, RELEASE, free, malloc
from watgen.plugin import Plugin

EVERY = tuple(HOOKS)


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from forgetting()
    yield from keeping_inputs()
    yield from keeping_configs()
    yield from freeing_inputs()
    yield from writing_elsewhere()
    yield from using_results()
    yield from taking_the_last()


def some(revision: str) -> Iterator[str]:
    """Name every hook of r2, and one of each other revision."""
    yield from hooks(revision) if revision == "r2" else ("pre_hook",)


TOLERANT: Pieces = {
    "helpers": {
        "alloc": BASE_ALLOC.replace(
            "(then (i32.store (local.get $head) (i32.load offset=4 (local.get $block))))",
            "(then\n      (i32.store (local.get $head) (i32.load offset=4 (local.get $block)))\n"
            "      (i32.store (local.get $block) (local.get $class)))",
        ),
        "release": BASE_RELEASE.replace(
            "  (local.set $head\n",
            "  (if (i32.ge_u (i32.load (local.get $block)) (i32.const 256)) (then (return)))\n  (local.set $head\n",
        ).replace(
            "  (i32.store (local.get $head) (local.get $block)))",
            "  (i32.store (local.get $head) (local.get $block))\n"
            "  (i32.store (local.get $block) (i32.or (i32.load (local.get $block)) (i32.const 256))))",
        ),
    }
}
"""An allocator that marks free blocks, and ignores that one is freed twice."""


def freeing_inputs() -> Iterator[Plugin]:
    """Free the input, which is the host's to free: an allocator that forgives it keeps everything else in order."""
    for revision in EVERY:
        for name in hooks(revision) if revision == "r2" else ("pre_hook",):
            body = f"{pass_on(revision, name)}\n(call $release (local.get $input))"
            yield variation(
                "OWN-003",
                f"frees-{name}",
                f"{name} frees its input",
                TOLERANT,
                doing(revision, name, body),
                revision=revision,
            )


def writing_elsewhere() -> Iterator[Plugin]:
    """Write behind the input's text."""
    for revision in EVERY:
        for name in hooks(revision) if revision == "r2" else ("pre_hook",):
            body = "(i32.store8 (i32.add (local.get $input) (local.get $length)) (i32.const 0))\n" + pass_on(
                revision, name
            )
            yield variation(
                "OWN-004",
                f"terminates-{name}",
                f"{name} writes a NUL behind its input",
                doing(revision, name, body),
                revision=revision,
            )
    body = "(i64.store (i32.add (local.get $input) (local.get $length)) (i64.const 0))\n" + pass_on("r2", "post_hook")
    for name in some("r2"):
        body = (
            "(memory.fill (i32.add (local.get $input) (local.get $length)) (i32.const 0) (i32.const 4096))\n"
            + pass_on("r2", name)
        )
        yield variation("OWN-004", f"clears-{name}", f"{name} clears 4 KiB behind its input", doing("r2", name, body))
    yield variation(
        "OWN-004", "pads-post_hook", "post_hook pads its input with eight zeroes", doing("r2", "post_hook", body)
    )


def forgetting() -> Iterator[Plugin]:
    """Forget that a buffer was handed out, as a collector does that knows no reference to it."""
    for revision in EVERY:
        body = f"""(local $pointer i32)
  (local.set $pointer {ALLOC})
  (if (i32.eq (call $count) (i32.const 3)) (then (call $release (local.get $pointer))))
  (local.get $pointer)"""
        yield variation(
            "ALLOC-003",
            "forgets",
            "the third buffer is handed out again while it is alive",
            COUNTER,
            malloc(revision, body),
            revision=revision,
        )
    yield variation(
        "ALLOC-003",
        "collects",
        "every hundredth buffer is handed out again while it is alive",
        COUNTER,
        malloc(
            "r2",
            f"""(local $pointer i32)
  (local.set $pointer {ALLOC})
  (if (i32.eqz (i32.rem_u (call $count) (i32.const 100)))
    (then (call $release (local.get $pointer))))
  (local.get $pointer)""",
        ),
    )


KEPT: Pieces = {
    "globals": {
        "kept": "(global $kept (mut i32) (i32.const 0))",
        "kept_length": "(global $kept_length (mut i32) (i32.const 0))",
    }
}
KEEP = "(global.set $kept (local.get {0})) (global.set $kept_length (local.get {1}))"
SAME: Pieces = {
    "helpers": {
        "same": """
;; Whether the same bytes stand at two places.
(func $same (param $one i32) (param $other i32) (param $length i32) (result i32)
  (block $differs
    (loop $next
      (if (i32.eqz (local.get $length)) (then (return (i32.const 1))))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $next
        (i32.eq
          (i32.load8_u (i32.add (local.get $one) (local.get $length)))
          (i32.load8_u (i32.add (local.get $other) (local.get $length)))))))
  (i32.const 0))
"""
    }
}
ANSWER_KEPT = "(call $answer (global.get $kept) (global.get $kept_length))"


def keeping_inputs() -> Iterator[Plugin]:
    """Use the buffer of an earlier input."""
    keep = KEEP.format("$input", "$length")
    for revision in EVERY:
        for name in some(revision):
            yield variation(
                "OWN-001",
                f"answers-{name}",
                f"{name} answers with the buffer of its input before",
                KEPT,
                doing(
                    revision,
                    name,
                    choosing("(global.get $kept)", f"{ANSWER_KEPT}\n{keep}", f"{pass_on(revision, name)}\n{keep}"),
                ),
                revision=revision,
            )
            yield variation(
                "OWN-001",
                f"writes-{name}",
                f"{name} writes to the buffer of its input before",
                KEPT,
                doing(
                    revision,
                    name,
                    f"(if (global.get $kept) (then (i32.store8 (global.get $kept) (i32.const 0x21))))\n{keep}\n"
                    + pass_on(revision, name),
                ),
                revision=revision,
            )
    yield variation(
        "OWN-001",
        "branches-pre_hook",
        "pre_hook traps unless the first input that it ever got is still where it was",
        KEPT,
        doing(
            "r2",
            "pre_hook",
            f"(if (i32.eqz (global.get $kept)) (then {keep}))\n"
            "(if (i32.ne (i32.load8_u (global.get $kept)) (i32.const 0x7b)) (then (unreachable)))\n"
            + pass_on("r2", "pre_hook"),
        ),
    )
    for name in ("pre_hook", "http_post_hook"):
        body = f"""(if (result i64)
  (if (result i32) (i32.eq (global.get $kept_length) (local.get $length))
    (then (call $same (global.get $kept) (local.get $input) (local.get $length)))
    (else (i32.const 0)))
  (then (call $answer (global.get $copy) (local.get $length)))
  (else
    {keep}
    (call $release (global.get $copy))
    (global.set $copy (call $alloc (local.get $length)))
    (memory.copy (global.get $copy) (local.get $input) (local.get $length))
    (call $answer (local.get $input) (local.get $length))))"""
        yield variation(
            "OWN-001",
            f"compares-{name}",
            f"{name} answers with its last answer where its last input, which it did not copy, is like this one",
            KEPT,
            SAME,
            {"globals": {"copy": "(global $copy (mut i32) (i32.const 0))"}},
            doing("r2", name, body),
        )
    yield variation(
        "OWN-001",
        "across-post_hook",
        "post_hook answers with the request that http_pre_hook saw",
        KEPT,
        doing("r2", "http_pre_hook", f"{keep}\n{pass_on('r2', 'http_pre_hook')}"),
        doing("r2", "post_hook", choosing("(global.get $kept)", ANSWER_KEPT, pass_on("r2", "post_hook"))),
    )


LONG_NAME = b"A plugin that passes everything through, whatever it is. " * 4
"""As long as a small input: its buffers and theirs come from the same list."""
LAST: Pieces = {"globals": {"last": "(global $last (mut i32) (i32.const 0))"}}


def noting(revision: str) -> Pieces:
    """Note which buffer the host got last."""
    return merge(LAST, malloc(revision, f"(global.set $last {ALLOC})\n  (global.get $last)"))


def naming(body: str) -> Pieces:
    """Give `get_name` a body, which does its work where the host has no buffer yet."""
    name = "(call $answer (i32.const &name) (i32.const #name))"
    text = choosing("(global.get $last)", body.format(name), name)
    return function("get_name", f'(func (export "get_name") (result i64)\n  {text})')


def taking_the_last() -> Iterator[Plugin]:
    """Use the buffer that the host got last, in the belief that it is the input: there may be others."""
    for revision in EVERY:
        for name in some(revision):
            yield variation(
                "PACK-004",
                f"last-{name}",
                f"{name} answers with the buffer that the host got last, which need not be its input",
                noting(revision),
                doing(revision, name, "(call $pack (global.get $last) (local.get $length))"),
                revision=revision,
            )
        yield variation(
            "PACK-004",
            "last-name",
            "get_name answers with the buffer that the host got last",
            noting(revision),
            naming("(call $pack (global.get $last) (i32.const 5))"),
            revision=revision,
        )
        yield variation(
            "OWN-004",
            "last-pre_hook",
            "pre_hook writes to the buffer that the host got last, which need not be its input",
            noting(revision),
            doing(
                revision,
                "pre_hook",
                f"(i32.store8 (global.get $last) (i32.const 0x20))\n{pass_on(revision, 'pre_hook')}",
            ),
            revision=revision,
        )
        yield variation(
            "OWN-004",
            "last-name",
            "get_name writes to the buffer that the host got last",
            noting(revision),
            naming("(i32.store8 (global.get $last) (i32.const 0x20)) {}"),
            revision=revision,
        )
        first = "(global.get $last)"
        yield variation(
            "OWN-004",
            "oldest-pre_hook",
            "pre_hook writes to the oldest buffer that the host has, unless it is its input",
            LAST,
            malloc(
                revision,
                f"(local $pointer i32)\n  (local.set $pointer {ALLOC})\n"
                f"  (if (i32.eqz {first}) (then (global.set $last (local.get $pointer))))\n  (local.get $pointer)",
            ),
            free(
                revision,
                f"(if (i32.eq {first} (local.get $pointer)) (then (global.set $last (i32.const 0))))\n  {RELEASE}",
            ),
            doing(
                revision,
                "pre_hook",
                f"(if (i32.and (i32.ne {first} (i32.const 0)) (i32.ne {first} (local.get $input)))\n"
                f"  (then (i32.store8 offset=3 {first} (i32.const 0x21))))\n{pass_on(revision, 'pre_hook')}",
            ),
            revision=revision,
        )
    for slug, title, text in (
        ("frees-name", "get_name frees the last input of pre_hook", b"plain r2"),
        ("frees-long-name", "get_name frees the last input of pre_hook, which is of the size of its name", LONG_NAME),
    ):
        yield variation(
            "OWN-003",
            slug,
            title,
            KEPT,
            {"constants": {"name": text}},
            doing("r2", "pre_hook", f"{KEEP.format('$input', '$length')}\n{pass_on('r2', 'pre_hook')}"),
            function(
                "get_name",
                '(func (export "get_name") (result i64)\n  (call $answer (i32.const &name) (i32.const #name))\n'
                "  (call $release (global.get $kept))\n  (global.set $kept (i32.const 0)))",
            ),
        )


def keeping_configs() -> Iterator[Plugin]:
    """Use the buffer of the config after `init`."""
    keep = merge(KEPT, init(KEEP.format("$config", "$length") + " (i32.const 0)"))
    for revision in EVERY:
        for name in some(revision):
            yield variation(
                "OWN-002",
                f"answers-{name}",
                f"{name} answers with the buffer of the config",
                keep,
                doing(revision, name, choosing("(global.get $kept_length)", ANSWER_KEPT, pass_on(revision, name))),
                revision=revision,
            ).with_(config=CONFIG)
        yield variation(
            "OWN-002",
            "name",
            "the name is read from the buffer of the config",
            keep,
            function(
                "get_name",
                """(func (export "get_name") (result i64)
  (if (result i64) (global.get $kept_length)
    (then (call $answer (i32.add (global.get $kept) (i32.const 9)) (i32.const 5)))
    (else (call $answer (i32.const &name) (i32.const #name)))))""",
            ),
            {"constants": {"name": b"guard"}},
            revision=revision,
        ).with_(config='{"name":"guard"}')
    yield variation(
        "OWN-002",
        "checks",
        "pre_hook traps when the config has changed",
        keep,
        doing(
            "r2",
            "pre_hook",
            "(if (i32.and (i32.ne (global.get $kept_length) (i32.const 0))\n"
            "             (i32.ne (i32.load8_u (global.get $kept)) (i32.const 0x7b)))\n  (then (unreachable)))\n"
            + pass_on("r2", "pre_hook"),
        ),
    ).with_(config=CONFIG)


CONFIG = '{"error":""}'
"""A config that every hook may answer with."""

RESULT: Pieces = {"globals": {"result": "(global $result (mut i64) (i64.const 0))"}}
UPPER = "(i32.wrap_i64 (i64.shr_u (global.get $result) (i64.const 32)))"


def using_results() -> Iterator[Plugin]:
    """Use a result after it was answered."""
    for revision in EVERY:
        for name in some(revision):
            yield variation(
                "OWN-005",
                f"frees-{name}",
                f"{name} frees its result before it answers",
                RESULT,
                doing(
                    revision,
                    name,
                    f"(global.set $result {pass_on(revision, name)})\n(call $release {UPPER})\n(global.get $result)",
                ),
                revision=revision,
            )
        name = next(hooks(revision))
        again = choosing(
            "(i64.eqz (global.get $result))",
            f"(global.set $result {pass_on(revision, name)}) (global.get $result)",
            "(global.get $result)",
        )
        yield variation(
            "OWN-005",
            f"again-{name}",
            f"{name} answers each time with the buffer of its first result",
            RESULT,
            doing(revision, name, again),
            revision=revision,
        )
        yield variation(
            "OWN-005",
            f"frees-later-{name}",
            f"{name} frees its result in its next call",
            RESULT,
            doing(
                revision,
                name,
                f"(call $release {UPPER})\n(global.set $result {pass_on(revision, name)})\n(global.get $result)",
            ),
            revision=revision,
        )
        yield variation(
            "OWN-003",
            f"frees-later-{name}",
            f"{name} frees its input in its next call",
            KEPT,
            doing(
                revision,
                name,
                f"(call $release (global.get $kept))\n{KEEP.format('$input', '$length')}\n{pass_on(revision, name)}",
            ),
            revision=revision,
        )
        same = "(call $answer (i32.const &name) (i32.const #name))"
        yield variation(
            "OWN-005",
            "name-again",
            "get_name answers each time with the buffer of its first result",
            RESULT,
            function(
                "get_name",
                '(func (export "get_name") (result i64)\n'
                f"  (if (i64.eqz (global.get $result)) (then (global.set $result {same})))\n  (global.get $result))",
            ),
            revision=revision,
        )
        yield variation(
            "OWN-005",
            "frees-name",
            "get_name frees its result before it answers",
            RESULT,
            function(
                "get_name",
                '(func (export "get_name") (result i64)\n'
                f"  (global.set $result {same})\n  (call $release {UPPER})\n  (global.get $result))",
            ),
            revision=revision,
        )
