"""ntp against time servers on loopback: right, wrong, unsynchronised, unwilling and not there."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from probes.contract import Confidence, Layer, Verdict
from probes.ntp import EPOCH, PACKET, PROBE, answer, breaks

Answer = Callable[[bytes], bytes | None]


def stamp(seconds: float) -> int:
    """A Unix time as NTP has it."""
    return int((seconds + EPOCH) * 2**32)


def saying(
    offset: float = 0.0,
    stratum: int = 2,
    leap: int = 0,
    reference: bytes = b"GPS",
    arrived: float | None = 0.0,
    left: float | None = 0.0,
    dispersion: float = 0.0,
) -> Answer:
    """A server whose clock is so many seconds ahead of ours. `arrived` and `left`: what is added to its two
    timestamps, None: they are zero."""

    def reply(query: bytes) -> bytes:
        ours = struct.unpack("!Q", query[40:48])[0]
        now = time.time() + offset
        came, went = (0 if more is None else stamp(now + more) for more in (arrived, left))
        root = int(dispersion * 2**16)
        head = (leap << 6 | 4 << 3 | 4, stratum, 0, 0, root, root, reference)
        return PACKET.pack(*head, stamp(now), ours, came, went)

    return reply


@pytest.fixture
def time_server() -> Iterator[Callable[[Answer], int]]:
    """A UDP server that answers each datagram in its way; gives its port."""
    sockets: list[socket.socket] = []

    def start(reply: Answer) -> int:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        sockets.append(sock)

        def serve() -> None:
            while True:
                try:
                    data, peer = sock.recvfrom(512)
                except OSError:
                    return
                if (found := reply(data)) is not None:
                    sock.sendto(found, peer)

        threading.Thread(target=serve, daemon=True).start()
        return int(sock.getsockname()[1])

    yield start
    for sock in sockets:
        sock.close()


def test_a_right_clock(time_server, ask):
    """It passes, and says how far it is."""
    found = ask(PROBE, time_server(saying()))
    assert found.verdict is Verdict.PASS
    assert abs(found.facts["ntp"]["clock_offset_s"]) < 1
    assert found.facts["ntp"]["stratum"] == 2


@pytest.mark.parametrize(
    ("offset", "words"), [(95.0, "95 s behind"), (-400.0, "6.7 min ahead"), (31.0, "31 s")]
)
def test_a_clock_that_is_off(time_server, ask, offset, words):
    """Where it breaks codes or tickets it says so."""
    found = ask(PROBE, time_server(saying(offset)))
    assert (found.cause, found.layer) == ("clock.skew", Layer.PROTOCOL)
    assert words in found.summary
    assert ("Kerberos" in found.summary) == (abs(offset) > 300)


def test_a_bound_of_ones_own(time_server, ask):
    """A clock that is off by less than asked for passes."""
    assert ask(PROBE, time_server(saying(95.0)), max_offset=300.0).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (saying(leap=3, stratum=16), "clock.skew"),
        (saying(stratum=0, reference=b"RATE"), "protocol.mismatch"),
        (saying(stratum=0, reference=b"\x1b[2J"), "protocol.mismatch"),
    ],
    ids=["unsynchronised", "kiss of death", "no letters"],
)
def test_servers_without_time(time_server, ask, reply, cause):
    """RFC 5905 7.3 and 7.4."""
    found = ask(PROBE, time_server(reply))
    assert found.cause == cause
    assert found.summary.isprintable()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"arrived": None}, "is zero"),
        ({"left": None}, "is zero"),
        ({"offset": 3600.0, "arrived": -4000.0, "left": 4000.0}, "it took 2 h 13 min to answer"),
        ({"arrived": 5000.0, "left": -5000.0}, "2 h 47 min before it was asked"),
    ],
    ids=["no receive", "no transmit", "spread", "turned round"],
)
def test_timestamps_that_can_t_be_true(time_server, ask, said, words):
    """They tell no offset, and do not excuse one: between them lies a part of the measured round trip."""
    found = ask(PROBE, time_server(saying(**said)))
    assert (found.verdict, found.cause) == (Verdict.FAIL, "protocol.malformed")
    assert words in found.summary
    assert found.facts["ntp"]["clock_offset_s"] is None


@pytest.mark.parametrize(
    ("dispersion", "cause"), [(32767.0, "clock.skew"), (11.0, "clock.skew"), (7.0, None), (0.1, None)]
)
def test_time_that_may_be_wrong_by_much(time_server, ask, dispersion, cause):
    """From 16 s on (root delay is as large, and half of it counts) it is none; from 1 s on a remark."""
    found = ask(PROBE, time_server(saying(dispersion=dispersion)))
    assert found.cause == cause
    assert (found.facts["ntp"]["clock_offset_s"] is None) is bool(cause)
    assert bool(found.cautions) is (dispersion == 7.0)


def test_a_server_without_time_tells_no_offset(time_server, ask):
    """What it says is no evidence against this host's clock."""
    found = ask(PROBE, time_server(saying(3600.0, leap=3, stratum=16)))
    assert found.facts["ntp"]["clock_offset_s"] is None


def test_clocks_are_coarse(time_server, ask):
    """Timestamps that contradict each other by some milliseconds are no lie."""
    found = ask(PROBE, time_server(saying(arrived=0.016, left=0.0)))
    assert (found.verdict, found.facts["ntp"]["clock_offset_s"]) == (Verdict.PASS, pytest.approx(0, abs=0.1))


def test_silence_is_no_proof(time_server, ask):
    """Of UDP it says neither closed nor filtered."""
    found = ask(PROBE, time_server(lambda query: None), timeout=0.6)
    assert (found.cause, found.confidence, found.layer) == ("udp.no_answer", Confidence.LIKELY, Layer.CONNECT)


def test_a_closed_port_says_so(ask):
    """By ICMP, signed by the address itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = ask(PROBE, port)
    assert (found.verdict, found.cause) == (Verdict.FAIL, "udp.port_closed")


def test_an_answer_to_another_question_is_none():
    """Only what echoes our random timestamp is believed (RFC 5905 8)."""
    query = bytes(40) + struct.pack("!Q", 7)
    assert answer(saying()(query), 8, 0.0, 0.1) is None
    assert answer(b"short", 7, 0.0, 0.1) is None
    assert answer(saying()(query), 7, time.time(), time.time()) is not None


def test_the_next_era(monkeypatch):
    """From 2036 on timestamps begin anew: the era nearest to our own clock is meant (RFC 5905 6)."""
    then = 2_100_000_000.0
    monkeypatch.setattr(time, "time", lambda: then)
    query = bytes(40) + struct.pack("!Q", 7)
    wrapped = bytearray(saying()(query[:48]) if stamp(then) < 2**64 else b"")
    if not wrapped:
        now = stamp(then) % 2**64
        wrapped = bytearray(PACKET.pack(4 << 3 | 4, 2, 0, 0, 0, 0, b"GPS", now, 7, now, now))
    said = answer(bytes(wrapped), 7, then, then)
    assert said is not None
    assert abs(said.offset) < 0.01


def test_what_an_offset_breaks():
    """Neither, codes alone, or both."""
    assert [bool(breaks(offset)) for offset in (5.0, 31.0, -301.0)] == [False, True, True]
