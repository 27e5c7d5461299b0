"""WASI preview 1 over the engine seam, written once, so that a guest sees the same world on every engine.

The world is small and repeats itself: a fake clock, seeded randomness, no files, captured output. The face of
the room is `WasiConfig`, which says what a guest is given, and `Wasi`, one for each instance, which gives the
host functions and has what the guest wrote.

    config            what a guest is given
    host              the state of one guest, and its host functions
    signatures        the type of every function
    process           arguments, environment, clocks, randomness, ending
    files             what a stream can do;          descriptors: what is open, and its rights
    ungranted         what nobody has a right to;    here a sandboxed directory would take its functions from
    polling           waiting
    assemblyscript    `env.abort` and its like
    guest, layout, types, clock, randomness          what these stand on

Known module names: `wasi_snapshot_preview1`, `wasi_unstable` (see `layout` for how they differ), and of `env`
what AssemblyScript imports.

Source: WASI, `legacy/preview1/witx` and `legacy/preview0/witx`, in the repository WebAssembly/WASI.
"""

from reference_host.wasi.config import WasiConfig
from reference_host.wasi.host import Wasi

__all__ = ["Wasi", "WasiConfig"]
