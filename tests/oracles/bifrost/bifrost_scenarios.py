"""The scenarios: read from TOML, checked for misspelt members, and made explicit.

A scenario file says what is particular; `load` fills in the rest and turns the short forms into one explicit
form, which the Go program reads as JSON and `bifrost_scripted` plays through our own pipeline. README.md
lists the members and short forms.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCENARIOS = HERE / "scenarios"
TRACES = HERE / "traces"

Table = dict[str, Any]

_TOP = {
    "title",
    "why",
    "level",
    "stream",
    "stand",
    "post_after_stream",
    "context",
    "watch",
    "request",
    "http",
    "plugins",
    "providers",
    "expect",
    "not_called",
    "not_exported",
    "notes",
}
_REQUEST = {"provider", "model", "content", "fallbacks"}
_FAILURE = {"message", "type", "code", "status_code", "allow_fallbacks"}
_LLM_HOOKS = ("pre_hook", "post_hook")
_HTTP_HOOKS = ("http_pre_hook", "http_post_hook", "http_stream_chunk_hook")
_STEP = {
    "pre_hook": {"context", "request", "answer", "refuse", "short_circuit", "error", "raises", "native"},
    "post_hook": {"context", "response", "error", "recovered", "hook_error", "raises", "native"},
    "http_pre_hook": {
        "context",
        "headers",
        "query",
        "body",
        "method",
        "path",
        "respond",
        "error",
        "raises",
    },
    "http_post_hook": {"context", "error", "raises"},
    "http_stream_chunk_hook": {"context", "keep", "send", "drop", "stop", "error", "raises"},
}
_FALLBACK_KEYS = ("bifrost-fallback-index", "fallback-request-id")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: `script` is its explicit form, `expect` our trace where it is not the vendor's, `stand` why."""

    name: str
    title: str
    why: str
    level: str
    stand: str | None
    script: Table
    http: Table
    post_after_stream: bool
    expect: list[Table] | None
    not_called: list[str]
    not_exported: list[str] | None
    notes: list[str]

    @property
    def native(self) -> bool:
        """Whether the vendor's module can play it: it has no caller for the HTTP hooks."""
        return self.level == "llm"

    @property
    def trace_path(self) -> Path:
        """Where the module's own trace is recorded."""
        return TRACES / f"{self.name}.json"


def load_all() -> list[Scenario]:
    """Every scenario, by file name."""
    return [load(path) for path in sorted(SCENARIOS.glob("*.toml"))]


def load(path: Path) -> Scenario:
    """One scenario. Raises `ValueError` for a member that it does not know."""
    text = tomllib.loads(path.read_text("utf-8"))
    _known(text, _TOP, path.name)
    level = text.get("level", "llm")
    if level not in ("llm", "http"):
        raise ValueError(f"{path.name}: level {level!r}")
    request = {"provider": "primary", "model": "m", "content": "hello", **text.get("request", {})}
    _known(request, _REQUEST, f"{path.name}: request")
    stream = text.get("stream", False)
    plugins = [_plugin(entry, level, path.name) for entry in text.get("plugins", [])]
    context = {"request_id": "req-1", **text.get("context", {})}
    replies = text.get("providers", {"primary": [_default_reply(stream)]})
    return Scenario(
        name=path.stem,
        title=text["title"],
        why=text["why"],
        level=level,
        stand=text.get("stand"),
        script={
            "name": path.stem,
            "context": context,
            "watch": _watched(context, plugins, text),
            "request": request,
            "stream": stream,
            "plugins": plugins,
            "providers": {name: [_reply(reply, path.name) for reply in replies[name]] for name in replies},
        },
        http=text.get("http", {}),
        post_after_stream=text.get("post_after_stream", False),
        expect=text.get("expect"),
        not_called=text.get("not_called", []),
        not_exported=text.get("not_exported"),
        notes=text.get("notes", []),
    )


def _known(table: Table, names: Iterable[str], where: str) -> None:
    unknown = table.keys() - set(names)
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}")


def _default_reply(stream: bool) -> Any:
    return ["Hel", "lo", {"finish_reason": "stop"}] if stream else "hi"


def _watched(context: Table, plugins: list[Table], text: Table) -> list[str]:
    """The context keys that a trace shows: those that the scenario speaks of."""
    keys = set(context) | set(text.get("watch", []))
    if "fallbacks" in text.get("request", {}):
        keys |= set(_FALLBACK_KEYS)
    for plugin in plugins:
        for hook in (*_LLM_HOOKS, *_HTTP_HOOKS):
            for step in (plugin[hook] or {"steps": []})["steps"]:
                keys |= set(step.get("context", {}))
    return sorted(keys)


def _plugin(entry: Table, level: str, where: str) -> Table:
    """A hook that is exported and has no script passes through; one that is not exported is None."""
    hooks = _LLM_HOOKS if level == "llm" else (*_LLM_HOOKS, *_HTTP_HOOKS)
    _known(entry, {"name", "exports", *hooks}, where)
    exports = entry.get("exports", hooks)
    plugin: Table = {"name": entry["name"]}
    for hook in (*_LLM_HOOKS, *_HTTP_HOOKS):
        steps = entry.get(hook, [])
        one = isinstance(steps, dict)
        made = [_step(step, hook, where) for step in ([steps] if one else steps)]
        plugin[hook] = {"steps": made, "repeat": one} if hook in exports else None
    return plugin


def _step(step: Table, hook: str, where: str) -> Table:
    _known(step, _STEP[hook], f"{where}: {hook}")
    if hook == "pre_hook":
        return _pre_step(step)
    if hook == "post_hook":
        return _post_step(step)
    return step


def _pre_step(step: Table) -> Table:
    kept: Table = {key: step[key] for key in ("context", "request", "error", "raises", "native") if key in step}
    _known(kept.get("request", {}), _REQUEST, "pre_hook.request")
    short = step.get("short_circuit")
    if "answer" in step or "refuse" in step:
        short = {"response": step.get("answer"), "error": step.get("refuse")}
        _known(short["error"] or {}, _FAILURE, "pre_hook.refuse")
    return kept if short is None else {**kept, "short_circuit": short}


def _post_step(step: Table) -> Table:
    kept: Table = {key: step[key] for key in ("context", "hook_error", "raises", "native") if key in step}
    if "error" in step:
        _known(step["error"], _FAILURE, "post_hook.error")
        return {**kept, "effect": "error", "failure": step["error"]}
    for effect, member in (("response", "response"), ("recovered", "recovered")):
        if member in step:
            return {**kept, "effect": effect, "response": step[member]}
    return {**kept, "effect": "unchanged"}


def _reply(reply: Any, where: str) -> Table:
    if isinstance(reply, str):
        return {"response": reply}
    if isinstance(reply, list):
        return {"stream": [_chunk(chunk, where) for chunk in reply]}
    _known(reply, _FAILURE, where)
    return {"error": reply}


def _chunk(chunk: Any, where: str) -> Table:
    if isinstance(chunk, str):
        return {"text": chunk}
    if "message" in chunk:
        _known(chunk, _FAILURE, where)
        return {"error": chunk}
    _known(chunk, {"text", "finish_reason"}, where)
    return dict(chunk)
