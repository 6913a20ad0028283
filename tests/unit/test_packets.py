"""What is read from a packet's bytes. scapy makes the packets: it is a reader and writer of its own."""

from __future__ import annotations

import io
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, IPOption_NOP, TCPerror
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6ND_NS,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.packet import Packet
from scapy.utils import RawPcapReader, rdpcap

from probes.path.packets import SNAP, Captured, Flow, captured, distinct, pcap, read

US, SERVER, ROUTER = "10.9.0.7", "10.20.0.15", "10.1.0.1"
US6, SERVER6, ROUTER6 = "fd00::7", "fd00:20::15", "fd00:1::1"
FLOW, FLOW6 = Flow(US, 51234, SERVER, 22), Flow(US6, 51234, SERVER6, 22)
SECRET = b"hunter2" * 20


def v4(**fields: Any) -> Packet:
    return IP(src=US, dst=SERVER, **fields)


def v6(**fields: Any) -> Packet:
    return IPv6(src=US6, dst=SERVER6, **fields)


def tcp(flags: str, **fields: Any) -> Packet:
    return TCP(sport=51234, dport=22, flags=flags, **fields)


@pytest.mark.parametrize(("layer", "flow"), [(v4, FLOW), (v6, FLOW6)])
def test_a_segment_tells_its_flow_flags_and_ttl(layer: Any, flow: Flow) -> None:
    """A SYN, of either version."""
    kind = "ttl" if flow is FLOW else "hlim"
    seen = read(bytes(layer(**{kind: 57}) / tcp("S")))
    assert seen is not None
    assert (seen.flow, seen.ttl) == (flow, 57)
    assert seen.is_syn()
    assert seen.flow.back().back() == flow


@pytest.mark.parametrize(
    ("flags", "syn", "answer", "reset"),
    [
        ("S", True, False, False),
        ("SEC", True, False, False),  # with ECN (RFC 3168)
        ("SA", False, True, False),
        ("RA", False, True, True),
        ("R", False, True, True),
        ("A", False, False, False),
        ("PA", False, False, False),
        ("FA", False, False, False),
    ],
)
def test_what_a_segment_is(flags: str, syn: bool, answer: bool, reset: bool) -> None:
    """By its flags."""
    seen = read(bytes(v4() / tcp(flags)))
    assert seen is not None
    assert (seen.is_syn(), seen.answers_syn(), seen.is_reset()) == (syn, answer, reset)


@pytest.mark.parametrize(
    "layers",
    [
        v4() / tcp("PA", options=[("MSS", 1460), ("Timestamp", (1, 2))]),
        v4(options=[IPOption_NOP()] * 4) / tcp("PA"),
        v6() / tcp("PA", options=[("NOP", None)] * 40),
        v6() / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / tcp("PA"),
        v6() / IPv6ExtHdrFragment(offset=0, m=1) / tcp("PA"),
        IP(src=ROUTER, dst=US) / ICMP(type=3, code=4) / IPerror(bytes(v4() / tcp("PA"))),
        IP(src=ROUTER, dst=US) / ICMP(type=11) / IPerror(bytes(v4() / tcp("S", options=[("MSS", 9)]))),
        IPv6(src=ROUTER6, dst=US6) / ICMPv6PacketTooBig() / bytes(v6() / tcp("PA")),
    ],
)
def test_headers_are_kept_and_nothing_after(layers: Packet) -> None:
    """With all their options, and not one byte of what is said; the length stays known."""
    whole = bytes(layers / SECRET)
    seen = read(whole)
    assert seen is not None
    kept = captured(7, whole, seen)
    assert kept.headers == whole[: len(bytes(layers))]
    assert (kept.when, kept.length) == (7, len(whole))
    assert len(kept.headers) <= SNAP
    assert b"hunter" not in kept.headers


@pytest.mark.parametrize(
    ("error", "sender"),
    [
        (ICMP(type=3, code=13), ROUTER),
        (ICMP(type=11, code=0), ROUTER),
        (ICMP(type=3, code=4), ROUTER),
        (ICMPv6DestUnreach(code=1), ROUTER6),
        (ICMPv6TimeExceeded(), ROUTER6),
        (ICMPv6PacketTooBig(), ROUTER6),
    ],
)
def test_an_error_tells_the_flow_that_it_quotes(error: Packet, sender: str) -> None:
    """Not that of who signed it."""
    six = sender == ROUTER6
    outer = IPv6(src=sender, dst=US6, hlim=63) if six else IP(src=sender, dst=US, ttl=63)
    seen = read(bytes(outer / error / bytes((v6() if six else v4()) / tcp("S"))))
    assert seen is not None
    assert (seen.flow, seen.flags, seen.ttl) == (FLOW6 if six else FLOW, None, 63)
    assert not seen.is_syn()
    assert not seen.answers_syn()


def test_an_error_may_quote_eight_bytes_only() -> None:
    """As RFC 792 asks for; padding of the link is not part of it."""
    quote = bytes(v4() / tcp("S"))[:28]
    packet = bytes(IP(src=ROUTER, dst=US) / ICMP(type=11) / quote)
    seen = read(packet + bytes(6))
    assert seen is not None
    assert seen.flow == FLOW
    assert captured(0, packet + bytes(6), seen).headers == packet


@pytest.mark.parametrize(
    "packet",
    [
        v4() / UDP(sport=51234, dport=53),
        v4(frag=8) / tcp("S"),
        v4() / ICMP(type=8) / bytes(v4() / tcp("S")),
        IP(src=ROUTER, dst=US) / ICMP(type=3) / bytes(v4() / UDP(dport=53)),
        IP(src=ROUTER, dst=US) / ICMP(type=3) / bytes(v4(frag=8) / tcp("S")),
        v6() / UDP(dport=53),
        v6() / ICMPv6EchoRequest(data=bytes(v6() / tcp("S"))),
        v6() / ICMPv6ND_NS(),
        v6() / IPv6ExtHdrFragment(offset=64) / tcp("S"),
    ],
)
def test_what_is_not_ours_is_nothing(packet: Packet) -> None:
    """Other protocols, later fragments, what only looks like an error."""
    assert read(bytes(packet)) is None


def test_what_is_cut_short_is_nothing() -> None:
    """Every beginning of a packet is read without an exception, and so is rubbish."""
    whole = [
        v4() / tcp("S", options=[("MSS", 1460)]),
        v6() / IPv6ExtHdrHopByHop() / tcp("S"),
        IP(src=ROUTER, dst=US) / ICMP(type=3) / bytes(v4() / tcp("S")),
        IPv6(src=ROUTER6, dst=US6) / ICMPv6DestUnreach() / bytes(v6() / tcp("S")),
    ]
    for packet in map(bytes, whole):
        assert read(packet) is not None
        assert all(read(packet[:end]) is None for end in range(20))
        for end in range(len(packet)):
            read(packet[:end])
        for value in range(256):
            for at in range(len(packet)):
                read(packet[:at] + bytes([value]) + packet[at + 1 :])


def test_the_file_is_one_that_others_read() -> None:
    """scapy reads times, lengths and headers from it as they were."""
    syn, rst = bytes(v4() / tcp("S")), bytes(IP(src=SERVER, dst=US, ttl=61) / TCP(sport=22, flags="RA"))
    packets = [Captured(1795467600_123456789, syn, 60), Captured(1795467601_000000000, rst, 1500)]
    file = b"".join(pcap(packets))
    found = list(RawPcapReader(io.BytesIO(file)))
    assert [data for data, _ in found] == [syn, rst]
    assert [(told.sec, told.usec, told.wirelen) for _, told in found] == [
        (1795467600, 123456, 60),
        (1795467601, 0, 1500),
    ]
    assert [packet[IP].ttl for packet in rdpcap(io.BytesIO(file))] == [64, 61]


def test_an_empty_file_is_a_file() -> None:
    """Its head alone."""
    assert list(RawPcapReader(io.BytesIO(b"".join(pcap([]))))) == []


def test_a_copy_is_left_out_and_a_repeat_is_not() -> None:
    """Loopback shows each packet twice; the kernel repeats a SYN no earlier than after some milliseconds."""
    second = 1_000_000_000
    seen = [
        Captured(5 * second + 200_000_000, b"syn", 60),
        Captured(5 * second + 300, b"rst", 40),
        Captured(5 * second, b"syn", 60),
        Captured(5 * second + 200, b"syn", 60),
    ]
    assert [(one.when - 5 * second, one.headers) for one in distinct(seen)] == [
        (0, b"syn"),
        (300, b"rst"),
        (200_000_000, b"syn"),
    ]


def test_scapy_reads_the_same_quote() -> None:
    """The oracle's own dissection of an error agrees with ours."""
    packet = bytes(IP(src=ROUTER, dst=US) / ICMP(type=3, code=13) / bytes(v4() / tcp("S")))
    quoted = IP(packet)
    seen = read(packet)
    assert seen is not None
    assert seen.flow == (
        quoted[IPerror].src,
        quoted[TCPerror].sport,
        quoted[IPerror].dst,
        quoted[TCPerror].dport,
    )
