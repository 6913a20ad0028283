"""Where silent flows end, reasoned from a few traces of many: which to trace, and for whom each stands. Pure.

Half of a network may stop at another hop, so a trace stands for the flows between two that were traced and
agree, in the order of their addresses, and for nobody else.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Sequence

from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.found import Known
from netcheck.diagnosis.networks import network_of
from netcheck.record import Place
from probes.ladder import is_address
from probes.path.route import Route

# Half of a network may stop at another hop: so many of its flows are all traced, of more only some, spread.
ALL = 12
SOME = 3


class Line:
    """Flows to one port of one network that are all silent, in the order of their addresses."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        self.failures = sorted(failures, key=_order)
        self._position = {failure.index: at for at, failure in enumerate(self.failures)}
        self._places: dict[int, Place | None] = {}

    @property
    def is_plain(self) -> bool:
        """Whether a few traces stand for many flows and agree so far."""
        told = [self._places[at] for at in self._told()]
        return self._is_long and all(_agree(told[0], place) for place in told[1:])

    @property
    def _is_long(self) -> bool:
        """Whether not all of its flows are traced."""
        return len(self.failures) > ALL

    def take(self) -> Failure | None:
        """The flow to trace next: some, spread over all, then between two that differ; None: all is told."""
        position = self._next()
        if position is None:
            return None
        self._places[position] = None  # under way
        return self.failures[position]

    def put(self, failure: Failure, place: Place | None) -> None:
        """What the trace of one flow showed; None: no hop answered it."""
        if place is not None and place.before == failure.main.address:
            place = place._replace(before=None)  # it was next itself, which tells nothing of the others
        self._places[self._position[failure.index]] = place

    def known(self, failure: Failure) -> Known | None:
        """The place of a flow that was not traced itself."""
        position, told = self._position[failure.index], self._told()
        below = max((at for at in told if at <= position), default=None)
        above = min((at for at in told if at >= position), default=None)
        if below is None or above is None:
            return None
        one, other = self._places[below], self._places[above]
        if one is None or other is None or not _agree(one, other):
            return None
        return Known(one if one.before else other, self.failures[below].check.id)

    def _next(self) -> int | None:
        count = len(self.failures)
        most = min(count, SOME) if self._is_long else count
        for step in range(most):
            position = step * (count - 1) // max(1, most - 1)
            if position not in self._places:
                return position
        traced = self._told()
        for low, high in itertools.pairwise(traced):
            one, other = self._places[low], self._places[high]
            if high - low > 1 and not _agree(one, other):
                middle = (low + high) // 2
                if middle not in self._places:
                    return middle
        return None

    def _told(self) -> list[int]:
        """The positions whose trace showed a place; no answer at all shows none: hops may limit theirs."""
        return sorted(at for at, place in self._places.items() if place is not None)


def lines(failures: Iterable[Failure]) -> list[Line]:
    """The silent ones among the failures, by vantage, destination network and port."""
    found: dict[tuple[object, ...], list[Failure]] = {}
    for failure in failures:
        if failure.main.cause == "tcp.filtered" and failure.main.address:
            terms = failure.check.terms
            line = (terms.vantage, network_of(failure.main.address), terms.port)
            found.setdefault(line, []).append(failure)
    return [Line(group) for group in found.values()]


def lost_after(route: Route, before: str | None) -> Place | None:
    """The place of a flow that is silent: after the last hop that answered."""
    last = route.last
    return Place("after", last.address, before) if last is not None and last.address else None


def _agree(one: Place | None, other: Place | None) -> bool:
    if one is None or other is None:
        return False
    return (one.relation, one.address) == (other.relation, other.address)


def _order(failure: Failure) -> tuple[int, int]:
    """By address, then as in the plan."""
    bare = (failure.main.address or "").partition("%")[0]
    number = int(ipaddress.ip_address(bare)) if is_address(bare) else 0
    return number, failure.index
