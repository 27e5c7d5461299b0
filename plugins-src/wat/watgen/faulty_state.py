"""Faults of state: what the hooks of a request share in globals, what shows in other requests, answers that drift."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from watgen.base import HOOKS, TWO, constant, hook, pass_on
from watgen.edits import (
    CONTAINS,
    COUNTER,
    Pieces,
    choosing,
    contains,
    doing,
    function,
    hooks,
    http_hook,
    merge,
    variation,
)
from watgen.faulty_behaviour import KEPT
from watgen.faulty_inputs import complaint
from watgen.faulty_text import plain
from watgen.plugin import Plugin

FLAG: Pieces = {
    "globals": {"flag": "(global $flag (mut i32) (i32.const 0))"},
    "helpers": {"contains": CONTAINS},
}
KEEP = """(if (i32.and (i32.le_u (local.get $length) (i32.const 4096)) (i32.gt_u (local.get $length) (i32.const 200)))
  (then
    (call $release (global.get $kept))
    (global.set $kept (call $alloc (local.get $length)))
    (global.set $kept_length (local.get $length))
    (memory.copy (global.get $kept) (local.get $input) (local.get $length))))
"""


def plugins() -> Iterator[Plugin]:
    """Give them all."""
    yield from sharing()
    yield from showing()
    yield from drifting()


def noting(revision: str, needle: str) -> Pieces:
    """Let the HTTP request hook note in a global whether the request contains a text."""
    name = http_hook(revision)
    body = f"(global.set $flag {contains('needle')})\n{pass_on(revision, name)}"
    return merge(
        FLAG, {"constants": {"needle": needle.encode()}}, function(name, hook(name, HOOKS[revision][name], body))
    )


def later_hooks(revision: str) -> list[str]:
    """Name the hooks that come after the HTTP request hook."""
    return [name for name in hooks(revision) if name != http_hook(revision)]


def flagged(revision: str, name: str) -> bytes:
    """Write the plain answer with one more member."""
    return plain(revision, name)[:-1] + b',"seen":true}'


def sharing() -> Iterator[Plugin]:
    """Rely on one instance for a whole request."""
    for revision in HOOKS:
        first = http_hook(revision)
        for name in later_hooks(revision):
            yield variation(
                "STATE-003",
                f"noted-{name}",
                f"{name} answers by what {first} noted of the request in a global",
                {"constants": {"special": flagged(revision, name)}},
                noting(revision, '"POST"'),
                doing(revision, name, choosing("(global.get $flag)", constant("special"), pass_on(revision, name))),
                revision=revision,
            )
            yield variation(
                "STATE-003",
                f"unready-{name}",
                f"{name} answers an error where {first} was never called",
                {"constants": {"special": complaint(revision, name, "no request is under way")}},
                noting(revision, "{"),
                doing(revision, name, choosing("(global.get $flag)", pass_on(revision, name), constant("special"))),
                revision=revision,
            )
        name = later_hooks(revision)[-1]
        yield variation(
            "STATE-003",
            f"traps-{name}",
            f"{name} traps where {first} was never called",
            noting(revision, "{"),
            doing(revision, name, choosing("(global.get $flag)", pass_on(revision, name), "(unreachable)")),
            revision=revision,
        )


def showing() -> Iterator[Plugin]:
    """Show what one hook saw of a request in the answer of another hook."""
    for revision in HOOKS:
        first = http_hook(revision)
        for name in later_hooks(revision):
            beginning = plain(revision, name)[:-1] + b',"seen":'
            show = (
                "(call $wrap (i32.const &beginning) (i32.const #beginning)"
                " (global.get $kept) (global.get $kept_length))"
            )
            yield variation(
                "STATE-002",
                f"crossing-{name}",
                f"{name} shows the last input of {first}",
                KEPT,
                {"constants": {"beginning": beginning}},
                function(first, hook(first, HOOKS[revision][first], KEEP + pass_on(revision, first))),
                doing(revision, name, choosing("(global.get $kept)", show, pass_on(revision, name))),
                revision=revision,
            )
    needle = b'"body":"' + base64.b64encode(b'{"model":"gpt-4","messages":[{"role":"user","content":"Say ')[:60]
    show = """(call $wrap
  (i32.const &beginning) (i32.const #beginning)
  (i32.sub (i32.add (global.get $kept) (global.get $kept_length)) (i32.const 113)) (i32.const 111))"""
    ends = "(i32.load (i32.sub (i32.add (local.get $input) (local.get $length)) (i32.const 4)))"
    guarded = f"(if (i32.and {contains('needle')} (i32.eq {ends} (i32.const 0x7d7d223d)))\n  (then {KEEP}))\n"
    for name in ("http_post_hook", "pre_hook", "post_hook"):
        yield variation(
            "STATE-002",
            f"body-{name}",
            f"{name} shows the end of an HTTP body as it is, in base64",
            KEPT,
            {"constants": {"beginning": plain("r2", name)[:-1] + b',"seen":"', "needle": needle}},
            function("http_pre_hook", hook("http_pre_hook", TWO, guarded + pass_on("r2", "http_pre_hook"))),
            doing("r2", name, choosing("(global.get $kept)", show, pass_on("r2", name))),
        )


def drifting() -> Iterator[Plugin]:
    """Answer well at first, and otherwise later."""
    for revision in HOOKS:
        for name in list(hooks(revision))[:: 1 if revision == "r2" else 2]:
            yield variation(
                "STATE-001",
                f"fails-{name}",
                f"{name} answers an error from its 150th call on",
                {"constants": {"special": complaint(revision, name, "worn out")}},
                COUNTER,
                doing(
                    revision,
                    name,
                    choosing("(i32.ge_u (call $count) (i32.const 150))", constant("special"), pass_on(revision, name)),
                ),
                revision=revision,
                scope="full",
            )
