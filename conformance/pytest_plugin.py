"""The entry point into other people's pytest: options, and nothing else unless a plugin is given to judge.

    pytest --pyargs conformance.suites --plugin plugin.wasm --engine wasmtime -n auto

This module imports pytest and the standard library only; the harness is loaded once it is asked for.

Every option is registered under its full name, `--hookproof-engine`, which nobody else has. The short names,
`--engine`, are never registered at all: once every other plugin and every initial conftest has had its say, those of
them that nobody owns are turned into full names on the command line. So no option of ours can collide with another
plugin's, whichever is loaded first, nor with a conftest that is found late. Where another plugin owns a short name it
keeps it, and the full name is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterator
from itertools import pairwise
from typing import Any

import pytest

PREFIX = "--hookproof-"
_TAKEN = pytest.StashKey[list[str]]()

# name -> help, further arguments of `addoption`; a short name is the name after two dashes
_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "plugin": ("judge this .wasm file; may be repeated", {"action": "append", "metavar": "FILE"}),
    "engine": ("the engine to run it on", {"metavar": "NAME"}),
    "abi": ("its plugin system (default: detected)", {"metavar": "NAME"}),
    "revision": ("the revision of its plugin system (default: detected)", {"metavar": "NAME"}),
    "profile": ("strict (default) or lenient", {"choices": ("strict", "lenient"), "default": "strict"}),
    "shape": (
        "the shape of payloads, of those that its plugin system has, or all (default)",
        {"metavar": "NAME", "default": "all"},
    ),
    "plugin-config": ("the plugin's own configuration, a JSON file", {"metavar": "FILE"}),
    "functions": ("the signatures of the plugin's functions, a TOML file", {"metavar": "FILE"}),
    "max-memory": ("limit on its linear memory, such as 64MiB (default: 4GiB)", {"metavar": "SIZE"}),
    "max-input": ("the largest body or value that is sent, such as 64KiB (default: all)", {"metavar": "SIZE"}),
    "quick": ("judge scope `quick` only", {"action": "store_true", "default": False}),
    "seed": ("seed of everything random", {"type": int, "metavar": "N"}),
    "only": ("judge one requirement, ID, or one case, ID[case]", {"metavar": "SELECTOR"}),
}
_FULL_ONLY: dict[str, tuple[str, dict[str, Any]]] = {
    "json": ("write the report as JSON; for several plugins a folder", {"metavar": "FILE"}),
    # What `hookproof certify` tells its judging process.
    "shown-path": ("", {}),
    "records": ("", {}),
    "skip": ("", {}),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the full names."""
    group = parser.getgroup("hookproof", "hookproof: judging WebAssembly plugins")
    for name, (text, attributes) in (_OPTIONS | _FULL_ONLY).items():
        also = f"; also --{name} where no other plugin owns it" if name in _OPTIONS else ""
        shown = text + also or argparse.SUPPRESS
        group.addoption(PREFIX + name, dest=_destination(name), help=shown, **attributes)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Turn the free short names into full names, as late as it can be done."""
    asked = any(word.partition("=")[0] in {"--plugin", PREFIX + "plugin"} for word in args)
    if asked:
        _forget_values(early_config, args, _OPTIONS.keys() - _owned(parser))
    try:
        return (yield)
    finally:
        if asked:
            owned = _owned(parser)
            early_config.stash[_TAKEN] = [name for name in _OPTIONS if name in owned]
            # The list is the one that pytest parses next, so it is changed in place.
            args[:] = _full_names(args, _OPTIONS.keys() - owned)


def pytest_configure(config: pytest.Config) -> None:
    """Load the harness if there is a plugin to judge."""
    if config.getoption(_destination("plugin")):
        from conformance.harness import install

        values = {name: config.getoption(_destination(name)) for name in _OPTIONS | _FULL_ONLY}
        install(config, values)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which short names belong to others here."""
    taken = config.stash.get(_TAKEN, [])
    return [f"hookproof: --{name} belongs to another plugin, use {PREFIX}{name}" for name in taken]


def _destination(name: str) -> str:
    return "hookproof_" + name.replace("-", "_")


def _owned(parser: pytest.Parser) -> frozenset[str]:
    """Tell which of the short names are registered by others, without their dashes."""
    # There is no public way to ask; trying to register a name answers only in some versions of pytest, and trying to
    # parse one would run other people's actions.
    groups = [parser._anonymous, *parser._groups]
    return frozenset(name.removeprefix("--") for group in groups for option in group.options for name in option.names())


def _full_names(words: list[str], free: set[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        if word == "--":
            yield word
            break
        name, equals, value = word.partition("=")
        yield f"{PREFIX}{name[2:]}{equals}{value}" if name[:2] == "--" and name[2:] in free else word
    yield from rest


def _forget_values(early_config: pytest.Config, words: list[str], free: set[str]) -> None:
    """Keep pytest from taking `p.wasm` in `--plugin p.wasm` for a path whose conftest it should load."""
    positional = getattr(early_config.known_args_namespace, "file_or_dir", None)
    if not isinstance(positional, list):
        return
    with_value = {f"--{name}" for name in free if _OPTIONS[name][1].get("action") != "store_true"}
    for word, value in pairwise(words):
        if word in with_value and value in positional:
            positional.remove(value)
