"""A second opinion on where flows end: `python -m tests.lab.walk ADDRESS PORT [ADDRESS PORT]…`.

One SYN a time to live, all at once, each from a port of its own, told by the kernel's error queue. It
shares no code with netcheck, so that a scene can be seen without it. Prints JSON: for each flow a list
with a text a TTL: `expired ADDRESS`, `TYPE/CODE ADDRESS` for another ICMP error, `refused`, `open` or
`silent`.
"""

from __future__ import annotations

import errno
import json
import select
import socket
import struct
import sys
import time

HOPS = 8
# Until a dead host is known (ARP, three tries of a second), and a repeated SYN has gone out.
SECONDS = 3.5
IP_RECVERR, IPV6_RECVERR = 11, 25
EXPIRED = {4: (11, 0), 6: (3, 0)}


def knock(address: str, port: int, ttl: int) -> socket.socket:
    six = ":" in address
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    if six:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    sock.connect_ex((address, port))
    return sock


def told(sock: socket.socket, family: int) -> str:
    """What ended this connect."""
    try:
        _, messages, _, _ = sock.recvmsg(512, 512, socket.MSG_ERRQUEUE)
    except OSError:
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return {0: "open", errno.ECONNREFUSED: "refused"}.get(error, errno.errorcode.get(error, "?"))
    data = messages[0][2]
    _, _, kind, code = struct.unpack_from("=IBBB", data)  # struct sock_extended_err
    start = 16 + (8 if family == 6 else 4)
    sender = socket.inet_ntop(*_raw(data, start, family))
    return f"expired {sender}" if (kind, code) == EXPIRED[family] else f"{kind}/{code} {sender}"


def _raw(data: bytes, start: int, family: int) -> tuple[int, bytes]:
    if family == 6:
        return socket.AF_INET6, data[start : start + 16]
    return socket.AF_INET, data[start : start + 4]


def walk(flows: list[tuple[str, int]], seconds: float = SECONDS) -> list[list[str]]:
    """What came back of each flow for each time to live, from 1 on."""
    found = [["silent"] * HOPS for _ in flows]
    poll = select.poll()
    waiting = {}
    for number, (address, port) in enumerate(flows):
        for ttl in range(1, HOPS + 1):
            sock = knock(address, port, ttl)
            waiting[sock.fileno()] = sock, number, ttl
            poll.register(sock, select.POLLOUT | select.POLLERR)
    until = time.monotonic() + seconds
    while waiting and (left := until - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left * 1000):
            poll.unregister(descriptor)
            sock, number, ttl = waiting.pop(descriptor)
            found[number][ttl - 1] = told(sock, 6 if ":" in flows[number][0] else 4)
            sock.close()
    return found


if __name__ == "__main__":
    print(json.dumps(walk(list(zip(sys.argv[1::2], map(int, sys.argv[2::2]), strict=True)))))
