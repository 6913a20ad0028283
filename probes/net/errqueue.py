"""ICMP errors for our own packets, without privilege: the kernel's error queue (ip(7) IP_RECVERR)."""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys

from probes.net.base import Icmp

# Linux's numbers; Python's socket module names few of them before 3.14.
IP_RECVERR = 11
IPV6_RECVERR = 25
# Beside an error the TTL with which it came is told: ip(7) IP_RECVTTL, ipv6(7) IPV6_RECVHOPLIMIT.
IP_TTL, IP_RECVTTL = 2, 12
IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT = 51, 52
MSG_ERRQUEUE = getattr(socket, "MSG_ERRQUEUE", 0x2000)

# struct sock_extended_err (linux/errqueue.h), then the offender's sockaddr.
_EXTENDED = struct.Struct("=IBBBBII")
_ORIGINS = {2: 4, 3: 6}  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 → IP version


def listen(sock: socket.socket, ipv6: bool, on: bool) -> None:
    """Queue ICMP errors for this socket, or stop it (which also empties the queue).

    Once connected it must be off: a passing ICMP error would end a healthy connection.
    """
    if ipv6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, on)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVHOPLIMIT, on)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, on)
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, on)


def read(sock: socket.socket) -> tuple[Icmp, int] | None:
    """The oldest queued ICMP error and the errno that the kernel made of it; None if there is none."""
    while True:
        try:
            _, ancillary, _, _ = sock.recvmsg(256, 256, MSG_ERRQUEUE)
        except OSError:
            return None
        for level, kind, data in ancillary:
            if (level, kind) in (
                (socket.IPPROTO_IP, IP_RECVERR),
                (socket.IPPROTO_IPV6, IPV6_RECVERR),
            ):
                number, origin, icmp_type, code, *_ = _EXTENDED.unpack_from(data)
                if origin in _ORIGINS:
                    sender = _offender(data[_EXTENDED.size :])
                    ttl = _arrived_with(ancillary)
                    return Icmp(_ORIGINS[origin], icmp_type, code, sender, is_own(sender), ttl), number


def _arrived_with(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The TTL or hop limit of the packet that brought the error."""
    for level, kind, data in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, IP_TTL), (socket.IPPROTO_IPV6, IPV6_HOPLIMIT)):
            return int.from_bytes(data[:4], sys.byteorder)
    return None


def _offender(sockaddr: bytes) -> str:
    """The address in a sockaddr_in or sockaddr_in6; `?` where the kernel gives none."""
    family = int.from_bytes(sockaddr[:2], "little") if len(sockaddr) >= 8 else 0
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, sockaddr[4:8])
    if family == socket.AF_INET6 and len(sockaddr) >= 24:
        return socket.inet_ntop(socket.AF_INET6, sockaddr[8:24])
    return "?"


def is_own(address: str) -> bool:
    """Whether the address is one of this host's: only such a one can be bound."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return False
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
