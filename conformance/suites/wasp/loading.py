"""A plugin before it is put through its paces: what its sections and its author say, and instances of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial

from conformance.judging import Subject
from conformance.lab.bounds import COPIES, DEADLINE, START_FUEL, Blocked
from conformance.lab.probes import StaticData
from reference_host.abi.wasp import Callbacks, HeapPolicy, Instance, PluginConfig, Signature, Type
from reference_host.abi.wasp import Engine as Host
from reference_host.abi.wasp.callbacks import RAISE_ERROR
from reference_host.abi.wasp.functions import CallbackSpec, Function, Functions, read_functions
from reference_host.abi.wasp.heap import ALLOCATE_TYPE, STRING_SIZE_TYPE
from reference_host.abi.wasp.system import read_environment
from reference_host.engine.interface import (
    MAX_PAGES,
    PAGE,
    Engine,
    ExternType,
    FuncType,
    Import,
    Limits,
    MemoryType,
    Module,
    ValueType,
)
from reference_host.errors import HookError, LoadError, MemoryLimitExceeded, ModuleError, UsageError

from .sizes import Returns, try_sizes
from .values import LARGEST, QUICK

NO_SIGNATURES = "needs the functions' signatures (--functions)"
LONGEST = 2**30
"""Bytes of a result that are taken: a plugin that answers with what it was given has to be heard."""
PLAIN = HeapPolicy(strip_terminator=True, longest=LONGEST)
"""A terminator that is counted breaks one rule, and no other."""


class Plugin:
    """The subject's module. `engine` is what it was compiled with."""

    def __init__(self, subject: Subject, module: Module, engine: Engine) -> None:
        self.subject = subject
        self.module = module
        self._engine = engine
        self.exports: Mapping[str, ExternType] = {export.name: export.type for export in module.exports}

    @cached_property
    def declared(self) -> Functions | None:
        """What the author says of the functions; None where there is no file."""
        content = self.subject.given.functions
        if content is None:
            return None
        try:
            return read_functions(content)
        except UsageError as error:
            raise Blocked(str(error), not_tested=True) from None

    @property
    def signatures(self) -> Functions:
        """The same. Raises `Blocked` where there is no file."""
        if self.declared is None:
            raise Blocked(NO_SIGNATURES, not_tested=True)
        return self.declared

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The declared functions that can be called: exported with their type. Raises `Blocked`."""
        return tuple(f for f in self.signatures.functions.values() if self.fits(f))

    def fits(self, function: Function) -> bool:
        """Whether a declared function is exported with the type of its signature."""
        found, signature = self.exports.get(function.name), function.signature
        if not isinstance(found, FuncType):
            return False
        results = () if signature.result is Type.NONE else (signature.result.value_type,)
        parameters = tuple(type_.value_type for type_ in signature.parameters)
        return found.parameters == parameters and (signature.result is Type.NONE or found.results == results)

    @property
    def callbacks(self) -> tuple[CallbackSpec, ...]:
        """The declared callbacks that the module imports: a host may have more. Raises `Blocked` without a file."""
        imported = {(item.module, item.name) for item in self.module.imports}
        return tuple(each for each in self.signatures.callbacks if (each.namespace, each.name) in imported)

    @property
    def types(self) -> frozenset[Type]:
        """Every type that functions and callbacks exchange. Raises `Blocked`."""
        signatures = [f.signature for f in self.signatures.functions.values()]
        signatures += [callback.signature for callback in self.callbacks]
        return frozenset(type_ for each in signatures for type_ in (*each.parameters, each.result))

    @property
    def has_bytes_callbacks(self) -> bool:
        """Whether a callback takes bytes."""
        return any(Type.BYTES in callback.signature.parameters for callback in self.callbacks)

    @property
    def can_allocate(self) -> bool:
        """Whether buffers can be asked for."""
        return self.exports.get("allocate") == ALLOCATE_TYPE

    @property
    def raises_errors(self) -> bool:
        """Whether the module imports `raise_error`."""
        return any((item.module, item.name) == RAISE_ERROR for item in self.module.imports)

    @cached_property
    def static(self) -> StaticData:
        """The module's static data."""
        return StaticData(self.module.info.data_segments)

    @property
    def memory_types(self) -> tuple[MemoryType, ...]:
        """The types of the module's memories."""
        return self.module.info.memories

    @property
    def minimum(self) -> int:
        """Pages of memory that an instance starts with."""
        return max((type_.minimum for type_ in self.memory_types), default=0)

    @property
    def room(self) -> int:
        """Bytes of linear memory that the plugin can have: what it declares as its maximum, within the host's limit."""
        declared = [type_.maximum for type_ in self.memory_types if type_.maximum is not None]
        return min(self.subject.memory_pages, *declared, MAX_PAGES) * PAGE

    def is_full(self, size: int, held: int) -> bool:
        """Whether memory of `size` bytes cannot grow, and a host holds more of it at once than has to fit."""
        return size + PAGE > self.room and held > self.room // COPIES

    @property
    def most(self) -> int:
        """Bytes of the largest value that is sent."""
        asked = LARGEST if self.subject.max_input is None else self.subject.max_input
        return min(asked, self.room // COPIES, QUICK if self.subject.quick else LARGEST)

    # -- instances ---------------------------------------------------------------------------------

    def new_instance(self, policy: HeapPolicy = PLAIN) -> Instance:
        """An instance that is ready. Raises what loading raises."""
        limits = Limits(START_FUEL, DEADLINE, self.subject.memory_pages)
        host = Host(self._engine, limits=limits, policy=policy)
        host.register_plugin(
            "subject", self.module, PluginConfig(read_environment(self.subject.config), self._callbacks())
        )
        return host.get_instance("subject")

    def _callbacks(self) -> Callbacks:
        """The declared callbacks; where none are known, one for each import that may be one."""
        return stand_ins(self.module) if self.declared is None else self.declared.scripted()

    @cached_property
    def load_failure(self) -> LoadError | ModuleError | HookError | None:
        """Why no instance can be made, if none can."""
        try:
            self.new_instance()
        except (LoadError, ModuleError, HookError) as error:
            return error
        return None

    def require_loaded(self) -> None:
        """Raise `Blocked` where no instance can be made."""
        failure = self.load_failure
        if isinstance(failure, ModuleError | MemoryLimitExceeded):
            raise Blocked(str(failure), not_tested=True)
        if failure is not None:
            raise Blocked(f"the module does not load: {failure}")

    def require_memory(self) -> None:
        """Raise `Blocked` where no instance can be made, or its memory cannot be seen."""
        self.require_loaded()
        if not isinstance(self.exports.get("memory"), MemoryType):
            raise Blocked("needs memory, which is not exported")

    def require_string_size(self) -> None:
        """Raise `Blocked` where no string can be measured."""
        self.require_memory()
        if self.exports.get("get_string_size") != STRING_SIZE_TYPE:
            raise Blocked("needs get_string_size, which is not exported with its type")

    @cached_property
    def returns(self) -> Returns:
        """How `deallocate` takes strings of the guest's back. Raises `Blocked`."""
        return try_sizes(self.new_instance, self.functions)


def may_be_callback(item: Import) -> bool:
    """Whether a host could define what is imported: a function of numbers and pointers, that is no one's yet."""
    type_ = item.type
    return (
        isinstance(type_, FuncType)
        and not item.module.startswith("wasi_")
        and (item.module, item.name) not in (RAISE_ERROR, ("env", "abort"))
        and all(each is ValueType.I32 for each in (*type_.parameters, *type_.results))
        and len(type_.results) <= 1
    )


def stand_ins(module: Module) -> Callbacks:
    """A callback for each import that may be one; it answers 0, or nothing."""
    callbacks = Callbacks()
    for item in module.imports:
        if may_be_callback(item) and isinstance(item.type, FuncType):
            result = Type.I32 if item.type.results else Type.NONE
            answer = partial(_answer, 0 if item.type.results else None)
            signature = Signature((Type.I32,) * len(item.type.parameters), result)
            callbacks.add_callback(item.module, item.name, answer, signature)
    return callbacks


def _answer(answer: int | None, *_arguments: object) -> int | None:
    return answer
