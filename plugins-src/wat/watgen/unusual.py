"""Legal but unusual plugins, whose answers are ordinary: none of them may be blamed.

Some deserve a warning, which they name. Unusual answers are rows of `answers-legal.toml` (see `unusual_answers`).
"""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import ANSWER, HOOKS, RELEASE, SPLICE, allocator_names, base, pass_on
from watgen.edits import COUNTER, Pieces, doing, function, hooks, http_hook, merge, without
from watgen.faulty_lifecycle import ABORT, EXIT, get_name, init
from watgen.faulty_memory import gap
from watgen.plugin import Plugin

STREAM, POST = "http_stream_chunk_hook", "post_hook"
EVERY = tuple(HOOKS)


def plugins() -> Iterator[Plugin]:
    """Give them all."""
    yield from placing()
    yield from allocating()
    yield from growing()
    yield from starting()
    yield from configuring()
    yield from exporting()
    yield from importing()
    yield from working()


def unusual(
    slug: str,
    title: str,
    *edits: Pieces,
    revision: str = "r2",
    warnings: tuple[str, ...] = (),
    config: str | None = None,
) -> Plugin:
    """Make a conforming plugin with something special about it."""
    suffix = "" if revision == "r2" else f"-{revision}"
    pieces = merge(*edits)
    return base(revision).with_(name=f"{slug}{suffix}", title=title, warnings=warnings, config=config, **pieces)


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


READY: Pieces = {"globals": {"ready": "(global $ready (mut i32) (i32.const 0))"}}
BEGIN = "(if (global.get $ready) (then (unreachable)))\n  (global.set $ready (i32.const 1))"
CHECK = "(if (i32.eqz (global.get $ready)) (then (unreachable)))\n"


def needing_start(revision: str) -> Pieces:
    """Let hooks and `get_name` trap where nothing was started."""
    edits = [doing(revision, name, CHECK + pass_on(revision, name)) for name in hooks(revision)]
    return merge(READY, *edits, get_name(CHECK + "  (call $answer (i32.const &name) (i32.const #name))"))


def starting() -> Iterator[Plugin]:
    """Start up in one of the ways of toolchains: nothing works before, and a second time traps."""
    for revision in EVERY:
        yield unusual(
            "initialize",
            "it works only after one call of _initialize",
            needing_start(revision),
            function("_initialize", f'(func (export "_initialize")\n  {BEGIN})'),
            revision=revision,
        )
        yield unusual(
            "start-exits",
            "it works only after one call of _start, which exits with code 0",
            EXIT,
            needing_start(revision),
            function("_start", f'(func (export "_start")\n  {BEGIN}\n  (call $proc_exit (i32.const 0)))'),
            revision=revision,
        )
    yield unusual(
        "start-returns",
        "it works only after one call of _start, which returns",
        needing_start("r2"),
        function("_start", f'(func (export "_start")\n  {BEGIN})'),
    )
    yield unusual(
        "start-section",
        "it works only after its start function, which runs by itself",
        needing_start("r2"),
        {"tail": {"start": f"(func $begin\n  {BEGIN})\n(start $begin)"}},
    )
    yield unusual(
        "both-starts",
        "it exports both _initialize and _start, of which only the former may be called",
        needing_start("r2"),
        function("_initialize", f'(func (export "_initialize")\n  {BEGIN})'),
        function("_start", '(func (export "_start")\n  (unreachable))'),
    )
    yield unusual(
        "passive-data",
        "its constants come into memory in its start function",
        {
            "constants": {"name": b"plain r2"},
            "tail": {
                "start": '(data $late "plain!!!")\n'
                "(func $begin (memory.init $late (i32.const &name) (i32.const 0) (i32.const 8)))\n(start $begin)"
            },
        },
    )


def configuring() -> Iterator[Plugin]:
    """Be particular about the config, or about the name."""
    for revision in EVERY:
        yield unusual(
            "needs-config",
            "init refuses without a config",
            init("(i32.eqz (local.get $length))"),
            revision=revision,
            config='{"team":"a"}',
        )
    kept = (
        "(global.set $kept (call $alloc (local.get $length)))\n"
        "  (global.set $kept_length (local.get $length))\n"
        "  (memory.copy (global.get $kept) (local.get $config) (local.get $length))\n  (i32.const 0)"
    )
    yield unusual(
        "answers-config",
        "init copies the config, and pre_hook answers with it",
        {
            "globals": {
                "kept": "(global $kept (mut i32) (i32.const 0))",
                "kept_length": "(global $kept_length (mut i32) (i32.const 0))",
            }
        },
        init(kept),
        doing("r2", "pre_hook", "(call $answer (global.get $kept) (global.get $kept_length))"),
        config='{"context":{"team":"a"}}',
    )
    for slug, title, name in (
        ("long", "its name has 20,000 characters", b"plain " * 3_333 + b"r2"),
        ("international", "its name is beyond ASCII", "Zähler 計数 🙂 “eins”".encode()),
        ("quoting", "its name has quotation marks inside", b'the "plain" plugin'),
        ("number", "its name is a number", b"42"),
        ("blank", "its name has blanks around it, and a line break inside", b" plain\nr2\t"),
    ):
        yield unusual(f"name-{slug}", title, {"constants": {"name": name}})


def exporting() -> Iterator[Plugin]:
    """Export more than anyone asked for: whatever is unknown traps where it is called."""
    trap = '(func (export "{}") {}\n  (unreachable))'
    more = {
        "calloc": "(param i32 i32) (result i32)",
        "realloc": "(param i32 i32) (result i32)",
        "asyncify_start_unwind": "(param i32)",
        "plugin_reset": "",
        "http_hook": "(param i32 i32) (result i64)",
        "pre_llm_hook": "(param i32 i32) (result i64)",
        "_start_rewind": "",
        "__wasm_call_ctors": "",
        "main": "(param i32 i32) (result i32)",
    }
    for revision in EVERY:
        yield unusual(
            "more-exports",
            "it exports functions that no document names, and that trap",
            {"exports": {name: trap.format(name, type_) for name, type_ in more.items()}},
            revision=revision,
        )
    yield unusual(
        "other-exports",
        "it exports globals, a table, and its memory under a second name",
        {
            "tail": {
                "globals": '(global (export "__heap_base") i32 (i32.const &heap))\n'
                '(global (export "__data_end") (mut i32) (i32.const &heap))',
                "table": '(table (export "__indirect_function_table") 3 funcref)',
                "memory": '(export "mem" (memory 0))',
            }
        },
    )
    yield unusual(
        "one-function",
        "three of its hooks are one function under three names",
        without("http_post_hook", "pre_hook"),
        {
            "exports": {
                "http_pre_hook": '(func (export "http_pre_hook") (export "http_post_hook") (export "pre_hook")\n'
                "  (param $input i32) (param $length i32) (result i64)\n"
                "  (call $answer (i32.const &http_post_hook) (i32.const #http_post_hook)))"
            }
        },
    )
    yield unusual(
        "newer-core",
        "it uses tables of references, several results, sign extension and saturating conversion",
        {
            "tail": {
                "core": "(table $refs 2 externref)\n(elem declare func $three)\n"
                "(func $three (result i32 i32 i32)\n"
                "  (i32.extend8_s (i32.const 0x80))\n"
                "  (i32.trunc_sat_f64_s (f64.const nan))\n"
                "  (i32.eqz (ref.is_null (ref.func $three))))"
            }
        },
        doing(
            "r2",
            "pre_hook",
            "(call $three) (drop) (drop) (drop)\n"
            "(table.set $refs (i32.const 1) (ref.null extern))\n" + pass_on("r2", "pre_hook"),
        ),
    )


WASI = {
    "fd_write": "(param i32 i32 i32 i32) (result i32)",
    "fd_read": "(param i32 i32 i32 i32) (result i32)",
    "fd_seek": "(param i32 i64 i32 i32) (result i32)",
    "fd_close": "(param i32) (result i32)",
    "fd_fdstat_get": "(param i32 i32) (result i32)",
    "fd_prestat_get": "(param i32 i32) (result i32)",
    "fd_prestat_dir_name": "(param i32 i32 i32) (result i32)",
    "path_open": "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)",
    "poll_oneoff": "(param i32 i32 i32 i32) (result i32)",
    "clock_time_get": "(param i32 i64 i32) (result i32)",
    "random_get": "(param i32 i32) (result i32)",
    "args_get": "(param i32 i32) (result i32)",
    "args_sizes_get": "(param i32 i32) (result i32)",
    "environ_get": "(param i32 i32) (result i32)",
    "environ_sizes_get": "(param i32 i32) (result i32)",
    "proc_exit": "(param i32)",
}


def wasi(module: str, *names: str) -> Pieces:
    """Import functions of WASI."""
    texts = {name: f'(import "{module}" "{name}" (func ${name} {WASI[name]}))' for name in names}
    return {"imports": texts}


def importing() -> Iterator[Plugin]:
    """Import what is provided."""
    for revision in EVERY:
        yield unusual(
            "imports-wasi",
            "it imports all of WASI that toolchains are known to, and uses none of it",
            wasi("wasi_snapshot_preview1", *WASI),
            ABORT,
            revision=revision,
        )
    old = [name for name in WASI if name not in ("fd_seek", "poll_oneoff")]
    yield unusual(
        "imports-old-wasi", "it imports WASI under its older name", wasi("wasi_unstable", *old), revision="r0"
    )
    line = "plain: a chunk went by\n"
    yield unusual(
        "logs",
        "the stream hook writes a line for every chunk",
        wasi("wasi_snapshot_preview1", "fd_write"),
        {"constants": {"line": line.encode()}},
        doing(
            "r2",
            STREAM,
            "(i32.store (i32.const 16) (i32.const &line))\n"
            "(i32.store (i32.const 20) (i32.const #line))\n"
            "(if (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)) (then (unreachable)))\n"
            + pass_on("r2", STREAM),
        ),
    )
    yield unusual(
        "reads-its-world",
        "init asks for the time, for random bytes, and for arguments and environment",
        wasi("wasi_snapshot_preview1", "clock_time_get", "random_get", "args_sizes_get", "environ_sizes_get"),
        init(
            "(i32.or\n"
            "    (i32.or\n"
            "      (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 16))\n"
            "      (call $random_get (i32.const 16) (i32.const 16)))\n"
            "    (i32.or\n"
            "      (call $args_sizes_get (i32.const 16) (i32.const 20))\n"
            "      (call $environ_sizes_get (i32.const 16) (i32.const 20))))"
        ),
    )


DEEP = """
(func $deep (param $depth i32) (result i32)
  (if (result i32) (local.get $depth)
    (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $depth) (i32.const 1)))))
    (else (i32.const 0))))
"""
SLOWLY = """(local $i i32)
(loop $again
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (br_if $again (i32.lt_u (local.get $i) (i32.mul (local.get $length) (i32.const 40)))))
"""


def working() -> Iterator[Plugin]:
    """Work harder than others, but within reason."""
    yield unusual(
        "deep-calls",
        "pre_hook calls itself 900 times over",
        {"helpers": {"deep": DEEP}},
        doing("r2", "pre_hook", "(drop (call $deep (i32.const 900)))\n" + pass_on("r2", "pre_hook")),
    )
    yield unusual(
        "slow",
        "hooks take two hundred instructions for each byte of their input",
        *(doing("r2", name, SLOWLY + pass_on("r2", name)) for name in hooks("r2")),
    )
