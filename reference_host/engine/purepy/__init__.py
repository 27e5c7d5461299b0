"""WebAssembly translated to Python functions."""
