"""The engine `purepy`: WebAssembly translated to Python functions, one by one as they are called; no dependency.

With a budget of fuel a call is metered exactly: what runs that return have used is what wasmtime counts. Without one, a
guard stops endless loops at the deadline, at a few per cent of the time.

Source: WebAssembly Core Specification 2.0, section 7.1 (embedding).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from types import CodeType
from typing import Any

from reference_host.engine.binary import ModuleInfo
from reference_host.engine.instance import GuestInstance
from reference_host.engine.interface import (
    Export,
    FuncType,
    HostFunction,
    Import,
    Limits,
    MemoryType,
    Number,
    Validity,
    ValueType,
)
from reference_host.engine.linking import check_limits, resolve
from reference_host.engine.purepy import memory, stack
from reference_host.engine.purepy.cache import Translations
from reference_host.engine.purepy.graph import Style
from reference_host.engine.purepy.memory import PurepyMemory
from reference_host.engine.purepy.module import WasmModule, decode
from reference_host.engine.purepy.numerics import f32
from reference_host.engine.purepy.store import ModuleInstance, as_trap
from reference_host.engine.purepy.table import FunctionReference
from reference_host.engine.purepy.validate import validate
from reference_host.errors import Trap, TrapCode


class PurepyEngine:
    """Implements `interface.Engine`; `views` False takes the portable way to memory everywhere."""

    name = "purepy"
    quick_only: str | None = None
    validates = True

    def __init__(self, *, views: bool = True) -> None:
        try:
            self.version = version("hookproof")
        except PackageNotFoundError:
            self.version = "0"
        self._views = views and memory.VIEWS

    def validate(self, binary: bytes) -> None:
        """See `Engine.validate`."""
        validate(decode(binary))

    def compile(self, binary: bytes) -> PurepyModule:
        """See `Engine.compile`."""
        binary = bytes(binary)
        module = decode(binary)
        translations = tuple([Translations(module, Style(exact, self._views)) for exact in (False, True)])
        if not any(each.valid for each in translations):
            validate(module)
        for each in translations:
            each.valid = True
        return PurepyModule(module, translations, views=self._views)


class PurepyModule:
    """Implements `interface.Module`."""

    validity = Validity.VALID

    def __init__(self, module: WasmModule, translations: tuple[Translations, ...], *, views: bool) -> None:
        self.decoded = module
        self.translations = translations
        self.views = views

    @property
    def info(self) -> ModuleInfo:
        """What the sections say."""
        return self.decoded.info

    @property
    def imports(self) -> tuple[Import, ...]:
        """See `Module.imports`."""
        return self.decoded.info.imports

    @property
    def exports(self) -> tuple[Export, ...]:
        """See `Module.exports`."""
        return self.decoded.info.exports

    def instantiate(self, imports: Sequence[HostFunction] = (), limits: Limits = Limits()) -> PurepyInstance:
        """See `Module.instantiate`."""
        functions = resolve(self.imports, imports)
        check_limits(self.info, limits)
        return PurepyInstance(self, functions, limits)

    def code(self, index: int, exact: bool) -> CodeType:
        """Give the translation of a function."""
        return self.translations[exact].code(index)


class _Hosts:
    """The host functions of an instance; implements `table.Functions`."""

    def __init__(self, instance: PurepyInstance, hosts: Sequence[HostFunction]) -> None:
        # The instance holds the functions: a reference back would be a circle.
        self._instance = weakref.ref(instance)
        self._functions = [self._function(index, host.type) for index, host in enumerate(hosts)]

    def function(self, index: int, *, exact: bool) -> Callable[..., Any]:
        """Give a host function as translated code calls it."""
        return self._functions[index]

    def _function(self, index: int, type_: FuncType) -> Callable[..., Any]:
        reference = self._instance
        singles = [at for at, kind in enumerate(type_.results) if kind is ValueType.F32]

        def host(*arguments: Number) -> Any:
            instance = reference()
            assert instance is not None, "an instance outlives the calls into it"
            results = instance._call_host_carefully(index, arguments)
            for at in singles:
                results[at] = _single(results[at])
            return results[0] if len(results) == 1 else tuple(results)

        return host


def _single(value: Number) -> float:
    return f32(value) if value == value else float(value)


class PurepyInstance(GuestInstance):
    """Implements `interface.Instance`."""

    def __init__(self, module: PurepyModule, hosts: Sequence[HostFunction], limits: Limits) -> None:
        super().__init__(module, hosts, limits)
        self._compiled = module
        self._exact = False
        self._used: int | None = None
        reference = weakref.ref(self)

        def refused(size: int, delta: int) -> None:
            instance = reference()
            if instance is not None:
                instance._refused(size, delta)

        provided = _Hosts(self, hosts)
        externs = [FunctionReference(provided, index, host.type) for index, host in enumerate(hosts)]
        self._store = ModuleInstance(module.decoded, module.code, externs, limits, refused, views=module.views)
        self._memory = PurepyMemory(self._store.memories[0]) if self._store.memories else None
        self._start("an active segment", None, self._store.initialize)
        if module.info.start is not None:
            self._start("the start function", limits.fuel, self._run, module.info.start, [])

    def __del__(self) -> None:
        store = getattr(self, "_store", None)
        if store is not None:
            store.close()

    @property
    def memory(self) -> PurepyMemory | None:
        """See `Instance.memory`."""
        return self._memory

    def fuel_used(self) -> int | None:
        """See `Instance.fuel_used`."""
        return self._used

    def _memories(self) -> Sequence[MemoryType]:
        return self._compiled.info.memories

    def _begin(self, budget: int | None) -> None:
        self._exact = budget is not None
        self._budget = budget
        self._store.meter.begin(budget, self._limits.deadline)
        stack.enter()

    def _end(self) -> None:
        stack.leave()
        # A run that was not looked at again may have used more than it had, and returned.
        self._used = None if self._budget is None else min(self._store.meter.used, self._budget)
        self._compiled.translations[self._exact].offer()

    def _invoke(self, name: str, type_: FuncType, arguments: list[Number]) -> tuple[Number, ...]:
        for at, kind in enumerate(type_.parameters):
            if kind is ValueType.F32:
                arguments[at] = _single(arguments[at])
        answer = self._run(self._compiled.decoded.exported_functions[name], arguments)
        count = len(type_.results)
        return (answer,) if count == 1 else answer if count else ()

    def _run(self, index: int, arguments: Sequence[Number]) -> Any:
        return self._store.function(index, exact=self._exact)(*arguments)

    def _call_host_carefully(self, index: int, arguments: Sequence[Number]) -> list[Number]:
        try:
            return self._call_host(index, arguments)
        except RecursionError:
            if stack.is_deep():  # it is the guest that took the stack
                self._pending = Trap(TrapCode.STACK_EXHAUSTED)
            raise

    def _trap(self, error: BaseException) -> BaseException:
        return as_trap(error)
