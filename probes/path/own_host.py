"""Whether this host's own firewall swallows our packets, proved without privilege.

A filter that drops a locally made SYN tells connect() nothing: it looks like silence in the network.
But the kernel counts retransmissions that it could not hand down (TcpExt TCPRetransFail in
/proc/net/netstat, one count for the whole host). If that counter rises at the very moment in which our
SYN is sent again, twice, and not in between, the packet never left.
"""

from __future__ import annotations

import asyncio
import socket

from probes.net import tcpinfo
from probes.net.real import sockaddr_of

COUNTERS = "/proc/net/netstat"
# The kernel repeats a SYN after 1 s and again after 2 or 3 s (tcp_syn_linear_timeouts).
LAST_REPEAT = 4.0
POLL = 0.004
FIRST_POLL = 0.9
WITNESSES = 2


def failed_repeats() -> int | None:
    """The host's count of retransmissions that could not be handed down; None if it is not told."""
    try:
        with open(COUNTERS, encoding="ascii") as file:
            lines = [line.split() for line in file if line.startswith("TcpExt:")]
        return int(lines[1][lines[0].index("TCPRetransFail")])
    except (OSError, ValueError, IndexError):
        return None


async def swallows(address: str, port: int) -> bool:
    """Whether a SYN to this address and port is stopped on this host. Takes up to 4 s, sends ≤ 4 SYNs."""
    if failed_repeats() is None:
        return False
    family, sockaddr = sockaddr_of(address, port)
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        sock.connect_ex(sockaddr)
        await asyncio.sleep(FIRST_POLL)
        return await _coincide(sock)


async def _coincide(sock: socket.socket) -> bool:
    """Whether the counter rises with each of our next repeats, and never without one."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LAST_REPEAT - FIRST_POLL
    repeats, counted, witnesses = _repeats(sock), failed_repeats() or 0, 0
    while loop.time() < until and witnesses < WITNESSES:
        await asyncio.sleep(POLL)
        repeats_now, counted_now = _repeats(sock), failed_repeats() or 0
        if (repeats_now > repeats) is not (counted_now > counted):
            return False
        witnesses += repeats_now > repeats
        repeats, counted = repeats_now, counted_now
    return witnesses == WITNESSES


def _repeats(sock: socket.socket) -> int:
    info = tcpinfo.read(sock)
    return info.retransmissions if info else 0
