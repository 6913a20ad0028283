"""Plain scalars mean what YAML 1.2's core schema says, not what YAML 1.1 said."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from netcheck.inventory.problems import Report
from netcheck.inventory.scalars import resolve
from netcheck.inventory.source import Source
from netcheck.inventory.tree import read_tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("yes", "no", "on", "off", "Yes", "NO", "y", "n")),
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        ("nULL", "nULL"),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("+7", 7),
        ("-0x1f", "-0x1f"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("2026-12-31", "2026-12-31"),
        ("10.20.0.1", "10.20.0.1"),
        ("5s", "5s"),
        ("-", "-"),
        (".", "."),
        ("9" * 5000, math.inf),
    ],
)
def test_plain(text: str, value: object) -> None:
    """The value and its type."""
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number() -> None:
    """`.nan` is a float, and unlike itself."""
    found = resolve(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


def test_quoted_is_text() -> None:
    """Quotes of either kind and blocks make text, whatever it looks like."""
    text = "a: \"1\"\nb: 'true'\nc: |-\n  null\nd: 1\n"
    source = Source(str(Path("x.yml")), text, "", tuple(text.split("\n")))
    plain = read_tree(source, Report("x.yml")).plain()
    assert plain == {"a": "1", "b": "true", "c": "null", "d": 1}
