"""The provider as the pipeline sees it: somebody who answers an LLM request, at once or in chunks.

Requests, responses and errors are JSON objects: `{"provider", "model", "input", ...}`, `{"chat_response": {...}}` and
`{"is_bifrost_error", "status_code", "error": {"type", "message"}}`.

Source: "Writing WASM Plugins", `pre_hook` and `post_hook` structures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from reference_host.abi.bifrost.types import JsonObject


@dataclass(frozen=True, slots=True)
class Answered:
    """A response, or one chunk of a stream, in the form of a response."""

    response: JsonObject


@dataclass(frozen=True, slots=True)
class Failed:
    """An LLM error. `allow_fallbacks: false` in it forbids fallbacks."""

    error: JsonObject


Answer = Answered | Failed


class Provider(Protocol):
    """One or several LLM providers, told apart by name."""

    def serves(self, provider: str) -> bool:
        """Whether there is a provider of that name."""

    def complete(self, provider: str, request: JsonObject, context: JsonObject) -> Answer:
        """Answer at once. `provider` is who was asked for before any hook ran; `request` is what the pre hooks left."""

    def stream(self, provider: str, request: JsonObject, context: JsonObject) -> Iterator[Answer] | Failed:
        """Answer in chunks, or fail before the first one. `Failed` in the stream is an error chunk.

        The pipeline calls `close()` on the iterator, where it has one, as soon as nobody wants the rest.
        """
