"""The variants: one small plugin for each language, built with one fault, or in an unusual but legal way.

The faults are those that a real toolchain's build shows best. A faulty variant is named after what it breaks.
"""

from toolchains.catalogue import Plugin

SOURCES = {"rust": "rust/variants", "tinygo": "tinygo/variants", "typescript": "typescript/assembly/variants"}
CONFIG = '{"tag": "house"}'


def _options(language: str, revision: str, switches: str, flags: str) -> tuple[str, ...]:
    """Write what picks a variant as the compiler wants it: features, build tags or constants, and flags of its own."""
    words = switches.split()
    if language == "rust":
        return (f"--features={','.join((revision, *words))}",)
    if language == "tinygo":
        return (f"-tags={','.join((revision, *words))}", *flags.split())
    constants = [part for word in words for part in ("--use", f"{word}=1")]
    return (f"assembly/variants/{revision}.ts", *flags.split(), *constants)


def _faulty(
    broken: str, language: str, revision: str, name: str, switches: str, description: str, flags: str = "", **more: str
) -> Plugin:
    return Plugin(
        f"{broken.lower()}-{language}-{name}",
        language,
        revision,
        SOURCES[language],
        description,
        _options(language, revision, switches, flags),
        breaks=f"BIFROST-{broken}",
        scope=more.get("scope", "quick"),
        config=more.get("config"),
    )


def _legal(
    language: str, revision: str, name: str, switches: str, description: str, flags: str = "", *warnings: str
) -> Plugin:
    return Plugin(
        f"{language}-{name}",
        language,
        revision,
        SOURCES[language],
        description,
        _options(language, revision, switches, flags),
        warnings=warnings,
    )


RUST = (
    _faulty("ALLOC-001", "rust", "r2", "small-arena", "small-arena",
            "has 512 KiB for the host, and answers 0 above that", scope="full"),
    _faulty("ALLOC-003", "rust", "r2", "guesses-size", "guesses-size",
            "is built with lol_alloc, and tells it a size of its own choice in free(pointer)"),
    _faulty("OWN-001", "rust", "r2", "keeps-model", "keeps-model",
            "keeps a slice of the request that pre_hook got, and reads it in post_hook"),
    _faulty("OWN-001", "rust", "r2", "keeps-input", "keeps-input",
            "keeps a slice of its last input, and answers the next one alike where both hold the same"),
    _faulty("OWN-002", "rust", "r2", "keeps-config", "keeps-config",
            "keeps a slice of the config, and parses it in every hook"),
    _faulty("OWN-003", "rust", "r2", "takes-input", "takes-input", "makes a vector of its input, and drops it"),
    _faulty("OWN-003", "rust", "r0", "takes-input-r0", "takes-input", "makes a vector of its input, and drops it"),
    _faulty("OWN-005", "rust", "r2", "drops-result", "drops-result", "answers with a string that it drops"),
    _faulty("OWN-005", "rust", "r0", "drops-result-r0", "drops-result", "answers with a string that it drops"),
    _faulty("OWN-005", "rust", "r2", "keeps-result", "keeps-result",
            "answers with a string that it keeps until the next answer"),
    _faulty("MEM-001", "rust", "r2", "forgets-capacity", "forgets-capacity",
            "forgets what its strings had reserved: free gives back as much as the text is long", scope="full"),
    _faulty("MEM-001", "rust", "r1b", "keeps-history", "keeps-history", "keeps a copy of every input", scope="full"),
    _faulty("INPUT-001", "rust", "r1b", "chunk-is-text", "chunk-is-text", "takes a chunk for a string"),
    _faulty("INPUT-003", "rust", "r2", "wants-headers", "wants-headers", "has headers that cannot be null"),
    _faulty("INPUT-003", "rust", "r0", "wants-headers-r0", "wants-headers", "has headers that cannot be null"),
    _faulty("INPUT-004", "rust", "r2", "knows-all-members", "knows-all-members",
            "refuses requests with members that it does not know"),
    _faulty("INPUT-005", "rust", "r2", "wants-error", "wants-error", "demands the error's member in post_hook"),
    _faulty("INPUT-009", "rust", "r2", "unwraps", "unwraps", "panics where the input is no JSON"),
    _faulty("INPUT-010", "rust", "r1", "lower-case-headers", "lower-case-headers",
            "finds a header in lower case only"),
    _faulty("INPUT-011", "rust", "r2", "borrows-text", "borrows-text",
            "reads no text that was written with an escape"),
    _faulty("TRAP-001", "rust", "r2", "cuts-text", "cuts-text", "cuts text after every fourth byte, letter or not"),
    _faulty("TRAP-001", "rust", "r1", "first-message", "first-message", "takes every request for one with messages"),
    _faulty("STATE-002", "rust", "r2", "keeps-first-id", "keeps-first-id",
            "notes the id of the first request in all others"),
    _legal("rust", "r0", "plain-r0", "", "is built with the allocator of the toolchain"),
    _legal("rust", "r1", "header-r1", "free-by-header", "writes the size in front of each block: free(pointer)"),
    _legal("rust", "r1b", "lists-r1b", "lists", "is built with lol_alloc: free(pointer, size)"),
    _legal("rust", "r2", "lists-header-r2", "lists free-by-header",
           "is built with lol_alloc, and writes the size in front of each block: free(pointer)"),
    _legal("rust", "r0", "vectors-r0", "vectors", "hands out vectors, and puts them together again in free"),
    _legal("rust", "r2", "talc-r2", "talc", "is built with talc: free(pointer, size)"),
    _legal("rust", "r2", "arena-r2", "arena", "hands out an arena, which is empty again once all is given back"),
    _legal("rust", "r2", "free-does-nothing-r2", "free-does-nothing", "never takes memory back", "", "no-op-free"),
)  # fmt: skip

TINYGO = (
    _faulty("ALLOC-001", "tinygo", "r1b", "arena", "arena",
            "hands out an arena of 4 MiB, of which nothing is given back, then answers 0", scope="full"),
    _faulty("ALLOC-003", "tinygo", "r2", "unpinned", "unpinned",
            "hands out slices to which it keeps no reference, so that the collector takes them back"),
    _faulty("ALLOC-003", "tinygo", "r0", "unpinned-r0", "unpinned",
            "hands out slices to which it keeps no reference, so that the collector takes them back"),
    _faulty("ALLOC-003", "tinygo", "r1", "unpinned-r1", "unpinned",
            "hands out slices to which it keeps no reference, under the conservative collector", "-gc=conservative",
            scope="full"),
    _faulty("OWN-001", "tinygo", "r1b", "keeps-input", "keepsinput",
            "keeps a slice of the HTTP request, and reads it in pre_hook"),
    _faulty("OWN-002", "tinygo", "r2", "keeps-config", "keepsconfig",
            "keeps a slice of its config without copying it", config=CONFIG),
    _faulty("TRAP-001", "tinygo", "r1b", "first-choice", "firstchoice", "takes every chunk for one with choices"),
    _faulty("TRAP-001", "tinygo", "r2", "shadowed", "shadowed",
            "looks its inputs up in the books of its own malloc, which the runtime's shadows"),
    _legal("tinygo", "r0", "plain-r0", "", "is built with the precise collector, as a reactor"),
    _legal("tinygo", "r1", "conservative-r1", "", "is built with the conservative collector", "-gc=conservative"),
    _legal("tinygo", "r1b", "leaking-r1b", "", "is built without a collector", "-gc=leaking", "no-op-free"),
    _legal("tinygo", "r2", "pinned-r2", "pinned", "hands out slices that it keeps in a map"),
    _legal("tinygo", "r0", "pinned-r0", "pinned", "hands out slices that it keeps in a map"),
    _legal("tinygo", "r2", "fast-r2", "", "is built for speed", "-opt=2"),
    _legal("tinygo", "r2", "command-r2", "command", "is a command: _start ends with proc_exit(0)",
           "-target=command.json -scheduler=none"),
    _legal("tinygo", "r0", "command-r0", "command", "is a command whose goroutines work through Asyncify",
           "-target=command.json"),
    _legal("tinygo", "r1b", "asyncify-r1b", "", "is a reactor whose goroutines work through Asyncify",
           "-target=command.json -buildmode=c-shared"),
)  # fmt: skip

TYPESCRIPT = (
    _faulty("ALLOC-003", "typescript", "r2", "unpinned", "PINS_NOTHING",
            "hands out array buffers that the collector takes back", "--runtime incremental"),
    _faulty("ALLOC-004", "typescript", "r2", "bumps", "BUMPS",
            "hands out memory from a low address on, over its own static data", "--runtime stub"),
    _faulty("FREE-001", "typescript", "r2", "unpinned-result", "PINS PINS_NO_RESULT",
            "pins inputs and not its results, which free cannot unpin", "--runtime incremental"),
    _faulty("OWN-001", "typescript", "r1b", "keeps-input", "KEEPS_INPUT",
            "keeps where the HTTP request stood, and reads there in pre_hook", "--runtime incremental"),
    _faulty("OWN-002", "typescript", "r2", "keeps-config", "KEEPS_CONFIG",
            "keeps where the config stood, and reads there in every hook", "--runtime incremental", config=CONFIG),
    _faulty("OWN-005", "typescript", "r2", "collects-result", "LOOSE_RESULTS COLLECTS",
            "collects its garbage at the end of a hook, the result among it", "--runtime minimal"),
    _faulty("MEM-001", "typescript", "r2", "never-collects", "",
            "is built with a collector that it never calls", "--runtime minimal", scope="full"),
    _faulty("ENC-001", "typescript", "r2", "utf16", "PINS ANSWERS_UTF16",
            "answers with the bytes of a string, which are UTF-16", "--runtime incremental"),
    _faulty("ENC-002", "typescript", "r2", "nul", "PINS ENDS_WITH_NUL",
            "counts the NUL with which its texts end", "--runtime incremental"),
    _faulty("ENC-002", "typescript", "r1", "characters", "COUNTS_CHARACTERS",
            "tells the length of its answers in characters", "--runtime incremental"),
    _faulty("INPUT-009", "typescript", "r1", "throws", "THROWS",
            "throws where an input cannot be read", "--runtime incremental"),
    _legal("typescript", "r0", "minimal-r0", "COLLECTS", "collects its garbage at the end of every hook",
           "--runtime minimal"),
    _legal("typescript", "r1", "minimal-r1", "COLLECTS", "collects its garbage at the end of every hook",
           "--runtime minimal"),
    _legal("typescript", "r1b", "pins-r1b", "PINS COLLECTS", "pins what the host gets, and collects in every hook",
           "--runtime minimal"),
    _legal("typescript", "r0", "pins-r0", "PINS", "pins what the host gets", "--runtime incremental"),
    _legal("typescript", "r2", "stub-r2", "", "is built with a runtime that frees nothing but the last block",
           "--runtime stub", "no-op-free"),
    _legal("typescript", "r2", "initialize-r2", "", "starts in _initialize, and exports its runtime",
           "--runtime incremental --exportStart _initialize --exportRuntime"),
    _legal("typescript", "r2", "loose-results-r2", "LOOSE_RESULTS",
           "answers with objects that live until the collector comes", "--runtime incremental"),
)  # fmt: skip

VARIANTS = (*RUST, *TINYGO, *TYPESCRIPT)
