"""The kernel's filter: what it lets through, tried in the kernel itself on a pair of local sockets."""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Iterator

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP
from scapy.packet import Packet

from probes.path.packets import SNAP
from probes.path.sniffer import MOST_PORTS, attach, program

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the filter is Linux's")

WANTED = (22, 5432)


class Filtered:
    """Two sockets with a filter between them. Filters see a local datagram's bytes from the first on."""

    def __init__(self, filter_: bytes) -> None:
        self._here, self._there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._there.setblocking(False)
        attach(self._there, filter_)

    def passes(self, packet: bytes) -> bytes | None:
        """What comes out on the other side."""
        try:
            self._here.send(packet)
            return self._there.recv(65536)
        except (BlockingIOError, PermissionError):
            return None

    def close(self) -> None:
        self._here.close()
        self._there.close()


@pytest.fixture
def filtered() -> Iterator[Filtered]:
    sockets = Filtered(program(WANTED))
    yield sockets
    sockets.close()


def segment(source: int, port: int, flags: str = "A") -> Packet:
    return TCP(sport=source, dport=port, flags=flags)


@pytest.mark.parametrize("layer", [IP(), IPv6()])
@pytest.mark.parametrize(
    ("above", "through"),
    [
        (segment(51234, 22), True),
        (segment(5432, 51234), True),
        (segment(51234, 443), False),
        (segment(51234, 443, "S"), True),
        (segment(443, 51234, "SA"), True),
        (segment(443, 51234, "R"), True),
        (segment(443, 51234, "PA"), False),
        (UDP(sport=22, dport=22), False),
    ],
)
def test_tcp_by_its_ports_and_flags(filtered: Filtered, layer: Packet, above: Packet, through: bool) -> None:
    """Of other services only what begins or resets a connection."""
    packet = bytes(layer / above)
    assert filtered.passes(packet) == (packet if through else None)


@pytest.mark.parametrize(
    ("packet", "through"),
    [
        (IP() / ICMP(type=3), True),
        (IPv6() / ICMPv6DestUnreach(), True),
        (IPv6() / IPv6ExtHdrHopByHop() / segment(1, 2), True),
        (IP(frag=8) / segment(51234, 22), False),
        (IP(options=[]) / segment(51234, 22), True),
        (ARP(), False),
    ],
)
def test_the_rest(filtered: Filtered, packet: Packet, through: bool) -> None:
    """ICMP of all kinds, no fragments but the first, nothing that is not IP."""
    assert bool(filtered.passes(bytes(packet))) is through


def test_an_ip_header_with_options_is_stepped_over(filtered: Filtered) -> None:
    """The ports lie behind them."""
    inner = bytes(segment(51234, 22))
    assert filtered.passes(bytes([0x46]) + bytes(IP() / b"")[1:9] + b"\x06" + bytes(14) + inner) is not None


def test_a_long_packet_is_cut(filtered: Filtered) -> None:
    """The kernel hands up no more than headers can take."""
    whole = bytes(IP() / segment(51234, 22) / bytes(1400))
    assert filtered.passes(whole) == whole[:SNAP]


@pytest.mark.parametrize(("count", "through"), [(0, False), (MOST_PORTS, False), (MOST_PORTS + 1, True)])
def test_any_number_of_ports_fits(count: int, through: bool) -> None:
    """The kernel takes filters of up to 4,096 instructions; above, all ports are let through."""
    sockets = Filtered(program(range(1000, 1000 + count)))
    try:
        assert bool(sockets.passes(bytes(IP() / segment(51234, 999)))) is through
        assert bool(sockets.passes(bytes(IPv6() / segment(51234, 999)))) is through
        if count:
            assert sockets.passes(bytes(IP() / segment(51234, 1000 + count - 1)))
            assert sockets.passes(bytes(IPv6() / segment(1000, 51234)))
    finally:
        sockets.close()


def test_rubbish_is_no_harm(filtered: Filtered) -> None:
    """Bytes of any kind and length."""
    rubbish = random.Random(4)
    for length in range(1, 80):
        filtered.passes(rubbish.randbytes(length))
    assert filtered.passes(bytes(IP() / segment(51234, 22)))
