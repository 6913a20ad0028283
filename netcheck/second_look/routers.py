"""What a run learns of the routers it meets: who follows whom, who limits its answers, their names."""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_right

from probes.net.base import Network
from probes.path.route import Hop, Route

# Reverse names are worth this many seconds and no more: a silent resolver must not hold up a verdict.
NAMES = 1.0
# Linux's routers send a peer six ICMP errors at once and then one a second. Who has sent a few and never
# more than that in a second may be short of them; who has sent more has no such limit.
FEW = 5
BURST = 7


class Routers:
    """The routers that answered traces from one vantage."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.furthest: int | None = None  # the highest TTL at which anybody answered; None: nobody was asked
        self._after: dict[str | None, set[str]] = {}  # the hops seen right behind a hop; None: the first ones
        self._answers: dict[str, list[float]] = {}  # when each hop answered
        self._heard: set[int] = set()  # the TTLs at which any hop answered
        self._names: dict[str, asyncio.Task[str | None]] = {}

    def note(self, route: Route, ports: int) -> None:
        """Who answered, from so many source ports; each is asked for its name once, beside other things."""
        now = self._network.now()
        met = [hop.ttl for hop in route.hops if hop.address]
        if route.reach is not None and not (route.end and route.end.icmp and route.end.icmp.own):
            met.append(route.reach)
        self.furthest = max(met, default=0) if self.furthest is None else max(self.furthest, *met, 0)
        for hop, follower in itertools.pairwise((Hop(0), *route.hops)):
            if (hop.address or not hop.ttl) and follower.address:
                self._after.setdefault(hop.address, set()).add(follower.address)
        for hop in route.hops:
            if hop.address:
                self._heard.add(hop.ttl)
                self._answers.setdefault(hop.address, []).extend([now] * (1 if route.limited else ports))
                if hop.address not in self._names:
                    asking = self._network.name_of(hop.address, now + NAMES)
                    self._names[hop.address] = asyncio.ensure_future(asking)

    def heard(self, hop: str, follower: str) -> None:
        """Who was once met behind this hop, beside routes."""
        self._after.setdefault(hop, set()).add(follower)

    def may_fill(self, route: Route) -> bool:
        """Whether a hop is missing where other flows met one: it may have been short of answers."""
        return any(hop.address is None and hop.ttl in self._heard for hop in route.hops)

    def may_be_short(self, route: Route, before: str | None = None) -> bool:
        """Whether silence may begin too early: who follows, on a sibling or on any other route, may limit."""
        if route.end is not None:
            return False
        known = self._after.get(route.last.address if route.last else None, set())
        return any(map(self._may_limit, known | ({before} if before else set())))

    def _may_limit(self, hop: str) -> bool:
        """Whether this hop has answered often, yet never so often at once that it has no limit."""
        times = self._answers.get(hop, [])
        at_once = (bisect_right(times, time + 1.0) - place for place, time in enumerate(times))
        return len(times) >= FEW and max(at_once) <= BURST

    async def names(self) -> dict[str, str]:
        """The reverse names of all hops met, those that have one."""
        found = await asyncio.gather(*self._names.values())
        return {address: name for address, name in zip(self._names, found, strict=True) if name}
