"""The connection as paramiko sees it, although we have spoken on it before.

paramiko insists on sending its identification and KEXINIT and on reading everything from the first byte.
It is given back what was read already, and its first two messages, which are ours word for word, are not
sent twice: so both sides compute the same exchange hash (RFC 4253 8).
"""

from __future__ import annotations

import socket
import threading
import time

from probes.net.base import NetworkFailure, PeerClosed, PeerReset, TimedOut

# How often a blocked read looks whether anything else is due; an end comes at once, by shutdown().
POLL = 1.0

# The messages that went out already: identification, KEXINIT.
SPOKEN = 2

# A key exchange and a login take a few thousand bytes; a server may send IGNORE without end (RFC 4253 11.2).
MOST_READ = 1 << 18


class ReplayedSocket:
    """What paramiko asks of a socket. `ahead` are the bytes already read.

    The descriptor is given back by the thread that reads from it: another one closing it under a read
    could have its number used again by then, for somebody else's connection.
    """

    def __init__(self, sock: socket.socket, ahead: bytes, received: int) -> None:
        sock.settimeout(POLL)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._ahead = ahead
        self._spoken = SPOKEN
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None
        self._closed = False
        self._end: NetworkFailure | None = None
        self._handed_over = received
        self.flooded = False  # it was cut off for what it sends
        self.received = received
        self.last = time.monotonic()

    def read_by(self, reader: threading.Thread) -> None:
        """From now on that thread reads, and closes the socket when it ends."""
        with self._lock:
            if not self._closed:
                self._reader = reader

    def recv(self, limit: int) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:limit], self._ahead[limit:]
            return data
        self.flooded = self.flooded or self.received - self._handed_over > MOST_READ
        if self._closed or self.flooded:
            return b""
        try:
            data = self._sock.recv(limit)
        except ConnectionError:
            self._end = self._end or PeerReset(self.received)
            raise
        if data:
            self.received += len(data)
            self.last = time.monotonic()
        elif not self._closed:
            self._end = self._end or PeerClosed(self.received)
        return data

    def send(self, data: bytes) -> int:
        if self._spoken:
            self._spoken -= 1
            return len(data)
        try:
            return self._sock.send(data)
        except ConnectionError:
            self._end = self._end or PeerReset(self.received)
            raise

    def settimeout(self, seconds: float) -> None:
        """paramiko would wake up ten times a second to see whether it is closed."""

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._reader in (None, threading.current_thread()):
                self._sock.close()
                return
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # already gone
            pass

    def end(self) -> NetworkFailure | None:
        """How the other side ended the connection, if it did."""
        return self._end

    def overdue(self, began: float) -> TimedOut:
        """The failure to finish in time what began then (monotonic clock)."""
        now = time.monotonic()
        whole = self.received == self._handed_over
        return TimedOut(now - began, idle=now - self.last, received=self.received, whole=whole)
