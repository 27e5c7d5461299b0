"""Options that several commands share, with their completion in the shell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _engines(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from reference_host.engine.registry import engine_names

    return [name for name in engine_names() if name.startswith(incomplete)]


def systems(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a plugin system."""
    from conformance.registry import system_names

    return [name for name in system_names() if name.startswith(incomplete)]


def revisions(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a revision of any plugin system."""
    from conformance.registry import load_system, system_names

    names = [revision for name in system_names() for revision in load_system(name).revisions]
    return [name for name in names if name.startswith(incomplete)]


def shapes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a shape of any plugin system."""
    from conformance.judging.terms import EVERY_SHAPE
    from conformance.registry import load_system, system_names

    names = [shape for name in system_names() for shape in load_system(name).shapes]
    return [name for name in (*names, EVERY_SHAPE) if name.startswith(incomplete)]


def plugin_argument(function: Decorated) -> Decorated:
    """Add the argument PLUGIN: a path, which is read later, so that all complaints sound alike."""
    return click.argument("plugin", type=click.Path(), metavar="PLUGIN")(function)


def engine_option(function: Decorated) -> Decorated:
    """Add `--engine`."""
    return click.option(
        "--engine",
        metavar="NAME",
        shell_complete=_engines,
        help="What runs it, such as wasmtime or pywasm.  [default: the first that loads]",
    )(function)


def abi_option(function: Decorated) -> Decorated:
    """Add `--abi`."""
    return click.option(
        "--abi", metavar="NAME", shell_complete=systems, help="The plugin system.  [default: detected]"
    )(function)


def revision_option(function: Decorated) -> Decorated:
    """Add `--revision`."""
    return click.option(
        "--revision", metavar="NAME", shell_complete=revisions, help="Its revision.  [default: detected]"
    )(function)


def config_option(function: Decorated) -> Decorated:
    """Add `--config`."""
    return click.option(
        "--config", type=click.Path(), metavar="FILE", help="The plugin's own configuration, a JSON file."
    )(function)


def functions_option(function: Decorated) -> Decorated:
    """Add `--functions`."""
    return click.option(
        "--functions",
        type=click.Path(),
        metavar="FILE",
        help="The signatures of the plugin's functions, a TOML file, for systems that do not fix them.",
    )(function)


def memory_option(function: Decorated) -> Decorated:
    """Add `--max-memory`."""
    return click.option(
        "--max-memory", metavar="SIZE", default="4GiB", show_default=True, help="Limit on linear memory, such as 64MiB."
    )(function)


def check_engine(name: str | None) -> None:
    """Refuse an engine that is not registered, before anything is run. Raises `UnknownEngine`."""
    from reference_host.engine.registry import engine_names
    from reference_host.errors import UnknownEngine

    if name is not None and name not in engine_names():
        raise UnknownEngine(f"unknown engine {name!r}; expected one of {', '.join(engine_names())}")
