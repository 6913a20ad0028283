"""The one target that `diagnose` is asked for: by name, by host, by address; never a guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from netcheck.errors import UsageError
from netcheck.inventory import load
from netcheck.inventory.target import pick

TEXT = """netcheck: 1
targets:
  db01: {host: db01.acme.example, checks: [tcp/5432]}
  also-db01: {host: DB01.acme.example, checks: [ssh]}
  web: {hosts: "web[01-12].acme.example", checks: [ssh]}
  net: {hosts: 10.20.0.0/28, checks: [tcp/22]}
  erp: {host: 10.20.0.5, checks: [https]}
  one: {hosts: [lone.acme.example], checks: [ssh]}
  six: {host: "2001:db8::a", checks: [ssh]}
  lone: {host: 10.20.0.99, checks: [ssh]}
"""


def meant(word: str, tmp_path: Path) -> list[tuple[str, str]]:
    """(target, host) of all that the word means."""
    path = tmp_path / "inventory.yml"
    path.write_text(TEXT)
    return [target for entry in pick(load(path).entries, word) for target in entry.targets()]


@pytest.mark.parametrize(
    ("word", "targets"),
    [
        ("db01", [("db01", "db01.acme.example")]),
        ("DB01", [("db01", "db01.acme.example")]),
        ("web03.acme.example", [("web03.acme.example", "web03.acme.example")]),
        ("10.20.0.6", [("10.20.0.6", "10.20.0.6")]),
        ("10.20.0.5", [("10.20.0.5", "10.20.0.5"), ("erp", "10.20.0.5")]),
        ("erp", [("erp", "10.20.0.5")]),
        ("2001:db8:0::a", [("six", "2001:db8::a")]),
        ("[2001:db8::a]", [("six", "2001:db8::a")]),
        ("lone", [("lone", "10.20.0.99")]),
        ("lone.acme.example", [("lone.acme.example", "lone.acme.example")]),
    ],
)
def test_what_a_word_means(word: str, targets: list[tuple[str, str]], tmp_path: Path) -> None:
    """A name, a host of a range or network, an address however it is written."""
    assert meant(word, tmp_path) == targets


def test_a_host_with_two_targets_is_both(tmp_path: Path) -> None:
    """All that is asked of it belongs to the picture, whatever the case of its name."""
    assert [name for name, _ in meant("db01.acme.example", tmp_path)] == ["db01", "also-db01"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("dbo1", "netcheck: there is no target `dbo1`; did you mean `db01`?"),
        ("10.20.0.77", "netcheck: there is no target `10.20.0.77`; did you mean `10.20.0.7`?"),
        (
            "qqqq",
            "netcheck: there is no target `qqqq`; there are db01, db01.acme.example, also-db01 …",
        ),
        (
            "web",
            "netcheck: `web` is 12 targets; diagnose one of them: "
            "web01.acme.example, web02.acme.example, web03.acme.example, …",
        ),
    ],
)
def test_what_is_no_single_target(word: str, message: str, tmp_path: Path) -> None:
    """One line with the nearest name, or the names there are."""
    with pytest.raises(UsageError) as caught:
        meant(word, tmp_path)
    assert str(caught.value) == message


def test_a_single_host_s_entry_is_that_host(tmp_path: Path) -> None:
    """`hosts:` with one host is one target all the same."""
    assert meant("one", tmp_path) == [("lone.acme.example", "lone.acme.example")]
