"""On what terms a plugin is judged: the options of `hookproof certify` and of the pytest plugin, read once for both.

Whatever can change a verdict stands here, and nothing else: the engine, the number of processes and the report's form
are not among them.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.errors import BadSelector, CouldNotJudge, NoKnownSystem, RegistrationError
from conformance.judging.subject import (
    DEFAULT_SEED,
    PROFILES,
    QUICK_PAGES,
    Profile,
    Scope,
    Subject,
)
from conformance.registry import load_system, system_names
from conformance.text import printable, shell_quoted
from reference_host.abi.interface import NOTHING_GIVEN, Detection, Given, Json, ModuleSummary, System, parse_json
from reference_host.engine.binary import ModuleInfo, read_module
from reference_host.engine.interface import MAX_PAGES, PAGE
from reference_host.errors import ModuleError, UnknownRevision, UsageError

EVERY_SHAPE = "all"
SMALLEST_INPUT = 1_024

_SIZE = re.compile(r"\s*([0-9]+)\s*([kmg]?)(i?)b?\s*", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SELECTOR = re.compile(r"([A-Za-z0-9-]+)(?:\[(.*)\])?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Terms:
    """The options that change what is judged.

    `config_path` and `functions_path` are as the user gave them, `given` is what the files hold.
    """

    abi: str | None = None
    revision: str | None = None
    profile: Profile = "strict"
    shape: str = EVERY_SHAPE
    config_path: str | None = None
    functions_path: str | None = None
    given: Given = NOTHING_GIVEN
    memory_pages: int = MAX_PAGES
    max_input: int | None = None
    quick: bool = False
    seed: int = DEFAULT_SEED
    only: str | None = None
    only_case: str | None = None

    @property
    def scope(self) -> Scope:
        """The scope that a report names."""
        return "quick" if self.quick else "full"

    @property
    def pages(self) -> int:
        """The limit on linear memory, in pages of 64 KiB."""
        return min(self.memory_pages, QUICK_PAGES) if self.quick else self.memory_pages

    @property
    def selector(self) -> str | None:
        """What `--only` was given, None where everything is judged."""
        return self.only if self.only is None or self.only_case is None else f"{self.only}[{self.only_case}]"

    def selecting(self, only: str) -> Terms:
        """Give the same terms for one requirement or one case. Raises `BadSelector`."""
        requirement, case = parse_selector(only)
        return replace(self, only=requirement, only_case=case)

    def words(self) -> Iterator[str]:
        """Give the words of a command line that sets these terms; what is at its default is left out."""
        if self.selector is not None:
            yield from ("--only", self.selector)
        if self.quick:
            yield "--quick"
        if self.profile != PROFILES[0]:
            yield from ("--profile", self.profile)
        if self.shape != EVERY_SHAPE:
            yield from ("--shape", self.shape)
        if self.abi is not None:
            yield from ("--abi", self.abi)
        if self.revision is not None:
            yield from ("--revision", self.revision)
        if self.config_path is not None:
            yield from ("--config", self.config_path)
        if self.functions_path is not None:
            yield from ("--functions", self.functions_path)
        if self.memory_pages != MAX_PAGES:
            yield from ("--max-memory", format_memory(self.memory_pages))
        if self.max_input is not None:
            yield from ("--max-input", format_size(self.max_input))
        if self.seed != DEFAULT_SEED:
            yield from ("--seed", str(self.seed))


def certify_command(path: str, terms: Terms) -> str:
    """Give the one command line that judges a plugin on these terms, quoted for a shell."""
    # A name that begins with a dash would be read as an option.
    shown = f"./{path}" if path.startswith("-") else path
    return " ".join(map(shell_quoted, ("hookproof", "certify", shown, *terms.words())))


def parse_memory(text: str) -> int:
    """Read a size such as `64MiB`, `2GiB`, `1G` or `65536` (bytes): the whole pages of 64 KiB that it holds.

    Raises `UsageError` for what is no size, less than a page, or above 4 GiB.
    """
    pages = _parse_size(text) // PAGE
    if not 1 <= pages <= MAX_PAGES:
        raise UsageError(f"{printable(text, 80)!r} is not between one page (64KiB) and 4GiB")
    return pages


def parse_input(text: str) -> int:
    """Read the size of the largest input, such as `64KiB`, in bytes. Raises `UsageError`, also for less than 1 KiB."""
    size = _parse_size(text)
    if size < SMALLEST_INPUT:
        raise UsageError(f"{printable(text, 80)!r} is less than 1KiB, which plain messages need")
    return size


def _parse_size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UsageError(f"{printable(text, 80)!r} is no size; expected one such as 64MiB, 2GiB or 65536")
    return int(match[1]) * _UNITS[match[2].lower()]


def format_memory(pages: int) -> str:
    """Write pages as the largest unit that holds them evenly: `64MiB`."""
    return format_size(pages * PAGE)


def format_size(size: int) -> str:
    """Write bytes as the largest unit that holds them evenly: `64KiB`."""
    for unit in ("g", "m", "k"):
        if size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit.upper()}iB"
    return str(size)


def parse_selector(text: str) -> tuple[str, str | None]:
    """Read `--only`: a requirement's id, or `ID[case]`. Raises `BadSelector`."""
    match = _SELECTOR.fullmatch(text)
    if match is None:
        raise BadSelector(
            f"{printable(text, 120)!r} selects nothing; expected a requirement's id, or ID[case] as a report prints it"
        )
    return match[1], match[2]


def read_plugin(path: str) -> bytes:
    """Read a plugin's file. Raises `UsageError`."""
    return _read(path, "plugin")


def read_given(config: str | None, functions: str | None) -> Given:
    """Read the files that belong to a plugin. Raises `UsageError`.

    What they have to hold is for the plugin system to say, once it is known which one it is.
    """
    return Given(
        config=None if config is None else _read(config, "configuration"),
        functions=None if functions is None else _read(functions, "functions file"),
    )


def read_document(path: str) -> Json:
    """Read a JSON document to send, `-` from standard input. Raises `UsageError`."""
    if path == "-":
        return parse_json(sys.stdin.buffer.read(), "the input 'standard input'")
    return parse_json(_read(path, "input"), f"the input {printable(path, 200)!r}")


def _read(path: str, what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"the {what} {printable(path, 200)!r} cannot be read: {reason}") from error


def identify(info: ModuleInfo, abi: str | None) -> tuple[System, Detection]:
    """Find the plugin system that recognises a module, by its imports and exports alone.

    Raises `UnknownSystem`, `NoKnownSystem`, `RegistrationError` where the one that might cannot be imported, and
    `UsageError` where several systems recognise it.
    """
    summary = ModuleSummary(info.imports, info.exports)
    names = system_names() if abi is None else (abi,)
    found: list[tuple[System, Detection]] = []
    broken: list[RegistrationError] = []
    for name in names:
        try:
            system = load_system(name)
        except RegistrationError as error:
            broken.append(error)
            continue
        if (detection := system.detect(summary, named=abi is not None)) is not None:
            found.append((system, detection))
    if not found and broken:
        # One that cannot be imported matters only where no other knows the module.
        raise broken[0]
    if not found:
        whose = abi or f"any known plugin system ({', '.join(names)})"
        raise NoKnownSystem(f"the module exports no hook of {whose}, so there is nothing to judge")
    if len(found) > 1:
        claims = ", ".join(detection.system for _, detection in found)
        raise UsageError(f"the module is recognised by more than one plugin system ({claims}): choose with --abi")
    return found[0]


def make_subject(path: str, binary: bytes, terms: Terms, engine: str) -> Subject:
    """Make the subject from a plugin's bytes, without running anything.

    Raises `UsageError` (the asker's fault: files or options that the system cannot take), and `CouldNotJudge` with the
    reason otherwise.
    """
    try:
        info = read_module(binary)
    except ModuleError as error:
        raise CouldNotJudge(str(error)) from error
    system, detection = identify(info, terms.abi)
    if terms.revision is not None and terms.revision not in system.revisions:
        known = ", ".join(system.revisions)
        raise UnknownRevision(f"{system.name} has no revision {terms.revision!r}, it has: {known}")
    system.check(terms.given)
    for memory in info.memories:
        if memory.minimum > terms.pages:
            raise CouldNotJudge(
                f"its memory starts with {format_memory(memory.minimum)}, the limit is {format_memory(terms.pages)}"
                f" ({'--quick' if terms.quick and terms.pages == QUICK_PAGES else '--max-memory'} sets it)"
            )
    return Subject(
        path=path,
        binary=binary,
        sha256=hashlib.sha256(binary).hexdigest(),
        system=system.name,
        revision=terms.revision or detection.revision,
        detection=detection,
        profile=terms.profile,
        shapes=_shapes(system, terms.shape),
        scope=terms.scope,
        given=terms.given,
        memory_pages=terms.pages,
        max_input=terms.max_input,
        seed=terms.seed,
        engine=engine,
        only=terms.only,
        only_case=terms.only_case,
    )


def _shapes(system: System, shape: str) -> frozenset[str]:
    if shape == EVERY_SHAPE:
        return frozenset(system.shapes)
    if shape not in system.shapes:
        known = ", ".join((*system.shapes, EVERY_SHAPE))
        raise UsageError(
            f"the payloads of {system.name} have no shape {printable(shape, 80)!r}; expected one of {known}"
        )
    return frozenset((shape,))
