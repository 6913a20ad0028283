"""Addresses as the socket calls want them, and our own end of a socket."""

from __future__ import annotations

import socket
from typing import Any

from probes.net.base import Source


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


def source_of(sock: socket.socket) -> Source | None:
    """Our own end; None while the socket has none."""
    try:
        name = sock.getsockname()
    except OSError:
        return None
    return Source(name[0], name[1]) if name[1] else None
