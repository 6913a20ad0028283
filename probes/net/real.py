"""The network through the sockets of this host, on asyncio, without privilege."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import partial
from typing import Any, Literal, Protocol

from probes.net import errqueue, options
from probes.net.base import ConnectFailed, Read, Reply, Resolution, TimedOut
from probes.net.connecting import EXHAUSTED, Attempt, Exhausted
from probes.net.connection import SocketConnection
from probes.net.knocking import Answered, Knock
from probes.net.lookup import Lookup
from probes.net.readiness import Readiness
from probes.net.sockaddr import sockaddr_of, source_of
from probes.net.threads import Threads

# ICMP "time to live exceeded in transit" (RFC 792) and "hop limit exceeded in transit" (RFC 4443 3.3).
EXPIRED = frozenset({(4, 11, 0), (6, 3, 0)})
# Questions in flight at once: a resolver must not take a run for a flood.
MOST_DATAGRAMS = 64
# A lost datagram is not a dead server: it is sent again after these shares of the time there is, from the
# same port, so that a slow answer to the first is heard too.
REPEATS = (0.2, 0.5)


class Gate(Protocol):
    """Who decides how many connections may be under way."""

    def admit(
        self, address: str, port: int | None, alone: bool = False
    ) -> AbstractAsyncContextManager[None]: ...

    async def pace(self) -> None:
        """Returns when one more SYN may be sent that is part of no admitted connection."""
        ...

    async def exhausted(self) -> None:
        """This host has no descriptor or port left: returns when it is worth another try."""
        ...


class OpenGate:
    """No limits: for use in a notebook."""

    def admit(self, address: str, port: int | None, alone: bool = False) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def pace(self) -> None:
        return

    async def exhausted(self) -> None:
        await asyncio.sleep(0.1)


class SystemNetwork:
    """Implements `probes.net.base.Network`. Make it inside the running event loop."""

    def __init__(self, gate: Gate | None = None, mss: int | None = None) -> None:
        """`mss` bounds the segments of every connection, both ways, in bytes of payload."""
        self._loop = asyncio.get_running_loop()
        self._gate = gate or OpenGate()
        self._prepare = partial(options.limit_segments, mss=mss) if mss else None
        self._readiness = Readiness(self._loop)
        self._threads = Threads()
        self._lookup = Lookup(self, self._threads)
        self._datagrams = asyncio.Semaphore(MOST_DATAGRAMS)
        self.now: Callable[[], float] = self._loop.time
        self.time: Callable[[], float] = time.time
        self.admit = self._gate.admit

    async def resolve(self, host: str, timeout: float) -> Resolution:
        return await self._lookup.resolve(host, timeout)

    async def in_thread(self, call: Callable[..., Any], *args: Any, until: float) -> Any:
        return await self._threads.call(call, *args, timeout=until - self.now())

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def has_route(self, address: str) -> bool:
        """Whether this host knows a way: a UDP connect asks the routing table and sends nothing."""
        family, sockaddr = sockaddr_of(address, 9)
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                return sock.connect_ex(sockaddr) == 0
        except OSError as error:  # no descriptor to ask with: connect() will find out
            return error.errno in EXHAUSTED

    async def connect(self, address: str, port: int, until: float) -> SocketConnection:
        family, sockaddr = sockaddr_of(address, port)
        attempt = await self._finished(
            lambda: Attempt(self._loop, self._readiness, family, sockaddr, self._prepare), until
        )
        return SocketConnection(self._loop, attempt.sock, attempt.reset)

    async def _finished(self, make: Callable[[], Attempt], until: float) -> Attempt:
        """An attempt that has connected. Raises ConnectFailed, TimedOut."""
        while True:
            attempt = make()
            try:
                await attempt.finish(until)
            except Exhausted:
                began = self.now()
                await self._gate.exhausted()
                until += self.now() - began  # our own shortage is not the target's time
                continue
            return attempt

    async def knock(
        self, address: str, port: int, until: float, *, ttl: int | None = None, floor: int | None = None
    ) -> Reply:
        family, sockaddr = sockaddr_of(address, port)
        asked = self.now()
        await self._gate.pace()
        began = self.now()
        until += began - asked
        try:
            attempt = await self._finished(
                lambda: Knock(self._loop, self._readiness, family, sockaddr, ttl, floor), until
            )
        except Answered as answered:
            return Reply("answered", answered.elapsed, source=answered.source)
        except TimedOut as silence:
            return Reply("silent", source=silence.source)
        except ConnectFailed as failed:
            if failed.local:
                raise
            return _heard(failed)
        took, source = self.now() - began, source_of(attempt.sock)
        options.abort(attempt.sock)
        return Reply("connected", took, source=source)

    def shaped(self, mss: int) -> SystemNetwork:
        return SystemNetwork(self._gate, mss)

    async def name_of(self, address: str, until: float) -> str | None:
        try:
            # Not getnameinfo(): in Python before 3.14 that holds the interpreter while it waits.
            name, _, _ = await self.in_thread(socket.gethostbyaddr, address, until=until)
        except (OSError, UnicodeError, TimedOut):
            return None
        return str(name)

    async def exchange(
        self, server: tuple[str, int], datagram: bytes, until: float, read: Callable[[bytes], Read | None]
    ) -> Read:
        asked = self.now()
        async with self._datagrams:
            began = self.now()
            return await self._exchange(server, datagram, began, until + began - asked, read)

    async def _exchange(
        self,
        server: tuple[str, int],
        datagram: bytes,
        began: float,
        until: float,
        read: Callable[[bytes], Read | None],
    ) -> Read:
        family, sockaddr = sockaddr_of(*server)
        with await self._datagram_socket(family) as sock:
            errqueue.listen(sock, family == socket.AF_INET6, True)
            try:
                sock.connect(sockaddr)
                for share in (*REPEATS, 1.0):
                    sock.send(datagram)
                    with suppress(TimeoutError):
                        return await self._hear(sock, began + share * (until - began), read)
            except OSError as error:
                raise _failure(sock, error.errno or 0, self.now() - began) from None
            raise TimedOut(self.now() - began)

    async def _datagram_socket(self, family: socket.AddressFamily) -> socket.socket:
        while True:
            try:
                return socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            except OSError as error:
                if error.errno not in EXHAUSTED:
                    raise ConnectFailed(
                        error.errno or 0, local=True, ipv6=family == socket.AF_INET6
                    ) from None
            await self._gate.exhausted()

    async def _hear(self, sock: socket.socket, until: float, read: Callable[[bytes], Read | None]) -> Read:
        """The first datagram that `read` makes something of. Raises TimeoutError."""
        async with asyncio.timeout_at(until):
            while self.now() < until:  # a flood of datagrams never lets the timer fire
                if (answer := read(await self._loop.sock_recv(sock, 65535))) is not None:
                    return answer
        raise TimeoutError


def _heard(failed: ConnectFailed) -> Reply:
    """What ended a SYN. Without an RST or an ICMP message it was the kernel that gave up: silence."""
    icmp = failed.icmp
    if icmp is not None:
        kind: Literal["expired", "rejected"] = "rejected"
        if (icmp.version, icmp.type, icmp.code) in EXPIRED:
            kind = "expired"
        return Reply(kind, failed.elapsed, icmp, failed.source)
    if failed.errno in (errno.ECONNREFUSED, errno.ECONNRESET):
        return Reply("refused", failed.elapsed, None, failed.source)
    return Reply("silent", source=failed.source)


def _failure(sock: socket.socket, number: int, elapsed: float) -> ConnectFailed:
    queued = errqueue.read(sock)
    icmp = queued[0] if queued else None
    return ConnectFailed(
        number, icmp=icmp, local=icmp is None, elapsed=elapsed, ipv6=sock.family == socket.AF_INET6
    )
