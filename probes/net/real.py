"""The network through the sockets of this host, on asyncio, without privilege."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from probes.contract import Source
from probes.net import errqueue, tcpinfo
from probes.net.base import (
    ConnectFailed,
    Icmp,
    PeerClosed,
    PeerReset,
    Resolution,
    TimedOut,
    TlsHello,
    TlsSession,
)
from probes.net.lookup import Lookup
from probes.net.readiness import Readiness
from probes.net.threads import Threads

# This host is at its own limit: not the network's fault, so wait for a connection to end and try again.
EXHAUSTED = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN}
)

# Questions in flight at once: a resolver must not take a run for a flood.
MOST_DATAGRAMS = 64


class Gate(Protocol):
    """Who decides how many connections may be under way."""

    def admit(self, address: str) -> AbstractAsyncContextManager[None]: ...

    async def exhausted(self) -> None:
        """This host has no descriptor or port left: returns when it is worth another try."""
        ...


class OpenGate:
    """No limits: for use in a notebook."""

    def admit(self, address: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def exhausted(self) -> None:
        await asyncio.sleep(0.1)


class SystemNetwork:
    """Implements `probes.net.base.Network`. Make it inside the running event loop."""

    def __init__(self, gate: Gate | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._gate = gate or OpenGate()
        self._readiness = Readiness(self._loop)
        self._threads = Threads()
        self._lookup = Lookup(self, self._threads)
        self._datagrams = asyncio.Semaphore(MOST_DATAGRAMS)
        self.now: Callable[[], float] = self._loop.time
        self.time: Callable[[], float] = time.time
        self.admit: Callable[[str], AbstractAsyncContextManager[None]] = self._gate.admit

    async def resolve(self, host: str, timeout: float) -> Resolution:
        return await self._lookup.resolve(host, timeout)

    async def in_thread(self, call: Callable[..., Any], *args: Any, until: float) -> Any:
        return await self._threads.call(call, *args, timeout=until - self.now())

    def has_route(self, address: str) -> bool:
        """Whether this host knows a way: a UDP connect asks the routing table and sends nothing."""
        family, sockaddr = sockaddr_of(address, 9)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            return sock.connect_ex(sockaddr) == 0

    async def connect(self, address: str, port: int, until: float) -> SocketConnection:
        family, sockaddr = sockaddr_of(address, port)
        while True:
            attempt = _Attempt(self._loop, self._readiness, family, sockaddr)
            try:
                await attempt.finish(until)
            except _Exhausted:
                began = self.now()
                await self._gate.exhausted()
                until += self.now() - began  # our own shortage is not the target's time
                continue
            return SocketConnection(self._loop, attempt.sock, attempt.reset)

    async def exchange(self, server: tuple[str, int], datagram: bytes, until: float) -> bytes:
        asked = self.now()
        async with self._datagrams:
            began = self.now()
            return await self._exchange(server, datagram, began, until + began - asked)

    async def _exchange(self, server: tuple[str, int], datagram: bytes, began: float, until: float) -> bytes:
        family, sockaddr = sockaddr_of(*server)
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            errqueue.listen(sock, family == socket.AF_INET6, True)
            try:
                sock.connect(sockaddr)
                sock.send(datagram)
                async with asyncio.timeout_at(until):
                    return await self._loop.sock_recv(sock, 65535)
            except TimeoutError:
                raise TimedOut(self.now() - began) from None
            except OSError as error:
                raise _failure(sock, error.errno or 0, self.now() - began) from None


class _Exhausted(Exception):
    """This host has no descriptor, port or buffer left."""


class _Attempt:
    """One non-blocking connect() with its error queue."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        readiness: Readiness,
        family: socket.AddressFamily,
        sockaddr: tuple[Any, ...],
    ) -> None:
        self.loop = loop
        self.readiness = readiness
        self.family = family
        self.ipv6 = family == socket.AF_INET6
        self.sockaddr = sockaddr
        self.reset = False  # right after the handshake

    async def finish(self, until: float) -> None:
        """Connected, or raises. The socket is open only when it returns."""
        self.began = self.loop.time()
        try:
            self.sock = socket.socket(self.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            raise self._local(error.errno or 0) from None
        try:
            await self._connect(until)
        except BaseException:
            self.sock.close()
            raise

    async def _connect(self, until: float) -> None:
        sock = self.sock
        errqueue.listen(sock, self.ipv6, True)
        number = sock.connect_ex(self.sockaddr)
        if number not in (0, errno.EINPROGRESS):
            if errqueue_answer := errqueue.read(sock):  # it came back before connect() returned
                raise self._refused(errqueue_answer[1], errqueue_answer[0])
            raise self._local(number)
        while number:
            number = await self._progress(until)
        errqueue.listen(sock, self.ipv6, False)

    async def _progress(self, until: float) -> int:
        """0 once connected, EINPROGRESS while not; raises what ended the attempt."""
        sock = self.sock
        events = await self.readiness.writable(sock.fileno(), until)
        if not events:
            elapsed = self.loop.time() - self.began
            raise TimedOut(elapsed, syns=tcpinfo.syns_sent(sock), source=_source(sock))
        if not events & (select.EPOLLERR | select.EPOLLHUP):
            return 0
        queued = errqueue.read(sock)
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if queued:
            raise self._refused(queued[1], queued[0])
        if number == errno.ECONNRESET:  # a refused SYN is ECONNREFUSED: the handshake was done before
            self.reset = True
            return 0
        if number:
            raise self._refused(number, None)
        # An error of the queue alone makes a socket look ready: only a peer's name proves the handshake.
        return 0 if _established(sock) else errno.EINPROGRESS

    def _refused(self, number: int, icmp: Icmp | None) -> ConnectFailed:
        return ConnectFailed(
            number,
            icmp=icmp,
            elapsed=self.loop.time() - self.began,
            ipv6=self.ipv6,
            source=_source(self.sock),
        )

    def _local(self, number: int) -> Exception:
        if number in EXHAUSTED and not (number == errno.EADDRNOTAVAIL and self._unusable_family()):
            return _Exhausted()
        return ConnectFailed(number, local=True, ipv6=self.ipv6)

    def _unusable_family(self) -> bool:
        """No source address for this destination at all (IPv6 switched off), rather than no free port."""
        with socket.socket(self.family, socket.SOCK_DGRAM) as sock:
            return sock.connect_ex(self.sockaddr) != 0


def _established(sock: socket.socket) -> bool:
    """Whether the handshake is done: an error that was only queued also makes a socket writable."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _failure(sock: socket.socket, number: int, elapsed: float) -> ConnectFailed:
    queued = errqueue.read(sock)
    icmp = queued[0] if queued else None
    return ConnectFailed(
        number, icmp=icmp, local=icmp is None, elapsed=elapsed, ipv6=sock.family == socket.AF_INET6
    )


def sockaddr_of(address: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """The socket family and address; an IPv6 address may carry a zone (`fe80::1%eth0`)."""
    if ":" not in address:
        return socket.AF_INET, (address, port)
    bare, _, zone = address.partition("%")
    return socket.AF_INET6, (bare, port, 0, _zone_index(zone) if zone else 0)


def _zone_index(zone: str) -> int:
    """A zone's interface (RFC 4007 11); one that does not exist gives 0, and the kernel refuses it."""
    try:
        return int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    except OSError:
        return 0


def _source(sock: socket.socket) -> Source | None:
    try:
        name = sock.getsockname()
    except OSError:
        return None
    return Source(name[0], name[1]) if name[1] else None


class SocketConnection:
    """Implements `probes.net.base.Connection` on a connected non-blocking socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, reset: bool = False) -> None:
        self._loop = loop
        self._sock = sock
        self._reset = reset  # the kernel tells of it only once, and connecting has heard it
        self._owned = True  # until detached
        self._tls: Any = None
        self._last = loop.time()
        self.received = 0
        self.source: Source = _source(sock) or Source("?", 0)

    async def start_tls(self, hello: TlsHello, until: float) -> TlsSession:
        from probes.net.tls import TlsStream  # OpenSSL loads when first needed

        self._tls, session = await TlsStream.handshake(_Wire(self), hello, until)
        return session

    async def receive(self, until: float, limit: int = 65536) -> bytes:
        if self._tls is not None:
            data: bytes = await self._tls.receive(until, limit)
            return data
        return await self._receive(until, limit)

    async def send(self, data: bytes, until: float) -> None:
        if self._tls is not None:
            await self._tls.send(data, until)
        else:
            await self._send(data, until)

    async def _receive(self, until: float, limit: int) -> bytes:
        if self._reset:
            raise PeerReset(self.received)
        began = self._loop.time()
        if began >= until:  # a peer that always has more never lets the timer fire
            raise self._timed_out(began)
        try:
            async with asyncio.timeout_at(until):
                data = await self._loop.sock_recv(self._sock, limit)
        except TimeoutError:
            raise self._timed_out(began) from None
        except OSError as error:
            raise self._broken(error) from None
        if not data:
            raise PeerClosed(self.received)
        self.received += len(data)
        self._last = self._loop.time()
        return data

    async def _send(self, data: bytes, until: float) -> None:
        began = self._loop.time()
        try:
            async with asyncio.timeout_at(until):
                await self._loop.sock_sendall(self._sock, data)
        except TimeoutError:
            raise self._timed_out(began) from None
        except OSError as error:
            raise self._broken(error) from None

    def _timed_out(self, began: float) -> TimedOut:
        now = self._loop.time()
        return TimedOut(now - began, idle=now - self._last, received=self.received, source=self.source)

    def _broken(self, error: OSError) -> PeerReset | TimedOut:
        if error.errno == errno.ETIMEDOUT:
            return self._timed_out(self._last)
        return PeerReset(self.received)

    def detach(self) -> socket.socket:
        self._owned = False
        self._sock.setblocking(True)
        return self._sock

    def facts(self) -> dict[str, Any]:
        info = tcpinfo.read(self._sock)
        if info is None:
            return {}
        return {"rtt_ms": round(info.rtt * 1000, 3), "retransmissions": info.retransmissions}

    def close(self) -> None:
        if self._owned:
            self._sock.close()


class _Wire:
    """The bytes beneath TLS."""

    def __init__(self, connection: SocketConnection) -> None:
        self._connection = connection
        self.receive = connection._receive
        self.send = connection._send

    @property
    def received(self) -> int:
        return self._connection.received
