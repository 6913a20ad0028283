"""The journal keeps a run as it goes, and never stops it."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from netcheck.history import journal, saved
from netcheck.history.journal import Journal
from netcheck.history.ulid import ULID, new_id
from netcheck.record import CheckRecord, RunRecord


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def _kept(run: RunRecord) -> Path:
    kept = Journal(run.head)
    for number, check in enumerate(run.checks):
        kept.add(check, number)
    kept.close(run.summary)
    assert kept.path is not None
    return kept.path


def test_a_run_is_kept_and_loads_as_itself(run_record: RunRecord) -> None:
    """What the journal kept is the run."""
    again = saved.load(_kept(run_record))
    assert (again.head, list(again.checks)) == (run_record.head, list(run_record.checks))
    assert again.summary == run_record.summary


def test_the_lines_are_head_checks_summary(run_record: RunRecord) -> None:
    """One line each, told apart by `record`."""
    lines = [json.loads(line) for line in _kept(run_record).read_text().splitlines()]
    kinds = [line["record"] for line in lines]
    assert kinds == ["run", *["check"] * (len(lines) - 2), "summary"]


def test_only_the_user_can_read_it(run_record: RunRecord, state: Path) -> None:
    """The file has mode 0600 and its folder 0700, whatever the umask."""
    mask = os.umask(0)
    try:
        path = _kept(run_record)
    finally:
        os.umask(mask)
    assert path.parent == state / "netcheck" / "runs"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_checks_load_in_the_order_of_the_inventory(
    a_run: Callable[..., RunRecord], a_check: Callable[..., CheckRecord]
) -> None:
    """Checks end in any order; `number` puts them back."""
    checks = [a_check(target=f"db{number}") for number in range(3)]
    run = a_run(*checks)
    kept = Journal(run.head)
    for number in (2, 0, 1):
        kept.add(checks[number], number)
    kept.close(run.summary)
    assert kept.path is not None
    assert [check.target for check in saved.load(kept.path).checks] == ["db0", "db1", "db2"]


def test_what_is_written_is_on_disk_within_a_second(
    run_record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks are buffered while the event loop is busy, and flushed by its clock even if no other ends."""
    first, second, *_ = run_record.checks

    async def run() -> list[int]:
        kept = Journal(run_record.head)
        assert kept.path is not None
        counts = []
        for check in (first, second):
            kept.add(check)
        counts.append(kept.path.read_text().count("\n"))
        while kept._timer is not None:
            await asyncio.sleep(0)
        counts.append(kept.path.read_text().count("\n"))
        kept.close(run_record.summary)
        counts.append(kept.path.read_text().count("\n"))
        return counts

    assert journal.FLUSH_EVERY == 1.0
    monkeypatch.setattr(journal, "FLUSH_EVERY", 0.0)
    assert asyncio.run(run()) == [1, 3, 4]


def test_without_an_event_loop_each_line_is_on_disk(run_record: RunRecord) -> None:
    """Nobody's clock would flush it later."""
    kept = Journal(run_record.head)
    kept.add(next(iter(run_record.checks)))
    assert kept.path is not None
    assert kept.path.read_text().count("\n") == 2
    kept.close(run_record.summary)


def test_an_unwritable_folder_is_one_warning(run_record: RunRecord, state: Path) -> None:
    """The run goes on; the warning names the file and the reason."""
    (state / "netcheck").write_text("a file where the folder should be")
    warnings: list[str] = []
    kept = Journal(run_record.head, warnings.append)
    for check in run_record.checks:
        kept.add(check)
    kept.close(run_record.summary)
    path = state / "netcheck" / "runs" / f"{run_record.head.id}.jsonl"
    assert warnings == [f"this run is not kept: {path}: Not a directory"]
    assert kept.path is None


def test_a_full_disk_is_one_warning(run_record: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails later gives up the journal, not the run."""
    warnings: list[str] = []
    kept = Journal(run_record.head, warnings.append)
    full = open("/dev/full", "w", buffering=1)  # noqa: SIM115  closed by the journal, which the test looks at
    opened, kept._file = kept._file, full
    assert opened is not None
    opened.close()
    for check in run_record.checks:
        kept.add(check)
    kept.close(run_record.summary)
    assert len(warnings) == 1
    assert warnings[0].endswith("No space left on device")
    assert full.closed


def test_the_warning_goes_to_stderr(
    run_record: RunRecord, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results alone go to stdout."""
    (state / "netcheck").write_text("")
    Journal(run_record.head)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("netcheck: this run is not kept: ")


def test_a_relative_state_folder_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """The XDG rule: a relative path is ignored."""
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", "/home/ops")
    assert journal.folder() == Path("/home/ops/.local/state/netcheck/runs")


def test_ids_sort_by_time() -> None:
    """Ids are ULIDs: 26 characters of Crockford's alphabet, the earlier run first."""
    earlier, later = new_id(1795467600.001), new_id(1795467600.002)
    assert earlier < later
    assert ULID.fullmatch(earlier)
    assert new_id(0.0).startswith("0000000000")
    assert new_id(1795467600.001) != earlier
