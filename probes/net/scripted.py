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


Act = bytes | Silence | Pause | Close | Reset | Callable[[bytes], "Act"]
# After the connect: acts; instead of it: the failure; nothing at that port: an RST.
Script = Sequence[Act] | NetworkFailure | Silence


# What comes back to a SYN: of address, port, TTL and floor.
Knocked = Callable[[str, int, int | None, int | None], Reply]


class Scripted:
    """Implements `probes.net.base.Network`. `small` is what connections with small segments meet."""

    def __init__(
        self,
        servers: Mapping[tuple[str, int], Script],
        names: Mapping[str, tuple[str, ...] | LookupFailed] | None = None,
        *,
        tls: Mapping[tuple[str, int], TlsSession | NetworkFailure] | None = None,
        datagrams: Mapping[tuple[str, int], Callable[[bytes], bytes] | NetworkFailure] | None = None,
        replies: Knocked | None = None,
        reverse: Mapping[str, str] | None = None,
        small: Scripted | None = None,
        unrouted: frozenset[str] = frozenset(),
    ) -> None:
        self._servers = servers
        self._names = names or {}
        self._tls = tls or {}
        self._datagrams = datagrams or {}
        self._replies = replies or (lambda address, port, ttl, floor: Reply("silent"))
        self._reverse = reverse or {}
        self._small = small or self
        self._unrouted = unrouted
        self._clock = 0.0
        self.connected: list[tuple[str, int]] = []
        self.knocked: list[tuple[str, int, int | None]] = []  # address, port, TTL

    def now(self) -> float:
        return self._clock

    def time(self) -> float:
        return 1_000_000_000.0 + self._clock

    def pass_time(self, seconds: float) -> None:
        """Move the clock."""
        self._clock += seconds

    def admit(self, address: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def has_route(self, address: str) -> bool:
        return address not in self._unrouted

    async def resolve(self, host: str, timeout: float) -> Resolution:
        self.pass_time(TICK)
        found = self._names.get(host) or LookupFailed("nxdomain", f"NXDOMAIN for {host}")
        if isinstance(found, LookupFailed):
            raise found
        return Resolution(found, TICK)

    async def connect(self, address: str, port: int, until: float) -> ScriptedConnection:
        began = self._clock
        self.connected.append((address, port))
        script = self._servers.get((address, port), ConnectFailed(errno.ECONNREFUSED, elapsed=TICK))
        if isinstance(script, Silence):
            self._clock = until
            raise TimedOut(until - began, syns=3)
        self.pass_time(TICK)
        if isinstance(script, NetworkFailure):
            raise script
        return ScriptedConnection(self, script, self._tls.get((address, port)))

    async def knock(
        self, address: str, port: int, until: float, *, ttl: int | None = None, floor: int | None = None
    ) -> Reply:
        began = self._clock
        self.knocked.append((address, port, ttl))
        await asyncio.sleep(0)  # others knock at the same moment
        reply = self._replies(address, port, ttl, floor)
        self._clock = max(self._clock, until if reply.kind == "silent" else began + (reply.rtt or TICK))
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
        self, network: Scripted, script: Sequence[Act], tls: TlsSession | NetworkFailure | None
    ) -> None:
        self._network = network
        self._acts = list(script)
        self._tls = tls
        self._last = network.now()
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

    async def receive(self, until: float, limit: int = 65536) -> bytes:
        began = self._network.now()
        while True:
            act = self._act()
            if isinstance(act, Pause) and self._network.now() + act.seconds <= until:
                self._network.pass_time(act.seconds)
            elif isinstance(act, Close):
                raise PeerClosed(self.received)
            elif isinstance(act, Reset):
                raise PeerReset(self.received)
            elif isinstance(act, bytes) and act:
                return self._bytes(act, limit)
            else:
                self._network.pass_time(until - self._network.now())
                raise TimedOut(until - began, idle=until - self._last, received=self.received)

    def _act(self) -> Act:
        act: Act = self._acts.pop(0) if self._acts else Silence()
        return act(self.sent) if callable(act) else act

    def _bytes(self, data: bytes, limit: int) -> bytes:
        if len(data) > limit:
            self._acts.insert(0, data[limit:])
            data = data[:limit]
        self._network.pass_time(TICK)
        self._last = self._network.now()
        self.received += len(data)
        return data

    def rtt(self) -> float | None:
        return TICK

    def unacked(self) -> int | None:
        return 0

    def detach(self) -> Any:
        raise NotImplementedError("a script has no socket; test such a probe against a real server")

    def close(self) -> None:
        self.closed = True
