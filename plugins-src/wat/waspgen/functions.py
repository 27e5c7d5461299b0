"""The functions files of the plugins: what their author declares, by the name of the file."""

from __future__ import annotations

SUM = """
[functions.sum]
parameters = ["i32", "i32"]
result = "i32"
examples = [{arguments = [3, 2], returns = 5}, {arguments = [-4, 1], returns = -3}]
"""
HELLO = """
[functions.hello]
parameters = ["string"]
result = "string"
examples = [{arguments = ["Nic"], returns = "Hello Nic"}, {arguments = [""], returns = "Hello "}]
"""
REVERSE = """
[functions.reverse]
parameters = ["bytes"]
result = "bytes"
examples = [{arguments = [[1, 2, 3]], returns = [3, 2, 1]}, {arguments = [[]], returns = []}]
"""
CALLBACK = """
[functions.callback]
parameters = []
result = "string"
examples = [{arguments = [], returns = "Hello Nic"}]

[callbacks."env.call_me"]
parameters = ["string"]
result = "string"
answers = "Hello {0}"
"""
ASK = """
[functions.ask]
parameters = ["i32"]
result = "i32"
examples = [{arguments = [41], returns = 42}]

[callbacks."env.next"]
parameters = ["i32"]
result = "i32"
answers = 42
"""
FAIL = """
[functions.fail]
parameters = []
result = "none"
examples = [{arguments = [], raises = "Oops"}]
"""

PARTS = (SUM, HELLO, REVERSE, CALLBACK, ASK, FAIL)
PLAIN = "".join(PARTS)


def declared(name: str, parameters: str, result: str, examples: str = "") -> str:
    """Write the table of one more function; `parameters` and `examples` are TOML."""
    more = f"examples = [{examples}]\n" if examples else ""
    return f'\n[functions.{name}]\nparameters = [{parameters}]\nresult = "{result}"\n{more}'


FILES: dict[str, str] = {
    "plain": PLAIN,
    "numbers": SUM,
    "no-examples": "\n".join(line for line in PLAIN.split("\n") if not line.startswith("examples")),
    "bytes-only": SUM + REVERSE,
    "spare-callback": SUM + CALLBACK[CALLBACK.index("[callbacks") :],
    "other-results": PLAIN
    + declared("wide", '"i64"', "i64", "{arguments = [-5], returns = -5}")
    + declared("ratio", '"f64", "f32"', "f64", "{arguments = [0.1, 2.5], returns = 0.1}")
    + declared("half", "", "f32", "{arguments = [], returns = 0.1}"),
    "echo": PLAIN
    + declared("echo", '"string"', "string", '{arguments = ["Nic"], returns = "Nic"}')
    + declared("echo_bytes", '"bytes"', "bytes", "{arguments = [[1, 2]], returns = [1, 2]}"),
    "plugin-namespace": PLAIN.replace('"env.', '"plugin.'),
    "bytes-callback": PLAIN
    + declared("relay", '"bytes"', "bytes")
    + '\n[callbacks."env.relay_me"]\nparameters = ["bytes"]\nresult = "bytes"\nanswers = [7, 8]\n',
    "two-errors": PLAIN
    + declared("fail_twice", "", "string", '{arguments = [], raises = "100%d"}')
    + declared("fail_empty", "", "none", '{arguments = [], raises = ""}'),
    "greet": PLAIN + declared("greet_all", '"string", "bytes", "string"', "string"),
}


def text(name: str) -> str:
    """Write a functions file."""
    return f"# What the plugins that name this file declare. Written by build.py; do not edit.\n{FILES[name]}"
