"""Where a flow stops: SYNs to its real port with a ladder of TTLs, without privilege.

Each router that lowers a TTL to nothing signs an ICMP error, and the kernel's error queue hands it to
the socket whose SYN it was (ip(7) IP_RECVERR). So the flow that fails is itself the one that is traced,
with its protocol and its port: a firewall that lets ICMP or UDP through can't mislead.

A route claims two things only: who signed a rejection, or who answered last before silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from probes.net.base import Network, Reply
from probes.path.route import Hop, Route

MOST_SYNS = 30  # a trace must not look like an attack; the kernel's own repeats are not counted
# Other source ports are asked up to so many SYNs: the rest is for longer ways, asking again and siblings.
MOST_COMPARED = 18
MOST_HOPS = 30
AT_ONCE = 6  # TTLs in flight from the start; more follow as hops answer
SILENT = 3  # so many silent TTLs after the last answer end a trace
# The kernel repeats a SYN after 1.0 s, and some answers come only to the repeat: wait for those too.
WAIT = 1.2
REPEAT = 1.0  # the kernel's, in seconds (RFC 6298 2.1)
MARGIN = 0.05
LATE = 0.9  # an answer that took longer came to the repeat
# Source ports from which a hop is asked: where they meet different hops there is more than one path. Of two
# paths, chosen by a hash of the ports, two ports show both in half of the cases, four in seven of eight.
PORTS = 2
MORE_PORTS = 4
ASKED_AGAIN = 3  # so often the first silent hops are asked again, a `WAIT` each, before they count as silent
# Where the port answers, a hop that is silent for so many of its round trips, or seconds, is passed over.
ROUND_TRIPS = 4
LEAST = 0.3
# Once the end is met, what is under way beyond it gets so many seconds, or round trips, to meet another one.
BESIDE = 0.1
ROUND_TRIPS_BESIDE = 2


async def trace(
    address: str,
    port: int,
    network: Network,
    *,
    patience: float | None = 0.0,
    ports: int = PORTS,
    rtt: float = 0.0,
    fresh: Callable[[], bool] = lambda: False,
) -> Route:
    """The route of a flow that was seen not to connect. Raises ConnectFailed where this host can't send.

    The TTLs are in flight together: milliseconds where the flow is rejected, `WAIT` seconds where it is
    lost. `patience` more seconds may go into asking again those with whom silence began; where hops
    show that they limit their answers, or that the answer to a repeat takes longer than `WAIT`, they are
    asked again in any case, unless `patience` is None. `rtt` seconds are known to be the round trip to the
    target or its network: nobody counts as silent before a repeat's answer had that time. `fresh`, asked once
    the answers are in, tells whether nobody else has asked these routers of late: then one that had an answer
    left gave it, to the repeat at the latest, and who is silent hides or is on another path.

    A flow that connects after all completes no handshake, though several TTLs may be under way that reach the
    target: each is ended before (`probes.net.options.limit_reach`).
    """
    wait = wait_for(rtt)
    ladder = _Ladder(address, port, network, ports, wait, fresh)
    began = network.now()
    await ladder.climb()
    if patience is not None:
        await ladder.ask_again(began + wait + patience)
    return ladder.route()


async def trace_open(address: str, port: int, network: Network, rtt: float, *, ports: int = PORTS) -> Route:
    """The route of a flow that connects, whose round trip takes `rtt` seconds.

    One TTL after the other, so that only one SYN is answered by a handshake: the last one.
    """
    ladder = _Ladder(address, port, network, ports)
    await ladder.walk(patience_for(rtt))
    return ladder.route()


def patience_for(rtt: float) -> float:
    """How long to wait for a hop where a round trip takes so long. Seconds."""
    return max(LEAST, ROUND_TRIPS * rtt)


def wait_for(rtt: float) -> float:
    """How long an answer may take, to the kernel's repeat too, where a round trip takes so long. Seconds."""
    return max(WAIT, rtt + REPEAT + MARGIN)


class _Ladder:
    """One trace under way."""

    def __init__(
        self,
        address: str,
        port: int,
        network: Network,
        ports: int,
        wait: float = WAIT,
        fresh: Callable[[], bool] = lambda: False,
    ) -> None:
        self._address = address
        self._port = port
        self._network = network
        self._ports = ports
        self._wait = wait
        self._fresh = fresh
        self._first: dict[int, Reply] = {}  # by TTL: the first answer, or silence
        self._end: Reply | None = None
        self._reach: int | None = None
        self._furthest = 0  # the highest TTL that a hop answered at
        self._asked = 0  # the highest TTL asked
        self._syns = 0
        self._opened = 0
        self._ecmp = False
        self._limited = False
        self._uneven = False  # a hop answered one source port and not another
        self._comparing = 0  # questions under way whether another source port meets another hop
        self._running: set[asyncio.Task[None]] = set()

    async def climb(self) -> None:
        """Ask the first TTLs at once and further ones as answers come, until the flow's end or silence."""
        self._extend(AT_ONCE)
        try:
            while self._running and not self._complete():
                await self._next(self._running)
            if self._running:
                await self._hear_others()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _next(self, waiting: set[asyncio.Task[None]]) -> None:
        """Wait for the first of these. Raises what it raised."""
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if errors := [error for task in done if (error := task.exception()) is not None]:
            raise errors[0]
        self._running -= done  # after all were asked: each one's failure is taken note of

    async def _hear_others(self) -> None:
        """What is under way beyond the end may meet another one, over another path; not for long."""
        rtt = (self._end and self._end.rtt) or 0.0
        pause = asyncio.ensure_future(self._network.pause(max(BESIDE, ROUND_TRIPS_BESIDE * rtt)))
        try:
            while self._running and not pause.done():
                await self._next({*self._running, pause})
        finally:
            pause.cancel()
            await asyncio.gather(pause, return_exceptions=True)

    async def ask_again(self, until: float) -> None:
        """Ask those with whom silence began again: a router that sends few ICMP errors is not silent."""
        tries = 0
        while self._reach is None and tries < ASKED_AGAIN and self._syns + 3 <= MOST_SYNS:
            before = self._furthest
            wait = max(self._wait, wait_for(self._rtt_of(before)))
            too_soon = tries == 0 and wait > self._wait  # a repeat's answer was not waited for
            if not (too_soon or self._doubtful()) and self._network.now() + wait > until:
                return
            self._syns += 2
            await asyncio.gather(*(self._ask(before + step, wait) for step in (1, 2)))
            heard = self._furthest > before or self._reach is not None
            self._limited |= heard
            tries = 0 if heard else tries + 1

    async def walk(self, patience: float) -> None:
        """Ask one TTL after the other until the flow's end, or until too many in a row are silent."""
        ttl = 0
        while (
            self._reach is None and ttl < min(self._furthest + SILENT, MOST_HOPS) and self._syns < MOST_SYNS
        ):
            ttl += 1
            self._syns += 1
            await self._ask(ttl, patience)
            for _ in range(self._ports - 1):
                if self._answered(ttl) and self._room():
                    self._syns += 1
                    self._comparing += 1
                    await self._compare(ttl, patience)

    def route(self) -> Route:
        upto = self._furthest if self._reach is None else self._reach - 1
        hops = tuple(self._hop(ttl) for ttl in range(1, upto + 1))
        limited = self._limited or (self._uneven and not self._fresh())
        return Route(hops, self._end, self._reach, self._ecmp, limited, self._syns, self._opened)

    def _hop(self, ttl: int) -> Hop:
        reply = self._first.get(ttl)
        if reply is None or reply.icmp is None:
            return Hop(ttl)
        return Hop(ttl, reply.icmp.sender, None, reply.rtt, reply.icmp.ttl)

    def _extend(self, upto: int) -> None:
        """Ask every TTL up to this one that was not asked yet, as far as the budget goes."""
        while self._asked < min(upto, MOST_HOPS) and self._syns < MOST_SYNS and self._reach is None:
            self._asked += 1
            self._start(self._climb_one(self._asked))

    def _start(self, asking: Coroutine[Any, Any, None]) -> None:
        self._syns += 1
        self._running.add(asyncio.ensure_future(asking))

    async def _climb_one(self, ttl: int) -> None:
        """Ask for one hop; if it answers, those beyond it, and itself from other source ports."""
        await self._ask(ttl)
        if self._first[ttl].kind != "expired":
            return
        self._extend(ttl + SILENT)
        for _ in range(self._ports - 1):
            if self._room():
                self._comparing += 1
                self._start(self._compare(ttl))

    def _room(self) -> bool:
        """Whether the budget has a SYN for what is not the way itself."""
        return self._syns + SILENT < MOST_COMPARED

    async def _ask(self, ttl: int, wait: float | None = None) -> None:
        reply = await self._knock(ttl, wait)
        known = self._first.get(ttl)
        if known is None or known.kind == "silent":
            self._first[ttl] = reply
        if reply.kind == "expired":
            self._furthest = max(self._furthest, ttl)
        elif reply.kind != "silent" and (self._reach is None or ttl < self._reach):
            self._end, self._reach = reply, ttl

    async def _compare(self, ttl: int, wait: float | None = None) -> None:
        reply, first = await self._knock(ttl, wait), self._first[ttl]
        self._comparing -= 1
        if reply.kind == "silent" or (reply.rtt or 0.0) > LATE:
            self._uneven = True  # it answered the same question a moment ago
        if reply.kind == "connected":
            self._ecmp = True  # of another length
        elif reply.icmp and first.icmp and reply.icmp.sender != first.icmp.sender:
            self._ecmp = True

    async def _knock(self, ttl: int, wait: float | None) -> Reply:
        until = self._network.now() + (self._wait if wait is None else wait)
        reply = await self._network.knock(self._address, self._port, until, ttl=ttl)
        self._opened += reply.kind == "connected"
        return reply

    def _rtt_of(self, ttl: int) -> float:
        """How long the answer from there took; 0 where there was none. Seconds."""
        return (self._first[ttl].rtt or 0.0) if ttl in self._first else 0.0

    def _complete(self) -> bool:
        """Whether the flow's end is met and every hop before it has answered."""
        if self._reach is None:
            return False
        return not self._comparing and all(self._answered(ttl) for ttl in range(1, self._reach))

    def _answered(self, ttl: int) -> bool:
        return ttl in self._first and self._first[ttl].kind == "expired"

    def _doubtful(self) -> bool:
        """Whether hops show that they limit their answers: late; or not twice or not at all, among traces."""
        if self._limited or any((reply.rtt or 0.0) > LATE for reply in self._first.values()):
            return True
        hole = any(not self._answered(ttl) for ttl in range(1, self._furthest))
        return (hole or self._uneven) and not self._fresh()
