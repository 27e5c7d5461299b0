"""What Debian provides: LLVM with its compiler and linker, Binaryen, and the C library of WASI.

Where a package is missing and this is root on a Debian, apt-get brings it. The versions decide on the bytes of plugins.
"""

import os
import re
import shutil
from pathlib import Path

from toolchains.common import MissingTool, fetch, run

LLVM = "19.1.7"
BINARYEN = "108"
WASI_LIBC = "0.0~git20220510.9886d3d-2"

PACKAGES = (
    *("llvm-19-dev", "libclang-19-dev", "lld-19", "clang-19", "libclang-rt-19-dev-wasm32"),
    *("wasi-libc", "binaryen"),
)
NEEDED = ("llvm-config-19", "wasm-ld-19", "clang-19", "wasm-opt")
LIBRARIES = (
    Path("/usr/lib/wasm32-wasi/libc.a"),
    Path("/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a"),
)
VERSIONS = (
    (["llvm-config-19", "--version"], LLVM),
    (["wasm-opt", "--version"], BINARYEN),
    (["dpkg-query", "--show", "--showformat=${Version}", "wasi-libc"], WASI_LIBC),
)


def provide() -> None:
    """See that all of it is here in its version; raise `MissingTool` where it is not and cannot be fetched."""
    if any(shutil.which(tool) is None for tool in NEEDED) or not all(library.exists() for library in LIBRARIES):
        apt = shutil.which("apt-get")
        if apt is None or os.geteuid() != 0:
            raise MissingTool(f"install the Debian packages {' '.join(PACKAGES)}")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        fetch("Debian's package lists", [apt, "update"], env=quiet)
        fetch("Debian's packages", [apt, "install", "-y", "--no-install-recommends", *PACKAGES], env=quiet)
    for command, wanted in VERSIONS:
        found = re.search(r"\d\S*", run(command))
        if found is None or found[0] != wanted:
            raise MissingTool(f"{command[0]} tells version {found and found[0]}, the plugins are built with {wanted}")
