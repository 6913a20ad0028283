"""Web servers on loopback: one answer to every request, inside TLS or in clear text."""

from __future__ import annotations

import re
import socket

from netcheck.demo.certificates import Identity
from netcheck.demo.listener import Listener

REQUEST_LINE = re.compile(rb"[A-Z]+ \S+ HTTP/1\.[01]\r?\n")
LONGEST_REQUEST = 65536


def web_server(address: str) -> Listener:
    """HTTP in clear text."""
    return Listener(address, _reply)


def tls_web_server(address: str, identity: Identity) -> Listener:
    """HTTPS with this certificate."""
    context = identity.context()

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as inside:
            _reply(inside)

    return Listener(address, talk)


def _reply(connection: socket.socket) -> None:
    """One request, one answer; what is no HTTP gets a 400 at its first line, as real servers do."""
    request = b""
    while b"\r\n\r\n" not in request and len(request) < LONGEST_REQUEST:
        part = connection.recv(4096)
        if not part:
            return
        request += part
        if b"\n" in request and not REQUEST_LINE.match(request):
            connection.sendall(_answer(b"400 Bad Request", b"This is a web server.\n"))
            return
    connection.sendall(_answer(b"200 OK", b"The vault is at your service.\n"))


def _answer(status: bytes, body: bytes) -> bytes:
    head = (
        b"HTTP/1.1 " + status,
        b"Server: netcheck-demo",
        b"Content-Type: text/plain",
        b"Content-Length: %d" % len(body),
        b"Connection: close",
    )
    return b"\r\n".join(head) + b"\r\n\r\n" + body
