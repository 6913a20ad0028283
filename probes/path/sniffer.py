"""Packets of this host as they pass its interfaces, by scapy's sniffer. Linux, with privilege (CAP_NET_RAW).

The only module that imports scapy, which takes a third of a second: import this one only when it is needed.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import time
from collections.abc import Callable, Iterable
from threading import Event
from typing import Any

from scapy.config import conf
from scapy.packet import Packet
from scapy.sendrecv import AsyncSniffer
from scapy.supersocket import SuperSocket

from probes.path.packets import ICMP, RST, SNAP, SYN, TCP, UDP

ETH_P_ALL = 3
SO_ATTACH_FILTER = 26
SO_TIMESTAMPNS = 35
SECOND = 1_000_000_000
SOL_PACKET, PACKET_STATISTICS = 263, 6
ROOM = 4 << 20  # bytes of packets that may wait for us; the kernel gives what it allows
STARTED = 5.0  # seconds in which a thread of this host starts
# A filter holds 4,096 instructions at most, and each port takes eight.
MOST_PORTS = 400

# Instructions of the kernel's classic filter (bpf(4), Linux' Documentation/networking/filter.rst).
BYTE, HALF, BYTE_AFTER, HALF_AFTER = 0x30, 0x28, 0x50, 0x48  # A = packet[k], or packet[X + k]
SKIP_HEADER = 0xB1  # X = the length of the IPv4 header
SHIFT, EQUAL, ANY_BIT, JUMP, RETURN = 0x74, 0x15, 0x45, 0x05, 0x06

Take = Callable[[int, bytes], None]


class Everywhere(SuperSocket):
    """Every packet that this host sends or receives on any interface, from its IP header on.

    scapy's own sockets are bound to one interface each and begin with its kind of link header. This one is
    bound to none, so that interfaces may come and go, and a filter in the kernel keeps other traffic away.
    """

    desc = "packets of all interfaces, from their IP header on"

    def __init__(self, ports: Iterable[int]) -> None:
        """`ports`: of the services whose packets are wanted. Raises OSError, PermissionError."""
        self.outs = None
        self.ins = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.ins.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        self.ins.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        attach(self.ins, program(ports))

    def recv_raw(self, x: int = SNAP) -> tuple[Any, bytes | None, Any]:
        """One packet and when it passed (nanoseconds); none where none waits."""
        try:
            packet, ancillary, _, _ = self.ins.recvmsg(SNAP, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None, None, None
        times = [struct.unpack("ll", data) for _, kind, data in ancillary if kind == SO_TIMESTAMPNS]
        return conf.raw_layer, packet, times[0][0] * SECOND + times[0][1] if times else time.time_ns()

    def dropped(self) -> int:
        """How many packets the kernel had no room for since this was last asked."""
        told = self.ins.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        return int(struct.unpack("II", told)[1])


class Sniffer:
    """Hands each packet to `take`, with its time, in a thread of its own."""

    def __init__(self, ports: Iterable[int], take: Take) -> None:
        """Sniffs from here on. Raises OSError."""
        self._socket = Everywhere(ports)
        self._take = take
        started = Event()
        self._sniffer = AsyncSniffer(
            opened_socket=self._socket, prn=self._taken, store=False, started_callback=started.set
        )
        self._sniffer.start()
        started.wait(STARTED)

    def _taken(self, packet: Packet) -> None:
        self._take(int(packet.time), packet.load)

    def stop(self) -> int:
        """End it, take what still waits; how many packets the kernel had no room for."""
        try:
            if self._sniffer.running:
                self._sniffer.stop()
            while (waiting := self._socket.recv()) is not None:
                self._taken(waiting)
            return self._socket.dropped()
        finally:
            self._socket.close()


def attach(sock: socket.socket, filter_: bytes) -> None:
    """Let the kernel keep from this socket what the filter does not accept."""
    code = ctypes.create_string_buffer(filter_)
    sock.setsockopt(
        socket.SOL_SOCKET,
        SO_ATTACH_FILTER,
        struct.pack("HP", len(filter_) // 8, ctypes.addressof(code)),
    )


def program(ports: Iterable[int]) -> bytes:
    """A filter that accepts ICMP, whatever begins or resets a connection, and TCP from and to these ports."""
    found = sorted(set(ports))
    four, six = _four(found), _six(found)
    return b"".join(
        [
            _op(BYTE, 0) + _op(SHIFT, 4),
            _op(EQUAL, 6, 0, 1) + _op(JUMP, 2 + len(four) // 8),
            _op(EQUAL, 4, 1, 0) + _op(RETURN, 0),
            four,
            six,
        ]
    )


def _op(code: int, k: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, k)


ACCEPT, DROP = _op(RETURN, SNAP), _op(RETURN, 0)


def _four(ports: list[int]) -> bytes:
    return b"".join(
        [
            _op(BYTE, 9) + _op(EQUAL, ICMP, 0, 1) + ACCEPT,
            _op(EQUAL, TCP, 1, 0) + DROP,
            _op(HALF, 6) + _op(ANY_BIT, 0x1FFF, 0, 1) + DROP,  # a fragment that is not the first
            _op(SKIP_HEADER, 0),
            _op(BYTE_AFTER, 13) + _op(ANY_BIT, SYN | RST, 0, 1) + ACCEPT,
            _ports(ports, _op(HALF_AFTER, 0), _op(HALF_AFTER, 2)),
        ]
    )


def _six(ports: list[int]) -> bytes:
    """What has extension headers is accepted as it is: that is rare."""
    return b"".join(
        [
            _op(BYTE, 6) + _op(EQUAL, UDP, 0, 1) + DROP,
            _op(EQUAL, TCP, 1, 0) + ACCEPT,
            _op(BYTE, 40 + 13) + _op(ANY_BIT, SYN | RST, 0, 1) + ACCEPT,
            _ports(ports, _op(HALF, 40), _op(HALF, 42)),
        ]
    )


def _ports(ports: list[int], *loads: bytes) -> bytes:
    """Accepted, where one of the loaded values is one of these; too many to ask for: all are."""
    if len(ports) > MOST_PORTS:
        return ACCEPT
    asked = b"".join(_op(EQUAL, port, 0, 1) + ACCEPT for port in ports)
    return b"".join(load + asked for load in loads) + DROP
