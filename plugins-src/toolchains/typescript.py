"""Builds the TypeScript plugins: AssemblyScript from the npm registry, in the versions of the lock file."""

import json
from pathlib import Path

from toolchains.catalogue import Plugin, by_project
from toolchains.common import SOURCES, fetch, find, mirror, run

COMMAND = "python plugins-src/build.py typescript"


def toolchain() -> str:
    """Name the compiler, for the manifest."""
    return f"AssemblyScript {_version(SOURCES / 'typescript' / 'package-lock.json')}"


def build(plugins: tuple[Plugin, ...], cache: Path) -> dict[Plugin, bytes]:
    """Build the plugins and return their bytes.

    Entry files are never named `index.ts`: the compiler takes such a file for a library's, and writes an empty
    module without an error.
    """
    node = find("node", "install Node.js 20 or later, with npm")
    npm = find("npm", "install Node.js 20 or later, with npm")
    # One project has the lock file, and the compiler for all.
    home = mirror(SOURCES / "typescript", cache / "typescript" / "source")
    installed = home / "node_modules" / ".package-lock.json"
    if not installed.exists() or _version(installed) != _version(home / "package-lock.json"):
        fetch("AssemblyScript", [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder=home)
    compiler = [node, home / "node_modules" / "assemblyscript" / "bin" / "asc.js"]
    built = {}
    for project, members in by_project(plugins).items():
        work = mirror(SOURCES / project, cache / project / "source")
        for plugin in members:
            output = work / "build" / f"{plugin.name}.wasm"
            output.unlink(missing_ok=True)
            # A variant names its entry file itself: that of the samples' configuration would be compiled into it.
            settings = ["variants.json", *plugin.options] if plugin.options else ["asconfig.json"]
            run([*compiler, "--config", *settings, "--outFile", output], folder=work)
            built[plugin] = output.read_bytes()
    return built


def _version(lock: Path) -> str:
    """Return the compiler's version that a lock file names."""
    version: str = json.loads(lock.read_text())["packages"]["node_modules/assemblyscript"]["version"]
    return version
