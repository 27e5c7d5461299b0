"""Edits that make a variation: each gives pieces for `Plugin.with_`.

`variation` names a plugin after the requirement that it breaks. A hook's body is text of one expression of type i64;
`$input` and `$length` are the document that the hook is about, in every revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from watgen.base import HOOKS, base, constant, hook, pass_on
from watgen.plugin import Plugin

Pieces = Mapping[str, object]

CONTAINS = """
;; Whether the bytes at $needle stand anywhere in those at $at.
(func $contains (param $at i32) (param $length i32) (param $needle i32) (param $size i32) (result i32)
  (local $end i32) (local $i i32)
  (if (i32.lt_u (local.get $length) (local.get $size)) (then (return (i32.const 0))))
  (local.set $end
    (i32.add (local.get $at) (i32.sub (local.get $length) (local.get $size))))
  (block $none
    (loop $next
      (br_if $none (i32.gt_u (local.get $at) (local.get $end)))
      (local.set $i (i32.const 0))
      (block $differs
        (loop $same
          (br_if $differs
            (i32.ne
              (i32.load8_u (i32.add (local.get $at) (local.get $i)))
              (i32.load8_u (i32.add (local.get $needle) (local.get $i)))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $same (i32.lt_u (local.get $i) (local.get $size))))
        (return (i32.const 1)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (i32.const 0))
"""

BEYOND_ASCII = """
;; Whether any byte is beyond ASCII.
(func $beyond_ascii (param $at i32) (param $length i32) (result i32)
  (local $end i32)
  (local.set $end (i32.add (local.get $at) (local.get $length)))
  (block $none
    (loop $next
      (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
      (if (i32.ge_u (i32.load8_u (local.get $at)) (i32.const 0x80)) (then (return (i32.const 1))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (i32.const 0))
"""

COUNT = """
;; Counts calls; answers the number of this one, from 1 on.
(func $count (result i32)
  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
  (global.get $calls))
"""
COUNTER: Pieces = {
    "globals": {"calls": "(global $calls (mut i32) (i32.const 0))"},
    "helpers": {"count": COUNT},
}


def merge(*all_pieces: Pieces) -> dict[str, object]:
    """Put several edits together; mappings are merged, later ones win."""
    merged: dict[str, object] = {}
    for pieces in all_pieces:
        for piece, value in pieces.items():
            former = merged.get(piece)
            if isinstance(former, Mapping) and isinstance(value, Mapping):
                merged[piece] = {**former, **value}
            else:
                merged[piece] = value
    return merged


def variation(
    requirement: str, slug: str, title: str, *edits: Pieces, revision: str = "r2", scope: str = "quick"
) -> Plugin:
    """Make a faulty plugin. `requirement` without its prefix: `variation("PACK-001", "end", ...)`."""
    suffix = "" if revision == "r2" else f"-{revision}"
    name = f"{requirement.lower()}-{slug}{suffix}"
    pieces = merge(*edits)
    breaks = f"BIFROST-{requirement}"
    return base(revision).with_(name=name, breaks=breaks, title=title, scope=scope, **pieces)


def doing(revision: str, name: str, body: str) -> Pieces:
    """Give a hook another body."""
    return {"exports": {name: hook(name, HOOKS[revision][name], body)}}


def answering(revision: str, name: str, text: str | bytes) -> Pieces:
    """Let a hook answer a constant."""
    data = text if isinstance(text, bytes) else text.encode()
    return merge({"constants": {name: data}}, doing(revision, name, constant(name)))


def choosing(condition: str, then: str, otherwise: str) -> str:
    """Write a body with two ways; the condition is an expression of type i32."""
    return f"(if (result i64) {condition}\n  (then {then})\n  (else {otherwise}))"


def contains(needle: str) -> str:
    """Write the condition that the input contains the constant `needle`."""
    return f"(call $contains (local.get $input) (local.get $length) (i32.const &{needle}) (i32.const #{needle}))"


def when_input_has(
    revision: str, name: str, needle: str | bytes, text: str | bytes, *, negated: bool = False
) -> Pieces:
    """Let a hook answer a constant where its input contains (or does not contain) some bytes."""
    found = contains("needle")
    condition = f"(i32.eqz {found})" if negated else found
    answer = text if isinstance(text, bytes) else text.encode()
    looked_for = needle if isinstance(needle, bytes) else needle.encode()
    body = choosing(condition, constant("special"), pass_on(revision, name))
    return merge(
        {"constants": {"needle": looked_for, "special": answer}, "helpers": {"contains": CONTAINS}},
        doing(revision, name, body),
    )


def unless_error(name: str, text: str | bytes) -> Pieces:
    """Let the post hook of r1 and later answer a constant, but echo an error with its flag."""
    return when_input_has("r2", name, '"has_error":true', text, negated=True)


def from_call(revision: str, name: str, number: int, body: str) -> Pieces:
    """Give a hook another body from its call of that number on."""
    condition = f"(i32.ge_u (call $count) (i32.const {number}))"
    return merge(COUNTER, doing(revision, name, choosing(condition, body, pass_on(revision, name))))


def without(*exports: str) -> Pieces:
    """Leave exports out."""
    return {"exports": dict.fromkeys(exports)}


def function(name: str, text: str) -> Pieces:
    """Replace an exported function by another text."""
    return {"exports": {name: text.strip("\n")}}


def hooks(revision: str) -> Iterator[str]:
    """Give the names of a revision's hooks."""
    yield from HOOKS[revision]


def http_hook(revision: str) -> str:
    """Name the hook that sees the HTTP request first."""
    return next(iter(HOOKS[revision]))
