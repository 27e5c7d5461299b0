"""Every error that the reference host raises, as one tree.

    HookproofError
    ├── UsageError                     what was asked for cannot be: the asker mends it
    │   ├── UnknownEngine              no engine of that name is registered
    │   ├── UnknownSystem              no plugin system of that name is registered
    │   ├── UnknownRevision            the system has no such revision
    │   ├── UnknownHook                the revision has no such hook
    │   ├── PluginNotFound             no plugin of that name is registered
    │   └── DirectoryUnusable          a folder that a guest was to be given cannot be opened
    ├── EngineMissing                  the engine is known, but its library is not installed here
    ├── DirectoriesUnsupported         this system cannot keep a guest inside a folder
    ├── ModuleError                    the bytes are not a core module that an engine can take
    │   ├── NotAModule                 not a core module at all: empty, text, truncated header, component
    │   ├── MalformedModule            the binary format is broken, at an offset
    │   ├── InvalidModule              decodes, but does not validate
    │   └── UnsupportedModule          uses a feature that the engine does not have
    ├── LoadError                      a core module that cannot be loaded as it stands
    │   ├── UnresolvedImport           an import that nobody provides, or provides with another type
    │   ├── ImportNotFound             an import for which no callback is defined
    │   ├── WasiUndetected             no import tells a version of WASI, on a host that cannot do without
    │   ├── MemoryLimitExceeded        its memory starts above the limit
    │   ├── TableLimitExceeded         a table starts above the limit
    │   ├── MissingExport              an export that is needed is absent
    │   ├── MistypedExport             an export has another type than its contract says
    │   ├── StartFailed                the start function, `_initialize` or `_start` trapped
    │   └── InitRefused                `init` answered with another status than 0
    ├── MemoryAccessError              the *host* was asked to touch bytes outside linear memory
    ├── CallError                      a call that the seam refuses: no such function, wrong number or kind of arguments
    ├── HookError                      a call of a plugin gave no answer; `code` is the plugin system's own word
    │   ├── FunctionNotFound           the plugin exports no function of that name
    │   ├── ArgumentMismatch           the arguments do not fit the function's type
    │   ├── UnsupportedResult          the function's result is no value that was asked for
    │   ├── AllocationFailed           the plugin gave no room for a value
    │   ├── StringSizeFailed           the plugin did not tell how long its string is
    │   ├── ValueOutOfBounds           a string or bytes of the plugin's lie outside linear memory
    │   ├── ValueTooLong               a string or bytes of the plugin's are longer than the host takes
    │   ├── DeallocationFailed         the plugin trapped when it was given a buffer back
    │   ├── CallFailed                 the function trapped
    │   ├── CallbackFailed             a function of the host's failed that the plugin had called
    │   ├── GuestError                 the function reported an error of its own
    │   └── InstanceLost               the instance was removed, or aborted before
    └── Trap                           the guest's execution was aborted; `code` says how

Above the engine seam nobody ever sees an engine's own exception.
"""

from __future__ import annotations

from enum import StrEnum


class HookproofError(Exception):
    """Root of every error raised on purpose."""


class UsageError(HookproofError):
    """What was asked for cannot be; the message says what can."""


class UnknownEngine(UsageError):
    """No engine of that name is registered."""


class UnknownSystem(UsageError):
    """No plugin system of that name is registered."""


class UnknownRevision(UsageError):
    """The plugin system has no such revision."""


class UnknownHook(UsageError):
    """The revision has no such hook."""


class PluginNotFound(UsageError):
    """No plugin of that name is registered."""

    def __init__(self, name: str) -> None:
        super().__init__(f"plugin {name}, not found, ensure all plugins are registered before use")
        self.name = name


class DirectoryUnusable(UsageError):
    """A folder that a guest was to be given cannot be opened."""


class EngineMissing(HookproofError):
    """The engine is registered, but its library cannot be used here."""


class DirectoriesUnsupported(HookproofError):
    """This system lacks what keeps a guest inside a folder, so that no folder is given."""


class ModuleError(HookproofError):
    """The bytes are not a core module that an engine can take."""


class NotAModule(ModuleError):
    """The bytes are no WebAssembly core module at all."""


class MalformedModule(ModuleError):
    """The binary format is broken; `offset` is the byte where it was seen, if known."""

    def __init__(self, reason: str, offset: int | None = None) -> None:
        where = "" if offset is None else f" at offset {offset:#x}"
        super().__init__(f"malformed module{where}: {reason}")
        self.reason = reason
        self.offset = offset


class InvalidModule(ModuleError):
    """The module decodes, but does not validate."""


class UnsupportedModule(ModuleError):
    """The module uses a feature that this engine does not have."""


class LoadError(HookproofError):
    """A core module that cannot be loaded as it stands."""


class UnresolvedImport(LoadError):
    """An import that nobody provides, or that is provided with another type."""

    def __init__(self, module: str, name: str, type_: str, provided: str | None = None) -> None:
        what = "nobody provides it" if provided is None else f"it is provided as {provided}"
        super().__init__(f"import {module}.{name} {type_}: {what}")
        self.module = module
        self.name = name
        self.type = type_
        self.provided = provided


class ImportNotFound(LoadError):
    """An import for which no callback is defined: `module` is its namespace."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__(
            f"plugin imports the function {name} from the namespace {module} but no callback is defined for this import"
        )
        self.module = module
        self.name = name


class WasiUndetected(LoadError):
    """No import tells a version of WASI that the host knows, and it cannot do without."""

    def __init__(self) -> None:
        super().__init__("could not detect a WASI version on the given module")


class MemoryLimitExceeded(LoadError):
    """The module's memory starts above the limit; both counts are in pages of 64 KiB."""

    def __init__(self, minimum: int, limit: int) -> None:
        super().__init__(f"memory starts with {minimum} pages, the limit is {limit} pages of 64 KiB")
        self.minimum = minimum
        self.limit = limit


class TableLimitExceeded(LoadError):
    """A table of the module starts above the limit; both counts are in elements."""

    def __init__(self, minimum: int, limit: int) -> None:
        super().__init__(f"a table starts with {minimum} elements, the limit is {limit}")
        self.minimum = minimum
        self.limit = limit


class MissingExport(LoadError):
    """An export that the contract needs is absent."""

    def __init__(self, name: str) -> None:
        super().__init__(f"export {name} is missing")
        self.name = name


class MistypedExport(LoadError):
    """An export has another type than its contract says."""

    def __init__(self, name: str, expected: str, got: str) -> None:
        super().__init__(f"export {name} has type {got}, expected {expected}")
        self.name = name
        self.expected = expected
        self.got = got


class StartFailed(LoadError):
    """The start function, `_initialize` or `_start` trapped; `trap` is what it trapped with."""

    def __init__(self, function: str, trap: Trap) -> None:
        super().__init__(f"{function} did not complete: {trap}")
        self.function = function
        self.trap = trap


class InitRefused(LoadError):
    """`init` answered with another status than 0."""

    def __init__(self, status: int) -> None:
        super().__init__(f"init answered {status}, expected 0")
        self.status = status


class MemoryAccessError(HookproofError):
    """The host was asked to touch bytes outside linear memory (unsigned address, length and memory size in bytes)."""

    def __init__(self, address: int, length: int, size: int) -> None:
        super().__init__(f"bytes {address:#x} to {address + length:#x} are outside a memory of {size:#x} bytes")
        self.address = address
        self.length = length
        self.size = size


class CallError(HookproofError):
    """No such exported function, or arguments that do not fit its type."""


class HookError(HookproofError):
    """A call of a plugin's hook or function gave no answer that can be used; `hook` is the name of what was called.

    `code` is a word of the plugin system (its room lists them); `trap` is set where the guest was aborted.
    """

    def __init__(self, hook: str, code: str, detail: str, trap: Trap | None = None) -> None:
        super().__init__(f"{hook}: {code}: {detail}")
        self.hook = hook
        self.code = code
        self.detail = detail
        self.trap = trap


class FunctionNotFound(HookError):
    """The plugin exports no function of that name; an export that is no function is none."""

    def __init__(self, hook: str, detail: str) -> None:
        super().__init__(hook, "function-not-found", detail)
        self.args = (f"function {hook}, does not exist in plugin: {detail}",)


class ArgumentMismatch(HookError):
    """The arguments do not fit the function's type in number or kind; it was not called."""

    def __init__(self, hook: str, detail: str) -> None:
        super().__init__(hook, "argument-mismatch", detail)


class UnsupportedResult(HookError):
    """The function has no result of the type that was asked for; nothing was called, where the host looks first."""

    def __init__(self, hook: str, detail: str) -> None:
        super().__init__(hook, "unsupported-result-type", detail)


class AllocationFailed(HookError):
    """The plugin gave no room for a value: its allocator is missing, trapped, or answered no usable address."""

    def __init__(self, hook: str, detail: str, trap: Trap | None = None) -> None:
        super().__init__(hook, "alloc-failed", detail, trap)


class StringSizeFailed(HookError):
    """The plugin did not tell how long its string is: the function for it is missing, or trapped."""

    def __init__(self, hook: str, detail: str, trap: Trap | None = None) -> None:
        super().__init__(hook, "string-size-failed", detail, trap)


class ValueOutOfBounds(HookError):
    """A string or bytes of the plugin's lie outside linear memory, in whole or in part."""

    def __init__(self, hook: str, detail: str) -> None:
        super().__init__(hook, "out-of-bounds", detail)


class ValueTooLong(HookError):
    """A string or bytes of the plugin's lie in linear memory, but are longer than the host takes."""

    def __init__(self, hook: str, detail: str) -> None:
        super().__init__(hook, "too-long", detail)


class DeallocationFailed(HookError):
    """The plugin trapped when it was given a buffer back."""

    def __init__(self, hook: str, detail: str, trap: Trap) -> None:
        super().__init__(hook, "dealloc-failed", detail, trap)


class CallFailed(HookError):
    """The function trapped."""

    def __init__(self, hook: str, trap: Trap) -> None:
        super().__init__(hook, "trap", str(trap), trap)
        self.args = (f"unable to call function: {hook} trapped: {trap}",)


class CallbackFailed(HookError):
    """A function of the host's failed that the plugin had called; `__cause__` is what it raised, if it raised."""

    def __init__(self, hook: str, module: str, name: str, detail: str, trap: Trap | None = None) -> None:
        super().__init__(hook, "callback-failed", f"{module}.{name}: {detail}", trap)
        self.module = module
        self.name = name


class GuestError(HookError):
    """The function reported an error of its own; its `message` is the whole text of this one."""

    def __init__(self, hook: str, message: str) -> None:
        super().__init__(hook, "error", message)
        self.args = (message,)
        self.message = message


class InstanceLost(HookError):
    """The instance was removed, or aborted by what was called before; nothing was called."""

    def __init__(self, hook: str) -> None:
        super().__init__(hook, "instance-lost", "the instance was removed, or aborted before")


class TrapCode(StrEnum):
    """How an execution was aborted: the same word on every engine."""

    UNREACHABLE = "unreachable"
    MEMORY_OUT_OF_BOUNDS = "out-of-bounds-memory"
    TABLE_OUT_OF_BOUNDS = "out-of-bounds-table"
    DIVIDE_BY_ZERO = "divide-by-zero"
    INTEGER_OVERFLOW = "integer-overflow"
    INVALID_CONVERSION = "invalid-conversion"
    UNINITIALIZED_ELEMENT = "uninitialized-element"
    INDIRECT_CALL_TYPE_MISMATCH = "indirect-call-type-mismatch"
    STACK_EXHAUSTED = "stack-exhausted"
    FUEL_EXHAUSTED = "fuel-exhausted"
    DEADLINE = "deadline"
    EXIT = "exit"
    """The guest called `proc_exit`; `Trap.exit_code` has its argument."""
    ABORT = "abort"
    """The guest called `env.abort`; the message is the guest's."""
    HOST = "host"
    """A host function refused the call; the message says why."""


class Trap(HookproofError):
    """The guest's execution was aborted.

    `message` never comes from an engine, so that two engines report one trap alike: it is the guest's own (`abort`), or
    the host function's (`host`), or empty.
    """

    def __init__(self, code: TrapCode, message: str = "", exit_code: int | None = None) -> None:
        text = code.value if exit_code is None else f"{code.value} with code {exit_code}"
        super().__init__(f"{text}: {message}" if message else text)
        self.code = code
        self.message = message
        self.exit_code = exit_code
