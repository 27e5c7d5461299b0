"""What it is to run WebAssembly: `interface` is the seam, `registry` finds the engines behind it."""
