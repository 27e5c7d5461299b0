"""Plugins put together from random choices that are all legal, and single faults of them.

The pieces are those of `plugins-src/wat/watgen`: a base for each revision, of which choices replace one piece each. A
fault replaces one piece more, whatever the choices were, so that it is the only one.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from hypothesis import strategies as st

SOURCES = Path(__file__).resolve().parents[2] / "plugins-src" / "wat"
Pieces = Mapping[str, Any]
POST, STREAM = "post_hook", "http_stream_chunk_hook"


@cache
def watgen(module: str) -> Any:
    """Import a module of the generator of the shipped plugins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SOURCES))
        return importlib.import_module(f"watgen.{module}")


# -- what can be chosen -------------------------------------------------------------------------------

FIRST_FIT = """
;; Takes the first block of a list that is large enough, or one from the end of the heap. A header holds size and next.
(func $alloc (param $size i32) (result i32)
  (local $block i32) (local $before i32)
  (if (i32.gt_u (local.get $size) (i32.const 0x3fffffff)) (then (return (i32.const 0))))
  (local.set $size (i32.and (i32.add (local.get $size) (i32.const 15)) (i32.const -16)))
  (local.set $before (i32.const 60))
  (local.set $block (i32.load (i32.const 64)))
  (block $none
    (loop $next
      (br_if $none (i32.eqz (local.get $block)))
      (if (i32.ge_u (i32.load (local.get $block)) (local.get $size))
        (then
          (i32.store offset=4 (local.get $before) (i32.load offset=4 (local.get $block)))
          (return (i32.add (local.get $block) (i32.const 8)))))
      (local.set $before (local.get $block))
      (local.set $block (i32.load offset=4 (local.get $block)))
      (br $next)))
  (local.set $block (global.get $heap))
  (if (i32.eqz (call $reserve (i32.add (local.get $block) (i32.add (local.get $size) (i32.const 8)))))
    (then (return (i32.const 0))))
  (global.set $heap (i32.add (local.get $block) (i32.add (local.get $size) (i32.const 8))))
  (i32.store (local.get $block) (local.get $size))
  (i32.add (local.get $block) (i32.const 8)))
"""
FIRST_FIT_RELEASE = """
(func $release (param $pointer i32)
  (local $block i32)
  (if (i32.eqz (local.get $pointer)) (then (return)))
  (local.set $block (i32.sub (local.get $pointer) (i32.const 8)))
  (i32.store offset=4 (local.get $block) (i32.load (i32.const 64)))
  (i32.store (i32.const 64) (local.get $block)))
"""
NEVER = """
(func $alloc (param $size i32) (result i32)
  (local $pointer i32)
  (local.set $pointer (global.get $heap))
  (if (i32.eqz (call $reserve (i32.add (local.get $pointer) (i32.add (local.get $size) (i32.const 8)))))
    (then (return (i32.const 0))))
  (global.set $heap
    (i32.and (i32.add (local.get $pointer) (i32.add (local.get $size) (i32.const 7))) (i32.const -8)))
  (local.get $pointer))
"""
TOP = 0x3000000
"""Where the heap begins that grows downwards: 48 MiB, in a memory that never grows."""


def _lists() -> Pieces:
    return {}


def _top_down() -> Pieces:
    taking = watgen("base").ALLOC
    taking = taking.replace(
        "(i32.add (local.get $block) (i32.shl (i32.const 1) (local.get $class)))",
        "(i32.sub (local.get $block) (i32.shl (i32.const 1) (local.get $class)))",
    )
    taking = taking.replace(
        "(i32.lt_u (local.get $end) (local.get $block))", "(i32.lt_u (local.get $end) (i32.const &heap))"
    )
    taking = taking.replace("(if (i32.eqz (call $reserve (local.get $end))) (then (return (i32.const 0))))", "")
    taking = taking.replace(
        "(i32.store (local.get $block) (local.get $class))",
        "(local.set $block (local.get $end)) (i32.store (local.get $block) (local.get $class))",
    )
    heap = f"(global $heap (mut i32) (i32.const {TOP:#x}))"
    return {
        "memory": f'(memory (export "memory") {TOP >> 16})',
        "helpers": {"alloc": taking},
        "globals": {"heap": heap},
    }


def _resetting() -> Pieces:
    table = watgen("unusual_memory")
    live = "(global $live (mut i32) (i32.const 0))"
    return {"globals": {"live": live}, "helpers": {"alloc": table.BUMP, "release": table.COUNT_DOWN}}


ALLOCATORS: dict[str, Callable[[], Pieces]] = {
    "lists": _lists,
    "first-fit": lambda: {"helpers": {"alloc": FIRST_FIT, "release": FIRST_FIT_RELEASE}},
    "guarded": lambda: watgen("faulty_memory").gap(48),
    "unaligned": lambda: watgen("faulty_memory").gap(3),
    "resetting": _resetting,
    "top-down": _top_down,
    "never": lambda: {"helpers": {"alloc": NEVER, "release": "(func $release (param $pointer i32))"}},
}
STARTS = ("none", "section", "_initialize", "_start-returns", "_start-exits")
PLACES = ("own", "static", "inside-input")
IMPORTS = {
    "write": '(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))',
    "random": '(import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))',
    "abort": '(import "env" "abort" (func (param i32 i32 i32 i32)))',
}


@dataclass(frozen=True)
class Answer:
    """What a hook answers: a text, where the text lies, and how many of its first calls take a page of memory each."""

    text: str
    place: str
    grows: int


@dataclass(frozen=True)
class Choices:
    """One conforming plugin. `answers` by the name of the hook; a hook that has none passes on what it gets."""

    revision: str
    allocator: str
    own_names: bool
    sized_free: bool
    start: str
    grown: int
    imports: tuple[str, ...]
    data_start: int
    padding: int
    name: str
    name_place: str
    answers: Mapping[str, Answer]


def _spelled(value: Any, every: int) -> Any:
    """Write texts with an escape for each letter whose place is a multiple of `every` (0: for none)."""
    text = json.dumps(value, ensure_ascii=False)
    if not every:
        return text

    def escape(found: re.Match[str]) -> str:
        units = found[0].encode("utf-16-be")
        shown = "".join(f"\\u{units[n]:02x}{units[n + 1]:02X}" for n in range(0, len(units), 2))
        return shown if found.start() % every == 0 else found[0]

    return re.sub(r"[^\W\d_](?<!\\[bfnrtu])", escape, text) if isinstance(value, str) and "\\" not in text else text


def write(value: Any, every: int, space: str) -> str:
    """Write JSON with white space between all tokens, and with escapes."""
    if isinstance(value, dict):
        pairs = [
            f"{space}{_spelled(key, every)}{space}:{space}{write(inner, every, space)}" for key, inner in value.items()
        ]
        return "{" + ",".join(pairs) + space + "}"
    if isinstance(value, list):
        return "[" + ",".join(space + write(inner, every, space) for inner in value) + space + "]"
    return str(_spelled(value, every))


WORDS = st.sampled_from(["", "a", "naïve 世界 🙂", 'quo"ted \\ / text', "line\nbreak", "0", "null"])
EXTRA = st.dictionaries(
    st.sampled_from(["x_note", "Version", "trace_id", "世界"]),
    st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), WORDS, st.just({"a": [1, {"b": []}]})),
    max_size=3,
)
CONTEXT: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.just({}), st.dictionaries(st.sampled_from(["tenant", "seen"]), WORDS, max_size=2)
)
ERROR = st.sampled_from([None, "", "quota used up", "blocked by policy"])
RESPONSE = {"status_code": 403, "headers": {"X-Why": "policy"}, "body": "bm8="}
REFUSAL = {"error": {"error": {"message": "no"}}}
MEMBERS: dict[str, dict[str, Any]] = {
    "http_pre_hook": {"request": st.sampled_from([None, {}, {"headers": {"X-Team": "b"}}, {"body": "e30="}])},
    "http_post_hook": {},
    STREAM: {},
    "pre_hook": {"request": st.sampled_from([None, {}, {"provider": "openai", "model": "m", "input": []}])},
    POST: {},
}
FLAGGED: dict[str, tuple[str, str, Any]] = {
    "http_pre_hook": ("has_response", "response", RESPONSE),
    "pre_hook": ("has_short_circuit", "short_circuit", REFUSAL),
}
OLD_NAMES = {"http_intercept": "http_pre_hook", "http_transport_intercept": "http_pre_hook"}


@st.composite
def answers(draw: st.DrawFn, revision: str, hook: str) -> Answer:
    """Draw a legal answer of a hook: members in any order, null or absent where nothing is to be said."""
    role = OLD_NAMES.get(hook, hook)
    members: dict[str, Any] = {}
    absent = object()
    for name, values in {"context": CONTEXT, "error": ERROR, **MEMBERS[role]}.items():
        value = draw(st.one_of(st.just(absent), values))
        if value is not absent:
            members["hook_error" if name == "error" and role == POST and revision != "r0" else name] = value
    if role in FLAGGED:
        flag, member, value = FLAGGED[role]
        said = draw(st.sampled_from(["yes", "no", "null", "absent"]))
        if said != "absent":
            members |= {"yes": {flag: True, member: value}, "no": {flag: False, member: None}, "null": {flag: None}}[
                said
            ]
        if revision == "r0":
            members.pop(flag, None)
    if role == STREAM:
        members["skip"] = True
        members |= draw(st.sampled_from([{}, {"chunk": None}, {"chunk": None, "has_chunk": False}]))
    if role == POST and revision != "r0":
        members |= {"has_error": True, "error": {"error": {"message": "not good enough"}}}
    members |= draw(EXTRA)
    ordered = dict(draw(st.permutations(list(members.items()))))
    text = write(ordered, draw(st.sampled_from([0, 1, 3])), draw(st.sampled_from(["", " ", "\r\n\t"])))
    around = draw(st.sampled_from(["", " ", "\n"]))
    return Answer(around + text + around, draw(st.sampled_from(PLACES)), draw(st.sampled_from([0, 0, 3, 20])))


@st.composite
def choices(draw: st.DrawFn, revisions: tuple[str, ...] = ("r0", "r1", "r1b", "r2")) -> Choices:
    """Draw a conforming plugin."""
    revision = draw(st.sampled_from(revisions))
    hooks = list(watgen("base").HOOKS[revision])
    changed = draw(st.sets(st.sampled_from(hooks), min_size=1))
    return Choices(
        revision=revision,
        allocator=draw(st.sampled_from(sorted(ALLOCATORS))),
        own_names=draw(st.booleans()),
        sized_free=draw(st.booleans()),
        start=draw(st.sampled_from(STARTS)),
        grown=draw(st.sampled_from([0, 0, 1, 40])),
        imports=tuple(sorted(draw(st.sets(st.sampled_from(sorted(IMPORTS)))))),
        data_start=draw(st.sampled_from([1024, 1027, 4096, 60_000])),
        padding=draw(st.sampled_from([0, 1, 700, 5_000])),
        name=draw(st.sampled_from(["p", "naïve-世界", "word guard 2", "{not json", "a" * 300])),
        name_place=draw(st.sampled_from(["own", "static"])),
        answers={hook: draw(answers(revision, hook)) for hook in hooks if hook in changed},
    )


# -- putting it together ------------------------------------------------------------------------------

BEGIN = "(if (global.get $ready) (then (unreachable)))\n  (global.set $ready (i32.const 1))"
CHECK = "(if (i32.eqz (global.get $ready)) (then (unreachable)))\n"
GROW = "(if (i32.le_u (call $count) (i32.const {})) (then (drop (memory.grow (i32.const 1)))))\n"
INSIDE = """(if (result i64) (i32.lt_u (local.get $length) (i32.const #{name}))
  (then (call $answer (i32.const &{name}) (i32.const #{name})))
  (else
    (memory.copy (local.get $input) (i32.const &{name}) (i32.const #{name}))
    (call $pack (local.get $input) (i32.const #{name}))))"""


def placed(name: str, place: str) -> str:
    """Write the body of a function that answers the constant of that name."""
    if place == "static":
        return f"(call $pack (i32.const &{name}) (i32.const #{name}))"
    if place == "inside-input":
        return INSIDE.format(name=name)
    return f"(call $answer (i32.const &{name}) (i32.const #{name}))"


def _starting(chosen: Choices) -> Pieces:
    grow = f"(drop (memory.grow (i32.const {chosen.grown})))" if chosen.grown and chosen.allocator != "top-down" else ""
    body = f"{BEGIN}\n  {grow}"
    match chosen.start:
        case "none":
            return {"globals": {"ready": "(global $ready (mut i32) (i32.const 1))"}}
        case "section":
            start: Pieces = {"tail": {"start": f"(func $begin\n  {body})\n(start $begin)"}}
        case "_start-exits":
            leaving = f'(func (export "_start")\n  {body}\n  (call $proc_exit (i32.const 0)))'
            start = {"exports": {"_start": leaving}, **watgen("faulty_lifecycle").EXIT}
        case "_start-returns":
            start = {"exports": {"_start": f'(func (export "_start")\n  {body})'}}
        case name:
            start = {"exports": {name: f'(func (export "{name}")\n  {body})'}}
    merged: Pieces = watgen("edits").merge(start, {"globals": {"ready": "(global $ready (mut i32) (i32.const 0))"}})
    return merged


def names(chosen: Choices) -> tuple[str, str]:
    """Name the allocator and its counterpart."""
    first, second = watgen("base").allocator_names(chosen.revision)
    return ("malloc", "free") if chosen.revision == "r0" and chosen.own_names else (first, second)


def _allocator(chosen: Choices) -> Pieces:
    malloc, free = names(chosen)
    size = " (param $size i32)" if chosen.sized_free else ""
    exports: dict[str, str | None] = dict.fromkeys(watgen("base").allocator_names(chosen.revision))
    exports[malloc] = f'(func (export "{malloc}") (param $size i32) (result i32)\n  (call $alloc (local.get $size)))'
    # Static results are handed to `free` too: what lies below the heap was never taken from it.
    given = "(if (i32.ge_u (local.get $pointer) (i32.const &heap)) (then (call $release (local.get $pointer))))"
    exports[free] = f'(func (export "{free}") (param $pointer i32){size}\n  {given})'
    return {"exports": exports}


def assemble(chosen: Choices, *faults: Pieces) -> Any:
    """Put a plugin together, a `watgen.plugin.Plugin`, with faults on top."""
    edits, base = watgen("edits"), watgen("base")
    count = edits.COUNTER
    pieces: list[Pieces] = [ALLOCATORS[chosen.allocator](), _allocator(chosen), _starting(chosen), count]
    for hook in base.HOOKS[chosen.revision]:
        answer = chosen.answers.get(hook)
        body = base.pass_on(chosen.revision, hook) if answer is None else placed(hook, answer.place)
        grow = (
            GROW.format(answer.grows) if answer is not None and answer.grows and chosen.allocator != "top-down" else ""
        )
        text = {} if answer is None else {"constants": {hook: answer.text.encode()}}
        pieces += [text, edits.doing(chosen.revision, hook, CHECK + grow + body)]
    pieces.append(watgen("faulty_lifecycle").get_name(CHECK + placed("name", chosen.name_place)))
    constants = {"name": chosen.name.encode(), "padding": bytes(range(1, 251)) * (chosen.padding // 250)}
    pieces.append({"constants": constants, "imports": {key: IMPORTS[key] for key in chosen.imports}})
    made = base.base(chosen.revision).with_(data_start=chosen.data_start, **edits.merge(*pieces))
    return made.with_(name="random", title="put together", **edits.merge(*faults)) if faults else made


def text_of(plugin: Any) -> str:
    """Write the module's text."""
    text: str = watgen("plugin").render(plugin)
    return text


def compiled(text: str) -> bytes:
    """Translate a module's text."""
    return bytes(wasmtime.wat2wasm(text))


# -- single faults ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """A fault: the id that it breaks, what it does to a plugin of those choices, and a config where it needs one."""

    breaks: str
    title: str
    revisions: tuple[str, ...]
    pieces: Callable[[Choices], Pieces]
    config: bytes | None = None

    def __repr__(self) -> str:
        """Show what a failing example is about."""
        return f"<{self.breaks}: {self.title}>"


EVERY = ("r0", "r1", "r1b", "r2")


def _malloc(body: str) -> Callable[[Choices], Pieces]:
    def pieces(chosen: Choices) -> Pieces:
        name, _ = names(chosen)
        return {"exports": {name: f'(func (export "{name}") (param $size i32) (result i32)\n  {body})'}}

    return pieces


def _free(body: str) -> Callable[[Choices], Pieces]:
    def pieces(chosen: Choices) -> Pieces:
        _, name = names(chosen)
        size = " (param $size i32)" if chosen.sized_free else ""
        return {"exports": {name: f'(func (export "{name}") (param $pointer i32){size}\n  {body})'}}

    return pieces


def _always(pieces: Pieces) -> Callable[[Choices], Pieces]:
    return lambda _chosen: pieces


def _function(name: str, text: str) -> Callable[[Choices], Pieces]:
    return _always({"exports": {name: f'(func (export "{name}") {text})'}})


STATUS = "(result i32) (i32.const {})"
TWO = "(param i32 i32)"
LIFE = [
    Fault("BIFROST-NAME-001", "get_name answers 0", EVERY, _function("get_name", "(result i64) (i64.const 0)")),
    Fault("BIFROST-NAME-003", "the name ends with NUL", EVERY, _always({"constants": {"name": b"name\0"}})),
    Fault("BIFROST-NAME-006", "the name is JSON", EVERY, _always({"constants": {"name": b'"name"'}})),
    Fault("BIFROST-NAME-005", "get_name traps", EVERY, _function("get_name", "(result i64) (unreachable)")),
    Fault("BIFROST-TYPE-003", "get_name answers i32", EVERY, _function("get_name", "(result i32) (i32.const 0)")),
    Fault("BIFROST-EXPORT-004", "no get_name", EVERY, _always({"exports": {"get_name": None}})),
    Fault("BIFROST-INIT-001", "init answers 1", EVERY, _function("init", f"{TWO} {STATUS.format(1)}"), b"{}"),
    Fault("BIFROST-INIT-002", "init traps", EVERY, _function("init", f"{TWO} (result i32) (unreachable)")),
    Fault("BIFROST-TYPE-004", "init answers nothing", EVERY, _function("init", TWO)),
    Fault("BIFROST-CLEANUP-001", "cleanup answers 1", EVERY, _function("cleanup", STATUS.format(1))),
    Fault("BIFROST-CLEANUP-002", "cleanup traps", EVERY, _function("cleanup", "(result i32) (unreachable)")),
    Fault("BIFROST-TYPE-006", "cleanup answers nothing", EVERY, _function("cleanup", "")),
    Fault("BIFROST-EXPORT-006", "no cleanup", EVERY, _always({"exports": {"cleanup": None}})),
    Fault("BIFROST-LOAD-001", "a foreign import", EVERY, _always({"imports": {"x": '(import "env" "now" (func))'}})),
    Fault("BIFROST-LOAD-002", "start-up traps", EVERY, _function("_initialize", "(unreachable)")),
    Fault("BIFROST-TYPE-007", "start-up takes a number", EVERY, _function("_initialize", "(param i32)")),
    Fault("BIFROST-ALLOC-001", "malloc answers 0", EVERY, _malloc("(i32.const 0)")),
    Fault("BIFROST-ALLOC-002", "malloc answers the last byte", EVERY, _malloc("(i32.const -1)")),
    Fault("BIFROST-ALLOC-005", "malloc traps", EVERY, _malloc("(unreachable)")),
    Fault("BIFROST-FREE-001", "free traps", EVERY, _free("(unreachable)")),
]
HOOK_FAULTS = [
    ("BIFROST-TRAP-001", "traps", "(unreachable)"),
    ("BIFROST-TRAP-002", "does not end", "(loop $ever (br $ever))\n(unreachable)"),
    ("BIFROST-PACK-001", "answers from far behind the end of memory", "(i64.const 0xfffffff000000010)"),
    ("BIFROST-PACK-002", "answers 0", "(i64.const 0)"),
]


def _hook_fault(breaks: str, title: str, hook: str, body: str, revision: str) -> Fault:
    return Fault(breaks, f"{hook} {title}", (revision,), _always(watgen("edits").doing(revision, hook, body)))


def _text_fault(breaks: str, title: str, hook: str, spoil: Callable[[bytes], bytes], revision: str) -> Fault:
    plain = watgen("faulty_text").plain(revision, hook)
    pieces = watgen("edits").answering(revision, hook, spoil(plain))
    return Fault(f"BIFROST-{breaks}", f"the answer of {hook} {title}", (revision,), _always(pieces))


def _answer_fault(row: Any, revision: str) -> Fault:
    members, edits = watgen("faulty_members"), watgen("edits")
    hook = edits.http_hook(revision) if row.hook == "http" else row.hook
    answer = re.sub(r'"has_\w+":true,', "", row.json) if revision == "r0" else row.json
    echoes = hook == members.POST and revision != "r0" and not row.always
    pieces = edits.unless_error(POST, answer) if echoes else edits.answering(revision, hook, answer)
    return Fault(f"BIFROST-{row.breaks}", f"{row.title} in the answer of {hook}", (revision,), _always(pieces))


@cache
def faults() -> tuple[Fault, ...]:
    """Give every fault: of life and memory, of each hook, of each row of the tables of texts and answers."""
    made = list(LIFE)
    for revision, hooks in watgen("base").HOOKS.items():
        for hook in hooks:
            made += [_hook_fault(breaks, title, hook, body, revision) for breaks, title, body in HOOK_FAULTS]
            made += [
                _text_fault(breaks, title, hook, spoil, revision)
                for breaks, slug, title, spoil in watgen("faulty_text").ROWS
                # An answer without the member cannot hold it twice.
                if slug != "twice" or b'"error"' in watgen("faulty_text").plain(revision, hook)
            ]
    rows = [row for row in watgen("faulty_members").rows() if getattr(row, "when", None) is None]
    return (*made, *(_answer_fault(row, revision) for row in rows for revision in row.revisions))


@st.composite
def faulty(draw: st.DrawFn) -> tuple[Choices, Fault]:
    """Draw a rule, a fault that breaks it, and a plugin to put it into."""
    ids = sorted({fault.breaks for fault in faults()})
    breaks = draw(st.sampled_from(ids))
    fault = draw(st.sampled_from([each for each in faults() if each.breaks == breaks]))
    return draw(choices(fault.revisions)), fault
