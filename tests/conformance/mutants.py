"""Delete checks from the Bifrost suite, one at a time, and name those that no shipped plugin misses.

    python tests/conformance/mutants.py [MODULE ...] [--sample N]

A mutant is one module of the suite with one thing taken away: the body of a test, a branch, a condition or a part of
one, a row of a table, an alternative of a pattern. It is found where a plugin of the plain run is judged otherwise than
it should be, or where the suite breaks. Exit code 1 where some are not found.

What plugins of one fault cannot show has tests of its own: a deadline that fires and a limit of the host's
(`test_bifrost_deadline`), the profile `lenient` (`test_bifrost_profiles`), instances that are dead after their start
(`test_bifrost_exits`), what is metered in one instance after another (`test_bifrost_meter`).
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path
from random import Random
from types import FrameType, ModuleType
from typing import Any
from unittest.mock import patch

from asked import PLAIN, PLUGINS
from judged import PACKAGE, Item, catalogue, engine_named, items_of, new_lab, play, suite_items
from shipped import CONFORMING, FAULTY, Shipped

from conformance.judging.records import ItemOutcome, Outcome
from conformance.judging.terms import make_subject
from conformance.resources import Resource, find
from reference_host.abi.interface import NOTHING_GIVEN

SUITE = find(Resource.SUITES) / "bifrost"
SECONDS = 60
"""What a plugin may take; a mutant that loops for ever is found."""


# -- taking something away ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Mutant:
    """A module's text with something taken away; `what` and `line` tell what."""

    module: str
    line: int
    what: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.what}"


def mutants_of(module: str) -> Iterator[Mutant]:
    """Give every mutant of a module."""
    source = ast.parse(files()[module].read_text())
    places = [node for node in ast.walk(source) if isinstance(node, ast.stmt | ast.expr)]
    public = {id(inner) for node in source.body if isinstance(node, ast.Assign) for inner in _public(node)}
    for number, node in enumerate(places):
        if id(node) in public:
            continue
        for what, change in _changes(node):
            tree = copy.deepcopy(source)
            same = [each for each in ast.walk(tree) if isinstance(each, ast.stmt | ast.expr)][number]
            change(same)
            yield Mutant(module, node.lineno, what, ast.fix_missing_locations(tree))


def _public(node: ast.Assign) -> Iterator[ast.AST]:
    """The parts of `__all__`, of which nothing depends."""
    if [ast.unparse(target) for target in node.targets] == ["__all__"]:
        yield from ast.walk(node)


Change = tuple[str, Callable[[Any], None]]


def _changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.FunctionDef(name=name) if name.startswith("test_"):
            yield f"{name} passes", _pass
        case ast.If(test=test) | ast.IfExp(test=test):
            yield f"without: if {_short(test)}", _never
        case ast.ListComp(generators=loops) | ast.SetComp(generators=loops) | ast.GeneratorExp(generators=loops):
            for turn, loop in enumerate(loops):
                for number, test in enumerate(loop.ifs):
                    yield f"without: if {_short(test)}", partial(_unfiltered, turn=turn, number=number)
        case ast.BoolOp(values=values):
            yield from _without("values", values, "condition", lambda value: " is " not in ast.unparse(value))
        case ast.Tuple(elts=rows) | ast.List(elts=rows) | ast.Set(elts=rows) if _is_table(rows):
            yield from _without("elts", rows, "row")
        case ast.Expr(value=ast.Yield() | ast.Call() as value):
            yield f"without: {_short(value)}", _pass_by
        case ast.Call(func=ast.Name(id="_finding" | "_first"), args=rows):
            yield from _without("args", rows, "argument")
        case ast.Call(func=ast.Attribute(attr="compile"), args=[ast.Constant(value=str(pattern)), *_]):
            parts = _alternatives(pattern)
            for number, part in enumerate(parts):
                left = "|".join(parts[:number] + parts[number + 1 :])
                yield f"without the alternative {part!r}", partial(_set_pattern, pattern=left)


def _without(
    field: str, rows: Sequence[ast.expr], what: str, wanted: Callable[[ast.expr], bool] = lambda _row: True
) -> Iterator[Change]:
    for number, row in enumerate(rows):
        if wanted(row):
            yield f"without the {what} {_short(row)}", partial(_drop, field=field, number=number)


def _short(node: ast.AST | None) -> str:
    text = "" if node is None else " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:88]}…"


def _is_table(rows: Sequence[ast.expr]) -> bool:
    """Whether the elements are worth taking away one by one: not those of a type, nor of several values together."""
    plain = ast.Tuple | ast.Call | ast.Attribute | ast.Constant
    return len(rows) > 1 and all(isinstance(row, plain) for row in rows)


def _pass(same: ast.FunctionDef) -> None:
    same.body = ast.parse("judge.passed('mutant')").body


def _never(same: ast.If | ast.IfExp) -> None:
    same.test = ast.Constant(value=False)


def _unfiltered(same: ast.ListComp | ast.SetComp | ast.GeneratorExp, *, turn: int, number: int) -> None:
    del same.generators[turn].ifs[number]


def _drop(same: ast.AST, *, field: str, number: int) -> None:
    del getattr(same, field)[number]


def _pass_by(same: ast.Expr) -> None:
    same.value = ast.Constant(value=None)


def _alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern that stand outside of all brackets."""
    parts, depth, escaped = [""], 0, False
    for letter in pattern:
        depth += 0 if escaped else (letter in "([") - (letter in ")]")
        if letter == "|" and depth == 0 and not escaped:
            parts.append("")
        else:
            parts[-1] += letter
        escaped = letter == "\\" and not escaped
    return parts if len(parts) > 1 else []


def _set_pattern(same: ast.Call, *, pattern: str) -> None:
    same.args[0] = ast.Constant(value=pattern)


# -- the suite with a mutant in it --------------------------------------------------------------------


@cache
def files() -> dict[str, Path]:
    """The suite's modules by their names in it: `lab`, `messages`, `messages.http`."""
    found = {}
    for path in sorted(SUITE.rglob("*.py")):
        parts = path.relative_to(SUITE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name not in ("", "conftest"):
            found[name] = path
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of the suite that a module imports."""
    path = files()[module]
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            origin = resolve_name("." * node.level + (node.module or ""), _package(module))
            named |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in files() if f"{PACKAGE}.{name}" in named)


def _package(module: str) -> str:
    whole = f"{PACKAGE}.{module}"
    return whole if files()[module].name == "__init__.py" else whole.rpartition(".")[0]


@cache
def order() -> tuple[str, ...]:
    """The suite's modules, each behind those that it imports."""
    needs = {name: imports(name) for name in files()}
    return tuple(TopologicalSorter(needs).static_order())


@cache
def needing(module: str) -> tuple[str, ...]:
    """The module itself and what imports it, at any distance, in order."""
    found = {module}
    for name in order():
        if imports(name) & found:
            found.add(name)
    return tuple(name for name in order() if name in found)


@cache
def _code(module: str) -> Any:
    return compile(files()[module].read_text(), str(files()[module]), "exec")


@contextmanager
def installed(mutant: Mutant) -> Iterator[list[ModuleType]]:
    """Put a mutant in place of its module, and make anew what imports it: the test modules among them."""
    # What is not made anew stays the very objects that labs are made of: all of it is there before.
    suite_items()
    package = importlib.import_module(PACKAGE)
    made: dict[str, ModuleType] = {}
    with patch.dict(sys.modules), patch.dict(vars(package)):
        for name in needing(mutant.module):
            module = made[name] = ModuleType(f"{PACKAGE}.{name}")
            module.__package__ = _package(name)
            sys.modules[module.__name__] = module
            setattr(package, name, module)
            if files()[name].name == "__init__.py":
                module.__path__ = [str(files()[name].parent)]
            exec(compile(mutant.tree, f"{name}.py", "exec") if name == mutant.module else _code(name), vars(module))
        yield [made[name] for name in sorted(made) if name.startswith("test_")]


def _outcomes(items: Iterable[Item], lab: Any) -> dict[str, list[ItemOutcome]]:
    """What the items of each requirement find."""
    found: dict[str, list[ItemOutcome]] = {}
    for item in items:
        if catalogue().get(item.requirement).applies_to(lab.subject.revision):
            found.setdefault(item.requirement, []).append(replace(play(item, lab), violations=()))
    return found


@cache
def _listed(plugin: Shipped) -> dict[str, list[ItemOutcome]]:
    """What `asked.json` tells of a plugin."""
    return _outcomes(suite_items(), _lab(plugin))


def _lab(plugin: Shipped) -> Any:
    engine = engine_named("wasmtime")
    terms = plugin.terms(plugin.scope)
    if plugin in PLUGINS.values():
        terms = replace(terms, given=NOTHING_GIVEN)
    subject = make_subject(str(plugin.path), plugin.binary, terms, engine.name)
    return new_lab(subject, engine.compile(plugin.binary))


class _TooLong(Exception):
    pass


@contextmanager
def _limited() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _TooLong

    former = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def _is_found(asked: Sequence[Item], plugin: Shipped, lab: Callable[[], Any]) -> bool:
    """Whether a plugin is judged by the items of a mutant otherwise than it should be, or than it is listed."""
    try:
        with _limited():
            found = _outcomes(asked, lab())
    except Exception:  # noqa: BLE001  # whatever a mutant breaks down with, it is found
        return True
    if plugin in PLUGINS.values():
        return found != {key: outcomes for key, outcomes in _listed(plugin).items() if key in found}
    broken = {key for key, outcomes in found.items() if any(each.outcome is Outcome.FAILED for each in outcomes)}
    return broken != {plugin.breaks} & found.keys()


def _itself(lab: Any) -> Any:
    return lab


def _alone(plugins: Sequence[Shipped], sample: int, mutants: Sequence[Mutant]) -> list[Mutant]:
    """Give the survivors of a module that only rules are made of: they share what was recorded of a plugin."""
    alive: dict[Mutant, list[Item]] = {}
    for mutant in mutants:
        # One that cannot even be imported is found.
        with suppress(Exception), installed(mutant) as modules:
            alive[mutant] = list(items_of(modules))
    ids = {item.requirement for items in alive.values() for item in items}
    near = [each for each in plugins if each.breaks in ids]
    legal = [each for each in plugins if each.breaks is None and each.scope == "quick"]
    # First whether a fault is still found, then whether anything else is found, where it is not.
    rounds: list[tuple[Shipped, set[str | None]]] = [(each, {each.breaks}) for each in near]
    rounds += [(each, {*ids}) for each in (*PLUGINS.values(), *legal, *near[::3], *plugins[:sample])]
    for plugin, only in rounds:
        if not alive:
            break
        lab = _lab(plugin)
        for mutant, items in list(alive.items()):
            if _is_found([item for item in items if item.requirement in only], plugin, partial(_itself, lab)):
                del alive[mutant]
    return list(alive)


def _along(plugins: Sequence[Shipped], mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """Give the survivors of a module that decides what is done with a plugin: each judges every plugin anew."""
    for plugin in PLUGINS.values():
        # Before any mutant is in place.
        _listed(plugin)
    for mutant in mutants:
        # One that cannot even be imported is found.
        with suppress(Exception), installed(mutant) as modules:
            items = list(items_of(modules))
            if not any(_is_found(items, each, partial(_lab, each)) for each in plugins):
                yield mutant


def survivors(module: str, plugins: Sequence[Shipped], sample: int, mutants: Sequence[Mutant]) -> list[Mutant]:
    """Give the mutants of a module that none of the plugins finds."""
    if "lab" not in needing(module):
        return _alone(plugins, sample, mutants)
    return list(_along(plugins[: len(PLUGINS) + sample], mutants))


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="modules of the suite, such as test_members (all)")
    parser.add_argument(
        "--sample",
        type=int,
        default=10_000,
        metavar="N",
        help="judge so many plugins that have nothing to do with the module",
    )
    parser.add_argument("--mutants", type=int, metavar="N", help="so many mutants of each module, drawn at random")
    given = parser.parse_args()
    ours = [each for each in (*FAULTY, *CONFORMING) if each.language == "wat"]
    # Those that need scope `full` last: they take their time.
    drawn = sorted(Random(3).sample(ours, len(ours)), key=lambda each: each.scope == "full")
    plugins = [*PLAIN.values(), *PLUGINS.values(), *drawn]
    left = 0
    for module in given.modules or order():
        mutants = list(mutants_of(module))
        if given.mutants and given.mutants < len(mutants):
            mutants = Random(3).sample(mutants, given.mutants)
        alive = survivors(module, plugins, given.sample, mutants)
        left += len(alive)
        sys.stdout.write(f"{module}: {len(mutants)} mutants, {len(alive)} not found\n")
        for mutant in alive:
            sys.stdout.write(f"  {mutant}\n")
        sys.stdout.flush()
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
