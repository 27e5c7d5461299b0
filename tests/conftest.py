"""What the plain test run leaves out, said where nobody overlooks it."""

import pytest

REBUILD = "toolchains"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `tox -e toolchains` gives."""
    parser.addoption("--rebuild", action="store_true", help="run the tests that rebuild the fixtures, and no others")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", f"{REBUILD}: needs the compilers of the sample plugins")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the rebuilds, or all but them: they fetch compilers, which the plain run does not."""
    wanted = config.getoption("--rebuild")
    left_out = [item for item in items if (item.get_closest_marker(REBUILD) is not None) != wanted]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell what was left out; under xdist the deselected tests are counted nowhere else."""
    if not config.getoption("--rebuild"):
        terminalreporter.write_line("left out: rebuilding the fixtures from source (`tox -e toolchains` does it)")
