"""The context of one request: one JSON object that all plugins share, at both levels.

An answer's `context` is merged: its keys are set, or overwritten; `{}`, null and absence change nothing, and
no key can be deleted. While an LLM hook runs, writes to the reserved keys are dropped without an error.

Source: "Writing WASM Plugins", Hook Input/Output Structures (values set before are visible after); the
reserved keys are those of the gateway's native pipeline. That `request_id` is reserved as `request-id` is a
stand: it is the same value under its documented name.
"""

from __future__ import annotations

from collections.abc import Mapping

from reference_host.abi.bifrost.types import JsonObject
from reference_host.abi.interface import Json

REQUEST_ID = "request_id"
"""The only documented key: a string."""

FALLBACK_INDEX = "bifrost-fallback-index"
"""0 for the provider that was asked for, then 1 for the first fallback, and so on."""

FALLBACK_REQUEST_ID = "fallback-request-id"
"""A fresh identifier for each fallback; absent before the first one."""

RESERVED = frozenset(
    {
        REQUEST_ID,
        "request-id",
        FALLBACK_INDEX,
        FALLBACK_REQUEST_ID,
        "x-bf-vk",
        "x-bf-api-key",
        "x-bf-api-key-id",
        "bifrost-direct-key",
        "bifrost-selected-key-id",
        "bifrost-selected-key-name",
        "bifrost-number-of-retries",
        "bifrost-skip-key-selection",
        "bifrost-extra-headers",
        "bifrost-extra-url-path",
        "bifrost-defer-trace-completion",
    }
)
"""Keys that no LLM hook can write. `bifrost-extra-headers` is not reserved in every version of the native pipeline."""


class RequestContext:
    """The values of one request's context."""

    def __init__(self, values: JsonObject) -> None:
        self._values = dict(values)

    def snapshot(self) -> JsonObject:
        """The values as a plugin is given them; later writes do not show in it."""
        return dict(self._values)

    def set(self, key: str, value: Json) -> None:
        """Write as the host: every key is open to it."""
        self._values[key] = value

    def merge(self, update: JsonObject | None, *, llm_hook: bool) -> tuple[str, ...]:
        """Merge a plugin's answer; `llm_hook` closes the reserved keys.

        Returns the reserved keys whose value would have changed. Echoing a reserved key is no attempt to write it.
        """
        dropped = []
        for key, value in (update or {}).items():
            if not (llm_hook and key in RESERVED):
                self._values[key] = value
            elif key not in self._values or self._values[key] != value:
                dropped.append(key)
        return tuple(dropped)


def with_request_id(values: Mapping[str, Json] | None, fresh: str) -> JsonObject:
    """The first values of a request: the caller's, and a request id where the caller gave no string."""
    given = dict(values or {})
    if not isinstance(given.get(REQUEST_ID), str):
        given[REQUEST_ID] = fresh
    return given
