"""What the kernel knows of a TCP connection: TCP_INFO (linux/tcp.h `struct tcp_info`)."""

from __future__ import annotations

import socket
import struct
import sys

# tcp(7)'s states once the handshake is done: established, and the peer has closed since.
CONNECTED = frozenset({b"\x01", b"\x08"})

# Offsets of the fields that netcheck reads; the struct only ever grows at its end.
_UNACKED = 24  # tcpi_unacked: segments sent and not yet acknowledged
_UNDER_WAY = 36  # tcpi_retrans: repeated segments handed down and not yet given up
_RTT = 68  # tcpi_rtt: the smoothed round trip, in microseconds
_REPEATED = 100  # tcpi_total_retrans: segments sent again, handed down or not
_LENGTH = 104
_ACKED = 120  # tcpi_bytes_acked (RFC 4898 tcpEStatsAppHCThruOctetsAcked), 64 bits
_LEAST_RTT = 148  # tcpi_min_rtt: the least round trip of some minutes, in microseconds
_NEVER = 0xFFFFFFFF  # no round trip was measured


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
    found = _read(sock, _UNDER_WAY, _REPEATED)
    if found is None:
        return None
    under_way, repeated = found
    return 0 if repeated and not under_way else repeated + 1


def rtt(sock: socket.socket) -> float | None:
    """The round trip in seconds as the kernel measured it; a repeated SYN gives it no sample (RFC 6298 3)."""
    found = _read(sock, _RTT)
    return found[0] / 1e6 if found and found[0] else None


def unacked(sock: socket.socket) -> int | None:
    """How many of our segments the peer has not acknowledged."""
    found = _read(sock, _UNACKED)
    return found[0] if found else None


def acked(sock: socket.socket) -> int | None:
    """How many of our bytes the peer has acknowledged; the SYN counts as one.

    Unlike the segments under way it does not go back to nothing when the connection is reset, nor does it
    take for done what this host could not send.
    """
    raw = _raw(sock, _ACKED + 8)
    return int.from_bytes(raw[_ACKED:], sys.byteorder) if raw else None


def least_rtt(sock: socket.socket) -> float | None:
    """The least round trip in seconds, once bytes of ours were acknowledged; None where none were.

    That of the handshake alone may be wrong by a second: a repeated SYN-ACK echoes the first SYN's timestamp.
    """
    raw = _raw(sock, _LEAST_RTT + 4)
    if raw is None or (acked(sock) or 0) <= 1:
        return None
    least: int = struct.unpack_from("=I", raw, _LEAST_RTT)[0]
    return None if least == _NEVER else least / 1e6


def repeated(sock: socket.socket) -> int | None:
    """How many segments were sent again since the connection was begun, SYNs too."""
    found = _read(sock, _REPEATED)
    return found[0] if found else None


def _read(sock: socket.socket, *offsets: int) -> tuple[int, ...] | None:
    """The 32-bit fields at these offsets; None where the system can't tell."""
    raw = _raw(sock, _LENGTH)
    if raw is None:
        return None
    return tuple(struct.unpack_from("=I", raw, offset)[0] for offset in offsets)


def _raw(sock: socket.socket, length: int) -> bytes | None:
    """The beginning of the struct; None where the system has none, or a shorter one."""
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, length)
    except (OSError, AttributeError):
        return None
    return raw if len(raw) == length else None
