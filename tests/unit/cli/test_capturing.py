"""`-o x.pcap`: whether it can be had is found out beforehand; the file is whole and this user's alone."""

from __future__ import annotations

import os
import re
import stat
from argparse import ArgumentParser
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.utils import RawPcapReader

from netcheck.cli import capturing, output
from netcheck.cli.output import Outputs
from netcheck.errors import UsageError
from netcheck.record import RunRecord
from probes.path.capture import Result
from probes.path.packets import Captured

SYN = bytes(IP(src="10.9.0.7", dst="10.20.0.15") / TCP(sport=51234, dport=22, flags="S"))
HELD = Result((Captured(10**18, SYN, 40), Captured(10**18 + 1, SYN, 40)), 1)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, on a host where packets can be captured."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(capturing, "missing", lambda: None)
    return tmp_path


def outputs(*words: str, captures: bool = True) -> Outputs:
    parser = ArgumentParser()
    output.add_arguments(parser, captures=captures)
    return Outputs(parser.parse_args(words))


def holding(made: Outputs, result: Result, monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """The same after a run that captured this."""
    assert made.capture is not None
    monkeypatch.setattr(made.capture, "result", lambda: result)
    return made


def in_file(name: str) -> int:
    """How many packets another program reads from it."""
    with RawPcapReader(name) as reader:
        return len(list(reader))


@pytest.mark.parametrize("name", ["x.pcap", "X.PCAP"])
def test_the_file_holds_the_packets(
    name: str, run_record: RunRecord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that others read, and a line on stderr that says what is in it."""
    made = holding(outputs("-o", name, "-o", "x.json"), HELD, monkeypatch)
    made.prepare()
    made.write(run_record)
    assert in_file(name) == 2
    assert Path("x.json").exists()
    said = f"netcheck: {name}: 2 packets, headers only, of 1 failing connection\n"
    assert capsys.readouterr().err == said


def test_an_empty_capture_is_a_file_with_a_notice(
    run_record: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing failed: valid, and said."""
    outputs("-o", "x.pcap").write(run_record)
    assert in_file("x.pcap") == 0
    assert "no packets, for no connection failed that was looked at again" in capsys.readouterr().err


def test_what_was_missed_is_said(
    run_record: RunRecord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A capture with gaps must not pass for a whole one."""
    holding(outputs("-o", "x.pcap"), HELD._replace(missed=1200), monkeypatch).write(run_record)
    assert capsys.readouterr().err.endswith("; up to 1,200 more were missed\n")


def test_quiet_says_nothing(run_record: RunRecord, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is written all the same."""
    outputs("-o", "x.pcap", "--quiet").write(run_record)
    assert Path("x.pcap").exists()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("before", "after"), [(None, 0o600), (0o640, 0o640)])
def test_a_new_file_is_this_user_s_alone(before: int | None, after: int, run_record: RunRecord) -> None:
    """Whatever the umask; one that is there keeps its mode."""
    if before is not None:
        Path("x.pcap").touch()
        Path("x.pcap").chmod(before)
    mask = os.umask(0)
    try:
        outputs("-o", "x.pcap", "--quiet").write(run_record)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(Path("x.pcap").stat().st_mode) == after


def test_what_is_missing_is_found_out_beforehand(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """In one line, with the name of the file that can't be had; no file is made."""
    monkeypatch.setattr(capturing, "missing", lambda: "a capture needs privilege")
    with pytest.raises(UsageError, match=r"^-o x\.pcap: a capture needs privilege$"):
        outputs("-o", "x.pcap").prepare()
    assert list(folder.iterdir()) == []


def test_the_place_is_tried_beforehand(folder: Path) -> None:
    """As for every other file."""
    with pytest.raises(UsageError, match=f"^{re.escape(f'-o no/x.pcap: there is no folder {folder}/no')}$"):
        outputs("-o", "no/x.pcap").prepare()


def test_a_capture_that_failed_replaces_no_file(run_record: RunRecord) -> None:
    """The reason is an error, and the reports are written."""
    Path("x.pcap").write_text("old")
    made = outputs("-o", "x.pcap", "-o", "x.json", "--quiet")
    assert made.capture is not None
    made.capture.problem = "No buffer space available"
    with pytest.raises(UsageError, match=r"^-o x\.pcap: no capture: No buffer space available$"):
        made.write(run_record)
    assert Path("x.pcap").read_text() == "old"
    assert Path("x.json").exists()


def test_without_such_a_file_there_is_no_capture() -> None:
    """It costs nothing where it is not asked for."""
    assert outputs("-o", "x.json").capture is None


def test_a_saved_run_has_no_packets() -> None:
    """`report` says so."""
    message = "-o x.pcap: packets are captured while a run is made; a saved one has none"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        outputs("-o", "x.pcap", captures=False)


def test_two_files_are_one_capture(run_record: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same name twice is refused, as for reports."""
    holding(outputs("-o", "x.pcap", "-o", "y.pcap", "--quiet"), HELD, monkeypatch).write(run_record)
    assert Path("x.pcap").read_bytes() == Path("y.pcap").read_bytes()
    with pytest.raises(UsageError, match="two reports can't go to the same file"):
        outputs("-o", "x.pcap", "-o", "x.pcap")
