"""The golden files and the flag that rewrites them: `pytest tests/unit/render --rewrite-golden`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[2] / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write tests/golden anew; review the diff")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, Iterator[str]], None]:
    """Compares pieces of text with the golden file of that name, or rewrites it."""

    def compare(name: str, pieces: Iterator[str]) -> None:
        produced = "".join(pieces)
        if request.config.getoption("--rewrite-golden", default=False):
            (GOLDEN / name).write_text(produced, encoding="utf-8", newline="")
        with (GOLDEN / name).open(encoding="utf-8", newline="") as file:
            assert produced == file.read()

    return compare
