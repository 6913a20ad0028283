"""Connections left idle and then used: does something on the way forget them?

RFC 5382 REQ-5 wants a NAT to keep an idle session for 2 h 4 min; many firewalls keep it for minutes. What
comes then is dropped without a word, and the session freezes. A new connection works all the while.
"""

from __future__ import annotations

import asyncio

from probes.net.base import (
    ConnectFailed,
    Connection,
    Network,
    NetworkFailure,
    PeerClosed,
    PeerReset,
    TimedOut,
)
from probes.path.waits import DEAD, ENDED, WAITS, Bracket, End, Held, Kept, Wait, judged, spread

POLL = 0.05  # seconds between two looks at what is acknowledged
GREETING = b"SSH-"
# Read by every server of lines as an empty one (RFC 9112 2.2), by every other as the beginning of something.
LINE_END = b"\r\n"

# OpenSSH punishes an address for each connection that outlives LoginGraceTime (PerSourcePenalties): the
# second of a pair is younger by so many seconds, and given up once the first is ended.
YOUNGER = 1.0

# A keep-alive as it is often set, in seconds; shorter where the wait is short.
KEEP_ALIVE = 30
KEPT = 20  # so many keep-alives in the wait: the shortest of a bracket has two of them


async def hold(address: str, port: int, seconds: float, timeout: float, network: Network) -> Held:
    """Leave a connection idle for so many seconds, then use it; and if that fails, a new one.

    A second connection is idle beside it but for the kernel's keep-alives: if it alone lives, neither a
    restart of the server, its own timer nor a failover of the firewall explains what happened to the first.
    """
    every = _fit(seconds)
    async with network.admit(address, port):
        idle = _Idle(address, port, timeout, network)
        if not await idle.open():
            return Held(address, End.GONE, seconds, 0.0)
        beside = asyncio.ensure_future(_kept(address, port, seconds, timeout, network, every))
        try:
            ended = await idle.end(seconds)
            end = judged(ended.end, await _new(idle, network)) if ended.end in DEAD else ended.end
            kept = Kept(every, await beside) if end in DEAD | ENDED else None
        finally:
            beside.cancel()
            await asyncio.wait({beside})
            idle.close()
    return Held(address, end, seconds, ended.idle, kept)


async def _kept(
    address: str, port: int, seconds: float, timeout: float, network: Network, every: int
) -> Wait:
    """How a connection fares in which only the kernel speaks, every so many seconds."""
    await network.pause(YOUNGER)
    kept = _Idle(address, port, timeout, network)
    try:
        return await kept.end(seconds) if await kept.open(every) else Wait(0.0, End.GONE)
    finally:
        kept.close()


async def bracket(address: str, port: int, longest: float, network: Network, timeout: float = 5.0) -> Bracket:
    """Leave connections idle at once, each longer than the one before, `longest` seconds at most.

    One more, with keep-alives, shows whether it is idleness that ends the others.

    It takes that long and a few timeouts. Raises ConnectFailed, TimedOut where not one can be made.
    """
    async with network.admit(address, port):
        held = [_Idle(address, port, timeout, network) for _ in range(WAITS)]
        try:
            opened = [one for one in held if await one.open()]
            if not opened:
                raise held[0].failed or TimedOut(timeout)
            *ends, kept = await asyncio.gather(
                *(one.end(wait) for one, wait in zip(opened, spread(longest, len(opened)), strict=True)),
                _kept(address, port, longest, timeout, network, _fit(longest)),
            )
            new = await _new(opened[0], network)
        finally:
            for one in held:
                one.close()
    waits = tuple(wait._replace(end=judged(wait.end, new)) for wait in ends)
    works = new not in (None, End.DROPPED, End.SWALLOWED)
    return Bracket(address, port, waits, works, Kept(_fit(longest), kept))


def _fit(seconds: float) -> int:
    """The keep-alive that fits so long a wait."""
    return max(1, min(KEEP_ALIVE, int(seconds / KEPT)))


async def _new(old: _Idle, network: Network) -> End | None:
    """How a new connection fares with the bytes of an old one; None where none can be made."""
    new = _Idle(old.address, old.port, old.timeout, network, old.opening)
    try:
        return (await new.end(0.0)).end if await new.open() else None
    finally:
        new.close()


class _Idle:
    """One connection, from its handshake to its use after the wait."""

    def __init__(
        self, address: str, port: int, timeout: float, network: Network, opening: bytes = b""
    ) -> None:
        """`opening`: what the server is known to say first."""
        self.address = address
        self.port = port
        self.timeout = timeout
        self.opening = opening
        self._network = network
        self._connection: Connection | None = None
        self.failed: NetworkFailure | None = None

    async def open(self, kept_every: int | None = None) -> bool:
        """Connect; whether that worked, else `failed` says why not."""
        until = self._network.now() + self.timeout
        try:
            self._connection = await self._network.connect(self.address, self.port, until)
        except (ConnectFailed, TimedOut) as failed:
            self.failed = failed
            return False
        if kept_every is not None:
            self._connection.keep_alive(kept_every)
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def end(self, seconds: float) -> Wait:
        """Wait until nothing has come for so long, then use it."""
        connection, network = self._connection, self._network
        if connection is None:
            return Wait(0.0, End.UNKNOWN)
        began = last = network.now()
        while last - began <= seconds + self.timeout:
            try:
                heard = await connection.receive(last + seconds)
            except TimedOut:
                idle = network.now() - last
                if idle < seconds - POLL:  # the kernel gave up: nobody acknowledges its keep-alives
                    return Wait(idle, End.DROPPED)
                return Wait(idle, await self._used(connection))
            except PeerClosed:
                return Wait(network.now() - last, End.CLOSED)
            except PeerReset:
                return Wait(network.now() - last, End.RESET)
            self.opening = self.opening or heard
            last = network.now()
        return Wait(seconds, End.SPOKE)

    async def _used(self, connection: Connection) -> End:
        """Send a few bytes: are they acknowledged, or answered?"""
        network = self._network
        before, until = connection.acked(), network.now() + self.timeout
        if before is None:
            return End.UNKNOWN
        try:
            await connection.send(self._words(), until)
            while (connection.acked() or 0) <= before:
                if network.now() >= until:  # what this host's own filter drops is not under way
                    return End.DROPPED if connection.unacked() else End.SWALLOWED
                await self._hear(connection)
        except (PeerClosed, PeerReset, TimedOut) as broken:
            if (connection.acked() or 0) > before:
                return End.LIVED
            return End.FORGOTTEN if isinstance(broken, PeerReset) else End.CLOSED
        return End.LIVED

    async def _hear(self, connection: Connection) -> None:
        """A moment of listening, which is also how an RST shows; what the server says is not wanted."""
        try:
            await connection.receive(self._network.now() + POLL)
        except TimedOut:
            await self._network.pause(0.0)  # others wait at the same moment

    def _words(self) -> bytes:
        """What may be said without asking for anything: our name to an SSH server, else a line's end."""
        if not self.opening.startswith(GREETING):
            return LINE_END
        from probes.ssh.wire import IDENTIFICATION

        return IDENTIFICATION.encode() + LINE_END
