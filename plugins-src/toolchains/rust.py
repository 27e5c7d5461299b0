"""Builds the Rust plugins: cargo, one exact toolchain, the crates copied beside the source."""

import os
import re
import shutil
import tomllib
from pathlib import Path

from toolchains.catalogue import Plugin, by_project
from toolchains.common import SOURCES, BuildFailed, MissingTool, fetch, find, mirror, run

VARIANT_PROFILE = "small"
COMMAND = "python plugins-src/build.py rust"


def toolchain() -> str:
    """Name the compiler, for the manifest."""
    return f"Rust {version()}"


def version() -> str:
    """Return the pinned version; the projects have the same one."""
    return _pinned("rust")[0]


def _pinned(project: str) -> tuple[str, str]:
    """Return version and target, as a project's `rust-toolchain.toml` has them."""
    toolchain = tomllib.loads((SOURCES / project / "rust-toolchain.toml").read_text())["toolchain"]
    return toolchain["channel"], toolchain["targets"][0]


def build(plugins: tuple[Plugin, ...], cache: Path) -> dict[Plugin, bytes]:
    """Build the plugins and return their bytes."""
    built: dict[Plugin, bytes] = {}
    for project, members in by_project(plugins).items():
        built |= _build(project, members, cache)
    return built


def _build(project: str, plugins: tuple[Plugin, ...], cache: Path) -> dict[Plugin, bytes]:
    """Build the plugins of one workspace.

    The crates are vendored: under cargo's own home their folder is named after the registry's address, and
    panic messages would carry it. The copy's own path is mapped away for the same reason.
    """
    cargo = find("cargo", f"install Rust {version()} through rustup")
    work = mirror(SOURCES / project, cache / project / "source")
    pinned, target = _pinned(project)
    if pinned != version():
        raise BuildFailed(f"{project} pins Rust {pinned}, the others {version()}")
    _provide_target(work, target)
    env = {"CARGO_TARGET_DIR": str(cache / project / "target"), "CARGO_TERM_COLOR": "never"}
    settings = work / ".cargo" / "config.toml"
    replacement = fetch("the crates", [cargo, "vendor", "--versioned-dirs", "vendor"], folder=work, env=env)
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(replacement)
    env["CARGO_ENCODED_RUSTFLAGS"] = f"--remap-path-prefix={work}{os.sep}="
    output = cache / project / "target" / target
    samples = [plugin for plugin in plugins if not plugin.options]
    # In one go, as these crates share what they depend on; the variants share one file and take turns.
    packages = [part for plugin in samples for part in ("--package", _package(plugin))]
    command = [cargo, "build", "--offline", "--target", target]
    run([*command, "--release", *packages], folder=work, env=env)
    built = {plugin: _output(output / "release", _package(plugin)) for plugin in samples}
    for plugin in plugins:
        if plugin.options:
            profile = [*command, "--profile", VARIANT_PROFILE, "--package", _package(plugin)]
            run([*profile, *plugin.options], folder=work, env=env)
            built[plugin] = _output(output / VARIANT_PROFILE, _package(plugin))
    return built


def _package(plugin: Plugin) -> str:
    """Name the crate of a plugin: as its folder."""
    return Path(plugin.source).name


def _output(folder: Path, package: str) -> bytes:
    return (folder / f"{package.replace('-', '_')}.wasm").read_bytes()


def _provide_target(work: Path, target: str) -> None:
    """See that the pinned compiler and its library for wasm are here; fetch them where rustup can."""
    rustup = shutil.which("rustup")
    if rustup is not None:
        installed = run([rustup, "toolchain", "list"], folder=work)
        if not re.search(rf"^{re.escape(version())}\b", installed, re.MULTILINE):
            fetch(toolchain(), [rustup, "toolchain", "install", version(), "--profile", "minimal", "--no-self-update"])
    found = run(["rustc", "--version"], folder=work).split()[1]
    if found != version():
        raise MissingTool(f"rustc is {found}, the plugins are built with {version()}: install it through rustup")
    library = Path(run(["rustc", "--print", "target-libdir", "--target", target], folder=work).strip())
    if not library.is_dir():
        if rustup is None:
            raise MissingTool(f"rustc has no library for {target}, and there is no rustup to fetch it")
        fetch(f"Rust's library for {target}", [rustup, "target", "add", target, "--toolchain", version()])
