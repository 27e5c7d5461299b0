"""An instance is of no use after its `_start` has exited only where none of its functions works any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import wasmtime
from generated import watgen
from judged import engine_named, new_lab

from conformance.judging.terms import Terms, make_subject

RETURNING = '(func (export "_start")\n  (global.set $over (i32.const 1)))'


def lab_of(plugin: Any) -> Any:
    """Try a plugin of the generator."""
    binary = bytes(wasmtime.wat2wasm(watgen("plugin").render(plugin)))
    subject = make_subject(f"{plugin.name}.wasm", binary, Terms(revision=plugin.revision, quick=True), "wasmtime")
    return new_lab(subject, engine_named("wasmtime").compile(binary))


def dead(exports: Mapping[str, str | None] | None = None) -> Any:
    """Let every function trap once `_start` has exited, but for the exports that are given."""
    return watgen("faulty_start").dead("r2", "now", "traps", "(unreachable)").with_(exports=exports or {})


def test_none_works() -> None:
    failure = lab_of(dead()).exit_failure
    assert failure.trap is not None
    # It is the first function that is told of.
    assert "get_name" in str(failure)


@pytest.mark.parametrize("name", ["get_name", "malloc", "init", "cleanup"])
def test_one_that_works_is_enough(name: str) -> None:
    lab = lab_of(dead({name: watgen("base").base("r2").exports[name]}))
    assert lab.exit_failure is None
    assert lab.init_failure is None or name != "init"


@pytest.mark.parametrize("name", ["get_name", "malloc", "init", "cleanup"])
def test_what_is_not_exported_is_not_tried(name: str) -> None:
    assert lab_of(dead({name: None})).exit_failure is not None


def test_init_that_refuses_works() -> None:
    refusing = '(func (export "init") (param i32 i32) (result i32)\n  (i32.const 7))'
    assert lab_of(dead({"init": refusing})).exit_failure is None


def test_start_that_returns_is_not_to_blame() -> None:
    lab = lab_of(dead({"_start": RETURNING}))
    assert lab.load_failure is None
    assert lab.exit_failure is None
