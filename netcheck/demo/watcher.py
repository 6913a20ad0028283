"""Compares what a run found with what the lab was built to show."""

from __future__ import annotations

from collections.abc import Mapping

from netcheck.record import CheckRecord, RunHead, Summary


class Watcher:
    """An observer (`netcheck.events.Observer`). `intended` has the causes by check id; all others pass."""

    def __init__(self, intended: Mapping[str, str]) -> None:
        self._intended = intended
        self._surprises: list[str] = []

    def surprises(self) -> list[str]:
        """A sentence for each check that did not end as intended."""
        return self._surprises

    def started(self, head: RunHead, total: int) -> None:
        """Nothing to compare yet."""

    def looked(self, passed: bool) -> None:
        """A first look is not a verdict."""

    def ended(self, check: CheckRecord, number: int) -> None:
        wanted = self._intended.get(check.id)
        if check.cause != wanted:
            self._surprises.append(
                f"{check.id} was built to show {wanted or 'a pass'}, and showed {check.cause or 'a pass'}:"
                f" {check.summary}"
            )

    def finished(self, summary: Summary) -> None:
        """Each check was compared when it ended."""
