"""The engine `pywasm`: an interpreter in pure Python, slow, and independent of wasmtime.

Its traps are `assert` statements and whatever Python raises in its place; which trap that is follows from the
instruction that was running. It does not validate, so a module is validated by any installed engine that does.

Source: WebAssembly Core Specification 2.0, section 4.4 (the traps of each instruction).
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any

import pywasm

from reference_host.engine import values
from reference_host.engine.binary import ModuleInfo, read_module
from reference_host.engine.instance import GuestInstance
from reference_host.engine.interface import (
    Engine,
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
from reference_host.engine.memory import BoundedMemory
from reference_host.engine.pywasm_decode import decode
from reference_host.engine.pywasm_machine import Machine
from reference_host.engine.pywasm_traps import trap_code
from reference_host.engine.registry import find_validator
from reference_host.errors import EngineMissing, InvalidModule, Trap

_FUNCTION = 0x00

_VALUE_TYPES: dict[ValueType, Callable[[], Any]] = {
    ValueType.I32: pywasm.ValType.i32,
    ValueType.I64: pywasm.ValType.i64,
    ValueType.F32: pywasm.ValType.f32,
    ValueType.F64: pywasm.ValType.f64,
}

_FROM_NUMBER: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.I32: pywasm.ValInst.from_u32,
    ValueType.I64: pywasm.ValInst.from_u64,
    ValueType.F32: pywasm.ValInst.from_f32,
    ValueType.F64: pywasm.ValInst.from_f64,
}

_TO_NUMBER: dict[ValueType, Callable[[Any], Number]] = {
    ValueType.I32: pywasm.ValInst.into_u32,
    ValueType.I64: pywasm.ValInst.into_u64,
    ValueType.F32: pywasm.ValInst.into_f32,
    ValueType.F64: pywasm.ValInst.into_f64,
}


class PywasmEngine:
    """Implements `interface.Engine`."""

    name = "pywasm"
    quick_only: str | None = (
        "pywasm interprets some 600,000 instructions a second: one body of 1 MiB keeps a hook busy for minutes"
    )
    validates = False

    def __init__(self) -> None:
        if sys.flags.optimize:
            raise EngineMissing("engine pywasm cannot be used under python -O: its traps are assert statements")
        self.version = version("pywasm")

    @cached_property
    def _validator(self) -> Engine | None:
        # Not before it is needed: looking for it makes an engine of every kind, of this one too.
        return find_validator()

    def validate(self, binary: bytes) -> None:
        """See `Engine.validate`: asks another engine, where there is one that validates."""
        if self._validator is not None:
            self._validator.validate(binary)

    def compile(self, binary: bytes) -> PywasmModule:
        """See `Engine.compile`."""
        info = read_module(binary)
        self.validate(binary)
        description = decode(binary, info, validated=self._validator is not None)
        return PywasmModule(description, info, Validity.VALID if self._validator else Validity.NOT_TESTED)


class PywasmModule:
    """Implements `interface.Module`."""

    def __init__(self, description: Any, info: ModuleInfo, validity: Validity) -> None:
        self.description = description
        self.info = info
        self.validity = validity

    @property
    def imports(self) -> tuple[Import, ...]:
        """See `Module.imports`."""
        return self.info.imports

    @property
    def exports(self) -> tuple[Export, ...]:
        """See `Module.exports`."""
        return self.info.exports

    def instantiate(self, imports: Sequence[HostFunction] = (), limits: Limits = Limits()) -> PywasmInstance:
        """See `Module.instantiate`."""
        functions = resolve(self.imports, imports)
        check_limits(self.info, limits)
        return PywasmInstance(self, functions, limits)


class PywasmMemory(BoundedMemory):
    """The bytes stay readable when the machine is gone."""

    __slots__ = ("_grow_by", "_memory")

    def __init__(self, memory: Any, grow_by: Callable[[int], int]) -> None:
        self._memory = memory
        self._grow_by = grow_by

    @property
    def size(self) -> int:
        """See `Memory.size`."""
        return len(self._memory.data)

    def _copy_out(self, address: int, length: int) -> bytes:
        with memoryview(self._memory.data) as view:
            return bytes(view[address : address + length])

    def _copy_in(self, address: int, data: bytes) -> None:
        self._memory.data[address : address + len(data)] = data

    def _grow(self, delta: int) -> int:
        return self._grow_by(delta)


class PywasmInstance(GuestInstance):
    """Implements `interface.Instance`: a machine with one instance in it."""

    def __init__(self, module: PywasmModule, hosts: Sequence[HostFunction], limits: Limits) -> None:
        super().__init__(module, hosts, limits)
        self._compiled = module
        self._memory: PywasmMemory | None = None
        reference = weakref.ref(self)

        def refused(size: int, delta: int) -> None:
            instance = reference()
            if instance is not None:
                instance._refused(size, delta)

        self._budget: int | None = None
        self._used: int | None = None
        self._machine: Machine | None = Machine(module.info, limits, refused)
        machine = self._machine
        externs = [self._host_function(index, host.type) for index, host in enumerate(hosts)]
        instance = self._start("an active segment", None, machine.prepare, module.description, externs)
        self._addresses = {export.name: export.data.data for export in instance.exps if export.data.kind == _FUNCTION}
        if instance.mems:
            self._memory = PywasmMemory(machine.store.mems[instance.mems[0]], machine.grow_memory)
        if module.info.start is not None:
            self._start("the start function", limits.fuel, self._run, instance.func[module.info.start], [])

    @property
    def memory(self) -> PywasmMemory | None:
        """See `Instance.memory`."""
        return self._memory

    def fuel_used(self) -> int | None:
        """See `Instance.fuel_used`."""
        return self._used

    def _memories(self) -> Sequence[MemoryType]:
        return self._compiled.info.memories

    def _begin(self, budget: int | None) -> None:
        self._budget = budget
        self._running().begin(budget, self._limits.deadline)

    def _end(self) -> None:
        if self._machine is not None:
            # A run that was not checked again may have used more than it had, and returned.
            self._used = None if self._budget is None else min(self._machine.used, self._budget)
            if self._death is not None:
                # Its stack is in the middle of something, and there is no way to clear it up.
                self._machine = None

    def _running(self) -> Machine:
        assert self._machine is not None, "a dead instance is not called"
        return self._machine

    def _invoke(self, name: str, type_: FuncType, arguments: list[Number]) -> tuple[Number, ...]:
        operands = [_FROM_NUMBER[kind](value) for kind, value in zip(type_.parameters, arguments, strict=True)]
        results = self._run(self._addresses[name], operands)
        return tuple([_TO_NUMBER[kind](value) for kind, value in zip(type_.results, results, strict=True)])

    def _run(self, address: int, arguments: list[Any]) -> list[Any]:
        return self._running().enter(address, arguments)

    def _host_function(self, index: int, type_: FuncType) -> Any:
        # The function is held by the machine, the machine by the instance: a reference back would be a circle.
        reference = weakref.ref(self)
        kinds = type_.results

        def callback(_machine: Any, arguments: list[Number]) -> list[Number]:
            instance = reference()
            assert instance is not None, "an instance outlives the calls into it"
            if len(arguments) != len(type_.parameters):
                raise InvalidModule(
                    f"nobody validated the module, and it calls {type_} with {len(arguments)} arguments"
                )
            return [
                values.signed(kind, value)
                for kind, value in zip(kinds, instance._call_host(index, arguments), strict=True)
            ]

        func_type = pywasm.FuncType(
            [_VALUE_TYPES[value]() for value in type_.parameters], [_VALUE_TYPES[value]() for value in kinds]
        )
        address = self._running().store.allocate_func_host(pywasm.core.FuncHost(func_type, callback))
        return pywasm.core.Extern(_FUNCTION, address)

    def _trap(self, error: BaseException) -> BaseException:
        if not isinstance(error, Exception):
            return error
        code = trap_code(error)
        if code is not None:
            return Trap(code)
        if self._compiled.validity is Validity.VALID:
            return error
        return InvalidModule(f"nobody validated the module, and pywasm failed in it ({type(error).__name__})")
