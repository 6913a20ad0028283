"""Socket options that make a connection an experiment: how far its SYN goes, who is heard, its segments."""

from __future__ import annotations

import socket
import struct
import sys

# Linux's numbers; Python's socket module lacks them.
IP_MINTTL = 21
IPV6_MINHOPCOUNT = 73

# The kernel repeats an unanswered SYN after a second; one repeat is enough to hear a router that was busy.
REPEATS = 1
# linux/sock_diag.h: SO_MEMINFO gives 32-bit numbers, and this is the place of the segments dropped.
SO_MEMINFO = 55
SK_MEMINFO_DROPS = 8
_LINGER_0 = struct.pack("ii", 1, 0)


def limit_reach(sock: socket.socket, *, ipv6: bool, ttl: int | None, floor: int | None) -> None:
    """Send with this TTL (IPv6: hop limit); hear no segment that arrives with one below `floor`.

    The floor is that of RFC 5082 and needs no privilege. With a TTL the kernel repeats the SYN only once.
    With either the kernel waits 0.2 s before it completes a handshake (tcp(7) TCP_DEFER_ACCEPT): whoever
    aborts before that completes none, however many of the SYNs under way are answered.
    """
    level = socket.IPPROTO_IPV6 if ipv6 else socket.IPPROTO_IP
    if ttl is not None or floor is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
    if ttl is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, REPEATS)
        sock.setsockopt(level, socket.IPV6_UNICAST_HOPS if ipv6 else socket.IP_TTL, ttl)
    if floor is not None:
        sock.setsockopt(level, IPV6_MINHOPCOUNT if ipv6 else IP_MINTTL, floor)


def dropped(sock: socket.socket) -> int:
    """How many segments for this socket the kernel dropped: those below the floor."""
    place = 4 * SK_MEMINFO_DROPS
    raw = sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, place + 4)
    return int.from_bytes(raw[place : place + 4], sys.byteorder)


def limit_segments(sock: socket.socket, *, mss: int) -> None:
    """Announce and keep this maximum segment size (RFC 9293 3.7.1): it bounds both directions."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)


def keep_alive(sock: socket.socket, every: int) -> None:
    """A keep-alive after every so many seconds without a segment, answered or not."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, every)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, every)


def abort(sock: socket.socket) -> None:
    """Close with an RST, so that nothing of the connection lingers at either end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
    sock.close()
