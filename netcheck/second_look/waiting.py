"""Checks that have an outcome and no verdict yet, for what others answer may change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from netcheck.check import Check
from netcheck.diagnosis.judgement import Judgement
from probes.contract import Outcome

# Held at once, at some 9 kB each; a run of more is a stream all the same.
MOST_WAITING = 1000

Port = tuple[str, int | None]  # of an address


class Held(NamedTuple):
    """A check that works, as far as was seen, and its judgement so far. `number`: its place in the plan."""

    number: int
    check: Check
    outcome: Outcome
    judgement: Judgement

    @property
    def port(self) -> Port:
        return self.judgement.main.address or "", self.check.terms.port


class Waiting:
    """Holds so many checks at most: of more, the older half is told to `settle` by what is known then."""

    def __init__(self, settle: Callable[[Sequence[Held]], None]) -> None:
        self._settle = settle
        self._held: list[Held] = []

    def hold(self, one: Held) -> None:
        self._held.append(one)
        if len(self._held) > MOST_WAITING:
            self._settle_first(MOST_WAITING // 2)

    def settle_all(self) -> None:
        self._settle_first(len(self._held))

    def _settle_first(self, count: int) -> None:
        first = self._held[:count]
        del self._held[:count]
        self._settle(first)
