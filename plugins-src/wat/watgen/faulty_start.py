"""Faults that show only after start-up: instances that are of no use once their `_start` has exited."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import HOOKS, base
from watgen.edits import Pieces, function, merge, variation
from watgen.plugin import Plugin

EXIT: Pieces = {
    "imports": {"proc_exit": '(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))'},
    "globals": {"over": "(global $over (mut i32) (i32.const 0))"},
}
START = """
(func (export "_start")
  (global.set $over (i32.const 1))
  (call $proc_exit (i32.const 0)))
"""


def plugins() -> Iterator[Plugin]:
    """Give them all."""
    for revision in HOOKS:
        yield dead(revision, "unreachable", "traps", "(unreachable)")
    for revision in ("r0", "r2"):
        yield dead(revision, "again", "exits again", "(call $proc_exit (i32.const 0))")


def dead(revision: str, slug: str, what: str, ending: str) -> Plugin:
    """Let every function end the guest once `_start` has exited."""
    guard = f"  (if (global.get $over) (then {ending}))"
    edits = [function("_start", START)]
    for name, text in base(revision).exports.items():
        head, *body = text.strip("\n").split("\n")
        edits.append(function(name, "\n".join([head, guard, *body])))
    title = f"each function {what} once _start has exited with code 0"
    return variation("LOAD-003", slug, title, merge(EXIT, *edits), revision=revision)
