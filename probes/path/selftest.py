"""What this system can tell of a path without privilege, tried on loopback: nothing leaves this host.

Each question is answered with None if it can, else with the reason in words.
"""

from __future__ import annotations

import select
import socket
import sys
from contextlib import suppress

from probes.net import errqueue, options, tcpinfo
from probes.net.base import Icmp

LOOPBACK = {4: "127.0.0.1", 6: "::1"}
# Port unreachable (RFC 792; RFC 4443 3.1).
CLOSED = {4: (4, 3, 3), 6: (6, 1, 4)}
# The kernel sends few ICMP errors at once, whoever they are for: ask again before believing silence.
TRIES = 3
WAIT = 0.2  # seconds for each try


def is_linux() -> bool:
    """Whether this is the system whose socket options are meant."""
    return sys.platform.startswith("linux")


def trace_possible() -> str | None:
    """Whether hops can be heard: a packet's TTL can be set, and ICMP errors reach the error queue."""
    return no_error_queue(4) or no_reach(4)


def no_error_queue(version: int) -> str | None:
    """Whether a datagram to a closed loopback port brings its ICMP error into the error queue."""
    if not is_linux():
        return (
            f"only Linux hands ICMP errors to a plain user's socket (IP_RECVERR), and this is {sys.platform}"
        )
    try:
        found = _closed_port_says(version)
    except OSError as error:
        return f"IPv{version} on loopback does not work: {error.strerror or error}"
    if found is None:
        return f"a closed port on {LOOPBACK[version]} sent no ICMP error within {TRIES * WAIT:.1f} s"
    if (found.version, found.type, found.code) != CLOSED[version] or not found.own:
        told = f"type {found.type} code {found.code} from {found.sender}"
        return f"a closed port on {LOOPBACK[version]} brought ICMP {told}"
    return None


def no_reach(version: int) -> str | None:
    """Whether a connection's TTL can be limited."""
    return _refused_option(version, ttl=1, floor=None)


def no_floor(version: int) -> str | None:
    """Whether answers from too far away can be left unheard (IP_MINTTL), which tells who sent an RST."""
    return _refused_option(version, ttl=None, floor=255)


def no_counts() -> str | None:
    """Whether the kernel tells how many SYNs and repeats it sent (TCP_INFO)."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            told = tcpinfo.unacked(sock) is not None
    except OSError as error:
        return f"no TCP socket: {error.strerror or error}"
    return None if told else "this kernel's TCP_INFO is too short, or there is none"


def _refused_option(version: int, *, ttl: int | None, floor: int | None) -> str | None:
    if not is_linux():
        return f"the socket options are Linux's, and this is {sys.platform}"
    try:
        with socket.socket(_family(version), socket.SOCK_STREAM) as sock:
            options.limit_reach(sock, ipv6=version == 6, ttl=ttl, floor=floor)
    except OSError as error:
        return f"the kernel refuses the socket option: {error.strerror or error}"
    return None


def _closed_port_says(version: int) -> Icmp | None:
    """The ICMP error for a datagram to a port that is taken but answers nobody. Raises OSError.

    A UDP socket that is connected elsewhere keeps the port from others and hears no stranger.
    """
    address = LOOPBACK[version]
    with (
        socket.socket(_family(version), socket.SOCK_DGRAM) as deaf,
        socket.socket(_family(version), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock,
    ):
        deaf.bind((address, 0))
        deaf.connect(deaf.getsockname())
        errqueue.listen(sock, version == 6, True)
        sock.connect(deaf.getsockname())
        for _ in range(TRIES):
            if found := _told(sock):
                return found
    return None


def _told(sock: socket.socket) -> Icmp | None:
    """What came back for one more datagram."""
    with suppress(OSError):  # the error that an earlier one brought
        sock.send(b"netcheck")
    waiting = select.poll()
    waiting.register(sock, 0)  # errors are always told
    waiting.poll(WAIT * 1000)
    queued = errqueue.read(sock)
    return queued[0] if queued else None


def _family(version: int) -> socket.AddressFamily:
    return socket.AF_INET6 if version == 6 else socket.AF_INET
