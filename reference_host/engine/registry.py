"""Finds engines through the entry-point group `hookproof.engines`, so that one more plugs in without a change here.

The value of an entry point is a class (or function) that is called without arguments and gives an `Engine`; it raises
`EngineMissing` where the library behind it cannot be used.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from reference_host.engine.interface import Engine
from reference_host.errors import EngineMissing, UnknownEngine

GROUP = "hookproof.engines"

PREFERRED = ("wasmtime", "pywasm")
"""The order in which a default is looked for; other engines follow in the order of their names."""


def engine_names() -> tuple[str, ...]:
    """Name every registered engine, preferred ones first; whether its library is here shows when it is loaded."""
    names = {entry.name for entry in entry_points(group=GROUP)}
    return tuple(
        sorted(names, key=lambda name: (PREFERRED.index(name) if name in PREFERRED else len(PREFERRED), name))
    )


def load_engine(name: str | None = None) -> Engine:
    """Load the engine of that name; without one, the first that loads.

    Raises `UnknownEngine` for a name that is not registered, `EngineMissing` where its library cannot be used.
    """
    if name is None:
        return _first_that_loads()
    entry = _entry(name)
    if entry is None:
        raise UnknownEngine(f"unknown engine {name!r}, known are: {', '.join(engine_names()) or 'none'}")
    try:
        engine: Engine = entry.load()()
    except ImportError as error:
        package = (error.name or name).partition(".")[0]
        raise EngineMissing(f"engine {name} needs the package {package}: pip install {package}") from error
    return engine


def _entry(name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=GROUP, name=name)), None)


def _first_that_loads() -> Engine:
    reasons = []
    for name in engine_names():
        try:
            return load_engine(name)
        except EngineMissing as error:
            reasons.append(str(error))
    raise EngineMissing("; ".join(reasons) or "no engine is registered: pip install hookproof")
