"""Plugins that conform, near the border of what is legal."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.edits import Pieces, merge, without
from watgen.faulty_lifecycle import ABORT, EXIT
from watgen.plugin import Plugin

from waspgen.base import BODIES, FRESH_ERROR, FRESH_NAME, HELPERS, IMPORTS
from waspgen.edits import COUNTER, constant, doing, first, helper, legal, variable
from waspgen.faulty_allocator import ALLOC, RELEASE

HELLO, REVERSE, CALLBACK = BODIES["hello"], BODIES["reverse"], BODIES["callback"]
TEXTS = {name: HELPERS[name] for name in ("text", "greet", "turn")}
"""The helpers that allocate what functions answer."""


def plugins() -> Iterator[Plugin]:
    """Give them all."""
    yield from lean()
    yield from allocating()
    yield from measuring()
    yield from answering()
    yield from erring()
    yield from living()


def lean() -> Iterator[Plugin]:
    """Have less than most, or more."""
    strings = ("allocate", "deallocate", "get_string_size", "hello", "reverse", "callback", "ask", "fail")
    callbacks = {"imports": dict.fromkeys(("raise_error", "call_me", "next"))}
    yield legal("numbers-only", "it adds, and exchanges no strings", without(*strings), callbacks, functions="numbers")
    yield legal(
        "spare-callback",
        "it adds, and its host has a callback of strings that it does not import",
        without(*strings),
        callbacks,
        functions="spare-callback",
    )
    yield legal("unknown", "nothing is known of its functions").with_(functions=None)
    yield legal(
        "unknown-numbers",
        "it has no allocate, and nothing is known of its functions",
        without("allocate", "deallocate", "hello", "reverse", "callback"),
        {"imports": {"call_me": None}},
        warnings=("no-deallocate",),
    ).with_(functions=None)
    yield legal(
        "unknown-callbacks",
        "nothing is known of its callbacks",
        {"imports": {"more": '(import "host" "log" (func (param i32 i32)))', "none": '(import "host" "tick" (func))'}},
    ).with_(functions=None)
    yield legal("no-examples", "its author gives no examples", functions="no-examples")
    yield legal(
        "plugin-namespace",
        "its callbacks are in the namespace plugin",
        {"imports": {key: IMPORTS[key].replace('"env"', '"plugin"') for key in ("call_me", "next")}},
        functions="plugin-namespace",
    )
    yield legal(
        "no-string-results",
        "it hands out no strings, and measures none",
        without("get_string_size", "hello", "callback", "ask", "fail"),
        callbacks,
        functions="bytes-only",
    )
    yield legal(
        "old-wasi",
        "it imports the older WASI",
        {"imports": {"fd_write": IMPORTS["fd_write"].replace("wasi_snapshot_preview1", "wasi_unstable")}},
    )
    yield legal(
        "more-exports",
        "it exports more than its author declares",
        doing("fflush", "(i32.const 0)", "(param i32) (result i32)"),
        doing("wide", "(local.get 0)", "(param i64) (result i64)"),
        doing("stackSave", "(i32.const 4)", "(result i32)"),
        {
            "tail": {
                "table": '(table (export "__indirect_function_table") 1 funcref)',
                "base": '(global (export "__heap_base") i32 (i32.const 65536))',
            }
        },
    )
    yield legal("imports-abort", "it imports abort, as AssemblyScript does", ABORT)
    yield legal(
        "lists-result",
        "fail answers a number that its author does not declare",
        doing("fail", f"{BODIES['fail']}\n(i32.const 7)", "(result i32)"),
    )
    yield legal("start-traps", "its _start traps, which nobody calls", doing("_start", "(unreachable)", ""))
    yield legal(
        "initialize",
        "it is ready only after _initialize",
        variable(ready=0),
        doing("_initialize", "(global.set $ready (i32.const 1))", ""),
        first("allocate", "(if (i32.eqz (global.get $ready)) (then (unreachable)))"),
        first("sum", "(if (i32.eqz (global.get $ready)) (then (unreachable)))"),
    )
    yield legal(
        "start-section",
        "it is made ready by its start function",
        variable(ready=0),
        {"tail": {"start": "(func $begin (global.set $ready (i32.const 1)))\n(start $begin)"}},
        first("hello", "(if (i32.eqz (global.get $ready)) (then (unreachable)))"),
    )
    yield legal(
        "traps-without-room",
        "its heap has two pages, and its allocator traps where they are used up",
        {"memory": '(memory (export "memory") 3 3)'},
        {"globals": {"heap": "(global $heap (mut i32) (i32.const 65400))"}},
        helper("alloc", HELPERS["alloc"].replace("(return (i32.const 0))", "(unreachable)")),
    )
    yield legal(
        "at-most-16-pages", "its memory has at most sixteen pages", {"memory": '(memory (export "memory") 2 16)'}
    )
    yield legal("at-most-300-pages", "its memory has at most 300 pages", {"memory": '(memory (export "memory") 2 300)'})


BUMP = """(local $pointer i32)
(local.set $pointer (global.get $top))
(if (i32.eqz (call $reserve (i32.add (local.get $pointer) (i32.add (local.get $size) (i32.const {gap})))))
  (then (return (i32.const 0))))
(global.set $top (i32.add (local.get $pointer) (i32.add (local.get $size) (i32.const {gap}))))
(global.set $live (i32.add (global.get $live) (i32.const 1)))
(local.get $pointer)"""
RESET = """(if (i32.eqz (local.get $pointer)) (then (return)))
(global.set $live (i32.sub (global.get $live) (i32.const 1)))
(if (i32.eqz (global.get $live)) (then (global.set $top (i32.const &heap))))"""


def bump(gap: int = 0) -> Pieces:
    """Allocate everything from one arena, which begins anew when nothing is live."""
    body = BUMP.format(gap=gap)
    return merge(
        {
            "globals": {
                "top": "(global $top (mut i32) (i32.const &heap))",
                "live": "(global $live (mut i32) (i32.const 0))",
            }
        },
        helper("alloc", f";; Advances through the arena.\n(func $alloc (param $size i32) (result i32)\n{body})"),
        doing("deallocate", RESET),
    )


def allocating() -> Iterator[Plugin]:
    """Allocate in other ways."""
    yield legal("bump", "its arena begins anew when nothing is live", bump())
    yield legal("unaligned", "its buffers are three bytes apart and aligned to nothing", bump(gap=3))
    yield legal(
        "last-first",
        "its heap takes back the last block only",
        {"globals": {"top": "(global $top (mut i32) (i32.const &heap))"}},
        helper(
            "alloc",
            """
;; Advances through the heap.
(func $alloc (param $size i32) (result i32)
  (local $pointer i32)
  (local.set $pointer (global.get $top))
  (if (i32.eqz (call $reserve (i32.add (local.get $pointer) (local.get $size)))) (then (return (i32.const 0))))
  (global.set $top (i32.add (local.get $pointer) (local.get $size)))
  (local.get $pointer))
""",
        ),
        doing(
            "deallocate",
            "(if (i32.eq (i32.add (local.get $pointer) (local.get $size)) (global.get $top))\n"
            "  (then (global.set $top (local.get $pointer))))",
        ),
        warnings=("no-op-deallocate",),
    )
    yield legal(
        "guarded",
        "it writes right behind the buffers that it hands out",
        doing(
            "allocate",
            "(local $pointer i32)\n(local.set $pointer (call $alloc (i32.add (local.get $size) (i32.const 4))))\n"
            "(if (local.get $pointer)\n"
            "  (then (i32.store (i32.add (local.get $pointer) (local.get $size)) (i32.const 0xbeef))))\n"
            "(local.get $pointer)",
        ),
    )
    yield legal("no-deallocate", "it has no deallocate", without("deallocate"), warnings=("no-deallocate",))
    yield legal(
        "two-heaps",
        "inputs and results come from different heaps",
        {
            "globals": {
                "arena": "(global $arena (mut i32) (i32.const 0x800000))",
                "live": "(global $live (mut i32) (i32.const 0))",
            }
        },
        doing(
            "allocate",
            """(local $pointer i32)
(local.set $pointer (global.get $arena))
(if (i32.eqz (call $reserve (i32.add (local.get $pointer) (local.get $size)))) (then (return (i32.const 0))))
(global.set $arena (i32.add (local.get $pointer) (local.get $size)))
(global.set $live (i32.add (global.get $live) (i32.const 1)))
(local.get $pointer)""",
        ),
        doing(
            "deallocate",
            f"""(if (i32.lt_u (local.get $pointer) (i32.const 0x800000))
  (then {RELEASE} (return)))
(global.set $live (i32.sub (global.get $live) (i32.const 1)))
(if (i32.eqz (global.get $live)) (then (global.set $arena (i32.const 0x800000))))""",
        ),
    )
    yield legal(
        "grows-always",
        "memory grows by a page in each of its first 100 allocations",
        COUNTER,
        first("allocate", "(if (i32.lt_u (call $count) (i32.const 100)) (then (drop (memory.grow (i32.const 1)))))"),
    )
    yield legal(
        "high",
        "its heap lies above two GiB",
        {"globals": {"heap": "(global $heap (mut i32) (i32.const 0x80000000))"}},
        {"memory": '(memory (export "memory") 32769)'},
    )
    yield legal(
        "poisons",
        "what is given back is overwritten",
        first("deallocate", "(memory.fill (local.get $pointer) (i32.const 0xdd) (local.get $size))"),
    )
    yield legal(
        "dirty",
        "what is handed out is full of rubbish",
        doing(
            "allocate",
            f"""(local $pointer i32)
(local.set $pointer {ALLOC})
(if (i32.eqz (local.get $pointer)) (then (return (i32.const 0))))
(memory.fill (local.get $pointer) (i32.const 0xff) (local.get $size))
(local.get $pointer)""",
        ),
    )
    yield legal(
        "gives-up",
        "an allocation that memory has no room for answers 0",
        {"memory": '(memory (export "memory") 2 2000)'},
    )
    yield legal(
        "zero-for-nothing",
        "allocate answers 0 for a size of 0",
        first("allocate", "(if (i32.eqz (local.get $size)) (then (return (i32.const 0))))"),
    )
    yield legal(
        "strict-pointer",
        "deallocate traps on pointers that are no blocks",
        first(
            "deallocate",
            "(if (i32.and (i32.sub (local.get $pointer) (i32.const &heap)) (i32.const 7)) (then (unreachable)))",
        ),
    )
    yield legal(
        "counts-locks",
        "it locks itself in each function, and lets callbacks allocate",
        variable(depth=0),
        first("allocate", "(if (i32.gt_u (global.get $depth) (i32.const 1)) (then (unreachable)))"),
        doing(
            "callback",
            f"(local $given i32)\n(global.set $depth (i32.add (global.get $depth) (i32.const 1)))\n"
            f"(local.set $given {CALLBACK})\n"
            "(global.set $depth (i32.sub (global.get $depth) (i32.const 1)))\n"
            "(local.get $given)",
        ),
    )


def measuring() -> Iterator[Plugin]:
    """Tell sizes in other ways."""
    header: Pieces = merge(
        helper(
            "alloc_sized",
            """
;; Notes the size that was asked for before the buffer.
(func $alloc_sized (param $size i32) (result i32)
  (local $pointer i32)
  (if (i32.gt_u (local.get $size) (i32.const 0x3ffffff0)) (then (return (i32.const 0))))
  (local.set $pointer (call $alloc (i32.add (local.get $size) (i32.const 8))))
  (if (i32.eqz (local.get $pointer)) (then (return (i32.const 0))))
  (i32.store (local.get $pointer) (local.get $size))
  (i32.add (local.get $pointer) (i32.const 8)))
""",
        ),
        {
            "helpers": {
                name: base_text.replace("call $alloc ", "call $alloc_sized ") for name, base_text in TEXTS.items()
            }
        },
        doing("allocate", "(call $alloc_sized (local.get $size))"),
        doing("deallocate", "(call $release (i32.sub (local.get $pointer) (i32.const 8)))"),
    )
    yield legal(
        "size-by-header",
        "get_string_size looks into the header of the buffer",
        header,
        doing("get_string_size", "(i32.sub (i32.load (i32.sub (local.get $text) (i32.const 8))) (i32.const 1))"),
    )
    yield legal(
        "strict-size",
        "deallocate traps unless it is given what was asked for",
        header,
        doing(
            "deallocate",
            """(if (i32.ne (i32.load (i32.sub (local.get $pointer) (i32.const 8))) (local.get $size))
  (then (unreachable)))
(call $release (i32.sub (local.get $pointer) (i32.const 8)))""",
        ),
    )
    yield legal(
        "counts-terminator",
        "get_string_size counts the terminator, as the AssemblyScript example does",
        doing("get_string_size", f"(i32.add {BODIES['get_string_size']} (i32.const 1))"),
        warnings=("size-includes-terminator",),
    )


def answering() -> Iterator[Plugin]:
    """Answer in other ways."""
    echo = [
        doing("echo", "(local.get $text)", "(param $text i32) (result i32)"),
        doing("echo_bytes", "(local.get $bytes)", "(param $bytes i32) (result i32)"),
    ]
    yield legal("echo", "it answers with its input itself", *echo, functions="echo")
    yield legal(
        "reverses-in-place",
        "reverse turns its input around, and answers with it",
        doing(
            "reverse",
            """(local $low i32) (local $high i32) (local $byte i32)
(local.set $low (i32.add (local.get $bytes) (i32.const 4)))
(local.set $high (i32.add (local.get $low) (i32.sub (i32.load (local.get $bytes)) (i32.const 1))))
(block $end
  (loop $next
    (br_if $end (i32.ge_s (local.get $low) (local.get $high)))
    (local.set $byte (i32.load8_u (local.get $low)))
    (i32.store8 (local.get $low) (i32.load8_u (local.get $high)))
    (i32.store8 (local.get $high) (local.get $byte))
    (local.set $low (i32.add (local.get $low) (i32.const 1)))
    (local.set $high (i32.sub (local.get $high) (i32.const 1)))
    (br $next)))
(local.get $bytes)""",
        ),
    )
    yield legal(
        "spoils-input",
        "hello overwrites its input when it is done",
        doing(
            "hello",
            f"""(local $to i32)
(local.set $to {HELLO})
(memory.fill (local.get $name) (i32.const 0x78) (call $length (local.get $name)))
(local.get $to)""",
        ),
    )
    yield legal(
        "counts",
        "ask counts its calls, and its author gives no example",
        COUNTER,
        doing("ask", "(drop (call $next (local.get $number)))\n(call $count)"),
        functions="no-examples",
    )
    yield legal(
        "drops-result",
        "callback copies what it was answered",
        doing(
            "callback",
            f"""(local $given i32)
(local.set $given {CALLBACK})
(call $text (local.get $given) (call $length (local.get $given)))""",
        ),
    )
    yield legal(
        "roomy",
        "its results lie in buffers that are larger than need be",
        helper("greet", TEXTS["greet"].replace("(i32.add (i32.const #hello) (i32.const 1))", "(i32.const 1000)")),
    )
    yield legal(
        "passes-input",
        "hello passes its input on to the host, and answers with the answer",
        doing("hello", "(call $call_me (local.get $name))"),
    )
    yield legal(
        "answers-argument",
        "callback answers with what it passed to the host",
        constant(greeting=b"Hello Nic"),
        doing(
            "callback",
            "(local $text i32)\n(local.set $text (call $text (i32.const &greeting) (i32.const #greeting)))\n"
            "(drop (call $call_me (local.get $text)))\n(local.get $text)",
        ),
    )
    yield legal("asks-twice", "callback calls back twice", first("callback", f"(drop (call $call_me {FRESH_NAME}))"))
    yield legal(
        "same-argument",
        "callback calls back twice with one buffer",
        doing(
            "callback",
            f"""(local $name i32)
(local.set $name {FRESH_NAME})
(drop (call $call_me (local.get $name)))
(call $call_me (local.get $name))""",
        ),
    )
    yield legal(
        "greets-all",
        "a function of three parameters",
        doing(
            "greet_all",
            "(call $greet (local.get $b) (call $length (local.get $b)))",
            "(param $a i32) (param $bytes i32) (param $b i32) (result i32)",
        ),
        functions="greet",
    )
    yield legal(
        "ignores-input",
        "hello answers the same to everybody, and its author gives no example",
        doing("hello", "(call $text (i32.const &hello) (i32.const #hello))"),
        functions="no-examples",
    )


def erring() -> Iterator[Plugin]:
    """Refuse with errors."""
    yield legal(
        "fails-with-result",
        "fail raises its error twice, and answers",
        constant(percent=b"100%d"),
        doing(
            "fail_twice",
            f"(call $raise_error {FRESH_ERROR})\n"
            "(call $raise_error (call $text (i32.const &percent) (i32.const #percent)))\n"
            f"{FRESH_NAME}",
            "(result i32)",
        ),
        doing("fail_empty", "(call $raise_error (call $text (i32.const &oops) (i32.const 0)))", ""),
        functions="two-errors",
    )
    refuse = f"(call $raise_error {FRESH_ERROR})\n(return (i32.const 0))"
    yield legal(
        "refuses-long",
        "hello refuses names of more than 4,000 bytes",
        first("hello", f"(if (i32.gt_u (call $length (local.get $name)) (i32.const 4000))\n  (then {refuse}))"),
    )
    yield legal(
        "refuses-nothing",
        "reverse refuses bytes that begin with 0",
        first(
            "reverse",
            "(if (i32.and (i32.ne (i32.load (local.get $bytes)) (i32.const 0)) (i32.eqz (i32.load8_u offset=4 "
            "(local.get $bytes))))\n"
            f"  (then {refuse}))",
        ),
    )


def living() -> Iterator[Plugin]:
    """Live in other ways."""
    yield legal(
        "caches",
        "hello keeps copies of its first 50 names",
        COUNTER,
        first(
            "hello",
            "(if (i32.le_u (call $count) (i32.const 50))\n"
            "  (then (drop (call $text (local.get $name) (call $length (local.get $name))))))",
        ),
    )
    yield legal("imports-exit", "it could exit, and does not", EXIT)
    yield legal(
        "logs",
        "hello writes a line",
        constant(line=b"hello was called\n"),
        first(
            "hello",
            """(i32.store (i32.const 16) (i32.const &line))
(i32.store (i32.const 20) (i32.const #line))
(drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))""",
        ),
    )
    yield legal(
        "grows-in-hello",
        "memory grows by a page in each of the first forty calls of hello",
        COUNTER,
        first("hello", "(if (i32.le_u (call $count) (i32.const 40)) (then (drop (memory.grow (i32.const 1)))))"),
    )
    yield legal("fixed", "its memory cannot grow", {"memory": '(memory (export "memory") 40 40)'})
    yield legal(
        "draws",
        "hello begins with a random letter, and its author gives no example",
        {
            "imports": {
                "random_get": '(import "wasi_snapshot_preview1" "random_get"\n'
                "  (func $random_get (param i32 i32) (result i32)))"
            }
        },
        doing(
            "hello",
            f"(local $to i32)\n(local.set $to {HELLO})\n(drop (call $random_get (i32.const 16) (i32.const 1)))\n"
            "(i32.store8 (local.get $to)\n"
            "  (i32.add (i32.const 65) (i32.rem_u (i32.load8_u (i32.const 16)) (i32.const 26))))\n(local.get $to)",
        ),
        functions="no-examples",
    )
    yield legal(
        "zeroes-heap",
        "its heap begins in a data segment of zeroes",
        {"tail": {"zeroes": f'(data (i32.const 1088) "{chr(92) + "00"}{(chr(92) + "00") * 3999}")'}},
    )
