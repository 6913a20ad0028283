"""The ladder: ordered steps on one connection, the first failure stops the climb.

The one wrapper round every network step: it keeps the time, hands the step its deadline, translates
what a verb raised, and records the steps that were not reached as skipped. No probe calls a clock.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

from probes import misled
from probes.causes import explain, explain_datagram
from probes.codes import Failed
from probes.contract import Ascent, Caution, Confidence, Layer, Outcome, Step, Target, Timing, Verdict
from probes.net.base import (
    ConnectFailed,
    Connection,
    Network,
    NetworkFailure,
    Resolution,
    Source,
    TimedOut,
)
from probes.net.nowhere import is_nobodys
from probes.net.tasks import together
from probes.path.late import SLOW, Late, why_late

# One name with hundreds of addresses is a load balancer's pool or an attack; a sample is enough.
MOST_ADDRESSES = 32
UDP = "udp"  # how the step `connect` is marked that is no TCP handshake
NOBODYS = "no host's address: so filters answer for what they block"

T = TypeVar("T")


class Stopped(Exception):
    """The climb ended at a step that did not pass; the ladder knows why."""


class Rung:
    """One step under way. `until` is its deadline; `detail` what it learned, plain data; `took` seconds."""

    __slots__ = ("_began", "_ladder", "detail", "layer", "took", "until")

    def __init__(self, ladder: Ladder, layer: Layer) -> None:
        self._ladder = ladder
        self.layer = layer
        self.detail: dict[str, Any] = {}

    def __enter__(self) -> Rung:
        ladder = self._ladder
        self._began = ladder.network.now()
        self.until = min(self._began + ladder.timing.timeout, ladder.until)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ladder = self._ladder
        took = self.took = ladder.network.now() - self._began
        if error is None:
            ladder.steps.append(Step(self.layer, Verdict.PASS, None, took, self.detail))
            return
        if isinstance(error, TimedOut):
            error.elapsed = took  # the whole step's, whichever of its verbs was the last
            if error.unacked is not None:
                self.detail["unacked"] = error.unacked
        if isinstance(error, ConnectFailed) and error.icmp is not None and error.icmp.is_time_exceeded:
            self.detail["looping"] = True  # who said so is chance, and no place
        if isinstance(error, NetworkFailure):
            failed = explain(self.layer, error, ladder.address)
            if isinstance(error, (ConnectFailed, TimedOut)) and error.source:
                ladder.source = error.source
        elif isinstance(error, Failed):
            failed = error
        else:  # a bug, or the run was cancelled
            return
        ladder.steps.append(Step(self.layer, failed.verdict, failed.cause, took, self.detail))
        ladder.failed = failed
        raise Stopped from error


class Ladder:
    """One climb on one address. Probes call `step`, `connect`, `keep`, `caution` and `prove`."""

    def __init__(
        self, address: str | None, timing: Timing, network: Network, layers: tuple[Layer, ...]
    ) -> None:
        self.address = address
        self.timing = timing
        self.network = network
        self.layers = layers
        self.started = network.time()
        self.began = network.now()
        self.until = self.began + timing.deadline
        self.steps: list[Step] = []
        self.failed: Failed | None = None
        self.source: Source | None = None
        self.evidence: list[str] = []
        self.cautions: list[Caution] = []
        self.facts: dict[str, Any] = {}
        self.certificates: tuple[bytes, ...] = ()
        self.port: int | None = None
        self.identified = False
        self._connections: list[Connection] = []
        self._late: tuple[Late, Connection, Rung] | None = None  # told at the end

    def step(self, layer: Layer) -> Rung:
        """The context of one step; what a verb raises in it ends the climb."""
        return Rung(self, layer)

    async def connect(self, port: int | None) -> Connection:
        """The step `connect`; the connection is closed when the climb ends."""
        assert self.address is not None
        assert port is not None, "the inventory gives every check of a ported probe its port"
        self.port = port
        with self.step(Layer.CONNECT) as rung:
            connection = await self.network.connect(self.address, port, rung.until)
        # It takes longer only where this host had no port free: not the target's time.
        self.until += max(0.0, self.network.now() - rung.until)
        self.source = connection.source
        self.keep(connection)
        if (took := self.steps[-1].duration or 0.0) > SLOW:
            await self._find_why_late(connection, rung, port, took)
        return connection

    async def ask(self, port: int, question: bytes, read: Callable[[bytes], T | None]) -> T:
        """The step `connect` of a protocol by datagrams: a question, and the answer that `read` takes."""
        assert self.address is not None
        self.port = port
        with self.step(Layer.CONNECT) as rung:
            rung.detail["transport"] = UDP
            try:
                return await self.network.exchange((self.address, port), question, rung.until, read)
            except NetworkFailure as error:
                raise explain_datagram(error, self.address) from None

    async def connect_again(self, port: int, until: float) -> Connection:
        """A further connection to the same address, within a step. Raises Failed."""
        assert self.address is not None
        try:
            return self.keep(await self.network.connect(self.address, port, until))
        except NetworkFailure as error:
            raise explain(Layer.CONNECT, error) from None

    async def _find_why_late(self, connection: Connection, rung: Rung, port: int, took: float) -> None:
        """The way is long, or a SYN got lost; to find out is not the target's time."""
        assert self.address is not None
        began = self.network.now()
        late = await why_late(connection, took, self.address, port, self.network)
        self.until += self.network.now() - began
        if late is not None:
            self._late = late, connection, rung

    def _tell_late(self) -> None:
        """Why connecting took so long; the bytes that followed may have shown how long the way is."""
        if self._late is None:
            return
        late, connection, rung = self._late
        late = late.beside(connection.least_rtt(), rung.took)
        rung.detail["rtt_ms"] = None if late.rtt is None else round(late.rtt * 1000, 1)
        caution = Caution("path.slow" if late.slow else None, late.words(rung.took), Layer.CONNECT)
        self.cautions.insert(0, caution)

    def keep(self, connection: Connection) -> Connection:
        """Close this connection too when the climb ends."""
        self._connections.append(connection)
        return connection

    def fail_as(self, failed: Failed) -> None:
        """Say of the step that failed what was found out about it afterwards."""
        self.failed = failed
        self.steps[-1] = self.steps[-1]._replace(verdict=failed.verdict, cause=failed.cause)

    def caution(
        self,
        cause: str | None,
        text: str,
        layer: Layer = Layer.PROTOCOL,
        about: Target | None = None,
    ) -> None:
        """It works now, but …"""
        self.cautions.append(Caution(cause, text, layer, about))

    def prove(self, sentence: str) -> None:
        """A sentence of evidence."""
        self.evidence.append(sentence)

    def close(self) -> None:
        """End the climb: the connections are asked for the last time, and closed."""
        self._tell_late()
        for connection in self._connections:
            connection.close()

    def ascent(self) -> Ascent:
        """The finished climb as a value. Raises RuntimeError where a pass would lack the proof of a step."""
        failed, not_reached = self.failed, self._not_reached()
        if failed is None and (not_reached or not self.steps):
            left_out = ", ".join(step.layer for step in not_reached) or "any"
            raise RuntimeError(f"a bug of this probe: it ended well without the step {left_out}")
        return Ascent(
            address=self.address,
            verdict=failed.verdict if failed else Verdict.PASS,
            steps=(*self.steps, *not_reached),
            cause=failed.cause if failed else None,
            layer=self.steps[-1].layer if failed else None,
            confidence=failed.confidence if failed else Confidence.CERTAIN,
            summary=failed.summary if failed else "",
            evidence=(*self.evidence, *(failed.evidence if failed else ())),
            cautions=tuple(self.cautions),
            facts=self.facts,
            source=self.source,
            signed_by=failed.signed_by if failed else None,
            started=self.started,
            duration=self.network.now() - self.began,
            certificates=self.certificates,
            port=self.port,
            identified=self.identified,
        )

    def _not_reached(self) -> list[Step]:
        reached = {step.layer for step in self.steps}
        return [Step(layer, Verdict.SKIP) for layer in self.layers if layer not in reached]


Climb = Callable[[Ladder], Awaitable[None]]


async def look(
    target: Target,
    timing: Timing,
    network: Network,
    layers: tuple[Layer, ...],
    climb: Climb,
    *,
    alone: bool = False,
) -> Outcome:
    """Resolve the target's name and climb one ladder on each address; `alone`: see `Network.admit`."""
    started, began = network.time(), network.now()
    resolve: Step | None = None
    found = Resolution((target.host,))
    if not is_address(target.host):
        resolve, found, ascent = await _resolve(target.host, timing, network, layers)
        if ascent is not None:
            return Outcome(resolve, (ascent,), (), started, network.now() - began)
    usable, left_out = _usable(found.addresses, network)
    if len(usable) == 1:  # nearly always: spare the tasks
        ascents = [await climb_one(usable[0], target.port, timing, network, layers, climb, alone=alone)]
    else:
        climbs = [
            climb_one(address, target.port, timing, network, layers, climb, alone=alone) for address in usable
        ]
        ascents = await together(*climbs)
    if resolve is not None and found.invented.addresses:
        ascents = [misled.by_invention(target.host, found, resolve, ascent) for ascent in ascents]
    # Not what was waited for before a ladder was admitted: that is this host's time, not the target's.
    lookup = (resolve.duration or 0.0) if resolve is not None else 0.0
    duration = lookup + max(ascent.duration for ascent in ascents)
    return Outcome(resolve, tuple(ascents), left_out, started, duration)


async def climb_one(
    address: str,
    port: int | None,
    timing: Timing,
    network: Network,
    layers: tuple[Layer, ...],
    climb: Climb,
    *,
    alone: bool = False,
) -> Ascent:
    """One ladder on one address, once the network admits it; its connections are closed at the end."""
    async with network.admit(address, port, alone):
        ladder = Ladder(address, timing, network, layers)
        try:
            await climb(ladder)
        except Stopped:
            pass
        finally:
            ladder.close()
        return ladder.ascent()


def is_address(host: str) -> bool:
    """Whether the host is an IP address (IPv6 may carry a zone) rather than a name."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host.partition("%")[0])
    except (OSError, UnicodeError):
        return False
    return True


async def _resolve(
    host: str, timing: Timing, network: Network, layers: tuple[Layer, ...]
) -> tuple[Step, Resolution, Ascent | None]:
    ladder = Ladder(None, timing, network, (Layer.RESOLVE, *layers))
    try:
        with ladder.step(Layer.RESOLVE) as rung:
            found = await network.resolve(host, timing.timeout)
            rung.detail["addresses"] = list(found.addresses)
            if found.listed:
                rung.detail["hosts_file"] = True
            of_hosts(host, found.addresses)
    except Stopped:
        return ladder.steps[0], Resolution(()), ladder.ascent()
    return ladder.steps[0], found, None


def of_hosts(host: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are a host's: connections to others end at this very one. Raises Failed for none."""
    real = tuple(address for address in addresses if not is_nobodys(address))
    if not real:
        words = f"{host} is {' '.join(addresses)}, {NOBODYS}"
        raise Failed("dns.hijacked", words, confidence=Confidence.LIKELY)
    return real


def _usable(
    addresses: tuple[str, ...], network: Network
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The addresses to try, and those left out: none of a host, past the limit, of a family without a route.

    Where no address has a route all are tried, so that the kernel says what is wrong.
    """
    if len(addresses) == 1:
        return addresses, ()
    real = tuple(address for address in addresses if not is_nobodys(address))
    within, beyond = real[:MOST_ADDRESSES], real[MOST_ADDRESSES:]
    left_out = [(address, NOBODYS) for address in addresses if address not in real]
    left_out += [(address, f"past the first {MOST_ADDRESSES} addresses") for address in beyond]
    routed = tuple(address for address in within if network.has_route(address))
    if not routed:
        return within, tuple(left_out)
    left_out[:0] = [(address, "this host has no route to it") for address in within if address not in routed]
    return routed, tuple(left_out)
