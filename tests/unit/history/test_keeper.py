"""The observer that keeps a run's journal as the run goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from netcheck.history import saved
from netcheck.history.keeper import Keeper
from netcheck.record import RunRecord


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_what_it_is_told_is_kept(run_record: RunRecord) -> None:
    """Checks that end last first are found in the order of the inventory."""
    keeper = Keeper()
    assert not keeper.saved
    keeper.started(run_record.head, 10)
    for number, check in reversed(list(enumerate(run_record.checks))):
        keeper.looked(True)
        keeper.ended(check, number)
    keeper.finished(run_record.summary)
    assert keeper.saved
    again = saved.load(saved.find("last"))
    assert list(again.checks) == list(run_record.checks)
    assert again.summary == run_record.summary


def test_a_run_that_can_not_be_kept_is_not_saved(run_record: RunRecord, state: Path) -> None:
    """What follows does not point at `last`."""
    (state / "netcheck").write_text("a file where the folder should be")
    keeper = Keeper()
    keeper.started(run_record.head, 10)
    keeper.finished(run_record.summary)
    assert not keeper.saved
    assert saved.runs() == []
