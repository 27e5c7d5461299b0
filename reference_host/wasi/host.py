"""One guest's side of WASI: its state, and the host functions for what its module imports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reference_host.engine.interface import HostFunction, HostImplementation, Import, Instance
from reference_host.wasi import assemblyscript, signatures
from reference_host.wasi.assemblyscript import AssemblyScript
from reference_host.wasi.attributes import Attributes
from reference_host.wasi.clock import FakeClock
from reference_host.wasi.config import WasiConfig
from reference_host.wasi.descriptors import Descriptors
from reference_host.wasi.directories import Directories
from reference_host.wasi.files import Files
from reference_host.wasi.guest import Guest
from reference_host.wasi.layout import LAYOUTS, PREVIEW1, Layout
from reference_host.wasi.opening import Opening, preopen
from reference_host.wasi.polling import Polling
from reference_host.wasi.process import Process
from reference_host.wasi.randomness import SeededRandom
from reference_host.wasi.sockets import Sockets
from reference_host.wasi.streams import STDERR, STDOUT, Capture, EmptyInput, Output
from reference_host.wasi.tree import Tree
from reference_host.wasi.types import Errno, WasiError

Function = Callable[..., float | None]
"""Called as `function(guest, *arguments)`; raises `WasiError` for an errno other than success."""


_DEFAULT = WasiConfig()

_ROOMS = (Process, Files, Attributes, Directories, Opening, Polling, Sockets)

_ROOM_OF = {name: index for index, room in enumerate(_ROOMS) for name in signatures.PREVIEW1 if hasattr(room, name)}
"""Where each function is, found once, since guests are made often."""


class Wasi:
    """The WASI of one instance. It holds the state of a guest, so that every instance needs its own.

    Raises `DirectoryUnusable` for a folder that cannot be opened, and `DirectoriesUnsupported` on a system on which
    a guest could not be kept inside.
    """

    def __init__(self, config: WasiConfig = _DEFAULT) -> None:
        self.config = config
        self._stdout = Capture(config.stdout_limit)
        self._stderr = Capture(config.stderr_limit)
        clock = FakeClock(config.realtime_start, config.monotonic_start, config.clock_step)
        random = SeededRandom(config.seed)
        tree = Tree(clock, config.disk_limit)
        streams = (EmptyInput(), Output(STDOUT, self._stdout), Output(STDERR, self._stderr))
        preopened = (preopen(directory, tree) for directory in config.directories)
        self._descriptors = descriptors = Descriptors(*streams, *preopened)
        self._rooms = (
            Process(config.argument_strings, config.environment_strings, clock, random),
            Files(descriptors),
            Attributes(descriptors, tree),
            Directories(descriptors, tree),
            Opening(descriptors, tree),
            Polling(clock, descriptors),
            Sockets(descriptors),
        )
        self._assemblyscript = AssemblyScript(self._stderr, random)

    @property
    def stdout(self) -> bytes:
        """What the guest wrote to standard output so far, up to the limit."""
        return self._stdout.data

    @property
    def stderr(self) -> bytes:
        """What the guest wrote to standard error so far, up to the limit."""
        return self._stderr.data

    @property
    def written(self) -> int:
        """Bytes that the guest wrote to both outputs so far, kept or not."""
        return self._stdout.written + self._stderr.written

    @property
    def stdout_dropped(self) -> int:
        """Bytes that the guest wrote to standard output over the limit."""
        return self._stdout.dropped

    @property
    def stderr_dropped(self) -> int:
        """Bytes that the guest wrote to standard error over the limit."""
        return self._stderr.dropped

    def close(self) -> None:
        """Close all that the guest has open, so that it can do no more; what it wrote to its outputs is kept.

        What is not closed so is closed with the last reference to the guest.
        """
        self._descriptors.close_all()

    def host_functions(self, imports: Sequence[Import]) -> list[HostFunction]:
        """Give the functions that a module imports, each once, and leave out what is not known here.

        A function that is imported with another type is given with its own, so that the engine can tell the
        two apart.
        """
        wanted = dict.fromkeys((import_.module, import_.name) for import_ in imports)
        return [function for module, name in wanted if (function := self._host_function(module, name))]

    def _host_function(self, module: str, name: str) -> HostFunction | None:
        types = signatures.WASI.get(module, {})
        if name in types:
            implementation = _answering_errno(getattr(self._rooms[_ROOM_OF[name]], name), LAYOUTS[module])
            return HostFunction(module, name, types[name], implementation)
        if module == assemblyscript.MODULE and name in signatures.ASSEMBLYSCRIPT:
            function: Function = getattr(self._assemblyscript, name)
            return HostFunction(module, name, signatures.ASSEMBLYSCRIPT[name], _plain(function))
        return None


def _answering_errno(function: Function, layout: Layout) -> HostImplementation:
    def implementation(instance: Instance, *arguments: int) -> int | None:
        try:
            function(Guest(instance.memory, layout), *arguments)
        except WasiError as error:
            return error.errno.value
        return Errno.SUCCESS.value

    return implementation


def _plain(function: Function) -> HostImplementation:
    def implementation(instance: Instance, *arguments: float) -> float | None:
        return function(Guest(instance.memory, PREVIEW1), *arguments)

    return implementation
