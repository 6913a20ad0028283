"""Scripted ways: what comes back to a SYN with a TTL, each way told in a line.

    scripted("10.1.0.1 ? 10.3.0.1!drop#22 10.20.0.9#22,443")

Each word but the last is a router in order, the last is the target with its open ports (`10.20.0.*`: any
such). A router `?` hides; `a/b` are two in turn, as on two paths; `a~6` sends six ICMP errors at once and
then one a second; `a+1.1` answers so many seconds late. What it forwards meets its rule: `!drop`, `!reject`,
`!reset` or `!accept` (a handshake in the target's name), of all ports or of those after `#`. A target with
`!drop` is silent at closed ports. `@128` is the TTL with which a router's or target's segments start (64).
A router looks at the TTL first and at its rule then, as Linux does.
"""

from __future__ import annotations

import errno
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from typing import Any, NamedTuple

from probes.net.base import ConnectFailed, Icmp, Reply, Source
from probes.net.scripted import Script, Scripted, Silence

START = 64  # the TTL of a SYN without a limit
HOP = 0.002  # the round trip to one more router, in seconds
WORD = re.compile(
    r"(?P<address>[^#!@~+]+)(?:#(?P<open>[\d,]*))?(?:~(?P<burst>\d+))?(?:\+(?P<late>[\d.]+))?"
    r"(?:!(?P<rule>[a-z]+)(?:#(?P<ports>[\d,]+))?)?(?:@(?P<start>\d+))?"
)
OURS = Source("192.0.2.1", 50000)


class Node(NamedTuple):
    """One word of a line."""

    addresses: tuple[str, ...]
    open: frozenset[int]
    burst: int | None
    late: float
    rule: str | None
    ports: frozenset[int]
    start: int

    def meets(self, port: int) -> str | None:
        """The rule for what is forwarded to this port."""
        return self.rule if not self.ports or port in self.ports else None


class Bucket:
    """ICMP errors of one router: so many at once, then one a second."""

    def __init__(self, burst: int, now: float) -> None:
        self._most = self._left = float(burst)
        self._then = now

    def takes(self, now: float) -> bool:
        self._left = min(self._most, self._left + now - self._then)
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Roads:
    """All ways of a scripted network; the first whose target fits is taken."""

    def __init__(self, *lines: str) -> None:
        self._lines = [[_node(word) for word in line.split()] for line in lines]
        self._turn: dict[tuple[str, ...], Iterator[str]] = {}
        self._buckets: dict[str, Bucket] = {}
        self.now: Callable[[], float] = lambda: 0.0

    def reply(self, address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        """What comes back first to this SYN."""
        line = next((line for line in self._lines if fnmatch(address, line[-1].addresses[0])), None)
        if line is None:
            return Reply("silent")
        *routers, target = line
        for position, router in enumerate(routers, 1):
            unheard = floor is not None and (ttl or START) - position < floor  # of the packet it quotes
            if ttl == position:
                return self._icmp("expired", router, position, address, unheard)
            rule = router.meets(port)
            if rule == "reject":
                return self._icmp("rejected", router, position, address, unheard)
            if rule is not None:
                return self._ruled(rule, router, position, floor)
        kind = "connected" if port in target.open else "refused"
        if kind == "refused" and target.rule == "drop":
            return Reply("silent")
        return _segment(kind, target, len(line), floor)

    def _ruled(self, rule: str, router: Node, position: int, floor: int | None) -> Reply:
        if rule == "drop":
            return Reply("silent")
        return _segment({"reset": "refused", "accept": "connected"}[rule], router, position, floor)

    def _icmp(self, kind: Any, router: Node, position: int, address: str, unheard: bool) -> Reply:
        sender = next(self._turn.setdefault(router.addresses, itertools.cycle(router.addresses)))
        if sender == "?" or not self._may_send(sender, router.burst) or unheard:
            return Reply("silent")
        if ":" in address:
            version, words = 6, (3, 0) if kind == "expired" else (1, 1)
        else:
            version, words = 4, (11, 0) if kind == "expired" else (3, 13)
        icmp = Icmp(version, *words, sender, ttl=router.start - (position - 1))
        return Reply(kind, router.late or position * HOP, icmp, OURS)

    def _may_send(self, sender: str, burst: int | None) -> bool:
        if burst is None:
            return True
        return self._buckets.setdefault(sender, Bucket(burst, self.now())).takes(self.now())


class Servers(dict[tuple[str, int], Script]):
    """What connections meet: the ways, and beyond them the scripts of what listens."""

    def __init__(self, roads: Roads, scripts: Mapping[tuple[str, int], Script]) -> None:
        super().__init__(scripts)
        self._roads = roads

    def get(self, key: tuple[str, int], default: Any = None) -> Any:
        reply = self._roads.reply(*key, None, None)
        if reply.kind == "connected":
            return super().get(key, [])
        if reply.kind == "silent":
            return Silence()
        number = errno.EHOSTUNREACH if reply.icmp else errno.ECONNREFUSED
        return ConnectFailed(number, icmp=reply.icmp, elapsed=reply.rtt or 0.0)


def scripted(*lines: str, scripts: Mapping[tuple[str, int], Script] = {}, **more: Any) -> Scripted:
    """A network of these ways; `scripts` are played by open ports, others accept and keep silent."""
    roads = Roads(*lines)
    network = Scripted(Servers(roads, scripts), replies=roads.reply, timely=True, **more)
    roads.now = network.now
    return network


def _segment(kind: Any, sender: Node, position: int, floor: int | None) -> Reply:
    """An RST or SYN-ACK: it passes a router less than the SYN needed TTL to come there."""
    below = floor is not None and sender.start - (position - 1) < floor
    return Reply("answered" if below else kind, sender.late or position * HOP, None, OURS)


def _node(word: str) -> Node:
    found = WORD.fullmatch(word)
    assert found, word
    return Node(
        tuple(found["address"].split("/")),
        _ports(found["open"]),
        int(found["burst"]) if found["burst"] else None,
        float(found["late"] or 0.0),
        found["rule"],
        _ports(found["ports"]),
        int(found["start"] or 64),
    )


def _ports(words: str | None) -> frozenset[int]:
    return frozenset(int(word) for word in (words or "").split(",") if word)
