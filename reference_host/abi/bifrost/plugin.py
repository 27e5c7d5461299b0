"""Bifrost: a loaded plugin, from instantiation to `cleanup`.

`Plugin` keeps the host's side of the contract and reports what it saw as `Exchange` values; it judges nothing. A trap
discards the instance; the next call gets a new one, with `init` called again.

Source: "Writing WASM Plugins", Plugin Interface; README of hello-world-wasm-go, Plugin Structure. Start-up, order of
`init` and `get_name`, and replacement after a trap are stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from reference_host.abi.bifrost import documents
from reference_host.abi.bifrost.answers import Answer, Outcome, read_answer
from reference_host.abi.bifrost.contract import Profile, export_defects, well_typed_hooks
from reference_host.abi.bifrost.documents import Shape
from reference_host.abi.bifrost.events import Exchange
from reference_host.abi.bifrost.heap import Heap, HeapPolicy, Witness, choose_pair
from reference_host.abi.bifrost.jsontext import decode_object, decode_text
from reference_host.abi.bifrost.packed import looks_like_json, looks_like_name
from reference_host.abi.bifrost.revisions import (
    CLEANUP_TYPE,
    INIT_TYPE,
    NAME_TYPE,
    Hook,
    Revision,
    Role,
    detect,
    revision_named,
)
from reference_host.abi.bifrost.types import (
    ChunkEffect,
    ChunkResult,
    HookFailure,
    HTTPPostResult,
    HTTPPreResult,
    HTTPRequest,
    HTTPResponse,
    JsonObject,
    Note,
    PostResult,
    PreResult,
)
from reference_host.abi.interface import ModuleSummary
from reference_host.abi.startup import START_FUNCTIONS, START_TYPE, run_start
from reference_host.engine.interface import FuncType, Instance, Limits, Module
from reference_host.errors import (
    HookError,
    InitRefused,
    UnknownHook,
    UnknownRevision,
)
from reference_host.wasi import Wasi, WasiConfig

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Budget:
    """Fuel for one guest call: `base` plus `per_byte` for each byte of input; None where fuel is unlimited.

    `per_memory_byte` is for each byte of the guest's memory, since a collector may look at all of it in any call.
    """

    base: int
    per_byte: int
    per_memory_byte: int = 0

    def fuel(self, size: int, memory: int = 0) -> int:
        """Units for an input of `size` bytes in a guest whose memory has `memory` bytes."""
        return self.base + self.per_byte * size + self.per_memory_byte * memory


@dataclass(frozen=True, slots=True)
class PluginConfig:
    """How a plugin is run.

    `config`: the bytes that `init` gets, None for none. `revision`: by name, None = detected. `checked`: whether the
    export section must be in order; a suite switches it off, to run what can be run of a defective module.
    """

    config: bytes | None = None
    revision: str | None = None
    profile: Profile = Profile.STRICT
    checked: bool = True
    shape: Shape = Shape.DOCS
    limits: Limits = Limits()
    budget: Budget | None = None
    heap: HeapPolicy = HeapPolicy()
    wasi: WasiConfig = WasiConfig()


class Plugin:
    """One plugin on one engine: implements `types.HookPlugin`, and raw access for suites."""

    def __init__(self, module: Module, settings: PluginConfig = PluginConfig()) -> None:
        """Choose revision and allocator, check the export section; nothing runs yet.

        Raises `UnknownRevision`, and the first `MissingExport` or `MistypedExport` where `settings.checked`.
        """
        summary = ModuleSummary(module.imports, module.exports)
        self.revision = _choose_revision(summary, settings.revision)
        if settings.checked:
            for defect in export_defects(summary, self.revision, settings.profile):
                raise defect
        self.settings = settings
        self.pair = choose_pair(module.exports)
        self._module = module
        self._functions = {e.name: e.type for e in module.exports if isinstance(e.type, FuncType)}
        self._hooks = well_typed_hooks(summary, self.revision)
        self._answering = self._hooks | ({"get_name"} if self._functions.get("get_name") == NAME_TYPE else set())
        self._instance: Instance | None = None
        self._heap: Heap | None = None
        self._wasi: Wasi | None = None
        self._exited = False
        self._init_wanted = False
        self._initialized = False
        self._name = ""

    @classmethod
    def load(cls, module: Module, settings: PluginConfig = PluginConfig()) -> Plugin:
        """Make a plugin ready for its hooks: instantiate, start, `init`. Raises a `LoadError` or `HookError`."""
        plugin = cls(module, settings)
        plugin.start()
        plugin.init()
        return plugin

    # -- lifecycle ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Instantiate and run the start-up export. Raises `UnresolvedImport`, `MemoryLimitExceeded`, `StartFailed`."""
        self._discard()
        self._wasi = Wasi(self.settings.wasi)
        instance = self._module.instantiate(self._wasi.host_functions(self._module.imports), self.settings.limits)
        for name in START_FUNCTIONS:
            if self._functions.get(name) == START_TYPE:
                # Whole runtimes start up here: the limits of instantiation hold, where there are any.
                self._exited = run_start(instance, name, self.fuel(0) if self.settings.limits.fuel is None else None)
                break
        self._instance = instance
        policy = self.settings.heap
        if self.settings.profile is Profile.LENIENT:
            policy = replace(policy, accept_address_zero=True)
        self._heap = Heap(instance, self.pair, policy)

    def init(self) -> None:
        """Call `init` with the config, or with (0, 0). Raises `InitRefused`, and `HookError` where it traps.

        Either way the instance is of no use then, and is discarded.
        """
        self._init_wanted = True
        if self._functions.get("init") == INIT_TYPE:
            config = self.settings.config or b""
            try:
                status = self.heap.status("init", config, self.fuel(len(config)))
            except HookError:
                self._discard()
                raise
            if status != 0:
                self._discard()
                raise InitRefused(status)
        elif self._instance is None:
            self.start()
        self._initialized = True

    def cleanup(self) -> int | None:
        """Call `cleanup` and let the instance go: its signed status, None where it is not exported.

        Nothing is called where nothing is loaded. Raises `HookError`; and what loading raises, where the instance was
        lost before and a new one cannot be made ready.
        """
        try:
            if self._functions.get("cleanup") != CLEANUP_TYPE or (self._instance is None and not self._init_wanted):
                return None
            self._make_ready("cleanup")
            return self.heap.plain_status("cleanup", self.fuel(0))
        finally:
            self._discard()
            self._init_wanted = False

    # -- what suites look at -----------------------------------------------------------------------

    @property
    def exports(self) -> frozenset[str]:
        """The names of the functions that can be called with the types that the contract gives them."""
        fixed = {"get_name": NAME_TYPE, "init": INIT_TYPE, "cleanup": CLEANUP_TYPE}
        return self._hooks | {name for name, type_ in fixed.items() if self._functions.get(name) == type_}

    @property
    def instance(self) -> Instance | None:
        """The instance at work; None before `start`, and after `cleanup`."""
        return self._instance

    @property
    def exited(self) -> bool:
        """Whether the `_start` of the instance at work ended with `proc_exit(0)`."""
        return self._exited

    @property
    def heap(self) -> Heap:
        """The heap of the instance at work; starts one where there is none."""
        if self._heap is None:
            self.start()
        assert self._heap is not None
        return self._heap

    @property
    def wasi(self) -> Wasi | None:
        """The WASI state of the instance at work: captured output, for one."""
        return self._wasi

    def hook(self, name: str) -> Hook:
        """The hook of that export name. Raises `UnknownHook`, naming those of the revision."""
        for hook in self.revision.hooks:
            if hook.name == name:
                return hook
        known = ", ".join(hook.name for hook in self.revision.hooks)
        raise UnknownHook(f"bifrost {self.revision.name} has no hook {name!r}: it has {known}")

    def exchange(self, function: str, inputs: Sequence[bytes] = (), *, witness: Witness | None = None) -> Exchange:
        """Call `get_name` or a hook with raw documents; everything that was seen comes back.

        A hook is never called before `init`. `witness` looks on from within. Raises `UnknownHook` for what is not
        exported with the type of the contract, and what loading raises.
        """
        if function not in self._answering:
            raise UnknownHook(f"the plugin exports no {function} of the type that {self.revision.name} gives it")
        self._make_ready(function)
        plausible = looks_like_name if function == "get_name" else looks_like_json
        fuel = self.fuel(sum(map(len, inputs)))
        exchange = self.heap.exchange(function, inputs, fuel, plausible=plausible, witness=witness)
        if exchange.lost:
            # Whatever aborted the guest, its state is not to be trusted any more: not even after a plain proc_exit.
            self._discard()
        return exchange

    # -- typed hooks -------------------------------------------------------------------------------

    @property
    def hooks(self) -> frozenset[str]:
        """The roles that the plugin has a hook for, by r2's names."""
        return frozenset(hook.role.value for hook in self.revision.hooks if hook.name in self._hooks)

    @property
    def name(self) -> str:
        """What `get_name` answers; it is asked once. Raises `HookError`; an empty name is one."""
        if self._name:
            return self._name
        exchange = self.exchange("get_name")
        if exchange.failure is not None:
            raise exchange.failure
        self._name = decode_text("get_name", exchange.output or b"")
        if not self._name:
            raise HookError("get_name", HookFailure.BAD_MEMBER, "the name is empty")
        return self._name

    def answer(
        self, hook: Hook, inputs: Sequence[bytes], given: Outcome | None = None
    ) -> tuple[Exchange, Answer | None]:
        """Call a hook and read its answer; None where it answered nothing.

        Raises `HookError` where there is none to read.
        """
        exchange = self.exchange(hook.name, inputs)
        if exchange.failure is not None:
            raise exchange.failure
        if not exchange.output:
            return exchange, None
        document, duplicates = decode_object(hook.name, exchange.output)
        notes = tuple(Note("duplicate-key", f"{key!r} stands more than once, the last one wins") for key in duplicates)
        if exchange.pointer == 0:
            notes += (Note("pointer-zero", "the result lies at address 0"),)
        if any(buffer.size and buffer.pointer == 0 for buffer in exchange.inputs):
            notes += (Note("pointer-zero", "the first buffer that the allocator gave lies at address 0"),)
        return exchange, read_answer(hook, self.revision, document, given=given, notes=notes)

    def http_pre_hook(self, context: JsonObject, request: HTTPRequest) -> HTTPPreResult:
        """`http_pre_hook`, `http_intercept` or `http_transport_intercept`. Raises `HookError`."""
        sent = documents.http_pre(
            self.revision, self._context(context), documents.request_json(request, self.settings.shape)
        )
        return self._typed(Role.HTTP_PRE, sent, lambda notes: HTTPPreResult(notes=notes), HTTPPreResult)

    def http_post_hook(self, context: JsonObject, request: HTTPRequest, response: HTTPResponse) -> HTTPPostResult:
        """`http_post_hook` (r2). Raises `HookError`."""
        shape = self.settings.shape
        sent = documents.http_post(
            self.revision,
            self._context(context),
            documents.request_json(request, shape),
            documents.response_json(response, shape),
        )
        return self._typed(Role.HTTP_POST, sent, lambda notes: HTTPPostResult(notes=notes), HTTPPostResult)

    def http_stream_chunk_hook(self, context: JsonObject, request: HTTPRequest, chunk: JsonObject) -> ChunkResult:
        """`http_stream_chunk_hook` (r1b, r2). Raises `HookError`."""
        sent = documents.stream_chunk(
            self.revision, self._context(context), documents.request_json(request, self.settings.shape), chunk
        )
        return self._typed(Role.STREAM, sent, lambda notes: ChunkResult(ChunkEffect.KEEP, notes=notes), ChunkResult)

    def pre_hook(self, context: JsonObject, request: JsonObject) -> PreResult:
        """`pre_hook`. Raises `HookError`."""
        sent = documents.pre(self.revision, self._context(context), request)
        return self._typed(Role.PRE, sent, lambda notes: PreResult(notes=notes), PreResult)

    def post_hook(self, context: JsonObject, response: JsonObject | None, error: JsonObject | None) -> PostResult:
        """`post_hook`. Raises `HookError`."""
        sent = documents.post(self.revision, self._context(context), response, error)
        given = Outcome(response=bool(response), error=bool(error))
        return self._typed(Role.POST, sent, lambda notes: PostResult(notes=notes), PostResult, given)

    # -- private -----------------------------------------------------------------------------------

    def _typed(
        self,
        role: Role,
        sent: Sequence[bytes],
        unchanged: Callable[[tuple[Note, ...]], R],
        type_: type[R],
        given: Outcome | None = None,
    ) -> R:
        hook = self.revision.hook(role)
        if hook is None or hook.name not in self._hooks:
            raise UnknownHook(f"the plugin has no {role.value} ({self.revision.name})")
        _exchange, answer = self.answer(hook, sent, given)
        if answer is None:
            return unchanged((Note("empty-result", f"{hook.name} answered nothing: no change"),))
        result = answer.usable(hook.name)
        assert isinstance(result, type_)
        return result

    def _context(self, context: JsonObject) -> JsonObject:
        return documents.context_json(context, self.settings.shape)

    def fuel(self, size: int) -> int | None:
        """Fuel for a call with an input of `size` bytes as things stand; None where it is unlimited."""
        budget = self.settings.budget
        memory = None if self.instance is None else self.instance.memory
        return None if budget is None else budget.fuel(size, 0 if memory is None else memory.size)

    def _make_ready(self, function: str) -> None:
        if self._instance is None:
            self.start()
        # `get_name` may be called before `init`; but an instance that replaces another one is as far as that one was.
        if not self._initialized and (self._init_wanted or function in self._hooks):
            self.init()

    def _discard(self) -> None:
        self._instance = self._heap = None
        self._exited = self._initialized = False


def _choose_revision(summary: ModuleSummary, wanted: str | None) -> Revision:
    if wanted is not None:
        return revision_named(wanted)
    detection = detect(summary)
    if detection is None:
        raise UnknownRevision("the module exports no hook of any revision of bifrost")
    return revision_named(detection.revision)
