"""One function of a module: from its bytes to Python source, and to a code object.

What the function uses of its instance (memory, globals, other functions) are free variables, `f12` or `MI`; an instance
gives each function cells for them. So one code object serves every instance, and a view that changes when the memory
grows is changed in one cell for all functions.

Source: WebAssembly Core Specification 2.0, section 4.4.10 (function calls).
"""

from __future__ import annotations

import contextlib
from types import CodeType

from reference_host.engine.purepy.blocks import BodyTranslator
from reference_host.engine.purepy.graph import Graph, Style
from reference_host.engine.purepy.module import WasmModule
from reference_host.engine.purepy.operands import LARGEST, ZEROS
from reference_host.engine.purepy.structure import structure

VERSION = 4
"""Of the translator: translations that are kept from another version are not used."""

FILE = "<wasm>"
"""What translated functions have for a file, in tracebacks and profiles."""

WIDE = 400
"""Places of one frame above which the frames of a function are counted one by one."""

_FORMS = ((False, LARGEST), (True, LARGEST), (True, 4))
"""Ways to write a function, the best first: as a search tree or not, and how large expressions may become."""


def translate(module: WasmModule, index: int, style: Style) -> CodeType:
    """Translate the function `index` of a valid module; its free variables are named in `co_freevars`."""
    code = _translated(module, index, style, 0)
    places = code.co_nlocals + code.co_stacksize
    if places > WIDE:
        code = _translated(module, index, style, places)
    name = module.function_names.get(index, f"f{index}")
    return code.replace(co_name=name, co_filename=FILE)


def source(module: WasmModule, index: int, style: Style) -> str:
    """Give the Python source of a function, for people to read."""
    return _source(module, index, style, BodyTranslator(module, index, style).translate(), 0, flat=False)


def _translated(module: WasmModule, index: int, style: Style, places: int) -> CodeType:
    """Translate into the best form that this interpreter takes; `places` are counted where there are many."""
    for flat, largest in _FORMS[:-1]:
        graph = BodyTranslator(module, index, style, largest).translate()
        with contextlib.suppress(SyntaxError, RecursionError, MemoryError):
            return _compiled(_source(module, index, style, graph, places, flat=flat))
    flat, largest = _FORMS[-1]
    graph = BodyTranslator(module, index, style, largest).translate()
    return _compiled(_source(module, index, style, graph, places, flat=flat))


def _compiled(text: str) -> CodeType:
    outer = compile(text, FILE, "exec", dont_inherit=True, optimize=2)
    for _ in range(2):
        outer = next(constant for constant in outer.co_consts if isinstance(constant, CodeType))
    return outer


def _source(module: WasmModule, index: int, style: Style, graph: Graph, places: int, *, flat: bool) -> str:
    parameters, _ = module.signatures[module.info.functions[index]]
    body = module.bodies[index - module.imported_functions]
    names, lines = set(graph.names), structure(graph, style, flat=flat)
    heads: list[str] = []
    if graph.assigned:
        heads.append(f"  nonlocal {', '.join(sorted(graph.assigned))}")
    for zero in ("0", "0.0", "None"):
        same = [name for name, type_ in _locals(body.locals, len(parameters), graph.locals) if ZEROS[type_] == zero]
        if same:
            heads.append(f"  {' = '.join(same)} = {zero}")
    if not style.exact:
        if graph.branches:
            heads.append("  for _ in ticks: break")
        names.add("ticks")
    if places:
        names.add("stacked")
        heads += [f"  stacked({places})", "  try:"]
        lines = [*(f" {line}" for line in lines), f"  finally: stacked({-places})"]
    given = ", ".join([f"l{at}" for at in range(len(parameters))])
    return "\n".join([f"def F({', '.join(sorted(names))}):", f" def f{index}({given}):", *heads, *lines, ""])


def _locals(runs: tuple[tuple[int, int], ...], first: int, used: frozenset[int]) -> list[tuple[str, int]]:
    found = []
    for count, type_ in runs:
        found += [(f"l{at}", type_) for at in range(first, first + count) if at in used]
        first += count
    return found
