"""The command `hookproof`. Imports next to nothing, so that it can first mend what Python was started with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NoReturn


def main() -> NoReturn:
    """Run the command, and exit with its code."""
    sys.path[:] = working_folder_last(sys.path, os.environ)
    from conformance.commands import run

    sys.exit(run(sys.argv[1:]))


def working_folder_last(search: list[str], environment: Mapping[str, str]) -> list[str]:
    """Order a module search path so that nothing in the working folder or in `PYTHONPATH` hides a real module.

    It stays on the path: hookproof itself, or an engine or a plugin system, may have been put there.
    """
    named = [os.getcwd(), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]  # noqa: PTH109
    last = {"", ".", *map(os.path.realpath, named)}
    first = [folder for folder in search if folder not in last and os.path.realpath(folder) not in last]
    return first + [folder for folder in search if folder not in first]


if __name__ == "__main__":
    main()
