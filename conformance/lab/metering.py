"""What a plugin takes of its host's memory in one call, until it is refused more.

Time and stack are bounded by the engine, and their end is a trap. Memory is not: a host that takes no care is filled
up by it.
"""

from __future__ import annotations

from reference_host.engine.interface import PAGE, GrowthRefused, Instance


class MemoryMeter:
    """Tells what an instance has been refused since it was asked last.

    In pages: `limit` on memory, and the `minimum` that the instance started with.
    """

    def __init__(self, instance: Instance, limit: int, minimum: int) -> None:
        self._instance = instance
        self._limit = limit
        self._seen = 0
        self._pages = minimum

    def take(self) -> GrowthRefused | None:
        """The first refusal to a plugin that took more than half of what was free; None where there was none.

        A memory's own maximum is no concern of the host's.
        """
        refusals = self._instance.growth_refused
        free = self._limit - self._pages
        hogged = None
        if len(refusals) > self._seen:
            hogged = next(
                (r for r in refusals[self._seen :] if r.limit == self._limit and (r.size - self._pages) * 2 > free),
                None,
            )
            self._seen = len(refusals)
        self._pages = self._now()
        return hogged

    def _now(self) -> int:
        memory = self._instance.memory
        return 0 if memory is None else memory.size // PAGE
