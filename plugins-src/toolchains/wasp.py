"""The plugins of wasp: one that conforms in each language, and variants of it with one fault each.

The faults are those of the samples that wasp's own authors wrote, and others that a real toolchain's build shows best.
"""

from toolchains.catalogue import Plugin

REVISION = "0.0.8"


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

PLUGINS = (*SAMPLES,)
