"""The words that the text formats share."""

from __future__ import annotations

import pytest

from netcheck.render import text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.0, "0.0 ms"),
        (0.0003, "0.3 ms"),
        (0.00096, "1 ms"),
        (0.081, "81 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (5.0021, "5.00 s"),
        (75.0, "75.00 s"),
    ],
)
def test_durations(seconds: float | None, words: str) -> None:
    """Three digits or so, in the unit that people expect."""
    assert text.took(seconds) == words


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["web01.x", "web02.x", "web04.x"], "web[01-02,04].x"),
        (["10.20.0.9", "10.20.0.10", "10.20.0.11"], "10.20.0.[9-11]"),
        (["db3", "db1", "db2"], "db[1-3]"),
        (["a1", "b1"], None),
        (["a1b1", "a2b2"], None),
        (["a1", "a1b1"], None),
        (["same", "same"], None),
    ],
)
def test_spans(names: list[str], short: str | None) -> None:
    """Names that differ in one number are one span; others are none."""
    assert text.span(names) == short


@pytest.mark.parametrize(
    ("raw", "harmless"),
    [
        ("plain text – Ünïcode", "plain text – Ünïcode"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x9b\x00\x7f", "\\x9b\\x00\\x7f"),
        ("\u202eevil\u200b", "\\u202eevil\\u200b"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_is_not_printable_is_escaped(raw: str, harmless: str) -> None:
    """Controls, marks that turn the direction of text, invisible and lone half characters."""
    assert text.safe(raw) == harmless


def test_an_endpoint_brackets_ipv6() -> None:
    """So that the port can be told from the address."""
    assert text.endpoint("10.9.0.7", 22) == "10.9.0.7:22"
    assert text.endpoint("2001:db8::7", 22) == "[2001:db8::7]:22"
