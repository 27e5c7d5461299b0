"""The entry point in other people's pytest: it does nothing unless asked, and no option of it is in anybody's way."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toys import TOY, Done, Plugins, toy_wasm


def run_pytest(folder: Path, *arguments: str, path: str = "", profiling: bool = False) -> Done:
    """Run pytest as its user does, with every installed plugin, the toy system on its path, in a folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    # A copy, because pytest would find this project's own configuration above the toy's folder.
    site = folder.parent / "site"
    shutil.copytree(TOY, site, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            *(() if profiling else ("-p", "no:profiling")),
            *arguments,
        ],
        cwd=folder,
        env={**kept, "PYTHONPATH": f"{path}{os.pathsep if path else ''}{site}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def other_plugin(folder: Path, name: str, *options: str) -> str:
    """Put another pytest plugin, with options of its own, on a path; its distribution is called `name`."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pytest11]\n{name} = {name}_plugin\n")
    added = "".join(f"    group.addoption({o!r}, help='theirs', dest='theirs_{n}')\n" for n, o in enumerate(options))
    (folder / f"{name}_plugin.py").write_text(
        "def pytest_addoption(parser):\n    group = parser.getgroup('theirs')\n"
        f"{added}\n\ndef pytest_report_header(config):\n    return f'theirs: {{config.option.theirs_0}}'\n"
    )
    return str(folder)


def owned(plugins: Plugins, text: str = "def test_mine(): pass\n") -> None:
    (plugins.folder / "test_mine.py").write_text(text)


# -- judging


def test_judging_by_hand(plugins: Plugins) -> None:
    plugins.good()
    done = run_pytest(plugins.folder, "--pyargs", "toy_suite", "--plugin", "good.wasm", "--engine", "wasmtime")
    assert done.code == 0, done
    assert "hookproof: good.wasm" in done.out
    assert "\nconforms: good.wasm\n" in done.out
    assert "8 passed, 2 skipped" in done.out


def test_judging_by_hand_in_workers_and_several_plugins(plugins: Plugins) -> None:
    plugins.good()
    plugins.bad()
    done = run_pytest(
        plugins.folder, "--pyargs", "toy_suite", "--plugin", "good.wasm", "--plugin=bad.wasm", "--engine", "wasmtime",
        "-n", "auto", "--maxprocesses", "2",
    )  # fmt: skip
    assert done.code == 1, done
    assert "\nconforms: good.wasm\n" in done.out
    assert "\ndoes not conform: bad.wasm\n" in done.out
    assert re.search(r"FAILED .*test_toy.py::test_adds\[bad.wasm\]", done.out)
    assert "[toy_add/few/0] toy_add, pointer 2, length 3" in done.out
    assert "Traceback" not in done.out + done.err


def test_the_report_is_that_of_certify(plugins: Plugins) -> None:
    plugins.bad()
    run_pytest(
        plugins.folder, "--pyargs", "toy_suite", "--plugin", "bad.wasm", "--hookproof-json", "hand.json", "-n", "2"
    )
    program = f"import sys; sys.path.append({str(TOY)!r}); from conformance.cli import main; main()"
    command = [sys.executable, "-c", program, "certify", "bad.wasm", "--json", "certify.json"]
    subprocess.run(command, cwd=plugins.folder, capture_output=True, check=False)
    hand, certify = (json.loads((plugins.folder / name).read_text()) for name in ("hand.json", "certify.json"))
    assert (hand.pop("timings"), certify.pop("timings")) != ({}, {})
    assert hand == certify


def test_a_broken_should_is_a_warning_whatever_the_filters(plugins: Plugins) -> None:
    plugins.warned()
    done = run_pytest(plugins.folder, "-W", "error", "--pyargs", "toy_suite", "--plugin", "warned.wasm")
    assert done.code == 0, done
    assert "ShouldViolation: TOY-ADD-002 (SHOULD): toy_add answers 0 for two zeros." in done.out


def test_skipped_tests_tell_why(plugins: Plugins) -> None:
    plugins.good()
    done = run_pytest(plugins.folder, "-rs", "--pyargs", "toy_suite", "--plugin", "good.wasm")
    assert re.search(
        r"SKIPPED \[1\] .*test_toy.py:[0-9]+: TOY-MEM-001 not-applicable: needs an exported memory", done.out
    )
    assert re.search(r"SKIPPED \[1\] .*test_toy.py:[0-9]+: TOY-SILENT-001 not-tested: no case reached", done.out)


def test_an_exception_shows_its_traceback(plugins: Plugins) -> None:
    plugins.troubled("raise")
    done = run_pytest(plugins.folder, "--pyargs", "toy_suite", "--plugin", "raise.wasm")
    assert done.code == 1
    assert 'raise ValueError("a defect of the suite")' in done.out
    assert "\ncould not judge: raise.wasm\n" in done.out


def test_only_and_quick(plugins: Plugins) -> None:
    plugins.bad()
    options = ("--only", "TOY-ADD-001[toy_add/few/1]", "--quick", "--seed=7", "--profile=lenient")
    done = run_pytest(plugins.folder, "--pyargs", "toy_suite", "--plugin", "bad.wasm", *options)
    assert done.code == 1
    assert "1 of 1 case breaks it" in done.out
    assert "judged    lenient, scope quick, --only TOY-ADD-001[toy_add/few/1]" in done.out
    assert (
        "again     hookproof certify bad.wasm --only 'TOY-ADD-001[toy_add/few/1]' --quick --profile lenient --seed 7"
        in done.out.replace("\n            ", " ")
    )


def test_other_peoples_tests_in_the_same_run_stay_theirs(plugins: Plugins) -> None:
    """Also where they use a marker of the same name, and a fixture named subject."""
    plugins.good()
    owned(
        plugins,
        "import pytest\n\n\n@pytest.fixture\ndef subject():\n    return 'mine'\n\n\n"
        "@pytest.mark.requirement('REQ-1', 'REQ-2')\ndef test_mine(subject):\n    assert subject == 'mine'\n",
    )
    done = run_pytest(plugins.folder, "-W", "error", "test_mine.py", "../site/toy_suite", "--plugin", "good.wasm")
    assert done.code == 0, done
    assert "9 passed, 2 skipped" in done.out


def test_a_session_that_judges_nothing_is_no_success(plugins: Plugins) -> None:
    plugins.add("p.wasm", toy_wasm("trouble_once"))
    done = run_pytest(
        plugins.folder, "--pyargs", "toy_suite", "--plugin", "p.wasm", "--quick", "--only", "TOY-TROUBLE-001"
    )
    assert done.code == 0, "something passed, beside what was not tested"
    done = run_pytest(plugins.folder, "--pyargs", "toy_suite", "--plugin", "p.wasm", "--only", "TOY-SILENT-001")
    assert "1 skipped" in done.out
    assert done.code == 1
    assert "could not judge in what was asked for: p.wasm" in done.out


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        pytest.param(b"", [], 3, "could not judge: the file is empty", id="no module"),
        pytest.param(None, [], 4, "cannot be read: No such file", id="no file"),
        pytest.param(toy_wasm(), ["--engine", "nope"], 1, "unknown engine 'nope'", id="unknown engine"),
        pytest.param(toy_wasm(), ["--engine", "pywasm"], 1, "--quick only", id="an engine for --quick"),
        pytest.param(toy_wasm(), ["--only", "NOPE-001"], 4, "no requirement 'NOPE-001'", id="unknown requirement"),
        pytest.param(toy_wasm(), ["--max-memory", "much"], 4, "'much' is no size", id="no size"),
        pytest.param(toy_wasm(), ["--shape", "round"], 4, "no shape 'round'", id="unknown shape"),
    ],
)
def test_bad_input(plugins: Plugins, content: bytes | None, options: list[str], code: int, words: str) -> None:
    if content is not None:
        plugins.add("p.wasm", content)
    done = run_pytest(plugins.folder, "--pyargs", "toy_suite", "--plugin", "p.wasm", *options)
    assert done.code == code, done
    assert words in done.out + done.err
    assert "INTERNALERROR" not in done.out + done.err


def test_the_suites_without_a_plugin_say_what_is_missing(plugins: Plugins) -> None:
    done = run_pytest(plugins.folder, "--pyargs", "conformance.suites")
    assert done.code == 4
    assert "there is no plugin to judge: give one with --plugin FILE.wasm" in done.err


# -- a good guest


def test_the_entry_point_imports_pytest_and_the_standard_library_only() -> None:
    program = (
        "import pytest, sys\nbefore = set(sys.modules)\nimport conformance.pytest_plugin\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names)))\n"
        "print(sorted(name for name in set(sys.modules) - before if name.startswith('conformance')))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['conformance']\n['conformance', 'conformance.pytest_plugin']\n"


def test_it_does_nothing_unless_asked(plugins: Plugins) -> None:
    owned(
        plugins,
        "import sys\n\n\ndef test_mine(request):\n    manager = request.config.pluginmanager\n"
        "    assert manager.hasplugin('hookproof')\n    assert not manager.hasplugin('hookproof-harness')\n"
        "    assert [name for name in sys.modules if name.startswith(('conformance', 'reference_host'))] == [\n"
        "        'conformance', 'conformance.pytest_plugin']\n",
    )
    done = run_pytest(plugins.folder)
    assert done.code == 0, done
    assert "hookproof:" not in done.out


SHORT = ("--plugin", "--engine", "--abi", "--revision", "--profile", "--shape", "--plugin-config", "--max-memory",
         "--quick", "--seed", "--only")  # fmt: skip


@pytest.mark.parametrize("name", ["aaa", "zzz"], ids=["loaded before", "loaded after"])
def test_every_short_name_may_belong_to_another_plugin(plugins: Plugins, tmp_path: Path, name: str) -> None:
    """In either order of loading: theirs works as if we were not there, ours by its full name."""
    path = other_plugin(tmp_path / "path", name, *SHORT)
    owned(plugins)
    done = run_pytest(plugins.folder, "--plugin", "theirs", path=path)
    assert done.code == 0, done
    assert "theirs: theirs" in done.out
    assert "conforms" not in done.out
    plugins.good()
    done = run_pytest(
        plugins.folder, "--pyargs", "toy_suite", "--plugin", "theirs", "--hookproof-plugin", "good.wasm",
        "--hookproof-only", "TOY-ADD-001", path=path,
    )  # fmt: skip
    assert done.code == 0, done
    assert "theirs: theirs" in done.out
    assert "hookproof: --engine belongs to another plugin, use --hookproof-engine" in done.out
    assert "conforms in what was asked for: good.wasm" in done.out


@pytest.mark.parametrize("name", ["aaa", "zzz"], ids=["loaded before", "loaded after"])
def test_one_short_name_may_belong_to_another_plugin(plugins: Plugins, tmp_path: Path, name: str) -> None:
    path = other_plugin(tmp_path / "path", name, "--engine")
    plugins.good()
    done = run_pytest(
        plugins.folder, "--pyargs", "toy_suite", "--plugin", "good.wasm", "--engine", "diesel", "--quick", path=path
    )
    assert done.code == 0, done
    assert "theirs: diesel" in done.out
    assert "strict, scope quick" in done.out


@pytest.mark.parametrize("where", [".", "tests", "below/tests"], ids=["here", "found at once", "found late"])
def test_a_conftest_may_define_the_same_options(plugins: Plugins, where: str) -> None:
    folder = plugins.folder / where
    folder.mkdir(parents=True, exist_ok=True)
    added = "".join(f"    parser.addoption({option!r}, help='theirs')\n" for option in SHORT)
    (folder / "conftest.py").write_text(f"def pytest_addoption(parser):\n{added}")
    (folder / "test_mine.py").write_text("def test_mine(): pass\n")
    plugins.good()
    done = run_pytest(plugins.folder)
    assert done.code == 0, done
    done = run_pytest(plugins.folder, ".", "../site/toy_suite", "--hookproof-plugin", "good.wasm")
    assert done.code == 0, done
    assert "\nconforms: good.wasm\n" in done.out


def test_beside_pytest_profiling(plugins: Plugins) -> None:
    """It owns --profile, which takes no value."""
    plugins.good()
    owned(plugins)
    done = run_pytest(plugins.folder, "test_mine.py", "--profile", profiling=True)
    assert done.code == 0, done
    assert "Profiling" in done.out
    done = run_pytest(
        plugins.folder,
        "--pyargs",
        "toy_suite",
        "--plugin",
        "good.wasm",
        "--hookproof-profile",
        "lenient",
        profiling=True,
    )
    assert done.code == 0, done
    assert "hookproof: --profile belongs to another plugin, use --hookproof-profile" in done.out
    assert "lenient, scope full" in done.out


def test_the_conftest_beside_a_plugin_is_not_run(plugins: Plugins, tmp_path: Path) -> None:
    """`p.wasm` in `--plugin p.wasm` is no path that pytest should look for tests in."""
    plugins.good()
    (plugins.folder / "conftest.py").write_text("raise SystemExit('this file must never be imported')\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run_pytest(elsewhere, "--pyargs", "toy_suite", "--plugin", str(plugins.folder / "good.wasm"))
    assert done.code == 0, done


def test_the_help_names_every_option(plugins: Plugins) -> None:
    done = run_pytest(plugins.folder, "--help")
    assert done.code == 0
    assert all(f"--hookproof-{name.removeprefix('--')}" in done.out for name in SHORT)
