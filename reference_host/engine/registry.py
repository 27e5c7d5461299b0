"""Finds engines through the entry-point group `hookproof.engines`, so that one more plugs in without a change here.

The value of an entry point is a class (or function) that is called without arguments and gives an `Engine`; it raises
`EngineMissing` where the library behind it cannot be used.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from reference_host.engine.interface import Engine
from reference_host.errors import EngineMissing, UnknownEngine

GROUP = "hookproof.engines"

PREFERRED = ("wasmtime", "purepy", "pywasm")
"""The order in which a default is looked for; other engines follow in the order of their names."""


def engine_names() -> tuple[str, ...]:
    """Name every registered engine, preferred ones first; whether its library is here shows when it is loaded."""
    names = {entry.name for entry in entry_points(group=GROUP)}
    return tuple(sorted(names, key=lambda name: (PREFERRED.index(name) if name in PREFERRED else len(PREFERRED), name)))


def load_engine(name: str | None = None) -> Engine:
    """Load the engine of that name; without one, the first that loads.

    Raises `UnknownEngine` for a name that is not registered, `EngineMissing` where its library cannot be used.
    """
    if name is None:
        return default_engine()[0]
    entry = _entry(name)
    if entry is None:
        raise UnknownEngine(f"unknown engine {name!r}, known are: {', '.join(engine_names()) or 'none'}")
    try:
        make = entry.load()
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        # OSError and RuntimeError: a native library that does not load, a platform that it was not built for.
        raise EngineMissing(_hint(entry, error)) from error
    engine: Engine = make()
    return engine


def find_validator() -> Engine | None:
    """Load the first engine that validates, None where none is installed: engines that do not validate need one."""
    for name in engine_names():
        try:
            engine = load_engine(name)
        except EngineMissing:
            continue
        if engine.validates:
            return engine
    return None


def _hint(entry: EntryPoint, error: Exception) -> str:
    package = (getattr(error, "name", None) or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or not package:
        return f"engine {entry.name} cannot be loaded here: {error}"
    wanted = package
    if entry.dist is not None and entry.name in (entry.dist.metadata.get_all("Provides-Extra") or ()):
        wanted = f"'{entry.dist.name}[{entry.name}]'"  # so that it comes in the version that the engine is made for
    return f"engine {entry.name} needs the package {package}: pip install {wanted}"


def _entry(name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=GROUP, name=name)), None)


def default_engine() -> tuple[Engine, str]:
    """Load the first engine that loads, and say why it is that one. Raises `EngineMissing` where none does."""
    reasons: list[str] = []
    for name in engine_names():
        try:
            return load_engine(name), "; ".join(reasons) or "preferred"
        except EngineMissing as error:
            reasons.append(str(error))
    raise EngineMissing("; ".join(reasons) or "no engine is registered: pip install hookproof")
