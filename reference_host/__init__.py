"""Runs a WebAssembly plugin of any supported system on any engine; judges nothing.

The rooms, each importing only from those before it: `errors`, `engine` (what it is to run wasm), `wasi` (preview 1,
written once), `abi` (one room for each plugin system), `pipeline` (several plugins, one request).
"""
