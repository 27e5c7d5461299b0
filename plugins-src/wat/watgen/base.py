"""The conforming plugin of each revision, that every variation starts from.

It passes everything through. Its allocator takes memory back: blocks are powers of two, each size has a
list of free blocks, and a block's header (8 bytes before the pointer that is handed out) holds its class
and the next free block.

Source: "Writing WASM Plugins", Plugin Interface and Hook Input/Output Structures; README of
hello-world-wasm-go, Plugin Structure.
"""

from __future__ import annotations

from watgen.plugin import Plugin

ALLOC = """
;; Takes a block of a power of two bytes from its list, or from the end of the heap.
(func $alloc (param $size i32) (result i32)
  (local $class i32) (local $head i32) (local $block i32) (local $end i32)
  (if (i32.gt_u (local.get $size) (i32.const 0x3ffffff8)) (then (return (i32.const 0))))
  (local.set $class
    (i32.sub (i32.const 32) (i32.clz (i32.add (local.get $size) (i32.const 7)))))
  (local.set $head (i32.add (i32.const 64) (i32.shl (local.get $class) (i32.const 2))))
  (local.set $block (i32.load (local.get $head)))
  (if (local.get $block)
    (then (i32.store (local.get $head) (i32.load offset=4 (local.get $block))))
    (else
      (local.set $block (global.get $heap))
      (local.set $end
        (i32.add (local.get $block) (i32.shl (i32.const 1) (local.get $class))))
      (if (i32.lt_u (local.get $end) (local.get $block)) (then (return (i32.const 0))))
      (if (i32.eqz (call $reserve (local.get $end))) (then (return (i32.const 0))))
      (global.set $heap (local.get $end))
      (i32.store (local.get $block) (local.get $class))))
  (i32.add (local.get $block) (i32.const 8)))
"""

RESERVE = """
;; Makes memory reach to an address; answers 0 where it cannot grow.
(func $reserve (param $end i32) (result i32)
  (local $pages i32)
  (local.set $pages
    (i32.add
      (i32.shr_u (i32.sub (local.get $end) (i32.const 1)) (i32.const 16))
      (i32.const 1)))
  (if (i32.le_u (local.get $pages) (memory.size)) (then (return (i32.const 1))))
  (i32.ne
    (memory.grow (i32.sub (local.get $pages) (memory.size)))
    (i32.const -1)))
"""

RELEASE = """
;; Puts a block back on the list of its class.
(func $release (param $pointer i32)
  (local $block i32) (local $head i32)
  (if (i32.eqz (local.get $pointer)) (then (return)))
  (local.set $block (i32.sub (local.get $pointer) (i32.const 8)))
  (local.set $head
    (i32.add (i32.const 64) (i32.shl (i32.load (local.get $block)) (i32.const 2))))
  (i32.store offset=4 (local.get $block) (i32.load (local.get $head)))
  (i32.store (local.get $head) (local.get $block)))
"""

PACK = """
(func $pack (param $pointer i32) (param $length i32) (result i64)
  (i64.or
    (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32))
    (i64.extend_i32_u (local.get $length))))
"""

ANSWER = """
;; Copies bytes into a fresh buffer, which the host will free.
(func $answer (param $from i32) (param $length i32) (result i64)
  (local $to i32)
  (local.set $to (call $alloc (local.get $length)))
  (if (i32.eqz (local.get $to)) (then (return (i64.const 0))))
  (memory.copy (local.get $to) (local.get $from) (local.get $length))
  (call $pack (local.get $to) (local.get $length)))
"""

SPLICE = """
;; A constant that begins an object, then the members of the input object, whose opening brace it replaces.
;; Where there is no input it answers nothing.
(func $splice (param $from i32) (param $length i32) (param $input i32) (param $input_length i32) (result i64)
  (local $to i32) (local $total i32)
  (if (i32.eqz (local.get $input_length)) (then (return (i64.const 0))))
  (local.set $total
    (i32.add (local.get $length) (i32.sub (local.get $input_length) (i32.const 1))))
  (local.set $to (call $alloc (local.get $total)))
  (if (i32.eqz (local.get $to)) (then (return (i64.const 0))))
  (memory.copy (local.get $to) (local.get $from) (local.get $length))
  (memory.copy
    (i32.add (local.get $to) (local.get $length))
    (i32.add (local.get $input) (i32.const 1))
    (i32.sub (local.get $input_length) (i32.const 1)))
  (call $pack (local.get $to) (local.get $total)))
"""

HELPERS = {
    "reserve": RESERVE,
    "alloc": ALLOC,
    "release": RELEASE,
    "pack": PACK,
    "answer": ANSWER,
    "splice": SPLICE,
}

MALLOC = """
(func (export "{name}") (param $size i32) (result i32)
  (call $alloc (local.get $size)))
"""
FREE = """
(func (export "{name}") (param $pointer i32)
  (call $release (local.get $pointer)))
"""
GET_NAME = """
(func (export "get_name") (result i64)
  (call $answer (i32.const &name) (i32.const #name)))
"""
INIT = """
(func (export "init") (param $config i32) (param $length i32) (result i32)
  (i32.const 0))
"""
CLEANUP = """
(func (export "cleanup") (result i32)
  (i32.const 0))
"""

TWO = "(param $input i32) (param $length i32)"
FOUR = "(param $context i32) (param $context_length i32) (param $input i32) (param $length i32)"
SIX = (
    "(param $context i32) (param $context_length i32) (param $input i32) (param $length i32)"
    " (param $error i32) (param $error_length i32)"
)
"""Parameters of a hook. `$input` and `$length` are the document that the hook is about, in every revision."""

HOOKS: dict[str, dict[str, str]] = {
    "r0": {"http_transport_intercept": FOUR, "pre_hook": FOUR, "post_hook": SIX},
    "r1": {"http_intercept": TWO, "pre_hook": TWO, "post_hook": TWO},
    "r1b": {"http_intercept": TWO, "http_stream_chunk_hook": TWO, "pre_hook": TWO, "post_hook": TWO},
    "r2": {
        "http_pre_hook": TWO,
        "http_post_hook": TWO,
        "http_stream_chunk_hook": TWO,
        "pre_hook": TWO,
        "post_hook": TWO,
    },
}
"""The hooks of each revision, in the order of its document, with their parameters."""

HTTP_PASS = b'{"context":{},"request":null,"response":null,"has_response":false,"error":""}'
PRE_PASS = b'{"context":{},"request":null,"short_circuit":null,"has_short_circuit":false,"error":""}'
CHUNK_PASS = b'{"has_chunk":true,"skip":false,"error":"",'
ANSWERS: dict[str, dict[str, bytes]] = {
    "r0": {
        "http_transport_intercept": b'{"response":null,"error":""}',
        "pre_hook": b'{"request":null,"short_circuit":null,"error":""}',
        "post_hook": b'{"response":null,"bifrost_error":null,"error":""}',
    },
    "r1": {
        "http_intercept": HTTP_PASS,
        "pre_hook": PRE_PASS,
    },
}
ANSWERS["r1b"] = {
    "http_intercept": HTTP_PASS,
    "http_stream_chunk_hook": CHUNK_PASS,
    "pre_hook": PRE_PASS,
}
ANSWERS["r2"] = {
    "http_pre_hook": HTTP_PASS,
    "http_post_hook": b'{"context":{},"error":""}',
    "http_stream_chunk_hook": CHUNK_PASS,
    "pre_hook": PRE_PASS,
}
"""What each hook answers. From r1 on `post_hook` has none: it echoes its input, the error with its flag."""


def hook(name: str, parameters: str, body: str) -> str:
    """Write a hook: its body answers the packed result."""
    lines = "\n".join(f"  {line}" for line in body.strip("\n").split("\n"))
    return f'(func (export "{name}") {parameters} (result i64)\n{lines})'


def constant(name: str) -> str:
    """Write the body of a hook that answers the constant of that name."""
    return f"(call $answer (i32.const &{name}) (i32.const #{name}))"


ECHO = "(call $answer (local.get $input) (local.get $length))"


def splice(name: str) -> str:
    """Write the body of a hook that puts its input's members behind the constant of that name."""
    return f"(call $splice (i32.const &{name}) (i32.const #{name}) (local.get $input) (local.get $length))"


def pass_on(revision: str, name: str) -> str:
    """Write the body of a hook that changes nothing."""
    if name == "http_stream_chunk_hook":
        return splice(name)
    if name == "post_hook" and revision != "r0":
        return ECHO
    return constant(name)


def allocator_names(revision: str) -> tuple[str, str]:
    """Name the allocator and its counterpart as the revision's own document does first."""
    return ("plugin_malloc", "plugin_free") if revision == "r0" else ("malloc", "free")


def base(revision: str) -> Plugin:
    """Make the conforming plugin of a revision."""
    malloc, free = allocator_names(revision)
    exports = {
        malloc: MALLOC.format(name=malloc),
        free: FREE.format(name=free),
        "get_name": GET_NAME,
        "init": INIT,
    }
    for name, parameters in HOOKS[revision].items():
        exports[name] = hook(name, parameters, pass_on(revision, name))
    exports["cleanup"] = CLEANUP
    return Plugin(
        name=f"plain-{revision}",
        revision=revision,
        title="passes everything through",
        constants={"name": f"plain {revision}".encode(), **ANSWERS[revision]},
        globals={"heap": "(global $heap (mut i32) (i32.const &heap))"},
        helpers=HELPERS,
        exports=exports,
    )
