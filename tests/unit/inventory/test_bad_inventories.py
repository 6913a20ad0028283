"""Every bad inventory in tests/inventories/bad gets exactly the message that stands beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netcheck.cli import main
from netcheck.inventory import load
from netcheck.inventory.problems import InventoryError

FOLDER = Path(__file__).parents[2] / "inventories" / "bad"
CASES = sorted(path.stem for path in FOLDER.glob("*.yml"))


def message(path: str) -> str:
    with pytest.raises(InventoryError) as caught:
        load(path)
    return str(caught.value)


@pytest.mark.parametrize("case", CASES)
def test_message(case: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """`--rewrite-golden` writes the expected messages anew: review the diff."""
    monkeypatch.chdir(FOLDER)
    said = message(f"{case}.yml") + "\n"
    expected = FOLDER / f"{case}.txt"
    if request.config.getoption("--rewrite-golden", default=False):
        expected.write_text(said, "utf-8")
    assert said == expected.read_text("utf-8")


def test_there_are_enough_cases() -> None:
    """The folder was found, and each case has its message."""
    assert len(CASES) > 100
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == CASES


@pytest.mark.parametrize("case", CASES)
def test_no_secret_is_shown(case: str) -> None:
    """Whatever is wrong with it, the secret in a file is not in the message."""
    said = message(str(FOLDER / f"{case}.yml"))
    assert "hunter2" not in said
    assert "b3BlbnNz" not in said
    assert "12345678" not in said


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is said to be so."""
    path = tmp_path / "none.yml"
    assert message(str(path)) == (
        f"{path}:1:1: no such file; `netcheck init` writes an inventory to start from\n"
        "1 error; nothing was checked"
    )


def test_directory(tmp_path: Path) -> None:
    """A folder is no inventory."""
    said = f"{tmp_path}:1:1: a directory; name the inventory file in it\n1 error; nothing was checked"
    assert message(str(tmp_path)) == said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file(tmp_path: Path) -> None:
    """The system's own reason is given."""
    path = tmp_path / "inventory.yml"
    path.write_text("netcheck: 1\n")
    path.chmod(0)
    said = f"{path}:1:1: can't be read: Permission denied\n1 error; nothing was checked"
    assert message(str(path)) == said


def test_file_under_a_file(tmp_path: Path) -> None:
    """A path that leads through a file can't be read, and the reason is given."""
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "inventory.yml"
    said = f"{path}:1:1: can't be read: Not a directory\n1 error; nothing was checked"
    assert message(str(path)) == said


def test_fifty_megabytes(tmp_path: Path) -> None:
    """A file that is too large is refused, and not read on."""
    path = tmp_path / "large.yml"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    assert message(str(path)) == (
        f"{path}:1:1: more than 16 MB; an inventory names hosts by ranges and networks\n"
        "1 error; nothing was checked"
    )


def test_endless_file() -> None:
    """A device without end is read up to the limit."""
    assert "more than 16 MB" in message("/dev/zero")


def test_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    """A bad inventory is exit status 2, its message goes to stderr, nothing to stdout."""
    assert main(["validate", str(FOLDER / "tab.yml")]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "tab.yml:3:1: not YAML: a tab; indent with spaces\n" in shown.err


def test_all_at_once() -> None:
    """All that can be known is in one error, by position, and counted."""
    with pytest.raises(InventoryError) as caught:
        load(FOLDER / "many-at-once.yml")
    lines = [(problem.line, problem.column) for problem in caught.value.problems]
    assert len(lines) == 9
    assert lines == sorted(lines)
    assert str(caught.value).endswith("\n9 errors; nothing was checked")
