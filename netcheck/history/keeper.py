"""Keeps a run's journal as the run goes."""

from __future__ import annotations

from netcheck.history.journal import Journal
from netcheck.record import CheckRecord, RunHead, Summary


class Keeper:
    """An observer (`netcheck.events.Observer`) that writes what it is told into the journal."""

    def __init__(self) -> None:
        self._journal: Journal | None = None

    @property
    def saved(self) -> bool:
        """Whether the run can be found again."""
        return self._journal is not None and self._journal.path is not None

    def started(self, head: RunHead, total: int) -> None:
        self._journal = Journal(head)

    def looked(self, passed: bool) -> None:
        """A first look is not a verdict: nothing to keep."""

    def ended(self, check: CheckRecord, number: int) -> None:
        if self._journal is not None:
            self._journal.add(check, number)

    def finished(self, summary: Summary) -> None:
        if self._journal is not None:
            self._journal.close(summary)
