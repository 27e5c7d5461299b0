"""Builds the TinyGo plugins, and TinyGo itself, which the Go module proxy serves as source.

TinyGo's own `wasip1` target needs a C library that its module leaves out. A project's `reactor.json` is that target
without one, or with Debian's where instructions are left out for which a library has to stand in. LLVM, the linker
and Binaryen are Debian's too.
"""

import shutil
from pathlib import Path

from toolchains import debian
from toolchains.catalogue import Plugin, by_project
from toolchains.common import SOURCES, fetch, find, mirror, run

VERSION = "0.41.0"
GO = "1.26.8"
COMMAND = "python plugins-src/build.py tinygo"

MODULE = "github.com/tinygo-org/tinygo"


def toolchain() -> str:
    """Name the compiler and what decides on its output, for the manifest."""
    return f"TinyGo {VERSION} (Go {GO}, LLVM {debian.LLVM}, Binaryen {debian.BINARYEN})"


def build(plugins: tuple[Plugin, ...], cache: Path) -> dict[Plugin, bytes]:
    """Build the plugins and return their bytes."""
    find("go", f"install Go {GO}, or any Go that can fetch it")
    debian.provide()
    # The caches of both compilers stay beside them, and the standard library is that of one exact Go.
    env = {"GOTOOLCHAIN": f"go{GO}", "GOCACHE": str(cache / "tinygo" / "cache"), "GOFLAGS": "-buildvcs=false"}
    compiler, root = _provide_compiler(cache / "tinygo", env)
    env["TINYGOROOT"] = str(root)
    built = {}
    for project, members in by_project(plugins).items():
        work = mirror(SOURCES / project, cache / project / "source")
        for plugin in members:
            output = cache / project / f"{plugin.name}.wasm"
            output.unlink(missing_ok=True)
            package = "./" + Path(plugin.source).name
            command: list[str | Path] = [compiler, "build", "-target=reactor.json", "-no-debug", "-opt=z", "-o", output]
            run([*command, *plugin.options, package], folder=work, env=env)
            built[plugin] = output.read_bytes()
    return built


def _provide_compiler(folder: Path, env: dict[str, str]) -> tuple[Path, Path]:
    """Return the compiler and the folder of its library; build them unless an earlier run did."""
    compiler, root = folder / f"tinygo-{VERSION}", folder / f"root-{VERSION}"
    if compiler.exists():
        return compiler, root
    module = folder / "compiler"
    module.mkdir(parents=True, exist_ok=True)
    (module / "go.mod").write_text(f"module compiler\n\ngo 1.26\n\nrequire {MODULE} v{VERSION}\n")
    (module / "tools.go").write_text(f'//go:build tools\n\npackage compiler\n\nimport _ "{MODULE}"\n')
    fresh = folder / "tinygo.part"
    fetch("TinyGo's source", ["go", "mod", "download", MODULE], folder=module, env=env)
    run(["go", "build", "-mod=mod", "-trimpath", "-tags=llvm19", "-o", fresh, MODULE], folder=module, env=env)
    library = Path(run(["go", "list", "-mod=mod", "-m", "-f", "{{.Dir}}", MODULE], folder=module, env=env).strip())
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(library, root, copy_function=shutil.copyfile)  # without the module cache's read-only modes
    for part in root.rglob("*"):
        if part.is_dir():
            part.chmod(0o755)
    (root / "src" / "net").mkdir(exist_ok=True)  # a submodule that the proxy's copy lacks; it is listed, not used
    fresh.rename(compiler)
    return compiler, root
