"""Rebuilds the sample plugins: one module for each language, and the manifest that lists what they built."""
