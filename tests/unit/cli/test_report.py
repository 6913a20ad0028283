"""`netcheck report` writes a saved run in any format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netcheck import exitcodes
from netcheck.cli import main
from netcheck.history.journal import Journal
from netcheck.record import RunRecord


@pytest.fixture(autouse=True)
def kept(run_record: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample run, kept in an otherwise empty history."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    journal = Journal(run_record.head)
    for number, check in enumerate(run_record.checks):
        journal.add(check, number)
    journal.close(run_record.summary)
    assert journal.path is not None
    return journal.path


def test_the_last_run_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A report of a failed run has exit status 0: it was written."""
    assert main(["report", "last"]) == exitcodes.OK
    shown = capsys.readouterr().out
    assert shown.startswith("ACME go-live: 10 checks")
    assert shown.endswith("netcheck explain tcp.filtered · netcheck report last -o report.md\n")


def test_files_alone_print_nothing(capsys: pytest.CaptureFixture[str], kept: Path) -> None:
    """With `-o` and no `--format` the file is what was asked for."""
    assert main(["report", kept.stem, "-o", "x.md", "-o", "x.json"]) == exitcodes.OK
    assert capsys.readouterr().out == ""
    assert Path("x.md").read_text(encoding="utf-8").startswith("# ACME go-live")


def test_a_report_can_be_reported_again(capsys: pytest.CaptureFixture[str]) -> None:
    """What `-o x.json` wrote is a RUN; it is not known to be in the history."""
    main(["report", "last", "-o", "x.json"])
    assert main(["report", "x.json", "--format", "jsonl"]) == exitcodes.OK
    head = json.loads(capsys.readouterr().out.partition("\n")[0])
    assert head["id"] == "01KAS0XW3D8GQ4ZB7TN5RMVYHC"


def test_what_is_no_run_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """One line on stderr, exit status 2."""
    Path("x.json").write_text("{}")
    assert main(["report", "x.json"]) == exitcodes.USAGE
    assert capsys.readouterr() == ("", "x.json: not a saved run: the key `run` is missing\n")
