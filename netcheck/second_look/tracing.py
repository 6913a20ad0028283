"""Tracing a failed flow: its route, what a sibling of it shows beyond, and who sent its RST.

The verbs and the ladder are `probes.path`'s; here it is decided which flows to compare with.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import math
from collections import Counter
from collections.abc import Collection, Sequence

from netcheck.check import Check
from netcheck.diagnosis.ascents import handshake
from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.found import Patient, Traced, unused_control
from netcheck.diagnosis.networks import network_of
from netcheck.diagnosis.refine import named
from netcheck.record import Control
from netcheck.second_look.following import next_hop
from netcheck.second_look.routers import Routers
from netcheck.second_look.sightings import Sightings
from probes.contract import Ascent, Confidence, Verdict
from probes.net.base import ConnectFailed, Network, Reply
from probes.path import middlebox, reset
from probes.path.arrival import sent_beyond
from probes.path.reset import Reference
from probes.path.route import Route
from probes.path.trace import WAIT, patience_for, trace, trace_open

# A router asks for a host that does not answer three times, a second apart, before it says so (RFC 4861 10).
TRYING = 4.5
# In step with no repeat of each other's SYNs, which the kernel sends about a second apart.
STAGGERED = (0.0, 0.4, 0.8)
ONE_MOMENT = 0.1  # seconds
# Linux's routers have six answers for a peer, and one more each second: fewer questions a hop within so many
# seconds find all of them answering that do not hide.
ANSWERS = 6
REFILLED = 8.0
# Seconds that a run may spend on asking routers again that are short of answers, one flow at a time.
SLOWLY = 180.0
SLOW_ONES = 8  # and so many flows to one port of a network; the rest are no more than likely


class Tracer:
    """Traces flows of one vantage."""

    def __init__(self, network: Network, sightings: Sightings) -> None:
        self._network = network
        self._sightings = sightings
        self._routers = Routers(network)
        self._asked: list[tuple[float, int]] = []  # when ways were asked for, and how often each hop of them
        self._patient: set[str | None] = set()  # the addresses whose way was asked for again
        self._slow_until = math.inf
        self._slow_ones: Counter[tuple[str, int]] = Counter()
        self._slowly = asyncio.Lock()  # one at a time asks those again who may be short of answers

    @property
    def got_nowhere(self) -> bool:
        """Whether ways were asked for, and nobody behind the first hop said anything."""
        return self._routers.furthest is not None and self._routers.furthest <= 1

    async def sample(self, failure: Failure) -> Traced | None:
        """The way of one of many flows: each hop is asked once, and nothing is compared."""
        address, port = failure.main.address, failure.port
        if address is None or port is None or _has_no_way(failure.main):
            return None
        try:
            route = await self._trace(address, port, patience=None, ports=1)
        except ConnectFailed:
            return None
        self._routers.note(route, 1)
        if self._routers.may_be_short(route):
            return await self.follow(failure, patience=0.0, ports=1)
        return Traced(route)

    async def follow(self, failure: Failure, *, patience: float, ports: int) -> Traced | None:
        """The way of a flow that did not connect; None where this host can't send any more."""
        address, port = failure.main.address, failure.port
        if address is None or port is None or _has_no_way(failure.main):
            return None
        try:
            route, (references, controls) = await asyncio.gather(
                self._trace(address, port, patience=patience, ports=ports),
                self._references(address, {port}),
            )
            self._routers.note(route, ports)
            traced = await self._compared(address, port, route, references)
            routed = await self._is_routed(failure.main, route, references[0], controls[0])
            return traced._replace(controls=controls, routed=routed)
        except ConnectFailed:
            return None

    async def _trace(self, address: str, port: int, *, patience: float | None, ports: int) -> Route:
        self._asked.append((self._network.now(), ports))
        return await trace(
            address, port, self._network, patience=patience, ports=ports, fresh=self._are_fresh
        )

    def _are_fresh(self) -> bool:
        """Whether so little was asked of late that no router on any way can be short of answers."""
        since = self._network.now() - REFILLED
        self._asked = [(when, times) for when, times in self._asked if when >= since]
        return sum(times for _, times in self._asked) < ANSWERS

    async def _is_routed(self, main: Ascent, route: Route, reference: Reference, control: Control) -> bool:
        """Whether an RST of another port comes from beyond the hop that says it has no route."""
        signer = next((hop for hop in route.hops if hop.address == main.signed_by), None)
        if main.cause != "tcp.no_route" or signer is None or control.cause != "tcp.refused":
            return False
        return await sent_beyond(reference.address, reference.port, signer, self._network) is True

    async def wait_for_router(self, failure: Failure, traced: Traced | None = None) -> Patient | None:
        """What a few more SYNs meet, where a host was called unreachable, be it too soon or late.

        What came late need not come of the router's trying: routers send few ICMP errors a second, and one
        that a firewall sends at once may be heard for a repeat of the SYN only. But a router that tried gives
        up all that waits for the host at one moment, whenever it was sent.
        """
        address, port = failure.main.address, failure.port
        doubtful = _by_router(failure.main) or _too_soon(failure.main, traced)
        if address is None or port is None or not doubtful:
            return None
        began = self._network.now()

        async def ask(delay: float) -> tuple[float, Reply]:
            await self._network.pause(delay)
            reply = await self._network.knock(address, port, began + TRYING)
            return self._network.now(), reply

        try:
            asked = await asyncio.gather(*(ask(delay) for delay in STAGGERED))
        except ConnectFailed:
            return None
        return patient([(when - began, reply) for when, reply in asked])

    async def follow_open(self, check: Check, main: Ascent) -> Traced | None:
        """The way of a flow that connects, by one more handshake."""
        port, connect = check.terms.port, handshake(main.steps)
        if main.address is None or port is None or connect is None:
            return None
        try:
            route = await trace_open(main.address, port, self._network, connect.duration or 0.0)
        except ConnectFailed:
            return None
        self._routers.note(route, 1)
        return Traced(route, nearer=await self._forwards(main.address, port, route))

    async def _forwards(self, address: str, port: int, route: Route) -> str | None:
        """The router that a port nobody uses gets to with the TTL at which this handshake is completed."""
        if route.reach is None or route.ecmp:
            return None
        until = self._network.now() + patience_for((route.end and route.end.rtt) or 0.0)
        unused = middlebox.draw({port})
        try:
            reply = await self._network.knock(address, unused, until, ttl=route.reach)
        except ConnectFailed:
            return None
        return reply.icmp.sender if reply.kind == "expired" and reply.icmp is not None else None

    def is_early(self, failure: Failure, traced: Traced) -> bool:
        """Whether silence may begin too early here, as is known by now, and nobody was asked again."""
        return failure.main.address not in self._patient and self._routers.may_be_short(traced.route)

    def is_patchy(self, traced: Traced) -> bool:
        """Whether who sent an RST, or where, is in doubt because hops may have been short of answers."""
        by_target = traced.sender is not None and traced.sender.by_target
        return not by_target and is_refused(traced.route) and self._routers.may_fill(traced.route)

    async def follow_slowly(self, failure: Failure, traced: Traced) -> Traced:
        """The way of a flow once more, while nothing else asks routers; as it was if no better."""
        async with self._slowly:
            if self._has_time():
                other = await self.follow(failure, patience=0.0, ports=1)
                return other if other is not None and holes(other.route) < holes(traced.route) else traced
        return traced

    def _has_time(self) -> bool:
        """Whether the run may still ask routers again; its time begins with the first such question."""
        now = self._network.now()
        self._slow_until = min(self._slow_until, now + SLOWLY)
        return now <= self._slow_until

    async def _compared(
        self, address: str, port: int, route: Route, references: tuple[Reference, ...]
    ) -> Traced:
        if route.end is None:
            before = await next_hop(address, route, references, self._network, self._routers.heard)
            if not self._routers.may_be_short(route, before):
                return Traced(route, before)
            other = await self._again(address, port, route)
            if other is None:
                return Traced(route, before, unsure=True)
            before = await next_hop(address, other, references, self._network, self._routers.heard)
            return Traced(other, before)
        if not is_refused(route):
            return Traced(route)
        sender = await reset.who_reset(address, port, route, references, self._network)
        return Traced(route, None if route.ecmp else sender.before, sender)

    async def _references(
        self, address: str, used: Collection[int]
    ) -> tuple[tuple[Reference, ...], tuple[Control, ...]]:
        """Flows to compare with, the best first, and what they showed by themselves."""
        references: list[Reference] = []
        controls: list[Control] = []
        known = self._sightings.port(address)
        if known is not None and known not in used:
            references.append(Reference(address, known, True, f"tcp/{known} of the same host"))
            controls.append(Control("port", known, Verdict.PASS, f"tcp/{known} of {address} answers"))
        else:
            [asked] = await middlebox.ask_unused(address, used, self._network, count=1)
            words = f"tcp/{asked.port} of the same host, which nobody uses,"
            references.append(Reference(address, asked.port, True, words))
            controls.append(unused_control(asked))
        neighbour = self._sightings.neighbour(address)
        if neighbour is not None:
            other, port = neighbour
            references.append(Reference(other, port, False, f"tcp/{port} of {other}"))
            controls.append(
                Control(
                    "address", other, Verdict.PASS, f"tcp/{port} of {other}, in the same network, answers"
                )
            )
        return tuple(references), tuple(controls)

    async def _again(self, address: str, port: int, route: Route) -> Route | None:
        """The longer of two traces: the hop that follows on a sibling flow may only be short of answers.

        None where the run has spent its time for that.
        """
        self._patient.add(address)
        line = (network_of(address), port)
        self._slow_ones[line] += 1
        if self._slow_ones[line] > SLOW_ONES:
            return None
        async with self._slowly:
            if not self._has_time():
                return None
            other = await self._trace(address, port, patience=2 * WAIT, ports=1)
        self._routers.note(other, 1)
        longer = max(route, other, key=lambda one: (one.end is not None, len(one.hops)))
        return longer._replace(
            ecmp=route.ecmp or other.ecmp, syns=route.syns + other.syns, opened=route.opened + other.opened
        )

    async def names(self) -> dict[str, str]:
        """The reverse names of all hops met, those that have one."""
        return await self._routers.names()


def _has_no_way(main: Ascent) -> bool:
    """Whether silence is this very host's: on loopback there is no hop to find."""
    address = ipaddress.ip_address((main.address or "").partition("%")[0])
    return address.is_loopback and main.cause == "tcp.filtered"


def is_refused(route: Route) -> bool:
    """Whether the flow ends with an RST."""
    return route.end is not None and route.end.kind == "refused"


def holes(route: Route) -> int:
    """How many hops did not answer."""
    return sum(hop.address is None for hop in route.hops)


def patient(asked: Sequence[tuple[float, Reply]]) -> Patient:
    """What replies mean that came at these moments, in seconds, to SYNs sent one after the other."""
    rejected = [(when, reply) for when, reply in asked if reply.kind == "rejected"]
    moments = [when for when, _ in rejected]
    latest = max((reply for _, reply in rejected), key=lambda reply: reply.rtt or 0.0, default=asked[0][1])
    if len(moments) < 2:
        return Patient(latest, None)
    # The first may have met a router that was still trying for a SYN before it.
    together = (later - sooner <= ONE_MOMENT for sooner, later in itertools.pairwise(sorted(moments)))
    return Patient(latest, any(together))


def _by_router(main: Ascent) -> bool:
    """Whether a router called the host unreachable, and not this very host."""
    ours = main.source.address if main.source else None
    return main.cause == "tcp.host_down" and main.signed_by not in (None, ours)


def _too_soon(main: Ascent, traced: Traced | None) -> bool:
    """Whether a host was called unreachable sooner than a router can know by trying: by a firewall, or by a
    router that was still trying for a SYN before this one."""
    if main.cause == "tcp.rejected":
        return main.confidence is Confidence.LIKELY and main.signed_by is not None
    end = traced.route.end if traced is not None else None
    if main.cause != "tcp.filtered" or end is None or end.kind != "rejected":
        return False
    failed = named(end)
    return failed.cause == "tcp.host_down" or failed.confidence is Confidence.LIKELY
