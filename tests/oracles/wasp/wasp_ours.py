"""Play a scenario on our own host; what happened comes back in the words of `wasp_expected`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wasp_events import NOTES, in_order
from wasp_scenarios import PLUGIN, Scenario, Table

from reference_host.abi.wasp import Callbacks, Engine, Instance, PluginConfig, Profile, Signature, Type, Value
from reference_host.abi.wasp.events import Allocated, Event, Freed, FreeFailed, NotFreed
from reference_host.engine.interface import Limits
from reference_host.engine.registry import load_engine
from reference_host.errors import (
    AllocationFailed,
    ArgumentMismatch,
    CallbackFailed,
    CallFailed,
    FunctionNotFound,
    GuestError,
    HookproofError,
    ImportNotFound,
    InstanceLost,
    MissingExport,
    ModuleError,
    PluginNotFound,
    StartFailed,
    StringSizeFailed,
    Trap,
    TrapCode,
    UnresolvedImport,
    UnsupportedResult,
    ValueOutOfBounds,
    WasiUndetected,
)

LIMITS = Limits(fuel=5 * 10**8)
"""The real host has none; a scenario that never ends has to."""

KINDS: dict[type[HookproofError], str] = {
    AllocationFailed: "allocation",
    ArgumentMismatch: "arguments",
    CallbackFailed: "callback",
    FunctionNotFound: "no such function",
    InstanceLost: "instance lost",
    MissingExport: "no memory",
    ModuleError: "module",
    PluginNotFound: "no such plugin",
    StringSizeFailed: "string size",
    UnresolvedImport: "import",
    UnsupportedResult: "result type",
    ValueOutOfBounds: "out of bounds",
    WasiUndetected: "import",
}


class Unexpected(Exception):
    """Our host raised what no scenario knows."""


class Stage:
    """What has happened since somebody last asked."""

    def __init__(self, scenario: Scenario) -> None:
        self.noted = scenario.noted
        self.hushed = scenario.table.get("quiet", False)
        self.guest: list[Any] = []
        self.callbacks: list[Any] = []
        self.instances: list[Instance] = []
        self.quiet = False

    def take(self, memory: list[Any]) -> Table:
        """The events of a call, as a record has them."""
        found = {
            "callbacks": self.callbacks,
            "guest": in_order(self.guest),
            "memory": in_order([] if self.noted else memory),
        }
        self.guest, self.callbacks = [], []
        return {name: events for name, events in found.items() if events and not (self.hushed and name != "callbacks")}


def play(scenario: Scenario, profile: Profile, wasm: bytes) -> Table:
    """Play a scenario on one host of ours."""
    script, stage = scenario.script, Stage(scenario)
    engine = Engine(load_engine("wasmtime"), profile=profile, limits=LIMITS)
    played: Table = {"registered": None, "instances": [], "calls": []}
    try:
        engine.register_plugin(PLUGIN, wasm, _config(scenario, stage))
    except HookproofError as failure:
        return {**played, "registered": kind(failure)}
    with _workspace(scenario) as workspace:
        for name in script["instances"]:
            try:
                stage.instances.append(engine.get_instance(name, workspace=workspace))
            except HookproofError as failure:
                played["instances"].append({**stage.take([]), "error": kind(failure)})
                return played
            played["instances"].append(stage.take([]))
        for call in script["calls"]:
            played["calls"] += _calls(stage, call)
        stdout = b"".join(instance.wasi.stdout for instance in stage.instances)
        if stdout:
            played["stdout"] = stdout.decode()
        if workspace is not None:
            played["files"] = {path.name: path.read_text("utf-8") for path in sorted(workspace.iterdir())}
    return played


@contextmanager
def _workspace(scenario: Scenario) -> Iterator[Path | None]:
    if scenario.workspace is None:
        yield None
        return
    with TemporaryDirectory() as folder:
        for name, text in scenario.workspace.items():
            Path(folder, name).write_text(text, "utf-8")
        yield Path(folder)


def _calls(stage: Stage, call: Table) -> list[Table]:
    """One call; or many, of which those that answer alike are counted together."""
    if call["times"] == 1:
        answer = _answer(stage, call)
        memory = _memory(stage.instances[call["instance"]].events)
        return [{"function": call["function"], **answer, **stage.take(memory)}]
    stage.quiet = True
    found: list[Table] = []
    for _ in range(call["times"]):
        answer = _answer(stage, call)
        if not found or {**found[-1], "times": 0} != {"function": call["function"], "times": 0, **answer}:
            found.append({"function": call["function"], "times": 0, **answer})
        found[-1]["times"] += 1
    stage.quiet = False
    return found


def _answer(stage: Stage, call: Table) -> Table:
    instance = stage.instances[call["instance"]]
    exchange = instance.exchange(call["function"], [_value(one) for one in call["arguments"]], Type(call["returns"]))
    if exchange.failure is not None:
        if isinstance(exchange.failure, GuestError):
            return {"error": {"raised": str(exchange.failure)}}
        return {"error": kind(exchange.failure)}
    if exchange.data is not None:
        return {
            "result": _shown(
                exchange.data if exchange.returns is Type.BYTES else exchange.data.decode("utf-8", "surrogateescape")
            )
        }
    return {"result": None if exchange.value is None else _shown(exchange.value)}


def kind(failure: HookproofError) -> str:
    """The word for a failure, the same for both hosts. Raises `Unexpected`."""
    if isinstance(failure, CallFailed | StartFailed) and failure.trap is not None:
        return kind(failure.trap)
    if isinstance(failure, Trap):
        return f"exit {failure.exit_code}" if failure.code is TrapCode.EXIT else f"trap: {failure.code}"
    if isinstance(failure, ImportNotFound):
        return f"no callback {failure.module}.{failure.name}"
    for type_, word in KINDS.items():
        if isinstance(failure, type_):
            return word
    raise Unexpected(repr(failure))


def _memory(events: Any) -> list[Any]:
    """What the real host's log tells of too."""
    found: list[Any] = []
    event: Event
    for event in events:
        if isinstance(event, Allocated):
            found.append(["allocated", event.pointer, event.size])
        elif isinstance(event, Freed):
            found.append(["freed", event.pointer, event.size])
        elif isinstance(event, FreeFailed | NotFreed):
            found.append(["not freed", event.pointer])
    return found


def _config(scenario: Scenario, stage: Stage) -> PluginConfig | None:
    script = scenario.script
    if script["config"] == "none":
        return None
    if script["config"] == "no callbacks":
        return PluginConfig(script["environment"])
    callbacks = Callbacks()
    callbacks.add_callback("env", "note", _note(stage), Signature((Type.I32, Type.I32, Type.I32)))
    for callback in script["callbacks"]:
        result = Type(callback["results"][0]) if callback["results"] else Type.NONE
        signature = Signature(tuple(Type(name) for name in callback["parameters"]), result)
        function = _function(stage, callback, result)
        callbacks.add_callback(callback["namespace"], callback["name"], function, signature)
    return PluginConfig(script["environment"], callbacks)


def _note(stage: Stage) -> Callable[..., None]:
    def note(number: int, first: int, second: int) -> None:
        if not stage.quiet:
            stage.guest.append([NOTES[number], first, second])

    return note


def _function(stage: Stage, callback: Table, result: Type) -> Callable[..., Value | None]:
    def function(*arguments: Value) -> Value | None:
        if not stage.quiet:
            name = f"{callback['namespace']}.{callback['name']}"
            stage.callbacks.append([name, *(_shown(argument) for argument in arguments)])
        if callback["calls"] is not None:
            inner = _answer(stage, callback["calls"])
            stage.callbacks.append(["inner call", inner])
        if callback["panics"]:
            raise RuntimeError(callback["panics"])
        answer: str = callback["answers"].format(*arguments)
        if result is Type.BYTES:
            return answer.encode()
        if result is Type.STRING:
            return answer
        return None if result is Type.NONE else int(answer)

    return function


def _value(value: Table) -> Value:
    """An argument, from its explicit form."""
    if value["type"] in ("string", "bytes"):
        data = bytes.fromhex(value["value"]) * int(value["times"])
        return data if value["type"] == "bytes" else data.decode()
    number: str = value["value"]
    return float(number) if value["type"] in ("f32", "f64") else int(number)


def _shown(value: Value) -> Table:
    """A value as a record shows it."""
    if isinstance(value, int):
        return {"i32": value}
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    short: Any = data.hex()
    if len(data) > 256:
        short = {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    elif isinstance(value, str):
        short = {"hex": short} if value.encode("utf-8", "ignore") != data else value
    return {"bytes" if isinstance(value, bytes) else "string": short}
