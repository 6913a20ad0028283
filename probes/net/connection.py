"""A connected socket with the verbs of `probes.net.base.Connection`."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

from probes.net import options, tcpinfo
from probes.net.base import PeerClosed, PeerReset, Source, TimedOut, TlsHello, TlsSession
from probes.net.sockaddr import source_of


class SocketConnection:
    """Implements `probes.net.base.Connection` on a connected non-blocking socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, reset: bool = False) -> None:
        self._loop = loop
        self._sock = sock
        self._reset = reset  # the kernel tells of it only once: to connecting, or to one of our calls
        self._owned = True  # until detached
        self._tls: Any = None
        self._last = loop.time()
        self._least: float | None = None  # as it was when detached
        self.received = 0
        self.source: Source = source_of(sock) or Source("?", 0)

    def rtt(self) -> float | None:
        return tcpinfo.rtt(self._sock)

    def least_rtt(self) -> float | None:
        return tcpinfo.least_rtt(self._sock) if self._owned else self._least

    def unacked(self) -> int | None:
        return tcpinfo.unacked(self._sock)

    def acked(self) -> int | None:
        return tcpinfo.acked(self._sock)

    def repeated(self) -> int | None:
        return tcpinfo.repeated(self._sock)

    def keep_alive(self, every: int) -> None:
        options.keep_alive(self._sock, every)

    async def start_tls(self, hello: TlsHello, until: float) -> TlsSession:
        from probes.net.tls import TlsStream  # OpenSSL loads when first needed

        beneath = _Wire(self) if self._tls is None else self._tls  # inside the TLS that leads to a proxy
        self._tls, session = await TlsStream.handshake(beneath, hello, until)
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
            raise PeerReset(self.received) if self._reset else PeerClosed(self.received)
        self.received += len(data)
        self._last = self._loop.time()
        return data

    async def _send(self, data: bytes, until: float) -> None:
        if self._reset:
            raise PeerReset(self.received)
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
        return TimedOut(
            now - began,
            idle=now - self._last,
            received=self.received,
            source=self.source,
            unacked=self.unacked(),
        )

    def _broken(self, error: OSError) -> PeerClosed | PeerReset | TimedOut:
        if error.errno == errno.ETIMEDOUT:
            return self._timed_out(self._last)
        if error.errno == errno.EPIPE:  # an RST that only answers what we sent after the peer's FIN
            return PeerClosed(self.received)
        self._reset = True
        return PeerReset(self.received)

    def detach(self) -> socket.socket:
        self._least = self.least_rtt()
        self._owned = False
        self._sock.setblocking(True)
        return self._sock

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
