"""Legal but unusual plugins, whose answers are ordinary: none of them may be blamed.

Some deserve a warning, which they name. Unusual answers are rows of `answers-legal.toml` (see `unusual_answers`).
"""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import HOOKS, base, pass_on
from watgen.edits import Pieces, doing, function, hooks, merge, without
from watgen.faulty_lifecycle import ABORT, EXIT, get_name, init
from watgen.plugin import Plugin

STREAM, POST = "http_stream_chunk_hook", "post_hook"
EVERY = tuple(HOOKS)


def plugins() -> Iterator[Plugin]:
    """Give them all."""
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
