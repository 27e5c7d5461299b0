"""Legal plugins that place, take and grow memory in ways of their own: none of them may be blamed."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import ANSWER, RELEASE, SPLICE, allocator_names, base, pass_on
from watgen.edits import COUNTER, Pieces, doing, function, http_hook, without
from watgen.faulty_lifecycle import init
from watgen.faulty_memory import gap
from watgen.plugin import Plugin
from watgen.unusual import EVERY, POST, unusual


def plugins() -> Iterator[Plugin]:
    """Give them all."""
    yield from placing()
    yield from allocating()
    yield from growing()


def heap_at(address: int, pages: int) -> Pieces:
    """Begin the heap at an address, in a memory of so many pages."""
    return {
        "memory": f'(memory (export "memory") {pages})',
        "globals": {"heap": f"(global $heap (mut i32) (i32.const {address:#x}))"},
    }


ECHO_IN_PLACE = "(call $pack (local.get $input) (local.get $length))"
LITTLE: Pieces = {"constants": {"little": b"{}"}}


def little_at(pointer: str) -> str:
    """Write the body of a hook that answers `{}` at a pointer."""
    return f"(i32.store16 {pointer} (i32.load16_u (i32.const &little)))\n(call $pack {pointer} (i32.const #little))"


def placing() -> Iterator[Plugin]:
    """Put buffers and results where one does not expect them."""
    for revision in EVERY:
        yield unusual(
            "high-pointers",
            "its heap begins at 2 GiB, so that every pointer is negative as a signed number",
            heap_at(0x80000000, 32_800),
            revision=revision,
        )
        echoing = [http_hook(revision), "pre_hook", *(() if revision == "r0" else (POST,))]
        yield unusual(
            "echo-in-place",
            "hooks answer with the very input buffer",
            *(doing(revision, name, ECHO_IN_PLACE) for name in echoing),
            revision=revision,
        )
    yield unusual("highest-pointers", "its heap begins 64 MiB below 4 GiB", heap_at(0xFC000000, 65_536))
    for slug, where, pointer in (
        ("over", "over the beginning of its input", "(local.get $input)"),
        ("inside", "into the middle of its input", "(i32.add (local.get $input) (i32.const 7))"),
        (
            "end-of",
            "over the end of its input",
            "(i32.sub (i32.add (local.get $input) (local.get $length)) (i32.const 2))",
        ),
    ):
        for name in ("http_pre_hook", "pre_hook"):
            yield unusual(
                f"answer-{slug}-input-{name}",
                f"{name} writes its answer {where}",
                LITTLE,
                doing("r2", name, little_at(pointer)),
            )
    yield unusual(
        "answer-over-context",
        "pre_hook writes its answer over the first of its documents",
        LITTLE,
        doing("r0", "pre_hook", little_at("(local.get $context)")),
        revision="r0",
    )
    yield unusual(
        "spoils-input",
        "pre_hook overwrites its input before it answers",
        doing(
            "r2",
            "pre_hook",
            "(memory.fill (local.get $input) (i32.const 0) (local.get $length))\n" + pass_on("r2", "pre_hook"),
        ),
    )
    top = "(i32.sub (i32.const 0x2000000) (local.get {}))"
    yield unusual(
        "results-at-the-end",
        "each result ends with the last byte of a memory that cannot grow, and free leaves it alone",
        {
            "memory": '(memory (export "memory") 512 512)',
            "helpers": {
                "answer": ANSWER.replace("(call $alloc (local.get $length))", top.format("$length")),
                "splice": SPLICE.replace("(call $alloc (local.get $total))", top.format("$total")),
                "release": RELEASE.replace(
                    "(if (i32.eqz (local.get $pointer)) (then (return)))",
                    "(if (i32.ge_u (local.get $pointer) (i32.const 0x1000000)) (then (return)))",
                ),
            },
        },
    )


STATIC_RESULTS: Pieces = {
    "helpers": {
        "answer": """
;; Answers with the bytes where they are.
(func $answer (param $from i32) (param $length i32) (result i64)
  (call $pack (local.get $from) (local.get $length)))
"""
    }
}
FREE_KEEPING_STATIC = (
    "(if (i32.ge_u (local.get $pointer) (i32.const &heap)) (then (call $release (local.get $pointer))))"
)


def free_sized(name: str) -> Pieces:
    """Give `free` a size, which has to be the block's own."""
    return function(
        name,
        f"""(func (export "{name}") (param $pointer i32) (param $size i32)
  (if (i32.ne
        (i32.sub (i32.const 32) (i32.clz (i32.add (local.get $size) (i32.const 7))))
        (i32.load (i32.sub (local.get $pointer) (i32.const 8))))
    (then (unreachable)))
  (call $release (local.get $pointer)))""",
    )


def allocating() -> Iterator[Plugin]:
    """Take and give memory in other legal ways."""
    for revision in EVERY:
        _malloc, free = allocator_names(revision)
        yield unusual(
            "free-with-size",
            f"{free} takes a size, and traps where it is not that of the buffer",
            free_sized(free),
            revision=revision,
        )
        yield unusual(
            "static-results",
            f"results are static, and {free} does nothing",
            STATIC_RESULTS,
            {"exports": {POST: base(revision).exports[POST].replace("$answer", "$copy")}} if revision != "r0" else {},
            {"helpers": {"copy": ANSWER.replace("$answer", "$copy")}},
            function(free, f'(func (export "{free}") (param $pointer i32))'),
            revision=revision,
            warnings=("no-op-free",),
        )
        yield unusual("unaligned", "every pointer is odd", gap(1), revision=revision)
    yield unusual(
        "static-results-kept",
        "results are static, and free leaves them alone",
        STATIC_RESULTS,
        {"exports": {POST: base("r2").exports[POST].replace("$answer", "$copy")}},
        {"helpers": {"copy": ANSWER.replace("$answer", "$copy")}},
        function("free", f'(func (export "free") (param $pointer i32)\n  {FREE_KEEPING_STATIC})'),
    )
    yield unusual(
        "bump",
        "free only counts: the heap begins anew when nothing is live",
        {
            "globals": {"live": "(global $live (mut i32) (i32.const 0))"},
            "helpers": {"alloc": BUMP, "release": COUNT_DOWN},
        },
    )
    yield unusual(
        "poisons",
        "free overwrites what it takes back",
        {
            "helpers": {
                "release": RELEASE.replace(
                    "  (i32.store offset=4 (local.get $block)",
                    "  (memory.fill\n    (local.get $pointer) (i32.const 0xdd)\n"
                    "    (i32.sub (i32.shl (i32.const 1) (i32.load (local.get $block))) (i32.const 8)))\n"
                    "  (i32.store offset=4 (local.get $block)",
                )
            }
        },
    )
    yield unusual(
        "data-above-heap",
        "its constants lie at 16 MiB, above the heap, which begins at 64 KiB",
        heap_at(0x10000, 258),
        {"data_start": 0x1000000},
    )
    yield unusual(
        "arena-of-zeroes",
        "its heap lies in a data segment of zeroes",
        {"constants": {"arena": bytes(8_000)}},
        {"globals": {"heap": "(global $heap (mut i32) (i32.const &arena))"}},
    )
    for revision in ("r0", "r2"):
        yield unusual(
            "two-allocators",
            "it exports a toolchain's malloc and free, which trap, beside its own plugin_malloc and plugin_free",
            {
                "exports": {
                    "malloc": '(func (export "malloc") (param i32) (result i32)\n  (unreachable))',
                    "free": '(func (export "free") (param i32)\n  (unreachable))',
                    "plugin_malloc": base("r0").exports["plugin_malloc"],
                    "plugin_free": base("r0").exports["plugin_free"],
                }
            },
            revision=revision,
        )
    yield unusual(
        "other-names",
        "its allocator has the names that the README gives for other toolchains",
        without("plugin_malloc", "plugin_free"),
        {"exports": {name: base("r2").exports[name] for name in ("malloc", "free")}},
        revision="r0",
    )
    yield unusual(
        "no-free",
        "it has nothing to free with",
        without("plugin_free"),
        revision="r0",
        warnings=("no-free", "no-op-free"),
    )
    yield unusual("no-init", "it has no init", without("init"), revision="r0")


BUMP = """
(func $alloc (param $size i32) (result i32)
  (local $pointer i32)
  (if (i32.eqz (global.get $live)) (then (global.set $heap (i32.const &heap))))
  (local.set $pointer (global.get $heap))
  (if (i32.eqz (call $reserve (i32.add (local.get $pointer) (i32.add (local.get $size) (i32.const 1)))))
    (then (return (i32.const 0))))
  (global.set $heap (i32.add (local.get $pointer) (local.get $size)))
  (global.set $live (i32.add (global.get $live) (i32.const 1)))
  (local.get $pointer))
"""
COUNT_DOWN = """
(func $release (param $pointer i32)
  (global.set $live (i32.sub (global.get $live) (i32.const 1))))
"""

FRESH_PAGE = """
;; Answers in a page of its own for the first thirty times; free knows such a page by its address.
(func $answer (param $from i32) (param $length i32) (result i64)
  (local $to i32)
  (local.set $to
    (if (result i32) (i32.le_u (call $count) (i32.const 30))
      (then (i32.shl (memory.grow (i32.const 1)) (i32.const 16)))
      (else (call $alloc (local.get $length)))))
  (memory.copy (local.get $to) (local.get $from) (local.get $length))
  (call $pack (local.get $to) (local.get $length)))
"""
GROW_AT_FIRST = "(if (i32.le_u (call $count) (i32.const {})) (then (drop (memory.grow (i32.const 1)))))\n"


def growing() -> Iterator[Plugin]:
    """Let memory grow at odd moments."""
    for revision in EVERY:
        yield unusual(
            "grows-in-hooks",
            "its first thirty results lie in pages that were not there before the call",
            COUNTER,
            {
                "helpers": {
                    "answer": FRESH_PAGE,
                    "release": RELEASE.replace(
                        "(i32.eqz (local.get $pointer))",
                        "(i32.eqz (i32.and (local.get $pointer) (i32.const 0xffff)))",
                    ),
                }
            },
            revision=revision,
        )
        malloc, _ = allocator_names(revision)
        yield unusual(
            "grows-in-malloc",
            "memory grows in each of the first hundred calls of the allocator",
            COUNTER,
            function(
                malloc,
                f'(func (export "{malloc}") (param $size i32) (result i32)\n'
                f"  {GROW_AT_FIRST.format(100)}  (call $alloc (local.get $size)))",
            ),
            revision=revision,
        )
    yield unusual(
        "fills-a-cache",
        "pre_hook takes a page in each of its first 300 calls, and none later",
        COUNTER,
        doing("r2", "pre_hook", GROW_AT_FIRST.format(300) + pass_on("r2", "pre_hook")),
    )
    yield unusual(
        "grows-once-late",
        "memory grows by 20 pages at the 1,400th call of pre_hook",
        COUNTER,
        doing(
            "r2",
            "pre_hook",
            "(if (i32.eq (call $count) (i32.const 1400)) (then (drop (memory.grow (i32.const 20)))))\n"
            + pass_on("r2", "pre_hook"),
        ),
    )
    yield unusual(
        "gives-up-growing",
        "init asks for more memory than there is, and takes the refusal",
        init("(i32.ge_s (memory.grow (i32.const 65536)) (i32.const 0))"),
    )
