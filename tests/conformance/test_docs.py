"""Generated pages and pasted facts stay equal to what the product says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def hookproof(*arguments: str) -> str:
    command = [sys.executable, "-m", "conformance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT).stdout


def test_page_of_requirements_is_generated() -> None:
    assert (ROOT / "docs" / "requirements.md").read_text() == hookproof("requirements", "--format", "markdown")


def test_readme_shows_what_certify_prints() -> None:
    shown = re.search(r"```text\n\$ (hookproof certify .+)\n((?:.|\n)+?)\n```", README)
    assert shown is not None
    assert hookproof(*shlex.split(shown[1])[1:]).startswith(shown[2])


def test_readme_starts_with_two_commands() -> None:
    start = README.partition("## Start")[2].partition("\n## ")[0]
    commands = re.findall(r"```sh\n(.+)\n```", start)
    assert len(commands) == start.count("```") // 2 == 2
    assert all("python3 -m venv .venv" in command and ".venv/bin/" in command for command in commands)


def test_page_of_wasp_shows_what_works(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "wasp.md").read_text()
    plugin = ROOT / "fixtures" / "wasp" / "conforming" / "greeter-rust.wasm"
    (program,) = re.findall(r"```python\n((?:.|\n)+?)```", page)
    exec(program, {"plugin": plugin.read_bytes()})
    (signatures,) = re.findall(r"```toml\n((?:.|\n)+?)```", page)
    functions, arguments = tmp_path / "functions.toml", tmp_path / "arguments.json"
    functions.write_text(signatures)
    arguments.write_text('["Nic"]')
    assert hookproof("call", str(plugin), "hello", str(arguments), "--functions", str(functions)) == '"Hello Nic"\n'
