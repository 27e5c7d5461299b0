"""Small Bifrost plugins in WebAssembly text: conforming bases, and variations with one piece replaced.

`plugin` knows how a module's text is put together, `base` holds the conforming plugin of each revision, the
`faulty_*` and `unusual` modules are tables of variations, `files` turns plugins into files. `build.py`
beside this package writes them all.
"""
