"""Whether this host's own firewall swallows our packets, proved without privilege.

A filter that drops a locally made SYN tells connect() nothing: it looks like silence in the network.
But the kernel counts retransmissions that it could not hand down (TcpExt TCPRetransFail in
/proc/net/netstat, one count for the whole host). Connections opened together repeat their SYNs together,
after 1 s and again a second or two later; if the counter rises by exactly their number, both times, none
of those packets left. Where it rises by fewer, halves of the group tell which.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from probes.net import tcpinfo
from probes.net.sockaddr import sockaddr_of

COUNTERS = "/proc/net/netstat"
# Seconds from the connect to just before, and well after, the kernel's first two repeats of a SYN. Its
# timers may be 64 ms late; the second repeat comes after 2 s (tcp_syn_linear_timeouts) or 3 s (doubling).
BEFORE_FIRST, AFTER_FIRST = 0.9, 1.5
BEFORE_SECOND, AFTER_SECOND = 1.9, 3.5
POLL = 0.02
# One proof opens so many connections at the most; what is left over stays unproved.
MOST = 32

Endpoint = tuple[str, int]


def failed_repeats() -> int | None:
    """The host's count of retransmissions that could not be handed down; None if it is not told."""
    try:
        with open(COUNTERS, encoding="ascii") as file:
            lines = [line.split() for line in file if line.startswith("TcpExt:")]
        return int(lines[1][lines[0].index("TCPRetransFail")])
    except (OSError, ValueError, IndexError):
        return None


async def swallowed(endpoints: Sequence[Endpoint]) -> set[Endpoint]:
    """Those of the silent endpoints whose SYNs are stopped on this host.

    Takes 1.5 s where none is, otherwise up to 3.5 s a round of halving. At most 4 SYNs each a round.
    """
    group = list(endpoints[:MOST])
    if not group or failed_repeats() is None:
        return set()
    with ExitStack() as stack:
        socks = [stack.enter_context(_connecting(endpoint)) for endpoint in group]
        rises = await _rises(socks)
    if 0 in rises:
        return set()
    if set(rises) == {len(group)}:
        return set(group)
    half = len(group) // 2
    if not half:  # the counter rose with somebody else's packets too: no proof
        return set()
    return await swallowed(group[:half]) | await swallowed(group[half:])


def _connecting(endpoint: Endpoint) -> socket.socket:
    family, sockaddr = sockaddr_of(*endpoint)
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    sock.connect_ex(sockaddr)
    return sock


async def _rises(socks: list[socket.socket]) -> list[int]:
    """By how much the counter rose with the first repeat, and with the second; [0] if not at all."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    rises: list[int] = []
    for repeat, before, after in ((1, BEFORE_FIRST, AFTER_FIRST), (2, BEFORE_SECOND, AFTER_SECOND)):
        await asyncio.sleep(began + before - loop.time())
        counted = failed_repeats() or 0
        while loop.time() < began + after and any(_repeats(sock) < repeat for sock in socks):
            await asyncio.sleep(POLL)
        rises.append((failed_repeats() or 0) - counted)
        if not rises[-1]:
            break
    return rises


def _repeats(sock: socket.socket) -> int:
    info = tcpinfo.read(sock)
    return info.retransmissions if info else 0
