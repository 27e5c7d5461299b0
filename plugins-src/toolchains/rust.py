"""Builds the Rust plugins: cargo, one exact toolchain, the crates copied beside the source."""

import os
import re
import shutil
from pathlib import Path

from toolchains.catalogue import Plugin
from toolchains.common import SOURCES, BuildFailed, MissingTool, fetch, find, mirror, run

TARGET = "wasm32-unknown-unknown"
VARIANT_PROFILE = "small"
COMMAND = "python plugins-src/build.py rust"


def toolchain() -> str:
    """Name the compiler, for the manifest."""
    return f"Rust {version()}"


def version() -> str:
    """Return the pinned version, as `rust-toolchain.toml` has it."""
    pinned = re.search(r'^channel = "([\d.]+)"', (SOURCES / "rust/rust-toolchain.toml").read_text(), re.MULTILINE)
    if pinned is None:
        raise BuildFailed("rust-toolchain.toml pins no exact version")
    return pinned[1]


def build(plugins: tuple[Plugin, ...], cache: Path) -> dict[Plugin, bytes]:
    """Build the plugins and return their bytes.

    The crates are vendored: under cargo's own home their folder is named after the registry's address, and
    panic messages would carry it. The copy's own path is mapped away for the same reason.
    """
    cargo = find("cargo", f"install Rust {version()} through rustup")
    work = mirror(SOURCES / "rust", cache / "rust" / "source")
    _provide_target(work)
    env = {"CARGO_TARGET_DIR": str(cache / "rust" / "target"), "CARGO_TERM_COLOR": "never"}
    settings = work / ".cargo" / "config.toml"
    replacement = fetch("the crates", [cargo, "vendor", "--versioned-dirs", "vendor"], folder=work, env=env)
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(replacement)
    env["CARGO_ENCODED_RUSTFLAGS"] = f"--remap-path-prefix={work}{os.sep}="
    output = cache / "rust" / "target" / TARGET
    samples = [plugin for plugin in plugins if not plugin.options]
    # In one go, as these crates share what they depend on; the variants share one file and take turns.
    packages = [part for plugin in samples for part in ("--package", plugin.name)]
    command = [cargo, "build", "--offline", "--target", TARGET]
    run([*command, "--release", *packages], folder=work, env=env)
    built = {plugin: _output(output / "release", plugin.name) for plugin in samples}
    for plugin in plugins:
        if plugin.options:
            name = Path(plugin.source).name
            run([*command, "--profile", VARIANT_PROFILE, "--package", name, *plugin.options], folder=work, env=env)
            built[plugin] = _output(output / VARIANT_PROFILE, name)
    return built


def _output(folder: Path, package: str) -> bytes:
    return (folder / f"{package.replace('-', '_')}.wasm").read_bytes()


def _provide_target(work: Path) -> None:
    """See that the pinned compiler and its library for wasm are here; fetch them where rustup can."""
    rustup = shutil.which("rustup")
    if rustup is not None:
        installed = run([rustup, "toolchain", "list"], folder=work)
        if not re.search(rf"^{re.escape(version())}\b", installed, re.MULTILINE):
            fetch(toolchain(), [rustup, "toolchain", "install", version(), "--profile", "minimal", "--no-self-update"])
    found = run(["rustc", "--version"], folder=work).split()[1]
    if found != version():
        raise MissingTool(f"rustc is {found}, the plugins are built with {version()}: install it through rustup")
    library = Path(run(["rustc", "--print", "target-libdir", "--target", TARGET], folder=work).strip())
    if not library.is_dir():
        if rustup is None:
            raise MissingTool(f"rustc has no library for {TARGET}, and there is no rustup to fetch it")
        fetch(f"Rust's library for {TARGET}", [rustup, "target", "add", TARGET, "--toolchain", version()])
