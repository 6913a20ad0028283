"""How problems are shown: the line, the caret, the count, and never a secret."""

from __future__ import annotations

import pytest

from netcheck.inventory.problems import Place, Report, nearest

KEPT_SECRET = (
    "password: hunter2",
    "{password: hunter2, user: [}",
    '"password" : "hunter2 with spaces",',
    "'passphrase': 'hunter2'",
    "db_password: hunter2",
    "PASSWORD: hunter2",
    "api_key: hunter2",
    "token: hunter2",
    "password: {value: hunter2}",
    "password: [hunter2]",
    "headers: {Authorization: Bearer hunter2}",
    "url: https://bob:hunter2@a.example/",
)


@pytest.mark.parametrize("line", KEPT_SECRET)
def test_secrets_in_bare_text(line: str) -> None:
    """Without a tree (the file is not YAML) the line itself tells where a secret stands."""
    report = Report("x.yml", (line,))
    report.add(Place(1, 1), "not YAML")
    assert "hunter2" not in str(report.error())
    assert "****" in str(report.error())


@pytest.mark.parametrize("line", ["password: {env: HUNTER2}", "passphrase: {keyring: a/HUNTER2}"])
def test_references_are_shown(line: str) -> None:
    """Where a secret is kept is no secret."""
    report = Report("x.yml", (line,))
    report.add(Place(1, 1), "something")
    assert "HUNTER2" in str(report.error())


def test_caret() -> None:
    """The caret stands under the column and is as wide as the part."""
    report = Report("x.yml", ("", "checks: [shh]"))
    report.add(Place(2, 10, 3), "unknown probe `shh`")
    assert str(report.error()) == (
        "x.yml:2:10: unknown probe `shh`\n    2 | checks: [shh]\n      |          ^^^\n"
        "1 error; nothing was checked"
    )


def test_long_line_is_cut_around_the_caret() -> None:
    """However long the line, the caret points at the part, within a hundred columns."""
    report = Report("x.yml", ("x" * 500 + "HERE" + "y" * 500,))
    report.add(Place(1, 501, 4), "wrong")
    _head, line, caret, _count = str(report.error()).split("\n")
    assert len(line) < 120
    assert line[caret.index("^") : caret.rindex("^") + 1] == "HERE"


def test_order_and_repetition() -> None:
    """By position; the same problem is told once."""
    report = Report("x.yml")
    for place in (Place(9, 1), Place(2, 7), Place(2, 3), Place(9, 1)):
        report.add(place, "wrong")
    assert [(problem.line, problem.column) for problem in report.error().problems] == [(2, 3), (2, 7), (9, 1)]


def test_control_characters_are_not_printed() -> None:
    """A line of the file can't drive the reader's terminal."""
    report = Report("x.yml", ("a: \x1b[2J",))
    report.add(Place(1, 1), "wrong")
    assert "\x1b" not in str(report.error())


def test_finish() -> None:
    """No problem, no error."""
    Report("x.yml").finish()


@pytest.mark.parametrize(
    ("word", "hint"),
    [("shh", "; did you mean `ssh`?"), ("SSH", "; did you mean `ssh`?"), ("smtp", ""), ("", "")],
)
def test_nearest(word: str, hint: str) -> None:
    """The nearest word, if one is near."""
    assert nearest(word, ["ssh", "dns", "https"]) == hint
