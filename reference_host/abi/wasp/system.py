"""wasp as a plugin system: what `certify`, `inspect` and `call` use without knowing its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reference_host.abi.interface import (
    NOTHING_GIVEN,
    Detection,
    Given,
    HookAnswer,
    Json,
    ModuleSummary,
    System,
    parse_json,
)
from reference_host.abi.startup import START_FUNCTIONS
from reference_host.abi.wasp.callbacks import RAISE_ERROR, Callbacks
from reference_host.abi.wasp.events import Exchange, FreeFailed, NotFreed, Oddity, OddText, SpareReason
from reference_host.abi.wasp.functions import NO_FUNCTIONS, Function, Functions, read_functions, value_of
from reference_host.abi.wasp.heap import ALLOCATE_TYPE, Layout
from reference_host.abi.wasp.plugin import Engine
from reference_host.abi.wasp.registration import PluginConfig, needs_callback, real_host_notes
from reference_host.abi.wasp.types import Type, Value, signed
from reference_host.engine import interface
from reference_host.engine.interface import FuncType, Limits, ValueType
from reference_host.errors import ImportNotFound, UnknownRevision, UsageError

REVISION = "0.0.8"
"""The last tag of wasp's repository; the interface has no number of its own."""

ABI_FUNCTIONS = ("allocate", "deallocate", "get_string_size")

_SPARED = {
    SpareReason.NO_DEALLOCATE: "the plugin exports no deallocate",
    SpareReason.STATIC: "it lies in static data",
    SpareReason.ZERO: "it is address 0",
    SpareReason.INSTANCE_LOST: "the plugin was aborted",
}
_ODD = {
    Oddity.NOT_UTF8: "is not UTF-8",
    Oddity.NO_TERMINATOR: "is followed by no NUL",
    Oddity.COUNTS_TERMINATOR: "has a NUL at its end: get_string_size counts the terminator",
    Oddity.EMBEDDED_NUL: "has a NUL in it",
}


class WaspSystem(System):
    """wasp (nicholasjackson/wasp): functions of any name, with strings, bytes, numbers and callbacks."""

    name = "wasp"
    revisions: Sequence[str] = (REVISION,)

    def detect(self, module: ModuleSummary, *, named: bool = False) -> Detection | None:
        """Recognise a module by its allocator with one of its companions, or by `raise_error`.

        A module that has neither needs neither where its functions take and give numbers only: with `named` any
        exported function will do.
        """
        exports = {export.name: export.type for export in module.exports}
        companions = [name for name in ABI_FUNCTIONS[1:] if isinstance(exports.get(name), FuncType)]
        if exports.get("allocate") == ALLOCATE_TYPE and companions:
            return Detection(self.name, REVISION, f"exports allocate and {' and '.join(companions)}")
        if any((import_.module, import_.name) == RAISE_ERROR for import_ in module.imports):
            return Detection(self.name, REVISION, "imports env.raise_error")
        if named and any(isinstance(type_, FuncType) for type_ in exports.values()):
            return Detection(self.name, REVISION, "named, and exports a function")
        return None

    def check(self, given: Given) -> None:
        """Refuse a configuration that is no environment, and a functions file with a mistake. Raises `UsageError`."""
        read_environment(given.config)
        _functions(given)

    def hooks(self, revision: str, module: ModuleSummary) -> Sequence[str]:
        """The exported functions but for those of the ABI, in the order of the module. Raises `UnknownRevision`."""
        if revision != REVISION:
            raise UnknownRevision(f"wasp has no revision {revision!r}, it has: {REVISION}")
        known = (*ABI_FUNCTIONS, *START_FUNCTIONS)
        return tuple(
            export.name for export in module.exports if isinstance(export.type, FuncType) and export.name not in known
        )

    def facts(self, module: ModuleSummary, revision: str) -> Mapping[str, str]:
        """What a host uses to carry values, what it starts, what the plugin needs, and whether the real host has it."""
        exports = {export.name: export.type for export in module.exports}
        layout = Layout(exports, ())
        callbacks = [f"{i.module}.{i.name} {i.type}" for i in module.imports if needs_callback(i)]
        notes = [note.partition(": ")[2] for note in real_host_notes(module.imports, module.exports, Callbacks())]
        return {
            "strings in": layout.no_room or "allocate",
            "strings out": layout.no_string_size or "get_string_size",
            "given back": "deallocate" if layout.frees else "never: the module exports no deallocate of two i32",
            "start-up": next((name for name in START_FUNCTIONS if name in exports), "none exported"),
            "callbacks": ", ".join(callbacks) or "none",
            "functions": ", ".join(self.hooks(revision, module)) or "none",
            "real wasp host": "; ".join(notes) or "takes it",
        }

    def call(
        self,
        engine: interface.Engine,
        binary: bytes,
        hook: str,
        document: Json,
        *,
        revision: str | None = None,
        given: Given = NOTHING_GIVEN,
        limits: Limits | None = None,
    ) -> HookAnswer:
        """Call one function once on a new instance.

        `document` is an array with an argument for each parameter: texts, numbers, and bytes as arrays of integers. The
        functions file says what the result is; without it, it is a number. The configuration is an object of
        environment variables. Raises `UsageError`, `ModuleError`, `LoadError`, `HookError`.
        """
        functions = _functions(given)
        function = functions.functions.get(hook)
        arguments = _arguments(hook, document, function)
        host = Engine(engine, limits=limits or Limits())
        config = PluginConfig(read_environment(given.config), functions.scripted())
        try:
            registered = host.register_plugin(hook, binary, config)
        except ImportNotFound as missing:
            key = f'[callbacks."{missing.module}.{missing.name}"]'
            raise UsageError(f"{missing}; say in the file of --functions what it answers, under {key}") from missing
        instance = host.get_instance(hook)
        # No host reads an i64 or a float: such results are told as they are.
        read = Type.NONE if function is None else function.signature.result
        returns = read if read.value_type is ValueType.I32 else Type.NONE
        exchange = instance.exchange(hook, arguments, returns)
        if exchange.failure is not None:
            raise exchange.failure
        decoded: Json = exchange.value
        if returns is Type.NONE:
            of_i32 = registered.functions[hook].results == (ValueType.I32,)
            decoded = signed(int(exchange.raw)) if of_i32 and exchange.raw is not None else exchange.raw
        warnings = [*registered.notes, *_warnings(exchange)]
        if function is None and exchange.raw is not None:
            warnings.insert(0, f"--functions says nothing of {hook}: its result is shown as a number")
        answer = HookAnswer(
            hook=hook,
            decoded=list(decoded) if isinstance(decoded, bytes) else decoded,
            raw=exchange.raw,
            warnings=tuple(warnings),
            stdout=instance.wasi.stdout.decode("utf-8", "replace"),
            stderr=instance.wasi.stderr.decode("utf-8", "replace"),
        )
        instance.remove()
        return answer


def read_environment(config: bytes | None) -> dict[str, str]:
    """The environment variables that a plugin is configured with: a JSON object of texts. Raises `UsageError`."""
    variables = {} if config is None else parse_json(config, "the configuration")
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise UsageError("the configuration of a wasp plugin is a JSON object of environment variables, each a text")
    return variables


def _functions(given: Given) -> Functions:
    return NO_FUNCTIONS if given.functions is None else read_functions(given.functions)


def _arguments(hook: str, document: Json, function: Function | None) -> list[Value]:
    if not isinstance(document, list):
        raise UsageError(f"the input of {hook} is a JSON array of its arguments, got another JSON value")
    if function is None:
        return [_guessed(value, f"argument {at}") for at, value in enumerate(document, 1)]
    parameters = function.signature.parameters
    if len(document) != len(parameters):
        raise UsageError(f"{hook} takes {len(parameters)} arguments, the input has {len(document)}")
    return [
        value_of(type_, value, f"argument {at}")
        for at, (type_, value) in enumerate(zip(parameters, document, strict=True), 1)
    ]


def _guessed(value: Json, where: str) -> Value:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        return value
    if isinstance(value, list):
        return value_of(Type.BYTES, value, where)
    raise UsageError(f"{where}: expected a text, a number, or bytes as a list of integers, got {str(value)[:60]}")


def _warnings(exchange: Exchange) -> Iterator[str]:
    for event in exchange.events:
        if isinstance(event, NotFreed):
            reason = _SPARED.get(SpareReason(event.reason), event.reason)
            yield f"{event.reason}: the {event.owner} at {event.pointer:#x} is not given back: {reason}"
        elif isinstance(event, FreeFailed):
            yield f"free-failed: the {event.owner} at {event.pointer:#x}: {event.failure.detail}"
        elif isinstance(event, OddText):
            yield f"{event.oddity}: the {event.owner} at {event.pointer:#x} {_ODD[event.oddity]}"
