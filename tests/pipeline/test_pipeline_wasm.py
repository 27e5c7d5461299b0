"""Real plugins, loaded from the committed fixtures, in one pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pipeline_parts import Echo

from reference_host.abi.bifrost.plugin import Plugin, PluginConfig
from reference_host.abi.bifrost.types import HTTPRequest
from reference_host.engine.registry import load_engine
from reference_host.pipeline import Answered, Failed, Gateway, Sent
from reference_host.pipeline.trace import HookFailed

FIXTURES = Path(__file__).parents[2] / "fixtures" / "bifrost"
GUARD = json.dumps({"blocked_words": ["mellon"], "message": "No."}).encode()
PLAIN = ("r0", "r1", "r1b", "r2")


def load(path: str, config: bytes | None = None) -> Plugin:
    module = load_engine("wasmtime").compile((FIXTURES / path).read_bytes())
    return Plugin.load(module, PluginConfig(config=config))


def guard() -> Plugin:
    return load("conforming/word-guard.wasm", GUARD)


def plain(revision: str) -> Plugin:
    return load(f"unusual/plain-{revision}.wasm")


def chat(text: str, *, stream: bool = False) -> HTTPRequest:
    body = {"model": "p/m", "messages": [{"role": "user", "content": text}], "stream": stream}
    return HTTPRequest(
        "POST", "/v1/chat/completions", {"Content-Type": "application/json"}, {}, json.dumps(body).encode()
    )


@pytest.fixture
def house() -> Gateway:
    """A guard in the middle of plugins of every revision that pass everything through."""
    return Gateway([plain("r0"), plain("r1"), guard(), plain("r1b"), plain("r2")], Echo())


def test_plugins_of_every_revision_pass_a_request_on(house: Gateway) -> None:
    outcome = house.handle(chat("speak friend"))
    assert outcome.response.status_code == 200
    assert json.loads(outcome.response.body) == {"text": "speak friend"}
    hooks = [call.rpartition(".")[2] for call in outcome.trace.called()]
    assert hooks == [
        *["http_pre_hook"] * 5,
        *["pre_hook"] * 5,
        "provider:p",
        *["post_hook"] * 5,
        *["http_post_hook"] * 2,
    ]
    assert not [event for event in outcome.trace if isinstance(event, HookFailed)]


def test_the_guard_answers_at_the_http_level(house: Gateway) -> None:
    outcome = house.handle(chat("say mellon and enter"))
    assert outcome.response.status_code == 403
    assert b"No." in outcome.response.body
    assert len(outcome.trace.called()) == 3
    assert outcome.trace.not_called()[0].endswith("http_pre_hook: a plugin before it answered")


def test_the_guard_answers_at_the_llm_level(house: Gateway) -> None:
    request = {"provider": "p", "model": "m", "input": [{"role": "user", "content": "say mellon"}]}
    outcome = house.run_llm(request)
    hooks = [call.rpartition(".")[2] for call in outcome.trace.called()]
    assert hooks == ["pre_hook"] * 3 + ["post_hook"] * 3
    assert "provider:p: a pre hook answered in its place" in outcome.trace.not_called()


def test_the_guard_drops_a_chunk_and_counts_it_in_the_shared_context() -> None:
    class Tempted(Echo):
        """Answers with what the client did not say."""

        def _words(self, words: list[str]) -> Iterator[Answered | Failed]:
            return super()._words(["speak", "mellon", "and", "mellon", "enter"])

    plugins = [plain("r1b"), guard(), plain("r2")]
    outcome = Gateway(plugins, Tempted()).handle(chat("speak", stream=True))
    assert outcome.stream is not None
    assert [d.chunk["text"] for d in outcome.stream if isinstance(d, Sent)] == ["speak", "and", "enter"]
    assert outcome.context.snapshot()["word_guard_dropped"] == 2
