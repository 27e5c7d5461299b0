"""Bifrost: the memory contract, from the host's side.

The host asks the plugin's own allocator for room, writes a document there, and passes pointer and length. The result is
packed, `pointer << 32 | length`, both unsigned. The host copies the result out, then gives the result's buffer back,
then the inputs, each exactly once. Memory is looked up again after every guest call, because any of them may grow it.

Source: "Writing WASM Plugins", Return Value Format and Data Exchange; README of hello-world-wasm-go. Who frees, and in
which order, no document says: those are stands.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from reference_host.abi.bifrost.events import (
    Allocated,
    Buffer,
    Event,
    Exchange,
    Freed,
    FreeFailed,
    NotFreed,
    Owner,
    Stage,
)
from reference_host.abi.bifrost.packed import Plausible, is_whole_object, looks_like_json, misplaced, unpack
from reference_host.abi.bifrost.revisions import ALLOCATOR_TYPE, FREE_TYPES, free_name
from reference_host.abi.bifrost.types import HookFailure
from reference_host.abi.buffers import CANARY as CANARY
from reference_host.abi.buffers import SCRUB as SCRUB
from reference_host.abi.buffers import Witness as Witness
from reference_host.abi.buffers import overwritten
from reference_host.engine.interface import Export, FuncType, Instance
from reference_host.errors import HookError, MemoryAccessError, Trap


@dataclass(frozen=True, slots=True)
class AllocatorPair:
    """The allocator that a module is used with; `free` is None where it exports none. Chosen once, never mixed."""

    malloc: str
    free: str | None
    free_takes_size: bool

    def __str__(self) -> str:
        if self.free is None:
            return f"{self.malloc}, nothing to free with"
        return f"{self.malloc}, {self.free}({'ptr, size' if self.free_takes_size else 'ptr'})"


ALLOCATORS = ("plugin_malloc", "malloc")
"""Allocators by name, in every revision: the first that exists is used, with its own counterpart."""


def pair_types(names: Container[str]) -> dict[str, tuple[FuncType, ...]]:
    """The legal types of the pair that a module with exports of these names is used with; empty where it has none."""
    for malloc in ALLOCATORS:
        if malloc in names:
            return {malloc: (ALLOCATOR_TYPE,), free_name(malloc): FREE_TYPES}
    return {}


def choose_pair(exports: Sequence[Export]) -> AllocatorPair | None:
    """`plugin_malloc` and `plugin_free` where `plugin_malloc` exists, else `malloc` and `free`; None without either.

    The arity of `free` is read from its type. An export of another type does not count.
    """
    types = {export.name: export.type for export in exports if isinstance(export.type, FuncType)}
    for malloc in ALLOCATORS:
        if types.get(malloc) == ALLOCATOR_TYPE:
            free = free_name(malloc)
            found = types.get(free)
            return AllocatorPair(malloc, free if found in FREE_TYPES else None, found == FREE_TYPES[1])
    return None


@dataclass(frozen=True, slots=True)
class HeapPolicy:
    """How the host uses the allocator.

    `accept_address_zero`: whether the very first buffer may lie at address 0 (the vendor's documented samples do so;
    the lenient profile takes it). `slack`: bytes that are asked for beyond the text, filled with `CANARY`; a guest that
    keeps to pointer and length never notices. `scrub`: the byte that an input buffer is overwritten with just before it
    is given back, so that a guest which kept a pointer into it shows it; None to leave it as it is. `scrub_config`: the
    same for the config. `doubts`: a result that is no whole object is not given back, because its pointer may be as
    wrong as its text, and freeing it would damage the guest. `withheld`: whose buffers are never given back.
    """

    accept_address_zero: bool = False
    slack: int = 0
    scrub: int | None = None
    scrub_config: int | None = None
    doubts: bool = False
    withheld: frozenset[Owner] = frozenset()


class Heap:
    """Makes calls whose documents and results lie in the memory of one instance."""

    def __init__(self, instance: Instance, pair: AllocatorPair | None, policy: HeapPolicy) -> None:
        self._instance = instance
        self._pair = pair
        self._policy = policy
        self._untouched = True
        self._events: list[Event] = []

    def exchange(
        self,
        function: str,
        documents: Sequence[bytes],
        fuel: int | None,
        *,
        plausible: Plausible = looks_like_json,
        witness: Witness | None = None,
    ) -> Exchange:
        """Call a function that takes documents and answers a packed result; give every buffer back.

        `plausible` knows what its answers look like. Never raises for what the guest does: `Exchange.failure` tells.
        """
        self._events = []
        inputs: list[Buffer] = []
        raw: int | None = None
        output: bytes | None = None
        failure: HookError | None = None
        stage = Stage.ALLOCATE
        try:
            for document in documents:
                inputs.append(self._place(function, document, fuel))  # noqa: PERF401 - what was placed before a failure
            arguments = [number for buffer in inputs for number in (buffer.pointer, buffer.length)]
            if witness is not None:
                witness.placed(inputs)
            stage = Stage.CALL
            raw = self._call(function, function, *arguments, fuel=fuel)
            stage = Stage.RESULT
            output = self._copy_out(function, raw, plausible)
            if witness is not None:
                witness.returned(inputs, Buffer(raw >> 32, len(output), len(output)) if output else None)
        except HookError as error:
            failure = error
        lost = failure is not None and failure.trap is not None
        if lost:
            self._not_freed(inputs, "instance-lost")
        else:
            self._check_canaries(inputs)
            unfreed = self._give_back(function, inputs, raw, output, fuel, self._policy.scrub)
            lost = unfreed is not None
            if failure is None and unfreed is not None:
                failure, stage = unfreed, Stage.FREE
        memory = self._instance.memory
        size = None if memory is None or lost else memory.size
        failed_at = None if failure is None else stage
        return Exchange(function, tuple(inputs), raw, output, failure, failed_at, tuple(self._events), size)

    def status(self, function: str, document: bytes, fuel: int | None) -> int:
        """Call `init`: one document in, a signed 32-bit status out. Raises `HookError`."""
        self._events = []
        buffer = self._place(function, document, fuel)
        status = self._call(function, function, buffer.pointer, buffer.length, fuel=fuel)
        self._check_canaries([buffer])
        failure = self._give_back(function, [buffer], None, None, fuel, self._policy.scrub_config)
        if failure is not None:
            raise failure
        return _signed(status)

    def plain_status(self, function: str, fuel: int | None) -> int:
        """Call `cleanup`: nothing in, a signed 32-bit status out. Raises `HookError`."""
        self._events = []
        return _signed(self._call(function, function, fuel=fuel))

    def borrow(self, size: int, fill: int | None, fuel: int | None) -> Buffer | None:
        """Ask for a buffer beside those of a call, and fill it with a byte; None where there is none to write to.

        Raises `HookError` where the allocator traps.
        """
        memory = self._instance.memory
        if self._pair is None or memory is None or size == 0:
            return None
        pointer = self._call(self._pair.malloc, self._pair.malloc, size, fuel=fuel)
        self._untouched = False
        if pointer == 0 or pointer + size > memory.size:
            return None
        if fill is not None:
            memory.write(pointer, bytes([fill]) * size)
        return Buffer(pointer, size, size)

    def hand_back(self, buffer: Buffer, fuel: int | None) -> None:
        """Give back what was borrowed. Raises `HookError` where that traps."""
        failure = self._free("free", buffer, Owner.INPUT, fuel)
        if failure is not None:
            raise failure

    @property
    def events(self) -> tuple[Event, ...]:
        """What the last call made the host see."""
        return tuple(self._events)

    def _call(self, hook: str, function: str, *arguments: int, fuel: int | None) -> int:
        try:
            results = self._instance.call(function, *arguments, fuel=fuel)
        except Trap as trap:
            raise HookError(hook, HookFailure.TRAP, f"{function} trapped: {trap}", trap) from None
        return int(results[0]) if results else 0

    def _place(self, hook: str, document: bytes, fuel: int | None) -> Buffer:
        if not document:
            # Nothing to carry: the allocator is not asked, and the hook gets (0, 0).
            return Buffer(0, 0, 0)
        memory = self._instance.memory
        if self._pair is None or memory is None:
            raise HookError(hook, HookFailure.ALLOC_FAILED, "the module exports no allocator, or no memory")
        size = len(document) + self._policy.slack
        pointer = self._call(hook, self._pair.malloc, size, fuel=fuel)
        first, self._untouched = self._untouched, False
        self._events.append(Allocated(pointer, size, memory.size))
        if pointer == 0 and not (first and self._policy.accept_address_zero):
            raise HookError(hook, HookFailure.ALLOC_FAILED, f"{self._pair.malloc}({size}) answered 0")
        try:
            memory.write(pointer, document + bytes([CANARY]) * self._policy.slack)
        except MemoryAccessError:
            detail = (
                f"{self._pair.malloc}({size}) answered {pointer:#x}, which does not fit into {memory.size:#x} bytes"
            )
            raise HookError(hook, HookFailure.ALLOC_FAILED, detail) from None
        return Buffer(pointer, len(document), size)

    def _copy_out(self, hook: str, raw: int, plausible: Plausible) -> bytes:
        pointer, length = unpack(raw)
        if length == 0:
            return b""
        memory = self._instance.memory
        size = 0 if memory is None else memory.size
        output = None if memory is None or pointer + length > size else memory.read(pointer, length)
        reason = None if memory is None else misplaced(memory, pointer, length, output, plausible)
        if output is None or reason is not None:
            detail = f"pointer {pointer:#x} and length {length:#x} in a memory of {size:#x} bytes"
            raise HookError(hook, HookFailure.RESULT_OUT_OF_BOUNDS, f"{detail}: {reason}" if reason else detail)
        return output

    def _check_canaries(self, inputs: Sequence[Buffer]) -> None:
        memory = self._instance.memory
        if not self._policy.slack or memory is None:
            return
        for buffer in inputs:
            found = overwritten(memory, buffer) if buffer.size else None
            if found is not None:
                self._events.append(found)

    def _give_back(
        self,
        hook: str,
        inputs: Sequence[Buffer],
        raw: int | None,
        output: bytes | None,
        fuel: int | None,
        scrub: int | None,
    ) -> HookError | None:
        if raw is not None and output:
            result = Buffer(raw >> 32, len(output), len(output))
            if result.pointer == 0:
                self._events.append(NotFreed(0, Owner.RESULT, "zero"))
            elif any(result.overlaps(buffer) for buffer in inputs):
                # An echo: the buffer is the host's own, and is given back as such.
                self._events.append(NotFreed(result.pointer, Owner.RESULT, "same-as-input"))
            elif self._is_doubtful(hook, output):
                self._events.append(NotFreed(result.pointer, Owner.RESULT, "doubtful"))
            elif Owner.RESULT in self._policy.withheld:
                self._events.append(NotFreed(result.pointer, Owner.RESULT, "withheld"))
            elif (failure := self._free(hook, result, Owner.RESULT, fuel)) is not None:
                self._not_freed(inputs, "instance-lost")
                return failure
        for position, buffer in enumerate(inputs):
            if buffer.size == 0:
                continue
            if buffer.pointer == 0:
                self._not_freed([buffer], "zero")
                continue
            if scrub is not None and self._instance.memory is not None:
                self._instance.memory.write(buffer.pointer, bytes([scrub]) * buffer.size)
            if Owner.INPUT in self._policy.withheld:
                self._not_freed([buffer], "withheld")
            elif (failure := self._free(hook, buffer, Owner.INPUT, fuel)) is not None:
                self._not_freed(inputs[position + 1 :], "instance-lost")
                return failure
        return None

    def _is_doubtful(self, function: str, output: bytes) -> bool:
        return self._policy.doubts and function != "get_name" and not is_whole_object(output)

    def _not_freed(self, inputs: Sequence[Buffer], reason: str) -> None:
        self._events.extend(NotFreed(buffer.pointer, Owner.INPUT, reason) for buffer in inputs if buffer.size)

    def _free(self, hook: str, buffer: Buffer, owner: Owner, fuel: int | None) -> HookError | None:
        if self._pair is None or self._pair.free is None:
            self._events.append(NotFreed(buffer.pointer, owner, "no-free"))
            return None
        arguments = (buffer.pointer, buffer.size) if self._pair.free_takes_size else (buffer.pointer,)
        try:
            self._call(hook, self._pair.free, *arguments, fuel=fuel)
        except HookError as failure:
            self._events.append(FreeFailed(buffer.pointer, owner, failure))
            return failure
        self._events.append(Freed(buffer.pointer, buffer.size if self._pair.free_takes_size else None, owner))
        return None


def _signed(status: int) -> int:
    return status - 2**32 if status >= 2**31 else status
