"""Events of a call, in the form that both hosts' are compared in."""

from __future__ import annotations

from typing import Any

NOTES = {1: "allocate", 2: "deallocate", 3: "get_string_size", 4: "byte", 5: "step"}
"""What the guest says with the first number of a note."""

FREEING = ("deallocate", "freed", "not freed")


def in_order(events: list[Any]) -> list[Any]:
    """Runs of what is freed in order of address: the real host frees in the random order of a map."""
    ordered: list[Any] = []
    run: list[Any] = []
    for event in events:
        if event[0] in FREEING:
            run.append(event)
        else:
            ordered += [*sorted(run), event]
            run = []
    return ordered + sorted(run)
