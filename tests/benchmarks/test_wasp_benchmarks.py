"""wasp's benchmark runs on our hosts without the real one, and says that it is missing."""

from __future__ import annotations

import pytest

from benchmarks import wasp, wasp_real
from benchmarks.measuring import BATCH
from benchmarks.wasp import JOBS, Job, batches, example, timed
from reference_host.abi.wasp import Engine, Type
from reference_host.engine.registry import load_engine

OURS = ["wasmtime plain", "wasmtime fast", "wasmtime fast, limits", "purepy", "purepy portable", "pywasm"]


@pytest.fixture(autouse=True)
def _without_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HOOKPROOF_CACHE", "off")
    wasp_real.RealHost.with_plugin.cache_clear()
    wasp_real._program.cache_clear()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        pytest.param("wasp-new-int", 5, id="new-int"),
        pytest.param("wasp-new-string", "Hello Nic", id="new-string"),
        pytest.param("wasp-first-call", "Hello Nic", id="first-call"),
        pytest.param("wasp-int", 5, id="int"),
        pytest.param("wasp-string", "Hello Nic", id="string"),
        pytest.param("wasp-echo-string-1k", "x" * 1024, id="echo-string"),
        pytest.param("wasp-echo-bytes-1k", b"x" * 1024, id="echo-bytes"),
        pytest.param("wasp-new-string-tinygo", "Hello Nic", id="new-string-tinygo"),
        pytest.param("wasp-compile", None, id="compile"),
        pytest.param("wasp-instantiate", None, id="instantiate"),
    ],
)
def test_every_host_of_ours_does_the_job(name: str, answer: object) -> None:
    found, missing = batches(*JOBS[name])
    assert list(found) == OURS
    assert missing == ["wasp: go is not installed (the real host needs Go 1.26 and a C compiler)"]
    for batch in found.values():
        spent, last = batch(2)
        assert spent > 0
        assert last == answer


def test_a_plugin_that_comes_with_the_real_host_is_left_out_without_it() -> None:
    assert batches(example, Job("instantiate")) == (
        {},
        ["wasp: go is not installed (the real host needs Go 1.26 and a C compiler)"],
    )


def test_pywasm_is_spared_a_megabyte() -> None:
    found, missing = batches(*JOBS["wasp-echo-bytes-1m"])
    assert "pywasm" not in found
    assert "pywasm: some minutes a call" in missing


def test_a_batch_lasts_long_enough_to_be_timed() -> None:
    sizes: list[int] = []

    def batch(size: int) -> tuple[float, None]:
        sizes.append(size)
        return size * BATCH / 10, None

    assert timed(batch)() == pytest.approx(BATCH / 10)
    assert sizes == [1, 2, 4, 8, 9, 10, 10]


def test_the_small_plugin_does_not_grow() -> None:
    host = Engine(load_engine("wasmtime"))
    host.register_plugin("plugin", wasp.small())
    instance = host.get_instance("plugin")
    sizes = {instance.exchange("string_func", ("x" * 5_000,), Type.STRING).memory_size for _ in range(100)}
    assert sizes == {2**16}
