"""WebAssembly translated to Python functions."""

from reference_host.engine.purepy.engine import PurepyEngine

__all__ = ["PurepyEngine"]
