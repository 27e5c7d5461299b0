"""Faults of start-up, `init`, `get_name` and `cleanup`."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import HOOKS, constant, hook, pass_on
from watgen.edits import COUNTER, Pieces, function, merge, variation
from watgen.plugin import Plugin

LOOP = "(loop $for_ever (br $for_ever))"
EXIT: Pieces = {
    "imports": {
        "proc_exit": '(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))',
    }
}
ABORT: Pieces = {
    "imports": {"abort": '(import "env" "abort" (func $abort (param i32 i32 i32 i32)))'},
}
EVERY = tuple(HOOKS)


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from starting()
    yield from initialising()
    yield from configuring()
    yield from naming()
    yield from cleaning()


def starting() -> Iterator[Plugin]:
    """Do not get as far as being called."""
    yield variation(
        "LOAD-002",
        "start-section",
        "its start function traps",
        {"tail": {"start": "(func $begin (unreachable))\n(start $begin)"}},
    )
    yield variation(
        "LOAD-002",
        "segment",
        "a data segment does not fit into its memory",
        {"tail": {"segment": '(data (i32.const 0x1fffe) "over")'}},
    )
    for revision in EVERY:
        yield variation(
            "LOAD-002",
            "initialize",
            "_initialize traps",
            function("_initialize", '(func (export "_initialize")\n  (unreachable))'),
            revision=revision,
        )
    yield variation(
        "LOAD-002",
        "start-exit",
        "_start exits with code 1",
        EXIT,
        function("_start", '(func (export "_start")\n  (call $proc_exit (i32.const 1)))'),
    )
    yield variation(
        "LOAD-002",
        "initialize-exit",
        "_initialize exits, if only with code 0",
        EXIT,
        function("_initialize", '(func (export "_initialize")\n  (call $proc_exit (i32.const 0)))'),
    )
    yield variation(
        "LOAD-002",
        "start-abort",
        "_start aborts",
        ABORT,
        function(
            "_start",
            '(func (export "_start")\n  (call $abort (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1)))',
        ),
    )
    yield variation(
        "LOAD-002",
        "endless",
        "_initialize does not come to an end",
        function("_initialize", f'(func (export "_initialize")\n  {LOOP})'),
    )


def init(body: str) -> Pieces:
    """Replace the body of `init`."""
    return function(
        "init",
        f'(func (export "init") (param $config i32) (param $length i32) (result i32)\n  {body})',
    )


def initialising() -> Iterator[Plugin]:
    """Fail in `init`."""
    for revision in EVERY:
        yield variation(
            "INIT-001",
            "refuses",
            "init answers 1, whatever its config",
            init("(i32.const 1)"),
            {"config": "{}"},
            revision=revision,
        )
        yield variation("INIT-002", "traps", "init traps", init("(unreachable)"), revision=revision)
    yield variation(
        "INIT-001",
        "negative",
        "init answers -1 where it gets a config",
        init("(select (i32.const -1) (i32.const 0) (local.get $length))"),
        {"config": '{"limit":3}'},
    )
    yield variation(
        "INIT-002",
        "no-config",
        "init reads the last byte of a config that is not there",
        init(
            "(i32.and\n    (i32.load8_u (i32.add (local.get $config) (i32.sub (local.get $length)"
            " (i32.const 1))))\n    (i32.const 0))"
        ),
    )
    yield variation("INIT-002", "endless", "init does not come to an end", init(f"{LOOP}\n  (unreachable)"))
    yield variation(
        "INIT-002",
        "exits",
        "init exits with code 0",
        EXIT,
        init("(call $proc_exit (i32.const 0))\n  (i32.const 0)"),
    )


def configuring() -> Iterator[Plugin]:
    """Fail in `init` on a config that nobody foresaw; without one all is well."""
    for revision in EVERY:
        yield variation(
            "INIT-003",
            "traps",
            "init traps on any config",
            init("(if (local.get $length) (then (unreachable)))\n  (i32.const 0)"),
            revision=revision,
        )
    yield variation(
        "INIT-003",
        "short",
        "init reads its config's 1,000,000th byte from the end",
        init(
            "(if (local.get $length)\n    (then\n      (drop\n        (i32.load8_u"
            " (i32.sub (i32.add (local.get $config) (local.get $length)) (i32.const 1000000))))))\n  (i32.const 0)"
        ),
    )
    yield variation(
        "INIT-003",
        "endless",
        "init does not come to an end where its config is longer than two bytes",
        init(f"(if (i32.gt_u (local.get $length) (i32.const 2)) (then {LOOP}))\n  (i32.const 0)"),
    )
    yield variation(
        "INIT-003",
        "empty",
        "init exits where its config is an empty object",
        EXIT,
        init("(if (i32.eq (local.get $length) (i32.const 2)) (then (call $proc_exit (i32.const 1))))\n  (i32.const 0)"),
    )


def get_name(body: str) -> Pieces:
    """Replace the body of `get_name`."""
    return function("get_name", f'(func (export "get_name") (result i64)\n  {body})')


def counting(revision: str, name: str) -> Pieces:
    """Let a hook count its calls, and change nothing else."""
    body = f"(drop (call $count))\n{pass_on(revision, name)}"
    return merge(COUNTER, function(name, hook(name, HOOKS[revision][name], body)))


NAMES = (
    ("bom", "its name begins with a byte order mark", b"\xef\xbb\xbfplain"),
    ("nul", "its name ends with a NUL", b"plain\0"),
    ("latin1", "its name is Latin-1", b"na\xefve"),
    ("utf16", "its name is UTF-16", "plain".encode("utf-16-le")),
    ("truncated", "its name ends inside a character", "plain é".encode()[:-1]),
)


def naming() -> Iterator[Plugin]:
    """Fail in `get_name`."""
    for revision in EVERY:
        yield variation("NAME-001", "zero", "get_name answers 0", get_name("(i64.const 0)"), revision=revision)
        yield variation(
            "NAME-002",
            "outside",
            "the name lies behind the end of memory",
            get_name("(call $pack (i32.shl (memory.size) (i32.const 16)) (i32.const 8))"),
            revision=revision,
        )
        slug, title, data = NAMES[1]
        yield variation("NAME-003", slug, title, {"constants": {"name": data}}, revision=revision)
        yield variation(
            "NAME-006",
            "quoted",
            "its name is a JSON string",
            {"constants": {"name": b'"plain"'}},
            revision=revision,
        )
        yield variation(
            "NAME-004",
            "init",
            "the name changes with init",
            {
                "constants": {"other": b"not yet ready"},
                "globals": {"ready": "(global $ready (mut i32) (i32.const 0))"},
            },
            init("(global.set $ready (i32.const 1))\n  (i32.const 0)"),
            get_name(f"(if (result i64) (global.get $ready) (then {constant('name')}) (else {constant('other')}))"),
            revision=revision,
        )
        yield variation("NAME-005", "traps", "get_name traps", get_name("(unreachable)"), revision=revision)
    yield variation(
        "NAME-001",
        "empty",
        "the name is of length 0",
        get_name("(call $pack (i32.const &name) (i32.const 0))"),
    )
    yield variation(
        "NAME-002",
        "long",
        "the length of the name is negative",
        get_name("(i64.or (i64.shl (i64.const &name) (i64.const 32)) (i64.const 0xffffffff))"),
    )
    for slug, title, data in NAMES:
        if slug != NAMES[1][0]:
            yield variation("NAME-003", slug, title, {"constants": {"name": data}})
    yield variation(
        "NAME-006", "object", "its name is a JSON object", {"constants": {"name": b'{"name":"plain","version":3}'}}
    )
    yield from naming_after_traffic()


def naming_after_traffic() -> Iterator[Plugin]:
    """Fail in `get_name`, but not at once."""
    yield variation(
        "NAME-004",
        "traffic",
        "the name changes after thirty requests",
        {"constants": {"other": b"worn out"}},
        counting("r2", "http_pre_hook"),
        get_name(
            "(if (result i64) (i32.gt_u (global.get $calls) (i32.const 30))"
            f" (then {constant('other')}) (else {constant('name')}))"
        ),
    )
    yield variation(
        "NAME-004",
        "counts",
        "the name ends with the number of the call",
        COUNTER,
        {"constants": {"name": b"plain 0"}},
        get_name(
            "(i32.store8 (i32.add (i32.const &name) (i32.const 6))\n"
            "    (i32.add (i32.const 48) (i32.rem_u (call $count) (i32.const 10))))\n"
            f"  {constant('name')}"
        ),
    )
    yield variation(
        "NAME-005",
        "sixty-chunks",
        "get_name traps after sixty chunks",
        counting("r2", "http_stream_chunk_hook"),
        get_name(f"(if (i32.gt_u (global.get $calls) (i32.const 60)) (then (unreachable)))\n  {constant('name')}"),
        scope="full",
    )
    yield variation(
        "NAME-005",
        "before-init",
        "get_name traps until init was called",
        {"globals": {"ready": "(global $ready (mut i32) (i32.const 0))"}},
        init("(global.set $ready (i32.const 1))\n  (i32.const 0)"),
        get_name(f"(if (i32.eqz (global.get $ready)) (then (unreachable)))\n  {constant('name')}"),
    )
    yield variation("NAME-005", "endless", "get_name does not come to an end", get_name(f"{LOOP}\n  (unreachable)"))


def cleanup(body: str) -> Pieces:
    """Replace the body of `cleanup`."""
    return function("cleanup", f'(func (export "cleanup") (result i32)\n  {body})')


def cleaning() -> Iterator[Plugin]:
    """Fail in `cleanup`."""
    for revision in EVERY:
        yield variation("CLEANUP-001", "status", "cleanup answers 7", cleanup("(i32.const 7)"), revision=revision)
        yield variation("CLEANUP-002", "traps", "cleanup traps", cleanup("(unreachable)"), revision=revision)
    yield variation(
        "CLEANUP-001",
        "traffic",
        "cleanup answers -1 once it had a request",
        counting("r2", "http_pre_hook"),
        cleanup("(select (i32.const -1) (i32.const 0) (global.get $calls))"),
    )
    yield variation(
        "CLEANUP-002",
        "exits",
        "cleanup exits with code 0",
        EXIT,
        cleanup("(call $proc_exit (i32.const 0))\n  (i32.const 0)"),
    )
    yield variation("CLEANUP-002", "endless", "cleanup does not come to an end", cleanup(f"{LOOP}\n  (unreachable)"))
