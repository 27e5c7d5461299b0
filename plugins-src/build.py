"""Rebuilds the plugins under `fixtures/` that real toolchains make, or compares the committed files with a rebuild.

    python plugins-src/build.py rust|tinygo|typescript|c|all [--check]

Compilers and downloads go to `.toolchains/` (or `$HOOKPROOF_TOOLCHAINS`). Ends with 0 when all is built or
equal, 1 when a rebuild differs or a source does not compile, 3 when a tool is missing.
"""

import argparse
import sys
from types import ModuleType

from toolchains import c, manifest, rust, tinygo, typescript, wasp
from toolchains.catalogue import SAMPLES, Plugin
from toolchains.common import FIXTURES, ROOT, SOURCES, BuildFailed, MissingTool, cache_folder, say
from toolchains.variants import VARIANTS
from toolchains.wasm import exports

LANGUAGES: dict[str, ModuleType] = {"rust": rust, "tinygo": tinygo, "typescript": typescript, "c": c}


def main(arguments: list[str] | None = None) -> int:
    """Build or check the plugins of the languages that were named."""
    parser = argparse.ArgumentParser(prog="build.py", description=__doc__.partition("\n")[0])
    parser.add_argument("language", choices=[*LANGUAGES, "all"])
    parser.add_argument("--check", action="store_true", help="change nothing; compare with the committed files")
    options = parser.parse_args(arguments)
    languages = list(LANGUAGES) if options.language == "all" else [options.language]
    status = 0
    for language in languages:
        try:
            built = build(language)
            for plugin, wasm in built.items():
                status = max(status, compare(plugin, wasm) if options.check else write(plugin, wasm))
            status = max(status, leftover(language, built, delete=not options.check))
        except MissingTool as missing:
            say(f"{language}: cannot build here: {missing}")
            status = 3
        except BuildFailed as failure:
            say(f"{language}: {failure}")
            status = max(status, 1)
    return status


def build(language: str) -> dict[Plugin, bytes]:
    """Build all plugins of a language, and see that each is a plugin: a compiler may emit an empty module."""
    plugins = tuple(plugin for plugin in (*SAMPLES, *VARIANTS, *wasp.PLUGINS) if plugin.language == language)
    built: dict[Plugin, bytes] = LANGUAGES[language].build(plugins, cache_folder())
    for plugin, wasm in built.items():
        missing = plugin.exports - exports(wasm)
        if missing:
            raise BuildFailed(f"{plugin.name} was built without {', '.join(sorted(missing))}")
    return built


def write(plugin: Plugin, wasm: bytes) -> int:
    """Put a built plugin and its manifest entry in their place."""
    path = FIXTURES / plugin.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wasm)
    manifest.merge([entry(plugin, wasm)])
    say(f"built {path.relative_to(ROOT)} ({len(wasm):,} bytes)")
    return 0


def compare(plugin: Plugin, wasm: bytes) -> int:
    """Say whether the committed file and its entry are what the source builds to."""
    path = FIXTURES / plugin.path
    committed = path.read_bytes() if path.exists() else b""
    if committed == wasm and entry(plugin, wasm) in manifest.read():
        say(f"same {path.relative_to(ROOT)} {manifest.digest(wasm)}")
        return 0
    say(f"DIFFERENT {path.relative_to(ROOT)}")
    say(f"  rebuilt   {manifest.digest(wasm)}\n  committed {manifest.digest(committed)}")
    return 1


def leftover(language: str, built: dict[Plugin, bytes], *, delete: bool) -> int:
    """Name the fixtures of a language that nothing builds any more, and delete them with their entries if told."""
    wanted = {plugin.path for plugin in built}
    stale = [e["path"] for e in manifest.read() if e["language"] == language and e["path"] not in wanted]
    for path in stale:
        say(f"{'deleted' if delete else 'LEFT OVER'} {(FIXTURES / path).relative_to(ROOT)}")
        if delete:
            (FIXTURES / path).unlink(missing_ok=True)
    if delete:
        manifest.merge([], lambda entry: entry["path"] in stale)
    return 1 if stale and not delete else 0


def entry(plugin: Plugin, wasm: bytes) -> manifest.Entry:
    """Describe a built plugin."""
    language = LANGUAGES[plugin.language]
    described: manifest.Entry = {
        "path": plugin.path,
        "kind": "faulty" if plugin.breaks else "conforming",
        "system": plugin.system,
        "revision": plugin.revision,
        "language": plugin.language,
        "toolchain": language.toolchain(),
        "command": language.COMMAND,
        "source": (SOURCES / plugin.source).relative_to(ROOT).as_posix(),
        "sha256": manifest.digest(wasm),
        "breaks": plugin.breaks,
        "description": plugin.description,
    }
    if plugin.scope != "quick":
        described["scope"] = plugin.scope
    if plugin.config is not None:
        described["config"] = plugin.config
    if plugin.functions is not None:
        described["functions"] = plugin.functions
    if plugin.warnings:
        described["warnings"] = list(plugin.warnings)
    return described


if __name__ == "__main__":
    sys.exit(main())
