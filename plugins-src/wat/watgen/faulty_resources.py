"""Plugins that use up what a host has (time, stack, memory, log), or end where they may not: in each function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watgen.base import HOOKS, allocator_names, pass_on
from watgen.edits import Pieces, doing, function, hooks, merge, variation
from watgen.faulty_lifecycle import ABORT, EXIT, LOOP
from watgen.plugin import Plugin

FD_WRITE: Pieces = {
    "imports": {
        "fd_write": '(import "wasi_snapshot_preview1" "fd_write"'
        " (func $fd_write (param i32 i32 i32 i32) (result i32)))",
    }
}
RECURSE: Pieces = {
    "helpers": {
        "dive": """
(func $dive (param $depth i32) (result i32)
  (i32.add (i32.const 1) (call $dive (i32.add (local.get $depth) (i32.const 1)))))
"""
    }
}
HOG_BY_PAGES: Pieces = {
    "helpers": {
        "hog": """
;; Takes page after page until it is refused one.
(func $hog
  (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))
"""
    }
}
HOG_BY_HALVES: Pieces = {
    "helpers": {
        "hog": """
;; Takes as much as there is: half as much wherever it is refused.
(func $hog
  (local $pages i32)
  (local.set $pages (i32.const 32768))
  (loop $more
    (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1))
      (then (local.set $pages (i32.shr_u (local.get $pages) (i32.const 1)))))
    (br_if $more (local.get $pages))))
"""
    }
}


def flood(lines: int, stream: int, text: bytes = b"0123456789abcdef" * 64) -> Pieces:
    """Write the same line of 1 KiB many times."""
    return merge(
        FD_WRITE,
        {
            "constants": {"line": text[:-1] + b"\n"},
            "helpers": {
                "flood": f"""
;; Writes a line again and again.
(func $flood
  (local $i i32)
  (i32.store (i32.const 16) (i32.const &line))
  (i32.store (i32.const 20) (i32.const #line))
  (loop $more
    (drop (call $fd_write (i32.const {stream}) (i32.const 16) (i32.const 1) (i32.const 24)))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const {lines})))))
"""
            },
        },
    )


@dataclass(frozen=True, slots=True)
class Abuse:
    """One way to abuse the host: statements that leave nothing on the stack."""

    slug: str
    title: str
    statements: str
    pieces: Pieces


ENDLESS = Abuse("endless", "does not come to an end", LOOP, {})
RECURSION = Abuse("recursion", "runs out of stack", "(drop (call $dive (i32.const 0)))", RECURSE)
EXIT_ZERO = Abuse("exit-zero", "exits with code 0", "(call $proc_exit (i32.const 0))", EXIT)
EXIT_THREE = Abuse("exit-three", "exits with code 3", "(call $proc_exit (i32.const 3))", EXIT)
ABORTS = Abuse("abort", "aborts", "(call $abort (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 1))", ABORT)
CHATTERS = Abuse("chatter", "writes lines without end", "(call $flood)", flood(0x7FFFFFFF, 1))
ENDING = (ENDLESS, RECURSION, EXIT_ZERO, EXIT_THREE, ABORTS, CHATTERS)
PAGES = Abuse("pages", "takes page after page until it is refused one", "(call $hog)", HOG_BY_PAGES)
HALVES = Abuse("halves", "takes all the memory there is", "(call $hog)", HOG_BY_HALVES)
STDOUT = Abuse("stdout", "writes a megabyte to standard output", "(call $flood)", flood(1_024, 1))
STDERR = Abuse("stderr", "writes a hundred kilobytes to standard error", "(call $flood)", flood(100, 2))

LIFE = {
    "start": "(func $begin\n  {})\n(start $begin)",
    "_initialize": '(func (export "_initialize")\n  {})',
    "_start": '(func (export "_start")\n  {})',
    "get_name": '(func (export "get_name") (result i64)\n  {}\n  (call $answer (i32.const &name) (i32.const #name)))',
    "init": '(func (export "init") (param $config i32) (param $length i32) (result i32)\n  {}\n  (i32.const 0))',
    "cleanup": '(func (export "cleanup") (result i32)\n  {}\n  (i32.const 0))',
}
MALLOC = '(func (export "{}") (param $size i32) (result i32)\n  {}\n  (call $alloc (local.get $size)))'
FREE = '(func (export "{}") (param $pointer i32)\n  {}\n  (call $release (local.get $pointer)))'


def places(revision: str) -> tuple[str, ...]:
    """Name all functions that a host calls."""
    return (*LIFE, "malloc", "free", *hooks(revision))


def at(revision: str, place: str, statements: str) -> Pieces:
    """Put statements in front of what a function does."""
    malloc, free = allocator_names(revision)
    if place == "start":
        return {"tail": {"start": LIFE[place].format(statements)}}
    if place in LIFE:
        return function(place, LIFE[place].format(statements))
    if place == "malloc":
        return function(malloc, MALLOC.format(malloc, statements))
    if place == "free":
        return function(free, FREE.format(free, statements))
    return doing(revision, place, f"{statements}\n{pass_on(revision, place)}")


BROKEN = {
    "start": "LOAD-002",
    "_initialize": "LOAD-002",
    "_start": "LOAD-002",
    "get_name": "NAME-005",
    "init": "INIT-002",
    "cleanup": "CLEANUP-002",
    "malloc": "ALLOC-005",
    "free": "FREE-001",
}


def broken_by(abuse: Abuse, place: str) -> str | None:
    """Name the rule that breaks where a function does not come back; None where that is no fault."""
    if place == "_start" and abuse is EXIT_ZERO:
        return None
    timeless = abuse in (ENDLESS, CHATTERS)
    return BROKEN.get(place, "TRAP-002" if timeless else "TRAP-001")


def plugins() -> Iterator[Plugin]:
    """Give them all: each way to end in each function, and of the rest one in each function."""
    for place in places("r2"):
        for abuse in ENDING:
            breaks = broken_by(abuse, place)
            if breaks is not None and (abuse is not CHATTERS or place in ("_start", "init", "pre_hook")):
                yield faulty(breaks, abuse, "r2", place)
    for revision in HOOKS:
        for number, place in enumerate(places(revision)):
            if revision == "r2" or place in (*list(hooks(revision))[:3], "malloc", "init"):
                yield faulty("MEM-003", (PAGES, HALVES)[number % 2], revision, place)
                yield faulty(
                    "LOG-001", STDERR if place in ("malloc", "free") else (STDOUT, STDERR)[number % 2], revision, place
                )


def faulty(breaks: str, abuse: Abuse, revision: str, place: str) -> Plugin:
    """Make the plugin that does it there."""
    what = "its start function" if place == "start" else place
    edits = (abuse.pieces, at(revision, place, abuse.statements))
    slug = f"{abuse.slug}-in-{'start-section' if place == 'start' else place.strip('_')}"
    return variation(breaks, slug, f"{what} {abuse.title}", *edits, revision=revision)
