"""WebAssembly text of wasp plugins: a conforming one, and variations of it that break one requirement each, or none."""
