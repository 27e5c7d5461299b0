"""What it is to run WebAssembly; knows no plugin system. `interface` is the seam, `registry` finds what is behind it."""
