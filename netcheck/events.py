"""Who wants to know how a run goes: the journal, the progress bar. The engine itself prints nothing."""

from __future__ import annotations

from typing import Protocol

from netcheck.record import CheckRecord, RunHead, Summary


class Observer(Protocol):
    """Told of a run as it happens; must not block."""

    def started(self, head: RunHead, total: int) -> None:
        """Before the first check; `total` checks are planned."""
        ...

    def looked(self, passed: bool) -> None:
        """One check had its first look; a failure may be looked at again."""
        ...

    def ended(self, check: CheckRecord, number: int) -> None:
        """One check has its verdict; `number` is its place in the plan, from 0."""
        ...

    def finished(self, summary: Summary) -> None:
        """After the last check, or when the run was interrupted."""
        ...
