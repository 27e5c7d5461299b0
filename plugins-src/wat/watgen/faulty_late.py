"""Faults of the allocator that show late or for some sizes, or lie so near to another that both could be blamed."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import HOOKS
from watgen.edits import COUNTER, variation
from watgen.faulty_memory import ALLOC, END, RELEASE, behind, free, larger, later, malloc
from watgen.plugin import Plugin


def plugins() -> Iterator[Plugin]:
    """Give them all."""
    for revision in HOOKS:
        yield variation(
            "ALLOC-001",
            "runs-dry-soon",
            "the allocator answers 0 after 60 calls",
            COUNTER,
            malloc(revision, later(60, "(i32.const 0)")),
            revision=revision,
        )
        yield variation(
            "ALLOC-002",
            "later",
            "after 60 calls the allocator hands out what lies behind the end of memory",
            COUNTER,
            malloc(revision, later(60, behind(8))),
            free(revision, f"(if (i32.lt_u (local.get $pointer) (i32.sub {END} (i32.const 8)))\n    (then {RELEASE}))"),
            revision=revision,
        )
    for slug, title, refused in (
        (
            "middling",
            "of 200 to 400 KiB",
            "(i32.lt_u (i32.sub (local.get $size) (i32.const 204800)) (i32.const 204800))",
        ),
        ("whole", "that are multiples of 1 MiB", "(i32.eqz (i32.and (local.get $size) (i32.const 0xfffff)))"),
    ):
        yield variation(
            "ALLOC-001",
            slug,
            f"the allocator answers 0 for sizes {title}",
            malloc("r2", f"(if (result i32) {refused} (then (i32.const 0)) (else {ALLOC}))"),
            scope="full",
        )
    yield variation(
        "ALLOC-002",
        "untouchable",
        "buffers lie behind the end of memory, and free traps for them",
        COUNTER,
        malloc("r2", behind(8)),
    )
    yield variation(
        "ALLOC-002",
        "over-data",
        "buffers of more than 2 KiB begin before the constants and reach beyond the end of memory, which cannot grow",
        {
            "memory": '(memory (export "memory") 2 2)',
            "globals": {"heap": "(global $heap (mut i32) (i32.const 2048))"},
            "data_start": 0x1F900,
        },
        malloc("r2", larger(2_048, "(i32.const 0x1f800)")),
        free("r2", f"(if (i32.ne (local.get $pointer) (i32.const 0x1f800)) (then {RELEASE}))"),
    )
