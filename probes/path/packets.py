"""What the headers of a captured packet tell, and the file that holds such headers. Pure, no library.

A packet is what the network layer sees, IPv4 or IPv6, without a link's header. Only TCP and the ICMP errors
that quote TCP are read; payload is never looked at, and never kept.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
# Errors quote the packet that they are about (RFC 792, RFC 1812 4.3.2.3, RFC 4443 2.4).
ERRORS = {ICMP: frozenset({3, 4, 5, 11, 12}), ICMP6: range(1, 128)}
QUOTED_AT = 8  # bytes from an ICMP header to the packet that it quotes
EXTENSIONS = (0, 43, 60)  # hop-by-hop, routing, destination options (RFC 8200 4)
FRAGMENT = 44
PORTS_AND_NUMBER = 8  # so much of a TCP header is quoted at least
PLAIN_TCP = 20
SYN, RST, ACK = 0x02, 0x04, 0x10

# https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap: link type 101 is a packet from its IP header on.
PCAP, VERSION, RAW_IP = 0xA1B2C3D4, (2, 4), 101
COPIES = 1_000_000  # nanoseconds
SNAP = 256  # bytes: IP, ICMP, the IP quoted, and TCP with all its options


class Flow(NamedTuple):
    """One connection's two ends, as its packets are addressed in one direction."""

    source: str
    source_port: int
    address: str
    port: int

    def back(self) -> Flow:
        """The other direction."""
        return Flow(self.address, self.port, self.source, self.source_port)


class Seen(NamedTuple):
    """What a packet is about. `flow`: that of the packet itself, or of the one that an ICMP error quotes.

    `flags` are those of TCP, None for an ICMP error. `ttl`: with which the packet arrives (hop limit).
    `headers`: how many bytes from its start the headers take; `length`: how many the packet has.
    """

    flow: Flow
    flags: int | None
    ttl: int
    headers: int
    length: int

    def is_syn(self) -> bool:
        """The first packet of a connection."""
        return self.flags is not None and self.flags & (SYN | ACK | RST) == SYN

    def answers_syn(self) -> bool:
        """An RST, or a SYN-ACK."""
        return self.flags is not None and (self.is_reset() or self.flags & (SYN | ACK) == SYN | ACK)

    def is_reset(self) -> bool:
        return self.flags is not None and bool(self.flags & RST)


class Captured(NamedTuple):
    """The headers of one packet, when it passed (Unix time, nanoseconds), and its whole length in bytes."""

    when: int
    headers: bytes
    length: int


class _Upper(NamedTuple):
    """Where the layer above IP begins, which it is, and what IP says."""

    at: int
    protocol: int
    source: str
    address: str
    ttl: int
    length: int


def read(packet: bytes) -> Seen | None:
    """What the packet is about; None where it is neither TCP nor an error about TCP, or cut too short."""
    try:
        upper = _upper(packet, 0)
        if upper is None:
            return None
        if upper.protocol == TCP:
            return _segment(packet, upper)
        return _error(packet, upper)
    except (IndexError, struct.error, ValueError):  # cut short, or never a packet: none of ours
        return None


def _segment(packet: bytes, upper: _Upper) -> Seen:
    end = upper.at + (packet[upper.at + 12] >> 4) * 4
    return Seen(_flow(packet, upper), packet[upper.at + 13], upper.ttl, end, upper.length)


def _error(packet: bytes, upper: _Upper) -> Seen | None:
    if packet[upper.at] not in ERRORS.get(upper.protocol, ()):
        return None
    quoted = _upper(packet, upper.at + QUOTED_AT)
    if quoted is None or quoted.protocol != TCP:
        return None
    flow = _flow(packet, quoted)
    told = packet[quoted.at : upper.length]  # padding of the link may follow
    size = (told[12] >> 4) * 4 if len(told) >= PLAIN_TCP else PORTS_AND_NUMBER
    return Seen(flow, None, upper.ttl, quoted.at + size, upper.length)


def _flow(packet: bytes, upper: _Upper) -> Flow:
    source_port, port = struct.unpack_from("!HH", packet, upper.at)
    return Flow(upper.source, source_port, upper.address, port)


def _upper(packet: bytes, at: int) -> _Upper | None:
    """None for a fragment that is not the first, and for what is not IP."""
    version = packet[at] >> 4
    if version == 4:
        return _upper4(packet, at)
    return _upper6(packet, at) if version == 6 else None


def _upper4(packet: bytes, at: int) -> _Upper | None:
    """RFC 791 3.1."""
    size = (packet[at] & 0x0F) * 4
    length, fragment, ttl, protocol = struct.unpack_from("!2xH2xHBB", packet, at)
    if fragment & 0x1FFF or size < 20:
        return None
    source, address = (socket.inet_ntop(socket.AF_INET, packet[at + i : at + i + 4]) for i in (12, 16))
    return _Upper(at + size, protocol, source, address, ttl, length)


def _upper6(packet: bytes, at: int) -> _Upper | None:
    """RFC 8200 3, past its extension headers."""
    length, protocol, ttl = struct.unpack_from("!4xHBB", packet, at)
    source, address = (socket.inet_ntop(socket.AF_INET6, packet[at + i : at + i + 16]) for i in (8, 24))
    end = at + 40
    while protocol in EXTENSIONS or protocol == FRAGMENT:
        if protocol == FRAGMENT and struct.unpack_from("!2xH", packet, end)[0] & 0xFFF8:
            return None
        size = 8 if protocol == FRAGMENT else (packet[end + 1] + 1) * 8
        protocol, end = packet[end], end + size
    return _Upper(end, protocol, source, address, ttl, 40 + length)


def captured(when: int, packet: bytes, seen: Seen) -> Captured:
    """What is kept of a packet: its headers. A sender's big segments may name no length of their own."""
    return Captured(when, packet[: seen.headers], max(seen.length, seen.headers))


def distinct(packets: Iterable[Captured]) -> Iterator[Captured]:
    """The packets in the order of time, each once.

    A packet may pass several interfaces (loopback's both directions, a bond and its member) and be captured
    at each: a copy that comes within a millisecond is left out, which no repeat of the kernel does.
    """
    last: dict[bytes, int] = {}
    for packet in sorted(packets, key=lambda one: one.when):
        if packet.when - last.get(packet.headers, 0) > COPIES:
            yield packet
        last[packet.headers] = packet.when


def pcap(packets: Iterable[Captured]) -> Iterator[bytes]:
    """A capture file of these packets."""
    yield struct.pack("!IHHiIII", PCAP, *VERSION, 0, 0, SNAP, RAW_IP)
    for when, headers, length in packets:
        seconds, rest = divmod(when, 1_000_000_000)
        yield struct.pack("!IIII", seconds, rest // 1000, len(headers), length) + headers
