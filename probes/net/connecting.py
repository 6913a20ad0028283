"""One non-blocking connect() with the kernel's error queue: refused by whom, or how many SYNs unanswered."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from collections.abc import Callable
from typing import Any

from probes.net import errqueue, tcpinfo
from probes.net.base import ConnectFailed, Icmp, TimedOut
from probes.net.readiness import Readiness
from probes.net.sockaddr import source_of

# This host is at its own limit: not the network's fault, so wait for a connection to end and try again.
EXHAUSTED = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN}
)


class Exhausted(Exception):
    """This host has no descriptor, port or buffer left."""


class Attempt:
    """One non-blocking connect() with its error queue."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        readiness: Readiness,
        family: socket.AddressFamily,
        sockaddr: tuple[Any, ...],
        prepare: Callable[[socket.socket], None] | None = None,
    ) -> None:
        """`prepare` sets further options of the socket before it connects."""
        self.loop = loop
        self.readiness = readiness
        self.family = family
        self.ipv6 = family == socket.AF_INET6
        self.sockaddr = sockaddr
        self.prepare = prepare
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
        if self.prepare is not None:
            self.prepare(sock)
        number = sock.connect_ex(self.sockaddr)
        if number not in (0, errno.EINPROGRESS):
            if errqueue_answer := errqueue.read(sock):  # it came back before connect() returned
                raise self._refused(errqueue_answer[1], errqueue_answer[0])
            raise self._local(number)
        # On this very host the handshake is done when connect() returns, elsewhere most often by the time
        # the loop comes round again: only the rest is worth an epoll and a timer.
        if number and not tcpinfo.is_connected(sock):
            await asyncio.sleep(0)
        while number and not tcpinfo.is_connected(sock):
            number = await self._progress(until)
        errqueue.listen(sock, self.ipv6, False)

    async def _progress(self, until: float) -> int:
        """0 once connected, EINPROGRESS while not; raises what ended the attempt."""
        sock = self.sock
        events = await self.readiness.writable(sock.fileno(), until)
        if not events:
            elapsed = self.loop.time() - self.began
            raise TimedOut(elapsed, syns=tcpinfo.syns_sent(sock), source=source_of(sock))
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
            source=source_of(self.sock),
        )

    def _local(self, number: int) -> Exception:
        if number in EXHAUSTED and not (number == errno.EADDRNOTAVAIL and self._unusable_family()):
            return Exhausted()
        return ConnectFailed(number, local=True, ipv6=self.ipv6)

    def _unusable_family(self) -> bool:
        """No source address for this destination at all (IPv6 switched off), rather than no free port."""
        try:
            with socket.socket(self.family, socket.SOCK_DGRAM) as sock:
                return sock.connect_ex(self.sockaddr) != 0
        except OSError:
            return False


def _established(sock: socket.socket) -> bool:
    """Whether the handshake is done: an error that was only queued also makes a socket writable."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True
