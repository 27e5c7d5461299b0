"""Builds the C plugins: clang for WASI, with the C library that Debian has for it."""

from pathlib import Path

from toolchains import debian
from toolchains.catalogue import Plugin, by_project
from toolchains.common import SOURCES, mirror, run

COMMAND = "python plugins-src/build.py c"


def toolchain() -> str:
    """Name the compiler and the library, for the manifest."""
    return f"clang {debian.LLVM} (wasi-libc {debian.WASI_LIBC})"


def build(plugins: tuple[Plugin, ...], cache: Path) -> dict[Plugin, bytes]:
    """Build the plugins and return their bytes. Beside each lies what clang is told, sources and all."""
    debian.provide()
    built = {}
    for project, members in by_project(plugins).items():
        work = mirror(SOURCES / project, cache / project / "source")
        for plugin in members:
            output = work / f"{plugin.name}.wasm"
            told = f"@{Path(plugin.source).name}/clang.txt"
            # Without the driver's own settings files, which a machine may have.
            run(["clang-19", "--no-default-config", told, *plugin.options, "-o", output], folder=work)
            built[plugin] = output.read_bytes()
    return built
