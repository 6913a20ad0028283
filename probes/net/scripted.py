"""A network that plays a script, with its own clock: for tests without sockets and without waiting.

    network = Scripted({("10.0.0.5", 22): [b"SSH-2.0-OpenSSH_9.2\\r\\n", Silence()]})

What a server does after the connect is a list of acts: bytes to be received, `Silence`, `Close`,
`Reset`, `Pause`, or a function of what was sent so far that gives one of these. Time moves only by what
the acts say, so a timeout of an hour costs nothing.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from probes.net.base import (
    ConnectFailed,
    LookupFailed,
    NetworkFailure,
    PeerClosed,
    PeerReset,
    Read,
    Reply,
    Resolution,
    Source,
    TimedOut,
    TlsHello,
    TlsSession,
)

# What a scripted act of the network itself takes, in seconds.
TICK = 0.001
# Whoever waits for nothing but the event loop, several tasks deep, is done in so many of its turns.
TURNS = 12
# So often a datagram is sent while nothing fit comes back.
DATAGRAMS = 3


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing more comes; the reader's deadline passes."""


@dataclass(frozen=True, slots=True)
class Pause:
    """So many seconds until the next act."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """The server closes the connection."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The server resets the connection."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """How long connecting takes, the round trip that the kernel then knows of, the SYNs it sent again.

    `least`: the round trip that it knows once bytes were sent.
    """

    took: float
    rtt: float | None = None
    repeated: int = 0
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Forgets:
    """A path that drops what comes over a connection after so many idle seconds, or answers with an RST.

    `here`: this very host swallows it.
    """

    after: float
    resets: bool = False
    here: bool = False


Act = bytes | Silence | Pause | Close | Reset | Callable[[bytes], "Act"]
# After the connect: acts; instead of it: the failure; nothing at that port: an RST.
Script = Sequence[Act] | NetworkFailure | Silence


# What comes back to a SYN: of address, port, TTL and floor.
Knocked = Callable[[str, int, int | None, int | None], Reply]


class Scripted:
    """Implements `probes.net.base.Network`. `small` is what connections with small segments meet.

    `timely`: a reply that comes too late is not heard; else the process looked late, and hears it.
    """

    def __init__(
        self,
        servers: Mapping[tuple[str, int], Script],
        names: Mapping[str, tuple[str, ...] | Resolution | LookupFailed] | None = None,
        *,
        tls: Mapping[tuple[str, int], TlsSession | NetworkFailure] | None = None,
        datagrams: Mapping[tuple[str, int], Callable[[bytes], bytes] | NetworkFailure] | None = None,
        replies: Knocked | None = None,
        reverse: Mapping[str, str] | None = None,
        small: Scripted | None = None,
        unrouted: frozenset[str] = frozenset(),
        handshakes: Mapping[tuple[str, int], Handshake] | None = None,
        forgets: Forgets | None = None,
        timely: bool = False,
    ) -> None:
        self._servers = servers
        self._names = names or {}
        self._tls = tls or {}
        self._datagrams = datagrams or {}
        self._replies = replies or (lambda address, port, ttl, floor: Reply("silent"))
        self._reverse = reverse or {}
        self._small = small or self
        self._unrouted = unrouted
        self._handshakes = handshakes or {}
        self.forgets = forgets
        self._timely = timely
        self._clock = 0.0
        self._waiting: list[float] = []
        self._waits = 0
        self.connected: list[tuple[str, int]] = []
        self.knocked: list[tuple[str, int, int | None]] = []  # address, port, TTL

    def now(self) -> float:
        return self._clock

    def time(self) -> float:
        return 1_000_000_000.0 + self._clock

    def pass_time(self, seconds: float) -> None:
        """Move the clock."""
        self._clock += seconds

    def admit(self, address: str, port: int | None, alone: bool = False) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def pause(self, seconds: float) -> None:
        await self.wait_until(self._clock + seconds)

    async def wait_until(self, until: float) -> None:
        """Of several who wait at the same moment the first to be due moves the clock first.

        Whoever else can go on does so first: time passes after some turns in which nobody began to wait.
        """
        self._waiting.append(until)
        self._waits += 1
        turns, waits = 0, self._waits
        try:
            while turns < TURNS:
                await asyncio.sleep(0)
                quiet = waits == self._waits and until <= min(self._waiting)
                turns, waits = turns + 1 if quiet else 0, self._waits
        finally:
            self._waiting.remove(until)
        self._clock = max(self._clock, until)

    def has_route(self, address: str) -> bool:
        return address not in self._unrouted

    async def resolve(self, host: str, timeout: float) -> Resolution:
        self.pass_time(TICK)
        found = self._names.get(host) or LookupFailed("nxdomain", f"NXDOMAIN for {host}")
        if isinstance(found, LookupFailed):
            raise found
        return found if isinstance(found, Resolution) else Resolution(found, TICK)

    async def connect(self, address: str, port: int, until: float) -> ScriptedConnection:
        began = self._clock
        self.connected.append((address, port))
        script = self._servers.get((address, port), ConnectFailed(errno.ECONNREFUSED, elapsed=TICK))
        if isinstance(script, Silence):
            await self.wait_until(until)
            raise TimedOut(until - began, syns=3)
        shaken = self._handshakes.get((address, port), Handshake(TICK, TICK))
        self.pass_time(shaken.took)
        if isinstance(script, NetworkFailure):
            raise script
        return ScriptedConnection(self, script, self._tls.get((address, port)), shaken)

    async def knock(
        self, address: str, port: int, until: float, *, ttl: int | None = None, floor: int | None = None
    ) -> Reply:
        began = self._clock
        self.knocked.append((address, port, ttl))
        reply = self._replies(address, port, ttl, floor)
        comes = until if reply.kind == "silent" else began + (reply.rtt or TICK)
        if self._timely and comes > until:
            comes, reply = until, Reply("silent", source=reply.source)
        await self.wait_until(comes)
        return reply

    def shaped(self, mss: int) -> Scripted:
        return self._small

    async def name_of(self, address: str, until: float) -> str | None:
        return self._reverse.get(address)

    async def exchange(
        self, server: tuple[str, int], datagram: bytes, until: float, read: Callable[[bytes], Read | None]
    ) -> Read:
        began, answer = self._clock, self._datagrams.get(server)
        if answer is not None:
            self.pass_time(TICK)
            if isinstance(answer, NetworkFailure):
                raise answer
            for _ in range(DATAGRAMS):
                if (reply := read(answer(datagram))) is not None:
                    return reply
        self._clock = until
        raise TimedOut(until - began)

    async def in_thread(self, call: Callable[..., Any], *args: Any, until: float) -> Any:
        return call(*args)


class ScriptedConnection:
    """Implements `probes.net.base.Connection`. TLS is a session or a failure, not bytes."""

    def __init__(
        self,
        network: Scripted,
        script: Sequence[Act],
        tls: TlsSession | NetworkFailure | None,
        handshake: Handshake,
    ) -> None:
        self._network = network
        self._acts = list(script)
        self._tls = tls
        self._handshake = handshake
        self._last = network.now()
        self._used = network.now()  # by either side
        self._kept_every: int | None = None
        self._forgotten = False
        self._acked = 0
        self.sent = b""
        self.received = 0
        self.closed = False
        self.source = Source("192.0.2.1", 50000)

    async def start_tls(self, hello: TlsHello, until: float) -> TlsSession:
        self._network.pass_time(TICK)
        if isinstance(self._tls, TlsSession):
            return self._tls
        raise self._tls or TimedOut(until - self._network.now())

    async def send(self, data: bytes, until: float) -> None:
        self.sent += data
        forgets, idle = self._network.forgets, self._network.now() - self._used
        if forgets and idle >= forgets.after and (self._kept_every or idle) >= forgets.after:
            self._forgotten = True
            self._acts = [Reset() if forgets.resets else Silence()]
        if not self._forgotten:
            self._acked += len(data)
            self._used = self._network.now()

    async def receive(self, until: float, limit: int = 65536) -> bytes:
        began = self._network.now()
        while True:
            act = self._act()
            if isinstance(act, Pause) and self._network.now() + act.seconds <= until:
                await self._network.wait_until(self._network.now() + act.seconds)
            elif isinstance(act, Close):
                raise PeerClosed(self.received)
            elif isinstance(act, Reset):
                raise PeerReset(self.received)
            elif isinstance(act, bytes) and act:
                return self._bytes(act, limit)
            else:
                await self._network.wait_until(until)
                raise TimedOut(until - began, idle=until - self._last, received=self.received)

    def _act(self) -> Act:
        act: Act = self._acts.pop(0) if self._acts else Silence()
        return act(self.sent) if callable(act) else act

    def _bytes(self, data: bytes, limit: int) -> bytes:
        if len(data) > limit:
            self._acts.insert(0, data[limit:])
            data = data[:limit]
        self._network.pass_time(TICK)
        self._last = self._used = self._network.now()
        self.received += len(data)
        return data

    def rtt(self) -> float | None:
        return self._handshake.rtt

    def least_rtt(self) -> float | None:
        return self._handshake.least if self._acked else None

    def unacked(self) -> int | None:
        forgets = self._network.forgets
        return int(self._forgotten and forgets is not None and not forgets.here)

    def acked(self) -> int | None:
        return self._acked

    def repeated(self) -> int | None:
        return self._handshake.repeated

    def keep_alive(self, every: int) -> None:
        self._kept_every = every

    def detach(self) -> Any:
        raise NotImplementedError("a script has no socket; test such a probe against a real server")

    def close(self) -> None:
        self.closed = True
