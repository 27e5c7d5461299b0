"""Measurements, side by side in one run, as ratios: `python -m benchmarks`. Never a timed test: machines are noisy."""
