"""wasp: a registered plugin: everything about a module that is the same for each of its instances, worked out once.

Source: engine of wasp, `engine.go`: `RegisterPlugin` looks at the names of imports, and not at their types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reference_host.abi.wasp.callbacks import RAISE_ERROR, RAISE_ERROR_TYPE, Callback, Callbacks
from reference_host.abi.wasp.events import CallbackCalled, Owner
from reference_host.abi.wasp.heap import Frame, Heap, Layout
from reference_host.abi.wasp.types import Type, Value, signed
from reference_host.engine.interface import (
    Export,
    FuncType,
    HostFunction,
    HostImplementation,
    Import,
    Instance,
    MemoryType,
    Module,
)
from reference_host.errors import CallbackFailed, HookError, ImportNotFound, Trap
from reference_host.wasi import Wasi, WasiConfig
from reference_host.wasi.signatures import WASI

ABORT = ("env", "abort")
"""What AssemblyScript's debug builds import. The real host lets it pass, and has none."""
_WASI_PREFIX = "wasi_"
_REFUSED = "only String and Int32 parameters can be used for callback functions"
"""What the real host says to bytes, in both directions."""


@dataclass(frozen=True, slots=True)
class PluginConfig:
    """What a plugin is given: environment variables by name, and the functions that it may import."""

    environment: Mapping[str, str] = field(default_factory=dict)
    callbacks: Callbacks | None = None


class Surroundings:
    """The WASI of one instance, made when something of it is asked for: most calls never do."""

    __slots__ = ("_config", "_functions", "_imports", "_wasi")

    def __init__(self, config: WasiConfig, imports: Sequence[Import]) -> None:
        self._config = config
        self._imports = imports
        self._wasi: Wasi | None = None
        self._functions: dict[tuple[str, str], HostImplementation] = {}

    @property
    def wasi(self) -> Wasi:
        """Its state."""
        if self._wasi is None:
            self._wasi = Wasi(self._config)
            self._functions = {(f.module, f.name): f.implementation for f in self._wasi.host_functions(self._imports)}
        return self._wasi

    def close(self) -> None:
        """Close what the guest has open."""
        if self._wasi is not None:
            self._wasi.close()

    def implementation(self, module: str, name: str) -> HostImplementation:
        """One of its functions."""
        if self._wasi is None:
            _ = self.wasi
        return self._functions[module, name]


Provider = Callable[[Heap, Surroundings], HostImplementation]
"""Makes the implementation of one import, for one instance.

It may refer to heap and surroundings, which do not refer to the instance: the engine holds it as long as the instance
lives, and a circle would keep both.
"""


class Registered:
    """A plugin: its module, and what every instance of it is made with.

    Raises `ImportNotFound` for the first import that is neither of a namespace `wasi_...`, nor `env.raise_error` or
    `env.abort`, nor a callback; `UsageError` for an environment that no guest can be given.
    """

    def __init__(self, module: Module, config: PluginConfig, wasi: WasiConfig, *, faithful: bool) -> None:
        callbacks = config.callbacks or Callbacks()
        for import_ in module.imports:
            if needs_callback(import_) and callbacks.get(import_.module, import_.name) is None:
                raise ImportNotFound(import_.module, import_.name)
        self.module = module
        self.wasi = replace(wasi, environment=tuple(config.environment.items())) if config.environment else wasi
        exports = {export.name: export.type for export in module.exports}
        self.exports = exports
        self.functions = {name: type_ for name, type_ in exports.items() if isinstance(type_, FuncType)}
        self.layout = Layout(exports, module.info.data_segments)
        # The real host serves the first version that it knows, and no other; nor `env.abort`.
        served = wasi_versions(module.imports)
        if faithful:
            served = [version for version in served if version in WASI][:1]
        self.system_imports = tuple(
            import_
            for import_ in module.imports
            if import_.module in served or ((import_.module, import_.name) == ABORT and not faithful)
        )
        self._providers = self._resolve(callbacks, faithful=faithful)
        self.notes = tuple(real_host_notes(module.imports, module.exports, callbacks))
        self.fitting: set[tuple[object, ...]] = set()
        """Name, wanted result and types of arguments of the calls that were seen to fit."""

    def host_functions(self, heap: Heap, surroundings: Surroundings) -> list[HostFunction]:
        """The functions that one instance imports."""
        return [
            HostFunction(module, name, type_, provider(heap, surroundings))
            for module, name, type_, provider in self._providers
        ]

    def _resolve(self, callbacks: Callbacks, *, faithful: bool) -> list[tuple[str, str, FuncType, Provider]]:
        system = {(f.module, f.name): f.type for f in Wasi().host_functions(self.system_imports)}
        resolved: list[tuple[str, str, FuncType, Provider]] = []
        for module, name in dict.fromkeys((import_.module, import_.name) for import_ in self.module.imports):
            callback = callbacks.get(module, name)
            if (module, name) == RAISE_ERROR:
                resolved.append((module, name, RAISE_ERROR_TYPE, _raise_error))
            elif callback is not None:
                resolved.append((module, name, callback.type, _calling(callback, faithful=faithful)))
            elif (module, name) in system:
                resolved.append((module, name, system[module, name], _asking(module, name)))
        return resolved


def real_host_notes(imports: Sequence[Import], exports: Sequence[Export], callbacks: Callbacks) -> list[str]:
    """What keeps a module from running on the real host."""
    versions = wasi_versions(imports)
    notes = []
    if not versions:
        notes.append("needs a WASI import")
    if len(versions) > 1:
        notes.append(f"imports several versions of WASI: {', '.join(versions)}")
    if not any(export.name == "memory" and isinstance(export.type, MemoryType) for export in exports):
        notes.append("needs an exported memory")
    for import_ in imports:
        callback = callbacks.get(import_.module, import_.name)
        if callback is None and (import_.module, import_.name) == ABORT:
            notes.append("env.abort is not provided")
        elif callback is not None and not callback.in_the_real_host:
            notes.append(f"{callback.namespace}.{callback.name} has bytes, which its callbacks cannot carry")
    return [f"wasp-real-host: {note}" for note in notes]


def wasi_versions(imports: Sequence[Import]) -> list[str]:
    """The namespaces of WASI that a module imports from, in the order of its imports."""
    return list(dict.fromkeys(i.module for i in imports if i.module.startswith(_WASI_PREFIX)))


def needs_callback(import_: Import) -> bool:
    """Whether an import has to be a callback: it is neither of WASI, nor what every host has."""
    known = import_.module.startswith(_WASI_PREFIX) or (import_.module, import_.name) in (RAISE_ERROR, ABORT)
    return not known


def _frame(heap: Heap) -> Frame:
    """The call that a function of the host's is part of; somebody may have called the engine's instance directly."""
    return heap.frames[-1] if heap.frames else Frame("(no call)", Type.NONE, None)


def _raise_error(heap: Heap, _surroundings: Surroundings) -> HostImplementation:
    def implementation(instance: Instance, pointer: int) -> None:
        heap.take_error(instance, _frame(heap), pointer)

    return implementation


def _asking(module: str, name: str) -> Provider:
    def provider(_heap: Heap, surroundings: Surroundings) -> HostImplementation:
        return lambda instance, *arguments: surroundings.implementation(module, name)(instance, *arguments)

    return provider


def _calling(callback: Callback, *, faithful: bool) -> Provider:
    def provider(heap: Heap, _surroundings: Surroundings) -> HostImplementation:
        return lambda instance, *raw: _call(callback, heap, instance, raw, faithful=faithful)

    return provider


def _call(callback: Callback, heap: Heap, instance: Instance, raw: Sequence[int], *, faithful: bool) -> int | None:
    frame = _frame(heap)
    namespace, name, signature = callback.namespace, callback.name, callback.signature

    def failed(detail: str, trap: Trap | None = None) -> CallbackFailed:
        return CallbackFailed(frame.name, namespace, name, detail, trap)

    arguments: list[Value] = []
    for type_, number in zip(signature.parameters, raw, strict=True):
        if type_ is Type.BYTES and faithful:
            raise failed(_REFUSED)
        if type_ is Type.STRING:
            arguments.append(heap.take_string(instance, frame, number, Owner.CALLBACK_ARGUMENT)[0])
        elif type_ is Type.BYTES:
            arguments.append(heap.take_bytes(instance, frame, number, Owner.CALLBACK_ARGUMENT))
        else:
            arguments.append(signed(number))
    answer: Value | None = None
    try:
        answer = callback.function(*arguments)
    except Trap:
        raise
    except Exception as error:
        trap = error.trap if isinstance(error, HookError) else None
        raise failed(f"{type(error).__name__}: {error}", trap) from error
    finally:
        frame.log.append((CallbackCalled, namespace, name, tuple(arguments), answer))
    expected = signature.result
    if expected is Type.BYTES and faithful:
        raise failed(_REFUSED)
    if expected is Type.STRING and isinstance(answer, str):
        return heap.place(instance, frame, answer, Owner.CALLBACK_RESULT)
    if expected is Type.BYTES and isinstance(answer, bytes):
        return heap.place(instance, frame, answer, Owner.CALLBACK_RESULT)
    if expected is Type.I32 and isinstance(answer, int) and -(2**31) <= answer < 2**32:
        return answer
    if expected is Type.NONE and answer is None:
        return None
    raise failed(f"it answered {answer!r}, expected {expected}")
