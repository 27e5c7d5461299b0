"""What to do when whoever reads standard output has seen enough."""

from __future__ import annotations

import os
import sys


def mute_stdout() -> None:
    """Send the rest of standard output nowhere: what is still buffered would raise again at the next flush."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
