"""Faults that the module's sections show, and faults of start-up."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.edits import Pieces, without
from watgen.faulty_lifecycle import ABORT, EXIT, LOOP
from watgen.faulty_resources import RECURSE
from watgen.plugin import Plugin

from waspgen.base import BODIES, PARAMETERS
from waspgen.edits import constant, doing, merge, variation


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from missing()
    yield from mistyped()
    yield from importing()
    yield from starting()


def renamed(name: str, other: str) -> Pieces:
    """Export a function under another name."""
    return merge(without(name), doing(other, BODIES[name], PARAMETERS[name]))


def a_global(name: str) -> Pieces:
    """Export a global in place of a function."""
    return {"exports": {name: f'(global (export "{name}") i32 (i32.const 1024))'}}


def missing() -> Iterator[Plugin]:
    """Lack an export, or have it under another name."""
    yield variation("EXPORT-001", "missing", "its memory is not exported", {"memory": "(memory 2)"})
    yield variation("EXPORT-001", "renamed", "its memory is exported as mem", {"memory": '(memory (export "mem") 2)'})
    yield variation(
        "EXPORT-001",
        "global",
        "a global is exported as memory",
        {"memory": "(memory 2)", "tail": {"memory": '(global (export "memory") i32 (i32.const 0))'}},
    )
    yield variation("EXPORT-001", "unknown", "its memory is not exported", {"memory": "(memory 2)"}, functions=None)
    for requirement, name, other in (
        ("EXPORT-002", "allocate", "malloc"),
        ("EXPORT-003", "get_string_size", "get_string_length"),
        ("EXPORT-004", "deallocate", "free"),
    ):
        yield variation(requirement, "missing", f"{name} is missing", without(name))
        yield variation(requirement, "renamed", f"{name} is exported as {other}", renamed(name, other))
    yield variation(
        "EXPORT-003",
        "unknown",
        "get_string_size is missing, and raise_error imported",
        without("get_string_size"),
        functions=None,
    )
    yield variation("EXPORT-004", "unknown", "deallocate is missing", without("deallocate"), functions=None)
    yield variation(
        "EXPORT-004",
        "no-errors",
        "deallocate is missing, and no error is ever raised",
        without("deallocate", "fail"),
        {"imports": {"raise_error": None}},
        functions=None,
    )
    for name in ("sum", "hello", "fail"):
        yield variation("EXPORT-005", f"missing-{name}", f"{name} is missing", without(name))
    yield variation("EXPORT-005", "renamed", "reverse is exported as Reverse", renamed("reverse", "Reverse"))
    yield variation("EXPORT-005", "global", "a global is exported as ask", a_global("ask"))


def mistyped() -> Iterator[Plugin]:
    """Have an export of another type."""
    narrow = "(i32.wrap_i64 (local.get $size))"
    for slug, title, parameters, body in (
        ("wide", "i64", "(param $size i64) (result i64)", f"(i64.extend_i32_u (call $alloc {narrow}))"),
        ("two", "two parameters", "(param $size i32) (param $align i32) (result i32)", BODIES["allocate"]),
        ("silent", "no result", "(param $size i32)", f"(drop {BODIES['allocate']})"),
    ):
        yield variation("TYPE-001", slug, f"allocate has {title}", doing("allocate", body, parameters))
    yield variation("TYPE-001", "global", "a global is exported as allocate", a_global("allocate"))
    for slug, title, parameters, body in (
        ("pointer-only", "one parameter", "(param $pointer i32)", BODIES["deallocate"]),
        (
            "status",
            "a result",
            "(param $pointer i32) (param $size i32) (result i32)",
            f"{BODIES['deallocate']}\n(i32.const 0)",
        ),
        ("three", "three parameters", "(param $pointer i32) (param $size i32) (param i32)", BODIES["deallocate"]),
    ):
        yield variation("TYPE-002", slug, f"deallocate has {title}", doing("deallocate", body, parameters))
    for slug, title, parameters, body in (
        ("wide", "an i64 result", "(param $text i32) (result i64)", f"(i64.extend_i32_u {BODIES['get_string_size']})"),
        ("blind", "no parameter", "(result i32)", "(i32.const 9)"),
    ):
        yield variation("TYPE-003", slug, f"get_string_size has {title}", doing("get_string_size", body, parameters))
    yield variation("TYPE-003", "global", "a global is exported as get_string_size", a_global("get_string_size"))
    yield variation(
        "TYPE-001",
        "unknown",
        "allocate has two parameters",
        doing("allocate", BODIES["allocate"], "(param $size i32) (param $align i32) (result i32)"),
        functions=None,
    )
    yield variation("TYPE-004", "initialize", "_initialize has a parameter", doing("_initialize", "", "(param i32)"))
    yield variation("TYPE-004", "start", "_start has a result", doing("_start", "(i32.const 0)", "(result i32)"))
    sum_ = "(i64.add (local.get $a) (local.get $b))"
    for slug, title, name, parameters, body in (
        ("wide", "sum adds i64", "sum", "(param $a i64) (param $b i64) (result i64)", sum_),
        ("float", "sum adds f64", "sum", "(param $a f64) (param $b f64) (result f64)", sum_.replace("i64", "f64")),
        (
            "length",
            "hello takes pointer and length",
            "hello",
            "(param $name i32) (param $length i32) (result i32)",
            "(call $greet (local.get $name) (local.get $length))",
        ),
        ("nothing", "reverse answers nothing", "reverse", "(param $bytes i32)", f"(drop {BODIES['reverse']})"),
        (
            "packed",
            "hello answers pointer and length in one i64",
            "hello",
            "(param $name i32) (result i64)",
            f"(i64.shl (i64.extend_i32_u {BODIES['hello']}) (i64.const 32))",
        ),
        ("fewer", "ask takes nothing", "ask", "(result i32)", "(call $next (i32.const 41))"),
    ):
        yield variation("TYPE-005", slug, title, doing(name, body, parameters))
    yield variation(
        "TYPE-006",
        "wide",
        "functions answer i64, f64 and f32, as their author declares",
        doing("wide", "(local.get 0)", "(param i64) (result i64)"),
        doing("ratio", "(local.get 0)", "(param f64) (param f32) (result f64)"),
        doing("half", "(f32.const 0.1)", "(result f32)"),
        functions="other-results",
    )


def imports(key: str, text: str) -> Pieces:
    """Add an import, or replace one."""
    return {"imports": {key: text}}


def importing() -> Iterator[Plugin]:
    """Import what no host provides."""
    for slug, title, text in (
        ("callback", "a callback that nobody defines", '(import "env" "missing" (func (param i32) (result i32)))'),
        ("namespace", "a callback of another namespace", '(import "plugin" "call_me" (func (param i32) (result i32)))'),
        (
            "wasi",
            "a function that WASI does not have",
            '(import "wasi_snapshot_preview1" "fd_dance" (func (param i32)))',
        ),
        ("preview", "a WASI that there is not", '(import "wasi_snapshot_preview2" "fd_write" (func (param i32)))'),
        ("global", "a global", '(import "env" "__stack_pointer" (global i32))'),
        ("table", "a table", '(import "env" "__indirect_function_table" (table 1 funcref))'),
    ):
        yield variation("IMPORT-001", slug, f"it imports {title}", imports("more", text))
    memory = '(import "env" "memory" (memory 2))\n(export "memory" (memory 0))'
    yield variation("IMPORT-001", "memory", "it imports its memory", {"memory": memory})
    yield variation("IMPORT-001", "memory-unknown", "it imports its memory", {"memory": memory}, functions=None)
    yield variation(
        "IMPORT-001",
        "wasi-unknown",
        "it imports a function that WASI does not have",
        imports("more", '(import "wasi_snapshot_preview1" "sock_connect" (func (param i32) (result i32)))'),
        functions=None,
    )
    yield variation(
        "IMPORT-001",
        "number-unknown",
        "it imports a function that answers an f64",
        imports("now", '(import "env" "now" (func (result f64)))'),
        functions=None,
    )
    for slug, title, text in (
        ("raise-error", "raise_error with a length", '(import "env" "raise_error" (func (param i32 i32)))'),
        ("raise-result", "raise_error with a result", '(import "env" "raise_error" (func (param i32) (result i32)))'),
        (
            "wasi",
            "fd_close with an i64",
            '(import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32)))',
        ),
        ("abort", "abort without its parameters", '(import "env" "abort" (func))'),
    ):
        yield variation("IMPORT-002", slug, f"it imports {title}", imports("more", text))
    yield variation(
        "IMPORT-002",
        "callback-wide",
        "it imports next with an i64",
        imports("next", '(import "env" "next" (func $next (param i64) (result i64)))'),
        doing("ask", "(i32.wrap_i64 (call $next (i64.extend_i32_s (local.get $number))))"),
    )
    yield variation(
        "IMPORT-002",
        "callback-length",
        "it imports call_me with a length",
        imports("call_me", '(import "env" "call_me" (func $call_me (param i32 i32) (result i32)))'),
        doing("callback", "(call $call_me (call $text (i32.const &name) (i32.const #name)) (i32.const #name))"),
    )
    yield variation(
        "IMPORT-002",
        "unknown",
        "it imports raise_error with a length",
        imports("raise_error", '(import "env" "raise_error" (func $raise_error (param i32 i32)))'),
        doing("fail", "(call $raise_error (i32.const &oops) (i32.const #oops))"),
        functions=None,
    )
    yield variation(
        "IMPORT-003",
        "no-imports",
        "it imports nothing at all",
        without("callback", "ask", "fail", "hello", "get_string_size"),
        {"imports": dict.fromkeys(("fd_write", "raise_error", "call_me", "next"))},
        functions="bytes-only",
    )
    yield variation("IMPORT-003", "none", "it imports no function of WASI", {"imports": {"fd_write": None}})
    old = '(import "wasi_unstable" "proc_exit" (func $proc_exit (param i32)))'
    yield variation("IMPORT-004", "both", "it imports two versions of WASI", imports("exit", old))


def starting() -> Iterator[Plugin]:
    """Do not get as far as being called."""
    initialize = "_initialize"
    for slug, title, edits in (
        ("section", "its start function traps", [{"tail": {"start": "(func $begin (unreachable))\n(start $begin)"}}]),
        ("segment", "a data segment does not fit", [{"tail": {"segment": '(data (i32.const 0x1fffe) "over")'}}]),
        ("traps", "_initialize traps", [doing(initialize, "(unreachable)", "")]),
        ("exits", "_initialize exits with code 0", [EXIT, doing(initialize, "(call $proc_exit (i32.const 0))", "")]),
        ("fails", "_initialize exits with code 1", [EXIT, doing(initialize, "(call $proc_exit (i32.const 1))", "")]),
        ("endless", "_initialize does not come to an end", [doing(initialize, LOOP, "")]),
        (
            "recursion",
            "_initialize runs out of stack",
            [RECURSE, doing(initialize, "(drop (call $dive (i32.const 0)))", "")],
        ),
        (
            "abort",
            "_initialize aborts",
            [ABORT, doing(initialize, f"(call $abort {'(i32.const 0) ' * 4})", "")],
        ),
        (
            "raises",
            "_initialize raises an error and traps",
            [
                constant(early=b"too early"),
                doing(initialize, "(call $raise_error (i32.const &early))\n(unreachable)", ""),
            ],
        ),
    ):
        yield variation("START-001", slug, title, *edits)
