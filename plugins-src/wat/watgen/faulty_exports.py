"""Faults that the sections tell: missing exports, other types, imports that nobody provides."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import FREE, HOOKS, MALLOC, PRE_PASS, TWO, allocator_names, constant, hook
from watgen.edits import answering, function, merge, variation, without
from watgen.plugin import Plugin


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from missing()
    yield from mixed()
    yield from mistyped()
    yield from imports()


MISSING = (
    ("EXPORT-003", "free", ("r1", "r1b", "r2")),
    ("EXPORT-004", "get_name", ("r0", "r1", "r1b", "r2")),
    ("EXPORT-005", "init", ("r1", "r1b", "r2")),
    ("EXPORT-013", "http_transport_intercept", ("r0",)),
    ("EXPORT-012", "http_intercept", ("r1", "r1b")),
    ("EXPORT-007", "http_pre_hook", ("r2",)),
    ("EXPORT-008", "http_post_hook", ("r2",)),
    ("EXPORT-009", "http_stream_chunk_hook", ("r1b", "r2")),
    ("EXPORT-010", "pre_hook", ("r0", "r1", "r1b", "r2")),
    ("EXPORT-011", "post_hook", ("r0", "r1", "r1b", "r2")),
    ("EXPORT-006", "cleanup", ("r0", "r1", "r1b", "r2")),
)
HIDDEN = {("EXPORT-012", "r1"), ("EXPORT-012", "r1b"), ("EXPORT-009", "r1b")}
"""Without that export the module looks like another revision, so that the revision has to be named."""


def missing() -> Iterator[Plugin]:
    """Leave one export out."""
    for revision in HOOKS:
        yield variation(
            "EXPORT-001",
            "missing",
            "its memory is not exported",
            {"memory": "(memory 2)"},
            revision=revision,
        )
        malloc, _ = allocator_names(revision)
        yield variation("EXPORT-002", "missing", f"there is no {malloc}", without(malloc), revision=revision)
    yield variation(
        "EXPORT-001",
        "renamed",
        "its memory is exported under another name",
        {"memory": '(memory (export "mem") 2)'},
    )
    yield variation(
        "EXPORT-001",
        "global",
        "memory is a global",
        {"memory": '(memory 2)\n(global (export "memory") i32 (i32.const 2))'},
    )
    for revision in ("r1", "r2"):
        pair = {
            "malloc": None,
            "plugin_malloc": MALLOC.format(name="plugin_malloc"),
            "plugin_free": FREE.format(name="plugin_free"),
        }
        yield variation(
            "EXPORT-002",
            "plugin-names",
            "its allocator has the name that the older document gives it",
            {"exports": pair},
            revision=revision,
        )
    for requirement, export, revisions in MISSING:
        for revision in revisions:
            hidden = "; told by its revision only" if (requirement, revision) in HIDDEN else ""
            yield variation(
                requirement,
                "missing",
                f"there is no {export}{hidden}",
                without(export),
                revision=revision,
            )
    yield variation(
        "EXPORT-015",
        "missing",
        "there is no plugin_free; its allocator goes round in sixteen MiB",
        without("plugin_free"),
        function("plugin_malloc", RING),
        {"memory": '(memory (export "memory") 514)', "globals": RING_GLOBAL},
        revision="r0",
    )


RING_GLOBAL = {"ring": "(global $ring (mut i32) (i32.const 0x1000000))"}
RING = """
(func (export "plugin_malloc") (param $size i32) (result i32)
  (local $pointer i32)
  (if (i32.gt_u (i32.add (global.get $ring) (local.get $size)) (i32.const 0x2000000))
    (then (global.set $ring (i32.const 0x1000000))))
  (local.set $pointer (global.get $ring))
  (global.set $ring (i32.add (local.get $pointer) (local.get $size)))
  (local.get $pointer))
"""


def mixed() -> Iterator[Plugin]:
    """Export hooks of two revisions."""
    old = "(param $a i32) (param $b i32) (param $c i32) (param $d i32)"
    for name, parameters in (("http_intercept", TWO), ("http_transport_intercept", old)):
        yield variation(
            "EXPORT-014",
            name,
            f"beside the hooks of r2 it exports {name}",
            function(name, hook(name, parameters, constant("pre_hook"))),
        )


def mistyped() -> Iterator[Plugin]:
    """Give one export another type."""
    for revision in HOOKS:
        malloc, free = allocator_names(revision)
        yield variation(
            "TYPE-001",
            "two-parameters",
            f"{malloc} takes a size and an alignment",
            function(
                malloc,
                f'(func (export "{malloc}") (param $size i32) (param $align i32) (result i32)\n'
                "  (call $alloc (local.get $size)))",
            ),
            revision=revision,
        )
        yield variation(
            "TYPE-002",
            "three-parameters",
            f"{free} takes a pointer, a size and an alignment",
            function(
                free,
                f'(func (export "{free}") (param $pointer i32) (param $size i32) (param $align i32)\n'
                "  (call $release (local.get $pointer)))",
            ),
            revision=revision,
        )
        yield variation(
            "TYPE-003",
            "i32",
            "get_name answers an i32",
            function(
                "get_name",
                '(func (export "get_name") (result i32)\n'
                "  (i32.wrap_i64 (call $answer (i32.const &name) (i32.const #name))))",
            ),
            revision=revision,
        )
        yield variation(
            "TYPE-004",
            "no-status",
            "init answers nothing",
            function("init", '(func (export "init") (param $config i32) (param $length i32))'),
            revision=revision,
        )
        yield variation(
            "TYPE-006",
            "no-status",
            "cleanup answers nothing",
            function("cleanup", '(func (export "cleanup"))'),
            revision=revision,
        )
        yield variation(
            "TYPE-007",
            "initialize",
            "_initialize answers a status",
            function("_initialize", '(func (export "_initialize") (result i32)\n  (i32.const 0))'),
            revision=revision,
        )
        for name in HOOKS[revision]:
            body = f"(i32.wrap_i64 {constant('name')})"
            text = f'(func (export "{name}") {HOOKS[revision][name]} (result i32)\n  {body})'
            yield variation(
                "TYPE-005",
                f"i32-{name}",
                f"{name} answers an i32",
                function(name, text),
                revision=revision,
            )
    yield from mistyped_in_other_ways()


def mistyped_in_other_ways() -> Iterator[Plugin]:
    """Types that other toolchains or habits give."""
    yield variation(
        "TYPE-001",
        "i64",
        "malloc takes a size of 64 bits",
        function(
            "malloc",
            '(func (export "malloc") (param $size i64) (result i32)\n  (call $alloc (i32.wrap_i64 (local.get $size))))',
        ),
    )
    yield variation(
        "TYPE-002",
        "status",
        "free answers a status",
        function(
            "free",
            '(func (export "free") (param $pointer i32) (result i32)\n'
            "  (call $release (local.get $pointer))\n  (i32.const 0))",
        ),
    )
    yield variation(
        "TYPE-002",
        "no-parameters",
        "free takes nothing",
        function("free", '(func (export "free"))'),
    )
    yield variation(
        "TYPE-003",
        "pair",
        "get_name answers pointer and length as two results",
        function(
            "get_name",
            '(func (export "get_name") (result i32 i32)\n  (i32.const &name) (i32.const #name))',
        ),
    )
    yield variation(
        "TYPE-004",
        "one-parameter",
        "init takes a pointer only",
        function("init", '(func (export "init") (param $config i32) (result i32)\n  (i32.const 0))'),
    )
    text = f'(func (export "pre_hook") (param $input i32) (result i64)\n  {constant("pre_hook")})'
    yield variation("TYPE-005", "one-parameter-pre_hook", "pre_hook takes a pointer only", function("pre_hook", text))
    text = f'(func (export "post_hook") (param $input i64) (result i64)\n  {constant("pre_hook")})'
    yield variation(
        "TYPE-005",
        "packed-post_hook",
        "post_hook takes its input as one packed number",
        function("post_hook", text),
    )
    yield variation(
        "TYPE-005",
        "envelope-pre_hook",
        "pre_hook takes one envelope, as later revisions do",
        merge(
            answering("r0", "pre_hook", PRE_PASS),
            function("pre_hook", hook("pre_hook", TWO, constant("pre_hook"))),
        ),
        revision="r0",
    )
    yield variation(
        "TYPE-006",
        "i64",
        "cleanup answers an i64",
        function("cleanup", '(func (export "cleanup") (result i64)\n  (i64.const 0))'),
    )
    yield variation(
        "TYPE-007",
        "start",
        "_start takes a parameter",
        function("_start", '(func (export "_start") (param i32))'),
    )


PREVIEW1 = '"wasi_snapshot_preview1"'
IMPORTS = (
    ("memory", "it imports its memory", '(import "env" "memory" (memory 2))'),
    ("log", "it imports a function of its own host's", '(import "env" "log" (func (param i32 i32)))'),
    (
        "unknown-wasi",
        "it imports a function that WASI does not have",
        f'(import {PREVIEW1} "fd_print" (func (param i32)))',
    ),
    (
        "mistyped-wasi",
        "it imports fd_write with three parameters",
        f'(import {PREVIEW1} "fd_write" (func (param i32 i32 i32) (result i32)))',
    ),
    (
        "preview2",
        "it imports WASI under the name of another preview",
        '(import "wasi_snapshot_preview2" "random_get" (func (param i32 i32) (result i32)))',
    ),
    ("mistyped-abort", "it imports env.abort with one parameter", '(import "env" "abort" (func (param i32)))'),
    ("global", "it imports a global", '(import "env" "__stack_pointer" (global (mut i32)))'),
    ("seed", "it imports the seed of AssemblyScript's random numbers", '(import "env" "seed" (func (result f64)))'),
    ("other-abort", "it imports abort of another module", '(import "host" "abort" (func (param i32 i32 i32 i32)))'),
)


def imports() -> Iterator[Plugin]:
    """Import what nobody provides."""
    for slug, title, text in IMPORTS:
        pieces: dict[str, object] = {"imports": {slug: text}}
        if slug == "memory":
            pieces["memory"] = '(export "memory" (memory 0))'
        yield variation("LOAD-001", slug, title, pieces)
    for revision in ("r0", "r1", "r1b"):
        slug, title, text = IMPORTS[1]
        yield variation("LOAD-001", slug, title, {"imports": {slug: text}}, revision=revision)
