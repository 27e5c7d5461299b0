"""Edits that make a variation of the base: each gives pieces for `Plugin.with_`."""

from __future__ import annotations

from watgen.edits import COUNTER as COUNTER
from watgen.edits import Pieces, merge
from watgen.edits import without as without
from watgen.plugin import Plugin

from waspgen.base import BODIES, base, export


def variation(
    requirement: str, slug: str, title: str, *edits: Pieces, scope: str = "quick", functions: str | None = "plain"
) -> Plugin:
    """Make a faulty plugin. `requirement` without its prefix: `variation("BYTES-001", "big-endian", ...)`."""
    return base().with_(
        name=f"{requirement.lower()}-{slug}",
        breaks=f"WASP-{requirement}",
        title=title,
        scope=scope,
        functions=functions,
        **merge(*edits),
    )


def legal(name: str, title: str, *edits: Pieces, warnings: tuple[str, ...] = (), functions: str = "plain") -> Plugin:
    """Make an unusual plugin that conforms; `warnings` are the codes that it deserves."""
    return base().with_(name=name, title=title, warnings=warnings, functions=functions, **merge(*edits))


def doing(name: str, body: str, parameters: str | None = None) -> Pieces:
    """Give an export another body, or add one of that name."""
    return {"exports": {name: export(name, body, parameters)}}


def first(name: str, statements: str) -> Pieces:
    """Let an export do something before its usual work."""
    return doing(name, f"{statements}\n{BODIES[name]}")


def later(name: str, calls: int, body: str, *, result: bool = True) -> Pieces:
    """Give an export another body after so many calls."""
    type_ = " (result i32)" if result else ""
    condition = f"(i32.gt_u (call $count) (i32.const {calls}))"
    return merge(COUNTER, doing(name, f"(if{type_} {condition}\n  (then {body})\n  (else {BODIES[name]}))"))


def helper(name: str, text: str) -> Pieces:
    """Add a function, or replace one."""
    return {"helpers": {name: text}}


def constant(**constants: bytes) -> Pieces:
    """Add constants, or replace them."""
    return {"constants": constants}


def noted(told: str) -> Pieces:
    """Let `get_string_size` tell a size of its own for the string that is noted, until that is given back."""
    is_noted = "(i32.eq (local.get {}) (global.get $noted))"
    return merge(
        variable(noted=0),
        first("get_string_size", f"(if {is_noted.format('$text')}\n  (then (return {told})))"),
        first("deallocate", f"(if {is_noted.format('$pointer')}\n  (then (global.set $noted (i32.const 0))))"),
    )


def variable(**values: int) -> Pieces:
    """Add mutable globals of type i32."""
    return {"globals": {name: f"(global ${name} (mut i32) (i32.const {value}))" for name, value in values.items()}}
