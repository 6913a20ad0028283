"""Which packets a capture keeps, what they confirm, and when there can be none."""

from __future__ import annotations

import importlib.util
import socket
import sys
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6
from scapy.packet import Packet

from probes.path import capture as capturing
from probes.path.capture import Capture, Watch, missing, plain
from probes.path.packets import Captured, read

US, DB, OTHER, ROUTER = "10.9.0.7", "10.20.0.15", "10.20.0.16", "10.1.0.1"


def there(port: int, flags: str = "S", *, source: int = 51234, host: str = DB) -> Packet:
    return IP(src=US, dst=host) / TCP(sport=source, dport=port, flags=flags)


def back(port: int, flags: str, *, ttl: int = 61, source: int = 51234, host: str = DB) -> Packet:
    return IP(src=host, dst=US, ttl=ttl) / TCP(sport=port, dport=source, flags=flags)


def error(quoted: Packet, kind: int = 3) -> Packet:
    return IP(src=ROUTER, dst=US) / ICMP(type=kind) / bytes(quoted)


def watched(*packets: Packet, services: Any = ((DB, 22),)) -> Watch:
    """A watch that these packets have passed, one after the other."""
    watch = Watch(services)
    for number, packet in enumerate(packets):
        watch.take((number + 1) * 10**9, bytes(packet))
    return watch


def ports(watch: Watch) -> list[tuple[int, int]]:
    """Source and destination port of what was kept."""
    seen = [read(packet.headers) for packet in watch.result().packets]
    return [(one.flow.source_port, one.flow.port) for one in seen if one]


def test_a_failing_flow_is_kept_in_both_directions() -> None:
    """With the ICMP errors that quote it."""
    watch = watched(there(22), back(22, "RA"), error(there(22)), error(there(22), 11))
    assert ports(watch) == [(51234, 22), (22, 51234), (51234, 22), (51234, 22)]
    assert watch.result().flows == 1


@pytest.mark.parametrize(
    "packets",
    [
        [there(443), back(443, "SA"), there(443, "PA")],  # the same host's other port
        [there(22, host=OTHER), back(22, "RA", host=OTHER)],  # another host's same port
        [there(22, "PA"), back(22, "PA"), there(22, "FA")],  # a connection that was there before
        [back(22, "RA"), back(22, "SA")],  # answers to nobody
        [error(there(443)), error(there(22, source=50000))],  # about others
        [back(22, "S")],  # the other way round: the host asks us
    ],
)
def test_no_other_flow_is_kept(packets: list[Packet]) -> None:
    """Nothing of other services, and nothing of what began before."""
    result = watched(*packets).result()
    assert (result.packets, result.flows, result.missed) == ((), 0, 0)


def test_version_six_is_kept_as_well() -> None:
    """However the address was written."""
    syn = IPv6(src="fd00::7", dst="fd00::15") / TCP(sport=51234, dport=22)
    away = IPv6(src="fd00::1", dst="fd00::7") / ICMPv6DestUnreach(code=1) / bytes(syn)
    watch = watched(syn, away, services=[("FD00:0::15%eth0", 22)])
    assert len(watch.result().packets) == 2


def test_no_more_is_kept_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is counted."""
    monkeypatch.setattr(capturing, "MOST", 2)
    watch = watched(*[there(22, source=50000 + number) for number in range(5)])
    assert ports(watch) == [(50000, 22), (50001, 22)]
    assert watch.result().missed == 3


def test_the_ttls_of_an_rst_and_of_another_port_are_told() -> None:
    """Another port's handshake is compared with, and not kept."""
    watch = watched(there(22), back(22, "RA", ttl=62), there(443), back(443, "SA", ttl=61))
    assert watch.told(DB, 22) == "captured: the RST arrived with TTL 62, the SYN-ACK of tcp/443 with 61"
    assert ports(watch) == [(51234, 22), (22, 51234)]


def test_where_no_port_is_open_the_rst_of_another_is_compared() -> None:
    """A handshake comes first, then the RST of a port that nobody uses."""
    resets = [there(22), back(22, "RA", ttl=63), there(41873), back(41873, "RA", ttl=60)]
    assert watched(*resets).told(DB, 22) == "captured: the RST arrived with TTL 63, that of tcp/41873 with 60"
    told = watched(*resets, there(50001), back(50001, "SA", ttl=59)).told(DB, 22)
    assert told == "captured: the RST arrived with TTL 63, the SYN-ACK of tcp/50001 with 59"


def test_an_rst_alone_is_told_alone() -> None:
    """Several TTLs are all named; they are nothing of another host's."""
    watch = watched(
        there(22),
        back(22, "RA", ttl=62),
        there(22, source=50000),
        back(22, "RA", ttl=61, source=50000),
        there(443, host=OTHER),
        back(443, "SA", host=OTHER),
    )
    assert watch.told(DB, 22) == "captured: the RST arrived with TTL 61 and 62"


@pytest.mark.parametrize(
    "packets",
    [
        [],
        [there(22)],
        [there(22), back(22, "SA")],
        [back(22, "RA")],  # of a connection whose beginning was not seen
        [there(443), back(443, "RA")],
    ],
)
def test_where_no_rst_was_captured_nothing_is_told(packets: list[Packet]) -> None:
    """No sentence without a packet."""
    assert watched(*packets).told(DB, 22) is None


def test_addresses_are_written_in_one_way() -> None:
    """As the kernel does."""
    assert [plain(each) for each in ("10.20.0.15", "2001:DB8::0:1", "fe80::1%eth0")] == [
        "10.20.0.15",
        "2001:db8::1",
        "fe80::1",
    ]


def test_without_failing_services_nothing_is_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is opened, and the file is empty."""
    monkeypatch.setattr(socket, "socket", None)
    capture = Capture()
    with capture.of([]):
        pass
    assert capture.result().packets == ()
    assert capture.told(DB, 22) is None
    assert capture.problem is None


def test_a_capture_that_can_t_be_had_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one that dies on the way; the reason is kept for the end."""
    from probes.path import sniffer

    class Dying:
        def __init__(self, ports: Any, take: Any) -> None:
            take(5, bytes(there(22)))

        def stop(self) -> int:
            raise ValueError("died")

    def refused(ports: Any, take: Any) -> None:
        raise OSError(105, "No buffer space available")

    for kind, problem in ((refused, "No buffer space available"), (Dying, "ValueError: died")):
        monkeypatch.setattr(sniffer, "Sniffer", kind)
        capture = Capture()
        with capture.of([(DB, 22)]):
            pass
        assert capture.problem == problem


def test_what_was_lost_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel had no room for."""
    from probes.path import sniffer

    class Busy:
        def __init__(self, ports: Any, take: Any) -> None:
            assert ports == {22, 443}
            take(10**9, bytes(there(22)))

        def stop(self) -> int:
            return 7

    monkeypatch.setattr(sniffer, "Sniffer", Busy)
    capture = Capture()
    with capture.of([(DB, 22), (OTHER, 443)]):
        assert capture.result().missed == 0
    result = capture.result()
    assert (len(result.packets), result.missed) == (1, 7)
    assert result.packets[0] == Captured(10**9, bytes(there(22)), 40)


# Whether there can be a capture


class Refusing:
    """A packet socket that this user may not have."""

    def __init__(self, *words: Any) -> None:
        raise PermissionError(1, "Operation not permitted")


class Given:
    """One that this user may have."""

    def __init__(self, *words: Any) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def privileged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(capturing.socket, "socket", Given)


@pytest.mark.usefixtures("privileged")
def test_where_all_is_there_nothing_is_missing() -> None:
    """Linux, scapy and privilege."""
    assert missing() is None


@pytest.mark.usefixtures("privileged")
def test_privilege_is_asked_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of the user's number: a capability will do, and root in a container may have none."""
    monkeypatch.setattr(capturing.socket, "socket", Refusing)
    remedy = "run it with sudo, or in a container with `--cap-add NET_RAW`"
    assert missing() == f"a capture needs privilege (CAP_NET_RAW): {remedy}"


@pytest.mark.usefixtures("privileged")
def test_scapy_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that brings it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert missing() == "a capture needs scapy, which is not installed: pip install 'netcheck[capture]'"


@pytest.mark.usefixtures("privileged")
def test_a_broken_scapy_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback."""
    monkeypatch.setitem(sys.modules, "probes.path.sniffer", None)
    assert "scapy can't be loaded (ModuleNotFoundError" in (missing() or "")


def test_another_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets are captured on Linux."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert missing() == "packets are captured on Linux only, and this is darwin"
