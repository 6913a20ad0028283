"""A TCP service on loopback whose conversations each run in a thread of their own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

# A conversation that is still waiting after this many seconds has been forgotten by its client.
PATIENCE = 30.0

Talk = Callable[[socket.socket], None]


class Listener:
    """Accepts connections until it is closed and hands each to `talk`, then closes it.

    `talk` may raise OSError or EOFError when the client goes away. Port 0 is one that the system picks.
    """

    def __init__(self, address: str, talk: Talk, port: int = 0) -> None:
        self._talk = talk
        self._socket = socket.create_server((address, port))
        self.address: str = address
        self.port: int = self._socket.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True, name=f"lab {address}:{self.port}")
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end every conversation."""
        _end(self._socket)
        self._thread.join()
        self._socket.close()
        with self._lock:
            for connection in self._open:
                _end(connection)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            connection.settimeout(PATIENCE)
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        try:
            with connection:
                self._talk(connection)
        except (OSError, EOFError):  # the client went away, or gave up the handshake
            pass
        finally:
            with self._lock:
                self._open.discard(connection)


def _end(connection: socket.socket) -> None:
    """Wake whoever waits in `accept` or `recv` on this socket."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended by itself
        pass


def silence(connection: socket.socket) -> None:
    """Say nothing until the client hangs up."""
    while connection.recv(4096):
        pass


def hang_up(connection: socket.socket) -> None:
    """Close without a word."""


def closed_port(address: str) -> int:
    """A port of the address on which nothing listens at the moment."""
    with socket.create_server((address, 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Unresponsive:
    """A port that answers no SYN, as behind a firewall that drops them.

    Its queue of connections is full and nobody accepts them: Linux then drops further SYNs without a
    word, also without privilege.
    """

    def __init__(self, address: str) -> None:
        self._socket = socket.create_server((address, 0), backlog=0)
        self.address: str = address
        self.port: int = self._socket.getsockname()[1]
        self._fillers = [self._fill() for _ in range(4)]

    def close(self) -> None:
        for filler in self._fillers:
            filler.close()
        self._socket.close()

    def _fill(self) -> socket.socket:
        filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        filler.setblocking(False)
        filler.connect_ex((self.address, self.port))
        return filler
