"""wasp: registered plugins, their instances, and calls of their functions.

`Instance` keeps the host's side of the contract and reports what it saw; it judges nothing. An instance is a sandbox
with a memory of its own. Where the guest is aborted, by a trap or by a callback that fails, its instance is lost: the
real host goes on with it, on a state that nobody knows.

Source: README of wasp, Basic Usage; its engine, `engine.go` and `instance.go`. Types that do not fit are refused before
anything is called, and `_initialize` is called: stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reference_host.abi.buffers import Witness
from reference_host.abi.startup import START_FUNCTIONS, START_TYPE, run_start
from reference_host.abi.wasp.events import Buffer, Event, Exchange, NotFreed, Owner, SpareReason, Stage
from reference_host.abi.wasp.goformat import mangled
from reference_host.abi.wasp.heap import PLAIN, Frame, Heap, HeapPolicy
from reference_host.abi.wasp.registration import PluginConfig, Registered, Surroundings
from reference_host.abi.wasp.types import Profile, Type, Value, signed
from reference_host.engine import interface
from reference_host.engine.interface import FuncType, Limits, ValueType
from reference_host.errors import (
    ArgumentMismatch,
    CallError,
    CallFailed,
    FunctionNotFound,
    GuestError,
    HookError,
    InstanceLost,
    MissingExport,
    PluginNotFound,
    Trap,
    UnsupportedResult,
    UsageError,
    WasiUndetected,
)
from reference_host.wasi import Directory, Wasi, WasiConfig

PROGRAM = "wasi-plugins"
"""What a plugin finds as its program's name."""

WORKSPACE = ("workspace", "/workspace")
"""What a guest calls its workspace: first what the real host's code says, then what its comments say."""

_RETURNS: Mapping[type | None, Type] = {str: Type.STRING, bytes: Type.BYTES, int: Type.I32, None: Type.NONE}
_I32 = (ValueType.I32,)


class Engine:
    """Plugins by name, on one engine of ours.

    `limits` are for each guest call. `run_start`: whether `_start` is called where there is no `_initialize`. `policy`:
    see `HeapPolicy`. `wasi`: what every guest is given, but for the program's name, variables and workspace. Raises
    `UsageError` for a policy on the host that has the defects of the real one.
    """

    def __init__(
        self,
        engine: interface.Engine,
        *,
        profile: Profile = Profile.DEFAULT,
        limits: Limits = Limits(),
        run_start: bool = False,
        policy: HeapPolicy = PLAIN,
        wasi: WasiConfig = WasiConfig(),
    ) -> None:
        if profile is Profile.WASP_0_0_8 and policy != PLAIN:
            raise UsageError(f"the profile {profile} has one way to treat buffers, the real host's")
        self.profile = profile
        self.limits = limits
        self.run_start = run_start
        self.policy = policy
        self._engine = engine
        self._wasi = replace(wasi, arguments=(PROGRAM,))
        self._plugins: dict[str, Registered] = {}

    def register_plugin(
        self, name: str, module: bytes | interface.Module, config: PluginConfig | None = None
    ) -> Registered:
        """Compile a module and look at its imports; a plugin of that name is replaced.

        Raises `ModuleError`, `ImportNotFound` for the first import that nothing is defined for, and `UsageError` for
        variables that no guest can be given.
        """
        if isinstance(module, bytes):
            module = self._engine.compile(module)
        registered = Registered(module, config or PluginConfig(), self._wasi, faithful=self.faithful)
        self._plugins[name] = registered
        return registered

    def get_instance(self, name: str, *, workspace: Path | None = None) -> Instance:
        """Make an instance, with a memory of its own; `workspace` is the folder that it may use.

        Raises `PluginNotFound`; `UnresolvedImport` and the other `LoadError`s; `HookError` where a callback fails that
        the guest calls while it starts; and what a folder is refused with.
        """
        registered = self._plugins.get(name)
        if registered is None:
            raise PluginNotFound(name)
        return Instance(self, registered, workspace)

    @property
    def faithful(self) -> bool:
        """Whether this is the real host, with its defects."""
        return self.profile is Profile.WASP_0_0_8


class Instance:
    """An instance of a plugin; made by `Engine.get_instance`."""

    def __init__(self, engine: Engine, registered: Registered, workspace: Path | None) -> None:
        self.registered = registered
        self._faithful = engine.faithful
        self._limits = engine.limits
        self._heap = Heap(registered.layout, engine.policy, faithful=engine.faithful)
        config = registered.wasi
        if workspace is not None:
            names = WORKSPACE[:1] if engine.faithful else WORKSPACE
            config = replace(config, directories=tuple(Directory(name, workspace) for name in names))
        self._surroundings = Surroundings(config, registered.system_imports)
        if workspace is not None:
            _ = self._surroundings.wasi  # a folder that cannot be used is refused here, not in the first call
        self._instance: interface.Instance | None = None
        if engine.faithful:
            _refuse_as_the_real_host(registered)
        # What the guest calls while it starts is part of no call: it is reported as if it were one.
        self._last = frame = Frame("start-up", Type.NONE, None)
        self._heap.frames.append(frame)
        try:
            hosts = registered.host_functions(self._heap, self._surroundings)
            instance = registered.module.instantiate(hosts, engine.limits)
            if not engine.faithful:
                _start(instance, registered, engine)
            if frame.records:
                self._heap.give_back(instance, frame)
        finally:
            self._heap.frames.pop()
        self._instance = instance

    # -- calls -------------------------------------------------------------------------------------

    def call_function(self, name: str, *arguments: Value, returns: type | None = None) -> Value | None:
        """Call an exported function: what it answers, as `returns` says.

        Arguments: `str` and `bytes` are copied into the guest's memory, `int` and `float` go in as they are. `returns`:
        `str`, `bytes`, `int` (an i32, signed), or None for no result, or one that is not looked at. Raises
        `UsageError` for another `returns`, else a `HookError`: `FunctionNotFound`, `ArgumentMismatch`,
        `UnsupportedResult`, `AllocationFailed`, `StringSizeFailed`, `ValueOutOfBounds`, `ValueTooLong`, `CallFailed`,
        `CallbackFailed`, `GuestError`, `InstanceLost`. An exception that is no `Exception` comes out of a callback as
        it is.
        """
        kind = _RETURNS.get(returns)
        if kind is None:
            raise UsageError(f"a function of a plugin returns str, bytes, int or None, not {returns}")
        frame = self._run(name, arguments, kind, None, None)
        if frame.failure is not None:
            raise frame.failure
        return frame.value

    def exchange(
        self,
        name: str,
        arguments: Sequence[Value] = (),
        returns: Type = Type.NONE,
        *,
        fuel: int | None = None,
        witness: Witness | None = None,
    ) -> Exchange:
        """Call an exported function; everything that was seen comes back.

        Never raises for what the guest does, or what the caller wants of it: `Exchange.failure` tells. `fuel` replaces
        that of the limits, for each guest call of the exchange. `witness` looks on from within.
        """
        frame = self._run(name, arguments, returns, fuel, witness)
        memory = None if self._instance is None else self._instance.memory
        return Exchange(
            name=name,
            arguments=frame.arguments,
            inputs=frame.inputs,
            returns=returns,
            raw=frame.raw,
            value=frame.value,
            data=frame.data,
            failure=frame.failure,
            failed_at=None if frame.failure is None else frame.failed_at,
            events=frame.events,
            raised=tuple(frame.raised),
            fuel=frame.fuel,
            memory_size=None if memory is None else memory.size,
            lost=not self.alive,
        )

    def remove(self) -> None:
        """Let the instance go, and close its files; calls raise `InstanceLost` from now on."""
        self._instance = None
        self._surroundings.close()

    # -- what suites look at -----------------------------------------------------------------------

    @property
    def events(self) -> Sequence[Event]:
        """What the host saw during the last call; before the first one, while the guest started."""
        return self._last.events

    @property
    def alive(self) -> bool:
        """False once it was removed, or the guest was aborted."""
        return self._instance is not None and self._instance.alive

    @property
    def instance(self) -> interface.Instance | None:
        """The engine's instance; None once it was removed."""
        return self._instance

    @property
    def wasi(self) -> Wasi:
        """Its WASI state: captured output, for one."""
        return self._surroundings.wasi

    # -- private -----------------------------------------------------------------------------------

    def _run(
        self, name: str, arguments: Sequence[Value], kind: Type, fuel: int | None, witness: Witness | None
    ) -> Frame:
        heap, instance = self._heap, self._instance
        frame = Frame(name, kind, fuel)
        if instance is None or not instance.alive:
            frame.failure = InstanceLost(name)
            self._last = frame
            return frame
        frames = heap.frames
        frames.append(frame)
        try:
            self._attempt(instance, frame, arguments, witness)
        except HookError as failure:
            frame.failure, frame.failed_at = failure.with_traceback(None), frame.stage
        finally:
            try:
                if frame.records:
                    heap.give_back(instance, frame)
            finally:
                frames.pop()
                self._last = frame
        return frame

    def _attempt(
        self, instance: interface.Instance, frame: Frame, arguments: Sequence[Value], witness: Witness | None
    ) -> None:
        heap, name = self._heap, frame.name
        type_ = self.registered.functions.get(name)
        if type_ is None:
            raise FunctionNotFound(name, _absence(self.registered, name))
        wrong = None
        plan = (name, frame.kind, *map(type, arguments))
        if plan not in self.registered.fitting:
            wrong = _mismatch(name, type_, arguments, frame.kind)
            if wrong is None:
                self.registered.fitting.add(plan)
            elif not self._faithful:
                raise wrong
        passed = [
            heap.place(instance, frame, argument, Owner.INPUT) if isinstance(argument, (str, bytes)) else argument
            for argument in arguments
        ]
        if witness is not None:
            witness.placed(frame.inputs)
        frame.stage = Stage.CALL
        if isinstance(wrong, ArgumentMismatch):
            raise wrong
        results = self._call(instance, frame, passed)
        frame.raw = raw = results[0] if results else None
        if frame.raised:
            if raw and frame.kind in (Type.STRING, Type.BYTES):
                frame.log.append((NotFreed, raw, Owner.RESULT, SpareReason.ERROR_RAISED))
            text = frame.raised[-1]
            raise GuestError(name, mangled(text) if self._faithful else text)
        frame.stage = Stage.RESULT
        if wrong is not None:
            raise wrong
        if frame.kind is not Type.NONE:
            assert isinstance(raw, int)
            self._read(instance, frame, raw)
        if witness is not None:
            witness.returned(frame.inputs, _result(frame))

    def _call(
        self, instance: interface.Instance, frame: Frame, arguments: list[int | float]
    ) -> tuple[int | float, ...]:
        try:
            results = instance.call(frame.name, *arguments, fuel=frame.budget)
        except Trap as trap:
            raise CallFailed(frame.name, trap) from None
        except CallError as error:
            raise ArgumentMismatch(frame.name, str(error)) from None
        finally:
            frame.arguments = tuple(arguments)
        if frame.budget is not None or self._limits.fuel is not None:
            frame.fuel = instance.fuel_used()
        return results

    def _read(self, instance: interface.Instance, frame: Frame, raw: int) -> None:
        if frame.kind is Type.STRING:
            frame.value, frame.data = self._heap.take_string(instance, frame, raw, Owner.RESULT)
        elif frame.kind is Type.BYTES:
            frame.value = frame.data = self._heap.take_bytes(instance, frame, raw, Owner.RESULT)
        else:
            frame.value = signed(raw)


def _start(instance: interface.Instance, registered: Registered, engine: Engine) -> None:
    for name in START_FUNCTIONS if engine.run_start else START_FUNCTIONS[:1]:
        if registered.functions.get(name) == START_TYPE:
            run_start(instance, name)
            break


def _refuse_as_the_real_host(registered: Registered) -> None:
    if not registered.layout.memory:
        raise MissingExport("memory")
    if not registered.system_imports:
        raise WasiUndetected


def _absence(registered: Registered, name: str) -> str:
    found = registered.exports.get(name)
    return "it exports no such name" if found is None else f"it exports a {found} of that name"


def _mismatch(name: str, type_: FuncType, arguments: Sequence[Value], kind: Type) -> HookError | None:
    if len(arguments) != len(type_.parameters):
        return ArgumentMismatch(name, f"it has type {type_}, called with {len(arguments)} arguments")
    for position, (parameter, argument) in enumerate(zip(type_.parameters, arguments, strict=True), 1):
        in_memory = isinstance(argument, (str, bytes))
        if parameter is not ValueType.I32 if in_memory else not isinstance(argument, (int, float)):
            given = type(argument).__name__
            return ArgumentMismatch(name, f"it has type {type_}, argument {position} is of type {given}")
    if kind is not Type.NONE and (type_.results != _I32 or kind.value_type is not ValueType.I32):
        return UnsupportedResult(name, f"it has type {type_}, asked for {kind}; a host reads a single i32")
    return None


def _result(frame: Frame) -> Buffer | None:
    if not isinstance(frame.raw, int) or frame.data is None:
        return None
    length = len(frame.data) + (1 if frame.kind is Type.STRING else 4)
    return Buffer(frame.raw, length, length)
