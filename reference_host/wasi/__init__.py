"""WASI preview 1 over the engine seam, written once, so that a guest sees the same world on every engine.

The world is small and repeats itself: a fake clock, seeded randomness, captured output, and no files but those in
the directories that the guest is given. The face of the room is `WasiConfig`, which says what a guest is given,
`Directory`, which says it of a folder, and `Wasi`, one for each instance, which gives the host functions and has
what the guest wrote.

    config            what a guest is given
    host              the state of one guest, and its host functions
    signatures        the type of every function
    process           arguments, environment, clocks, randomness, ending
    files             what a stream or a file can do
    opening           how files and directories are opened, and with which rights
    directories       what else is done with paths, and listings
    attributes        sizes, times, inodes
    polling           waiting
    sockets           that there are none
    assemblyscript    `env.abort` and its like

    descriptors       the table of what is open, and rights; the kinds are in `streams` and `opened`
    paths             where a path leads, and that it never leads out
    tree              what a guest is told of files, and how much it may write
    guest, layout, types, clock, randomness, disk    what these stand on

Known module names: `wasi_snapshot_preview1`, `wasi_unstable` (see `layout` for how they differ), and of `env`
what AssemblyScript imports.

Source: WASI, `legacy/preview1/witx` and `legacy/preview0/witx`, in the repository WebAssembly/WASI.
"""

from reference_host.wasi.config import Directory, WasiConfig
from reference_host.wasi.host import Wasi

__all__ = ["Directory", "Wasi", "WasiConfig"]
