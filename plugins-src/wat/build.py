"""Write every plugin of `watgen` and `waspgen` as text and as a module, with its entry in `fixtures/manifest.json`.

Without arguments it writes what differs and deletes what is no longer made. With `--check` it writes
nothing, names what differs and exits with 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from watgen.files import SOURCES, all_plugins, files

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "plugins-src"))

from toolchains import manifest  # noqa: E402  (one manifest, and one module that writes it)


def ours(entry: manifest.Entry) -> bool:
    """Whether an entry of the manifest is made here."""
    return entry["source"].startswith(f"{SOURCES}/")


def stale(expected: set[Path]) -> list[Path]:
    """Files made here once that no plugin makes any more."""
    made = set((ROOT / SOURCES).glob("**/*.wat"))
    for entry in filter(ours, manifest.read()):
        made |= {ROOT / "fixtures" / path for path in (entry["path"], entry.get("functions")) if path is not None}
    return sorted(path for path in made - expected if path.exists())


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name what differs")
    arguments = parser.parse_args()
    contents, entries = files(ROOT, all_plugins())
    differing = [path for path, data in contents.items() if not path.exists() or path.read_bytes() != data]
    leftover = stale(set(contents))
    others = [entry for entry in manifest.read() if not ours(entry)]
    listed = manifest.MANIFEST.read_text(encoding="utf-8") == manifest.dump([*others, *entries])
    if arguments.check:
        for path in [*differing, *leftover]:
            sys.stdout.write(f"{path.relative_to(ROOT)} differs\n")
        if not listed:
            sys.stdout.write("fixtures/manifest.json differs\n")
        return 1 if differing or leftover or not listed else 0
    for path in leftover:
        path.unlink()
    for path in differing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[path])
    manifest.merge(entries, ours)
    sys.stdout.write(f"{len(entries)} plugins, {len(differing)} files written, {len(leftover)} deleted\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
