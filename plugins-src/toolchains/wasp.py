"""The plugins of wasp: one that conforms in each language, and variants of it with one fault each.

The faults are those of the samples that wasp's own authors wrote, and others that a real toolchain's build shows best.
"""

from toolchains.catalogue import Plugin

REVISION = "0.0.8"
SOURCES = {
    "rust": "wasp/rust/variants",
    "tinygo": "wasp/tinygo/variants",
    "typescript": "wasp/typescript/assembly/variants",
    "c": "wasp/c/variants",
}


def _greeter(language: str, source: str) -> Plugin:
    return Plugin(
        f"greeter-{language}",
        language,
        REVISION,
        source,
        "greets, reverses, repeats and counts, calls back and fails: a function for each kind of value",
        functions="wasp/functions/greeter.toml",
        system="wasp",
    )


SAMPLES = (
    _greeter("rust", "wasp/rust/greeter"),
    _greeter("tinygo", "wasp/tinygo/greeter"),
    _greeter("typescript", "wasp/typescript/assembly"),
    _greeter("c", "wasp/c/greeter"),
)


def _variant(
    broken: str | None, language: str, name: str, switches: str, description: str, flags: str, scope: str
) -> Plugin:
    return Plugin(
        "-".join(part for part in ((broken or "").lower(), language, name) if part),
        language,
        REVISION,
        SOURCES[language],
        description,
        _options(language, switches.split(), flags.split()),
        breaks=f"WASP-{broken}" if broken else None,
        functions="wasp/functions/originals.toml",
        scope=scope,
        system="wasp",
    )


def _options(language: str, switches: list[str], flags: list[str]) -> tuple[str, ...]:
    """Write what picks a variant as the compiler wants it: features, build tags, constants or macros; and flags."""
    if language == "rust":
        return (f"--features={','.join(switches)}", *flags)
    if language == "tinygo":
        return (f"-tags={','.join(switches)}", *flags)
    if language == "c":
        return (*(f"-D{word}" for word in switches), *flags)
    entry = f"{SOURCES[language].removeprefix('wasp/typescript/')}/originals.ts"
    return (entry, *flags, *(part for word in switches for part in ("--use", f"{word}=1")))


def _faulty(
    broken: str, language: str, name: str, switches: str, description: str, flags: str = "", scope: str = "quick"
) -> Plugin:
    return _variant(broken, language, name, switches, description, flags, scope)


def _legal(language: str, name: str, switches: str, description: str, flags: str = "") -> Plugin:
    return _variant(None, language, name, switches, description, flags, "quick")


# An AssemblyScript program imports env.abort, unless it is told what to call instead.
ENDS = "--use abort=assembly/variants/originals/abort"
COLLECTS = f"--runtime incremental {ENDS}"

RUST = (
    _faulty("OWN-003", "rust", "takes-input", "takes-input", "makes a C string of its input, and drops it"),
    _faulty("OWN-003", "rust", "takes-bytes", "takes-bytes", "makes a vector of its input, and drops it"),
    _faulty("OWN-004", "rust", "keeps-input", "keeps-input",
            "keeps a slice of its last input, and answers with that where the next one has the same hash"),
    _faulty("OWN-005", "rust", "drops-result", "drops-result", "answers with a string that it drops"),
    _faulty("ALLOC-003", "rust", "guesses-size", "guesses-size",
            "is built with lol_alloc, and takes each block for a vector with room for a power of two"),
    _faulty("MEM-001", "rust", "forgets-capacity", "forgets-capacity",
            "forgets what its strings had reserved: deallocate gives back as much as the text is long", scope="full"),
    _faulty("CALL-001", "rust", "cuts-text", "cuts-text", "cuts names after nine bytes, letter or not"),
    _legal("rust", "talc", "", "believes the host's sizes, and is built with talc"),
    _legal("rust", "lists", "lists", "believes the host's sizes, and is built with lol_alloc"),
)  # fmt: skip

TINYGO = (
    _faulty("ALLOC-003", "tinygo", "unpinned", "unpinned",
            "hands out slices to which it keeps no reference, so that the collector takes them back", scope="full"),
    _faulty("MEM-002", "tinygo", "leaking", "", "is built without a collector", "-gc=leaking"),
    _faulty("OWN-004", "tinygo", "keeps-input", "keepsinput",
            "keeps its last input where the host wrote it, and answers with that where the next one has the same hash"),
    _legal("tinygo", "pinned", "", "hands out slices that it keeps in a map"),
    _legal("tinygo", "runtime-malloc", "runtimemalloc", "hands out blocks of the runtime's malloc"),
    _legal("tinygo", "wasmexport", "wasmexport", "refuses to run before _initialize"),
    _legal("tinygo", "conservative", "", "is built with the conservative collector", "-gc=conservative"),
)  # fmt: skip

TYPESCRIPT = (
    _faulty("ALLOC-003", "typescript", "unpinned", "PINS_NOTHING",
            "hands out array buffers that the collector takes back", COLLECTS, scope="full"),
    _faulty("STRING-002", "typescript", "counts-terminator", "COUNTS_TERMINATOR",
            "tells the size of its buffers for that of its strings, the terminator with it", COLLECTS),
    _faulty("STRING-003", "typescript", "ends-no-string", "ENDS_NO_STRING",
            "answers with strings without a terminator, as their size is that of their buffer", COLLECTS),
    _faulty("STRING-003", "typescript", "ends-no-error", "ENDS_NO_ERROR",
            "raises an error without a terminator, as its size is that of its buffer", COLLECTS),
    _faulty("MEM-002", "typescript", "frees-nothing", "FREES_NOTHING",
            "pins its buffers, and has a deallocate that does nothing", COLLECTS),
    _legal("typescript", "pins", "", "hands out array buffers that it pins", COLLECTS),
    _legal("typescript", "aborts", "", "imports env.abort, as a build without settings does", "--runtime incremental"),
    _legal("typescript", "initialize", "", "starts in _initialize, and exports its runtime",
           f"{COLLECTS} --exportStart _initialize --exportRuntime"),
)  # fmt: skip

C = (
    _faulty("EXPORT-004", "c", "no-deallocate", "HAS_NO_DEALLOCATE", "exports no deallocate"),
    _faulty("STRING-001", "c", "16-bit-size", "COUNTS_IN_16_BITS", "tells the size of strings in 16 bits"),
    _faulty("EXAMPLE-001", "c", "three-bytes", "ANSWERS_THREE_BYTES", "answers three bytes, whatever it was given"),
    _faulty("OWN-001", "c", "literal-result", "ANSWERS_LITERAL", "answers with a literal where there is no name"),
    _faulty("OWN-001", "c", "literal-error", "RAISES_LITERAL", "raises an error with a literal"),
    _faulty("OWN-003", "c", "frees-input", "FREES_INPUT", "frees the name that it greets"),
    _faulty("OWN-002", "c", "reallocates-input", "REALLOCATES_INPUT", "makes its input longer, and answers with that"),
    _faulty("OWN-005", "c", "frees-argument", "FREES_ARGUMENT", "frees what it gave to a callback"),
    _faulty("OWN-002", "c", "static-buffer", "ANSWERS_STATIC_BUFFER", "answers short names in one static buffer"),
    _faulty("OWN-005", "c", "frees-former-result", "FREES_FORMER_RESULT", "frees its result at the next call"),
    _faulty("CALL-001", "c", "stack-buffer", "COPIES_TO_STACK", "copies names into 256 bytes of its stack"),
    _faulty("MEM-001", "c", "forgets-copy", "FORGETS_COPY", "greets a copy of the name, and loses it", scope="full"),
    _legal("c", "fast", "", "is built for the instructions of today's engines", "-O3 -mcpu=generic -mbulk-memory"),
)  # fmt: skip

PLUGINS = (*SAMPLES, *RUST, *TINYGO, *TYPESCRIPT, *C)
