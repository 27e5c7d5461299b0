"""Makes `python -m conformance` the command."""

from conformance.cli import main

main()
