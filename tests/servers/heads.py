"""What a client sends first, as a server of the tests reads it."""

from __future__ import annotations

import socket


def head(sock: socket.socket) -> str:
    """One message's head; empty when the other has gone."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = sock.recv(1)
        if not more:
            break
        data += more
    return data.decode("ascii")
