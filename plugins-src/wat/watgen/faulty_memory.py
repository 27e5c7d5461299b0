"""Faults of the allocator, of packed results, and of growth."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import ALLOC as BASE_ALLOC
from watgen.base import ANSWER, HOOKS, allocator_names, constant, pass_on
from watgen.base import RELEASE as BASE_RELEASE
from watgen.edits import COUNTER, Pieces, choosing, doing, from_call, function, hooks, http_hook, merge, variation
from watgen.faulty_lifecycle import LOOP
from watgen.plugin import Plugin

EVERY = tuple(HOOKS)


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from refusing()
    yield from outside()
    yield from overlapping()
    yield from on_static_data()
    yield from trapping()
    yield from not_taking_back()
    yield from growing()
    yield from packing()


def malloc(revision: str, body: str) -> Pieces:
    """Replace the body of the exported allocator; hooks keep using `$alloc`."""
    name, _ = allocator_names(revision)
    return function(name, f'(func (export "{name}") (param $size i32) (result i32)\n  {body})')


def free(revision: str, body: str) -> Pieces:
    """Replace the body of the exported counterpart."""
    _, name = allocator_names(revision)
    return function(name, f'(func (export "{name}") (param $pointer i32)\n  {body})')


ALLOC = "(call $alloc (local.get $size))"
RELEASE = "(call $release (local.get $pointer))"


def larger(size: int, then: str) -> str:
    """Write what the allocator does for sizes above `size`; for others it does its work."""
    return f"(if (result i32) (i32.gt_u (local.get $size) (i32.const {size})) (then {then}) (else {ALLOC}))"


def later(calls: int, then: str) -> str:
    """Write what the allocator does after so many calls."""
    return f"(if (result i32) (i32.gt_u (call $count) (i32.const {calls})) (then {then}) (else {ALLOC}))"


def refusing() -> Iterator[Plugin]:
    """Answer 0."""
    for revision in EVERY:
        yield variation(
            "ALLOC-001",
            "zero",
            "the allocator answers 0",
            malloc(revision, "(i32.const 0)"),
            revision=revision,
        )
    yield variation(
        "ALLOC-001",
        "large",
        "the allocator answers 0 for more than 64 KiB",
        malloc("r2", larger(65_536, "(i32.const 0)")),
        scope="full",
    )
    yield variation(
        "ALLOC-001",
        "huge",
        "the allocator answers 0 for more than 4 MiB, which only the largest body needs",
        malloc("r2", larger(4_194_304, "(i32.const 0)")),
        scope="full",
    )
    yield variation(
        "ALLOC-001",
        "first",
        "the allocator's first buffer lies at address 0",
        COUNTER,
        malloc("r2", f"(if (i32.eq (call $count) (i32.const 1)) (then (return (i32.const 0))))\n  {ALLOC}"),
    )
    for revision in ("r0", "r2"):
        yield variation(
            "ALLOC-001",
            "runs-dry",
            "the allocator answers 0 after 5,000 calls",
            COUNTER,
            malloc(revision, later(5_000, "(i32.const 0)")),
            revision=revision,
            scope="full",
        )


END = "(i32.shl (memory.size) (i32.const 16))"


def behind(before: int) -> str:
    """Write a pointer so many bytes before the end of memory, or 4 to 252 MiB behind it: each time another."""
    return f"""(i32.add
      (i32.sub {END} (i32.const {before}))
      (i32.shl (i32.rem_u (i32.sub (call $count) (i32.const 1)) (i32.const 64)) (i32.const 22)))"""


def outside() -> Iterator[Plugin]:
    """Hand out what is not there."""
    for revision in EVERY:
        yield variation(
            "ALLOC-002",
            "behind",
            "buffers begin eight bytes before the end of memory, or behind it",
            COUNTER,
            malloc(revision, behind(8)),
            free(revision, f"(if (i32.lt_u (local.get $pointer) (i32.sub {END} (i32.const 8)))\n    (then {RELEASE}))"),
            revision=revision,
        )
    yield variation(
        "ALLOC-002",
        "large",
        "memory does not grow for buffers of more than 128 KiB",
        COUNTER,
        malloc("r2", larger(131_072, behind(64))),
        free("r2", f"(if (i32.lt_u (local.get $pointer) (i32.sub {END} (i32.const 64)))\n    (then {RELEASE}))"),
        scope="full",
    )
    yield variation(
        "ALLOC-002",
        "minus-sixteen",
        "the allocator answers -16 where it means failure",
        malloc("r2", larger(100_000, "(i32.const -16)")),
        free("r2", f"(if (i32.ne (local.get $pointer) (i32.const -16)) (then {RELEASE}))"),
        scope="full",
    )


ARENA = 0x800000
"""Where a second heap begins, far above the first: what is handed out there is told by its address."""
ARENA_GLOBALS = {
    "arena": f"(global $arena (mut i32) (i32.const {ARENA:#x}))",
    "live": "(global $live (mut i32) (i32.const 0))",
}


def in_arena(revision: str, step: str) -> Pieces:
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
    return merge({"globals": ARENA_GLOBALS}, malloc(revision, body), free(revision, back))


def scratch(revision: str, condition: str) -> Pieces:
    """Hand out one and the same place wherever a condition on `$size` holds."""
    body = f"""(if (i32.eqz {condition}) (then (return {ALLOC})))
  (select
    (i32.const {ARENA:#x}) (i32.const 0)
    (call $reserve (i32.add (i32.const {ARENA:#x}) (local.get $size))))"""
    back = f"(if (i32.ne (local.get $pointer) (i32.const {ARENA:#x})) (then {RELEASE}))"
    return merge(malloc(revision, body), free(revision, back))


def overlapping() -> Iterator[Plugin]:
    """Hand out bytes twice."""
    for revision in EVERY:
        yield variation(
            "ALLOC-003",
            "scratch",
            "every buffer is the same one",
            scratch(revision, "(i32.const 1)"),
            revision=revision,
        )
    yield variation(
        "ALLOC-003",
        "large",
        "large buffers are the same one",
        scratch("r2", "(i32.gt_u (local.get $size) (i32.const 60000))"),
        scope="full",
    )
    yield variation(
        "ALLOC-003",
        "short-step",
        "its heap advances by the size rounded down",
        in_arena("r2", "(i32.and (local.get $size) (i32.const -16))"),
    )
    yield variation(
        "ALLOC-003",
        "one-byte",
        "buffers overlap by one byte",
        in_arena("r2", "(i32.sub (local.get $size) (i32.const 1))"),
    )


def on_static_data() -> Iterator[Plugin]:
    """Hand out the plugin's own data: a notice that nothing reads, so that nothing else breaks."""
    notice = b"This plugin passes everything through. " * 210
    pieces: Pieces = {
        "constants": {"notice": notice},
        "globals": {"taken": "(global $taken (mut i32) (i32.const 0))"},
    }
    back = (
        "(if (i32.eq (local.get $pointer) (i32.const &notice))\n    (then (global.set $taken (i32.const 0)) (return)))"
    )
    for slug, title, size, revisions in (
        ("small", "small buffers lie on static data", 8_000, EVERY),
        ("tiny", "tiny buffers lie on static data", 16, ("r2",)),
    ):
        body = (
            f"(if (i32.and (i32.eqz (global.get $taken)) (i32.le_u (local.get $size) (i32.const {size})))\n"
            "    (then (global.set $taken (i32.const 1)) (return (i32.const &notice))))\n  " + ALLOC
        )
        for revision in revisions:
            yield variation(
                "ALLOC-004",
                slug,
                title,
                pieces,
                malloc(revision, body),
                free(revision, f"{back}\n  {RELEASE}"),
                revision=revision,
            )
    yield variation(
        "ALLOC-004",
        "far",
        "its heap grows over data far off, which only the largest body reaches",
        {
            "memory": '(memory (export "memory") 190)',
            "tail": {"far": '(data (i32.const 12000000) "A table that nothing reads.")'},
        },
        scope="full",
    )


def trapping() -> Iterator[Plugin]:
    """Trap in the allocator."""
    for revision in EVERY:
        yield variation(
            "ALLOC-005", "traps", "the allocator traps", malloc(revision, "(unreachable)"), revision=revision
        )
    yield variation(
        "ALLOC-005",
        "large",
        "the allocator traps for more than 64 KiB",
        malloc("r2", larger(65_536, "(unreachable)")),
        scope="full",
    )
    yield variation(
        "ALLOC-005",
        "later",
        "the allocator traps after 3,000 calls",
        COUNTER,
        malloc("r2", later(3_000, "(unreachable)")),
        scope="full",
    )
    yield variation(
        "ALLOC-005",
        "endless",
        "the allocator does not come to an end for less than sixteen bytes",
        malloc("r2", f"(if (i32.lt_u (local.get $size) (i32.const 16)) (then {LOOP}))\n  {ALLOC}"),
    )


def not_taking_back() -> Iterator[Plugin]:
    """Trap in the counterpart."""
    for revision in EVERY:
        _, name = allocator_names(revision)
        yield variation("FREE-001", "traps", f"{name} traps", free(revision, "(unreachable)"), revision=revision)
    strict = "(if (i32.lt_u (local.get $pointer) (i32.const &heap)) (then (unreachable)))"
    for name in ("pre_hook", "http_pre_hook"):
        body = f"(call $pack (i32.const &{name}) (i32.const #{name}))"
        yield variation(
            "FREE-001",
            f"static-{name}",
            f"free traps on the result of {name}, which is no buffer of its own",
            doing("r2", name, body),
            free("r2", f"{strict}\n  {RELEASE}"),
        )
    yield variation(
        "FREE-001",
        "endless",
        "free does not come to an end for the smallest buffers",
        free(
            "r2",
            "(if (i32.le_u (i32.load (i32.sub (local.get $pointer) (i32.const 8))) (i32.const 4))\n"
            f"    (then {LOOP}))\n  {RELEASE}",
        ),
    )
    yield variation("FREE-001", "order", "free traps unless the last buffer comes first", stack())
    yield variation(
        "FREE-001",
        "capacity",
        "free takes a size, and traps on results, whose buffers are larger than their text",
        {
            "exports": {
                "free": """
(func (export "free") (param $pointer i32) (param $size i32)
  (if (i32.ne
        (i32.sub (i32.const 32) (i32.clz (i32.add (local.get $size) (i32.const 7))))
        (i32.load (i32.sub (local.get $pointer) (i32.const 8))))
    (then (unreachable)))
  (call $release (local.get $pointer)))
"""
            },
            "helpers": {"answer": ANSWER.replace("(call $alloc (local.get $length))", ROOMY)},
        },
    )


ROOMY = "(call $alloc (i32.shl (local.get $length) (i32.const 2)))"


def stack() -> Pieces:
    """Take inputs from a stack: a block's header holds the block before it."""
    body = """(local $pointer i32)
  (local.set $pointer (i32.add (global.get $arena) (i32.const 8)))
  (if (i32.eqz (call $reserve (i32.add (local.get $pointer) (local.get $size))))
    (then (return (i32.const 0))))
  (i32.store (i32.sub (local.get $pointer) (i32.const 8)) (global.get $live))
  (global.set $live (local.get $pointer))
  (global.set $arena (i32.add (local.get $pointer) (local.get $size)))
  (local.get $pointer)"""
    back = f"""(if (i32.lt_u (local.get $pointer) (i32.const {ARENA:#x})) (then {RELEASE} (return)))
  (if (i32.ne (local.get $pointer) (global.get $live)) (then (unreachable)))
  (global.set $arena (i32.sub (local.get $pointer) (i32.const 8)))
  (global.set $live (i32.load (global.get $arena)))"""
    return merge({"globals": ARENA_GLOBALS}, malloc("r2", body), free("r2", back))


def growing() -> Iterator[Plugin]:
    """Need ever more memory."""
    for revision in EVERY:
        for slug, title, body in (
            (
                "page",
                "a page is lost every fifty calls",
                "(if (i32.eqz (i32.rem_u (call $count) (i32.const 50)))\n"
                "  (then (drop (memory.grow (i32.const 1)))))\n",
            ),
            ("block", "a block of 500 bytes is lost in every call", "(drop (call $alloc (i32.const 500)))\n"),
        ):
            if slug == "page" or revision in ("r0", "r2"):
                edit = doing(revision, "pre_hook", body + pass_on(revision, "pre_hook"))
                yield variation("MEM-001", slug, f"{title} of pre_hook", COUNTER, edit, revision=revision, scope="full")
        yield variation(
            "MEM-002",
            "no-op",
            "free does nothing",
            free(revision, ""),
            revision=revision,
            scope="full",
        )
    yield variation(
        "MEM-001",
        "copies-post_hook",
        "post_hook keeps a copy of every response",
        doing("r2", "post_hook", f"(drop {pass_on('r2', 'post_hook')})\n{pass_on('r2', 'post_hook')}"),
        scope="full",
    )
    yield variation(
        "MEM-002",
        "results-only",
        "free takes back results only, and loses inputs",
        in_arena("r2", "(local.get $size)"),
        free("r2", f"(if (i32.lt_u (local.get $pointer) (i32.const {ARENA:#x})) (then {RELEASE}))"),
        scope="full",
    )


PACKED = (
    ("outside", "lies behind the end of memory", f"(call $pack {END} (i32.const 20))"),
    (
        "across",
        "reaches one byte over the end of memory",
        f"(call $pack (i32.sub {END} (i32.const 20)) (i32.const 21))",
    ),
    ("minus-one", "is -1", "(i64.const -1)"),
)


def unpacked(call: str, *, shifted: bool) -> str:
    """Write a body that takes a proper result apart, and packs it with its halves swapped, or with none shifted up."""
    if shifted:
        return f"(i64.rotl {call} (i64.const 32))"
    return f"(i64.shr_u {call} (i64.const 32))"


def swapping() -> Iterator[Plugin]:
    """Mix up the halves: what they say lies inside memory all the same."""
    for revision in EVERY:
        for name in hooks(revision):
            for slug, title, shifted in (
                ("swapped", "has its halves swapped", True),
                ("pointer-only", "is the pointer alone", False),
            ):
                yield variation(
                    "PACK-001",
                    f"{slug}-{name}",
                    f"the result of {name} {title}",
                    doing(revision, name, unpacked(pass_on(revision, name), shifted=shifted)),
                    revision=revision,
                )
        for slug, shifted in (("swapped", True), ("pointer-only", False)):
            body = unpacked("(call $answer (i32.const &name) (i32.const #name))", shifted=shifted)
            yield variation(
                "NAME-002",
                slug,
                f"the name's result is {slug}",
                function("get_name", f'(func (export "get_name") (result i64)\n  {body})'),
                revision=revision,
            )


def packing() -> Iterator[Plugin]:
    """Pack the result wrongly."""
    yield from swapping()
    for revision in EVERY:
        for name in hooks(revision):
            for slug, title, body in PACKED if revision == "r2" else PACKED[:1]:
                yield variation(
                    "PACK-001",
                    f"{slug}-{name}",
                    f"the result of {name} {title}",
                    doing(revision, name, body),
                    revision=revision,
                )
            yield variation(
                "PACK-002",
                f"zero-{name}",
                f"the result of {name} is 0",
                doing(revision, name, "(i64.const 0)"),
                revision=revision,
            )
    yield from packing_now_and_then()
    yield from packing_at_zero()
    yield from packing_across()


def packing_now_and_then() -> Iterator[Plugin]:
    """Pack the result wrongly in some calls only."""
    yield variation(
        "PACK-001",
        "later-http_pre_hook",
        "the result of http_pre_hook lies outside from the thirtieth call on",
        from_call("r2", "http_pre_hook", 30, PACKED[0][2]),
    )
    yield variation(
        "PACK-001",
        "negative-length-pre_hook",
        "the length of pre_hook's result is extended with its sign",
        doing("r2", "pre_hook", "(i64.or (i64.const 0x50000000000) (i64.extend_i32_s (i32.const -20)))"),
    )
    large = "(i32.gt_u (local.get $length) (i32.const 60000))"
    yield variation(
        "PACK-001",
        "large-http_post_hook",
        "the result of http_post_hook lies outside for large inputs",
        doing("r2", "http_post_hook", choosing(large, PACKED[0][2], constant("http_post_hook"))),
        scope="full",
    )
    yield variation(
        "PACK-002",
        "length-pre_hook",
        "the result of pre_hook has length 0",
        doing("r2", "pre_hook", "(call $pack (i32.const &pre_hook) (i32.const 0))"),
    )
    yield variation(
        "PACK-002",
        "later-post_hook",
        "the result of post_hook is 0 from the thirtieth call on",
        from_call("r2", "post_hook", 30, "(i64.const 0)"),
    )


SHORT = {
    "http_transport_intercept": b'{"response":null}',
    "http_intercept": b'{"context":{}}',
    "http_pre_hook": b'{"context":{}}',
    "http_post_hook": b'{"context":{}}',
    "http_stream_chunk_hook": b'{"skip":true}',
    "pre_hook": b'{"request":null}',
    "post_hook": b'{"hook_error":"not today"}',
}
"""Answers of less than 64 bytes, which fit below the allocator's lists."""


def packing_at_zero() -> Iterator[Plugin]:
    """Answer with address 0."""
    for revision in EVERY:
        for name in hooks(revision) if revision in ("r0", "r2") else ("pre_hook",):
            text = b'{"response":null}' if (revision, name) == ("r0", "post_hook") else SHORT[name]
            quoted = text.decode().replace('"', '\\"')
            yield variation(
                "PACK-003",
                f"{name}",
                f"the result of {name} lies at address 0",
                doing(revision, name, f"(call $pack (i32.const 0) (i32.const {len(text)}))"),
                {"tail": {"zero": f'(data (i32.const 0) "{quoted}")'}},
                revision=revision,
            )


def gap(size: int) -> Pieces:
    """Leave so many bytes free before each buffer, inputs and results alike."""
    return {
        "helpers": {
            "alloc": BASE_ALLOC.replace("$alloc", "$take")
            + f"""
;; Leaves {size} bytes free before each buffer.
(func $alloc (param $size i32) (result i32)
  (i32.add (call $take (i32.add (local.get $size) (i32.const {size}))) (i32.const {size})))
""",
            "release": BASE_RELEASE.replace("$release", "$give")
            + f"""
(func $release (param $pointer i32)
  (call $give (i32.sub (local.get $pointer) (i32.const {size}))))
""",
        }
    }


def packing_across() -> Iterator[Plugin]:
    """Answer across the beginning of an input: its first two bytes are the last two of the answer."""
    for revision in EVERY:
        for name in ("pre_hook", http_hook(revision)):
            start = f"(i32.sub (i32.add (local.get $input) (i32.const 2)) (i32.const #{name}))"
            body = (
                f"(memory.copy {start} (i32.const &{name}) (i32.const #{name}))\n"
                f"(call $pack {start} (i32.const #{name}))"
            )
            yield variation(
                "PACK-004",
                f"across-{name}",
                f"the result of {name} ends inside its input, and begins before it",
                gap(128),
                doing(revision, name, body),
                revision=revision,
            )
