"""Where a run is written: formats by suffix, found out beforehand, whole or not at all."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import pytest

from netcheck.cli import files, output
from netcheck.cli.output import Outputs
from netcheck.errors import NotAvailableYet, UsageError
from netcheck.record import RunRecord


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outputs(*words: str) -> Outputs:
    parser = ArgumentParser()
    output.add_arguments(parser)
    return Outputs(parser.parse_args(words))


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("x.json", '{\n "schema"'),
        ("x.jsonl", '{"record":"run"'),
        ("x.csv", "id,name,"),
        ("x.xml", "<?xml"),
        ("x.md", "# ACME"),
        ("x.txt", "ACME go-live: 10 checks"),
        ("X.JSON", '{\n "schema"'),
    ],
)
def test_the_suffix_says_the_format(name: str, start: str, run_record: RunRecord) -> None:
    """Each known suffix, in either case."""
    outputs("-o", name, "--quiet").write(run_record)
    assert Path(name).read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize("name", ["x.foo", "x", ".json"])
def test_an_unknown_suffix_names_the_known(name: str) -> None:
    """A wrong suffix is found out at once."""
    message = f"-o {name}: the suffix says the format: .txt .json .jsonl .csv .xml .md"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        outputs("-o", name)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("-o", "x.html"), "-o x.html (html)"),
        (("-o", "x.prom"), "-o x.prom (prometheus)"),
        (("-o", "x.zip"), "-o x.zip (ticket)"),
        (("--format", "prometheus"), "--format prometheus"),
        (("--format", "nagios"), "--format nagios"),
    ],
)
def test_what_comes_later_says_so(words: tuple[str, ...], what: str) -> None:
    """A format of a later issue is `not available yet`."""
    with pytest.raises(NotAvailableYet, match=f"^not available yet: {re.escape(what)}$"):
        outputs(*words)


@pytest.mark.parametrize("other", ["x.json", "./x.json", "link.json"])
def test_two_reports_to_one_file_are_refused(other: str) -> None:
    """However the file is written."""
    Path("link.json").symlink_to("x.json")
    with pytest.raises(UsageError, match=f"^-o {Path(other)}: two reports can't go to the same file$"):
        outputs("-o", "x.json", "-o", other)


def test_a_missing_folder_is_found_out_beforehand(folder: Path) -> None:
    """The message names the folder."""
    message = f"-o no/x.json: there is no folder {folder}/no"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        outputs("-o", "no/x.json").prepare()


def test_a_folder_in_the_way_is_found_out_beforehand() -> None:
    """A folder has no content to replace."""
    Path("x.json").mkdir()
    with pytest.raises(UsageError, match=r"^-o x\.json: Is a directory$"):
        outputs("-o", "x.json").prepare()


def test_a_folder_that_takes_no_file_is_found_out_beforehand() -> None:
    """Where no file can be made, root neither, the system's reason is shown."""
    with pytest.raises(UsageError, match=r"^-o /proc/x\.json: "):
        outputs("-o", "/proc/x.json").prepare()


def test_a_protected_file_is_found_out_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the user can't write is not replaced behind their back."""
    Path("x.json").write_text("mine")
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"^-o x\.json: Permission denied$"):
        outputs("-o", "x.json").prepare()
    assert Path("x.json").read_text() == "mine"


def test_prepare_leaves_no_trace(folder: Path) -> None:
    """Looking whether a file can be written makes none."""
    Path("old.json").write_text("old")
    outputs("-o", "x.json", "-o", "old.json").prepare()
    assert [path.name for path in folder.iterdir()] == ["old.json"]
    assert Path("old.json").read_text() == "old"


@pytest.mark.parametrize(("before", "after"), [(None, 0o640), (0o604, 0o604)])
def test_the_mode_is_kept_or_the_users(before: int | None, after: int, run_record: RunRecord) -> None:
    """An existing file keeps its mode; a new one has what the umask leaves."""
    if before is not None:
        Path("x.json").touch()
        Path("x.json").chmod(before)
    mask = os.umask(0o027)
    try:
        outputs("-o", "x.json", "--quiet").write(run_record)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(Path("x.json").stat().st_mode) == after


def test_a_symbolic_link_stays_one(run_record: RunRecord) -> None:
    """The file that it leads to is written."""
    Path("link.json").symlink_to("x.json")
    outputs("-o", "link.json", "--quiet").write(run_record)
    assert Path("link.json").is_symlink()
    assert json.loads(Path("x.json").read_text(encoding="utf-8"))["netcheck"] == "0.1.0"


def test_a_file_of_somebody_else_stays_theirs(run_record: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written in place: a file renamed over it would be ours."""
    Path("x.json").write_text("old")
    before = Path("x.json").stat().st_ino
    theirs = outputs("-o", "x.json", "--quiet")
    monkeypatch.setattr(files.os, "geteuid", lambda: -1)
    theirs.prepare()
    theirs.write(run_record)
    assert Path("x.json").stat().st_ino == before
    assert json.loads(Path("x.json").read_text(encoding="utf-8"))["netcheck"] == "0.1.0"


def test_a_failed_write_keeps_the_old_report_and_writes_the_others(
    run_record: RunRecord, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a report never replaces a whole one, and no temporary file stays."""
    Path("x.json").write_text("old")
    whole = files.write_text

    def full(path: Path, pieces: object) -> None:
        if path.name.startswith(".netcheck-") and not Path("x.csv").exists():
            path.write_text("half")
            raise OSError(28, "No space left on device")
        whole(path, pieces)  # type: ignore[arg-type]

    both = outputs("-o", "x.json", "-o", "x.csv", "--quiet")
    monkeypatch.setattr(files, "write_text", full)
    with pytest.raises(UsageError, match=r"x\.json: No space left on device"):
        both.write(run_record)
    assert Path("x.json").read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["x.json"]


def test_dev_stdout_takes_the_format_asked_for(
    run_record: RunRecord, capfd: pytest.CaptureFixture[str]
) -> None:
    """It has no suffix to say one, and it may be redirected to a file."""
    outputs("-o", "/dev/stdout", "--quiet").write(run_record)
    assert capfd.readouterr().out.startswith("ACME go-live: 10 checks")
    outputs("-o", "/dev/stdout", "--format", "csv").write(run_record)
    assert capfd.readouterr().out.count("id,name,") == 2


def test_failed_narrows_what_is_read_not_the_record(
    run_record: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    """A `.json` file is the run itself and has every check; a table or CSV has what was asked."""
    words = ("-o", "x.json", "-o", "x.csv", "--format", "json", "--failed")
    outputs(*words).write(run_record)
    shown = json.loads(capsys.readouterr().out)
    whole = json.loads(Path("x.json").read_text(encoding="utf-8"))
    assert (len(shown["checks"]), len(whole["checks"])) == (6, 10)
    assert Path("x.csv").read_text(encoding="utf-8").count("\n") == 7


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ((), "ACME"),
        (("--quiet",), ""),
        (("--quiet", "--format", "csv"), "id,"),
        (("--format", "wide"), "ACME"),
    ],
)
def test_what_stdout_gets(
    words: tuple[str, ...], start: str, run_record: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table; with `--quiet` nothing but a format that is asked for."""
    outputs(*words).write(run_record)
    shown = capsys.readouterr().out
    assert shown[: len(start) or None].startswith(start)
    assert bool(shown) == bool(start)


@pytest.mark.parametrize(
    ("choice", "environment", "terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_colours(
    choice: str,
    environment: dict[str, str],
    terminal: bool,
    wanted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is asked for wins; then NO_COLOR; then whether stdout is a terminal."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert output.wants_color(choice) is wanted


def test_a_terminal_without_unicode_gets_escapes(
    a_run: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the encoding has no sign for is escaped instead of ending in a traceback."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    outputs("--format", "table").write(a_run(name="Zürich"))
    assert raw.getvalue().startswith(b"Z\\xfcrich: 0 checks")


def test_a_full_stdout_is_one_message(run_record: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback where stdout goes to a full disk."""

    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(UsageError, match=r"^stdout: No space left on device$"):
        outputs().write(run_record)
