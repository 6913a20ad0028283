"""What the kernel knows of a TCP connection: TCP_INFO (linux/tcp.h `struct tcp_info`)."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

# tcp(7)'s states once the handshake is done: established, and the peer has closed since.
CONNECTED = frozenset({b"\x01", b"\x08"})

# Offsets of the fields that netcheck reads; the struct only ever grows at its end.
_STATE = 0
_UNDER_WAY = 36  # tcpi_retrans: repeated segments handed down and not yet given up
_RTT = 68  # microseconds, smoothed
_TOTAL_RETRANSMISSIONS = 100
_LENGTH = 104


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """`state` is the kernel's number, `rtt` in seconds, `retransmissions` segments sent again.

    `under_way` counts those repeats that really left and are still waited for.
    """

    state: int
    rtt: float
    retransmissions: int
    under_way: int


def read(sock: socket.socket) -> TcpInfo | None:
    """The connection's TCP_INFO; None where the system has none."""
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LENGTH)
    except (OSError, AttributeError):
        return None
    if len(raw) < _LENGTH:
        return None
    rtt = struct.unpack_from("=I", raw, _RTT)[0]
    again = struct.unpack_from("=I", raw, _TOTAL_RETRANSMISSIONS)[0]
    under_way = struct.unpack_from("=I", raw, _UNDER_WAY)[0]
    return TcpInfo(raw[_STATE], rtt / 1e6, again, under_way)


def is_connected(sock: socket.socket) -> bool:
    """Whether the handshake is done; nothing is consumed by asking. False where the system can't tell."""
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) in CONNECTED
    except (OSError, AttributeError):
        return False


def syns_sent(sock: socket.socket) -> int | None:
    """How many SYNs a socket that is still connecting has really sent; 0: this host swallows them.

    A filter that drops a locally made SYN tells connect() nothing, but the kernel takes a repeat for
    under way only once it could hand it down. Known from the first repeat on, after a second.
    """
    info = read(sock)
    if info is None:
        return None
    return 0 if info.retransmissions and not info.under_way else info.retransmissions + 1
