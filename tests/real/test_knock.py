"""SYNs as experiments on loopback, and through a router in namespaces: what the kernel really tells."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE
from typing import TypeVar

import pytest

from probes.net.base import Reply
from probes.net.real import SystemNetwork

T = TypeVar("T")
HOME = "127.0.0.1"
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the error queue is Linux's")


def within(scene: Callable[[SystemNetwork], Awaitable[T]]) -> T:
    """Play the scene on a network of its own."""

    async def main() -> T:
        return await scene(SystemNetwork())

    return asyncio.run(main())


def knock(port: int, wait: float = 2.0, ttl: int | None = None, floor: int | None = None) -> Reply:
    """What a SYN to this port of loopback meets."""
    return within(lambda network: network.knock(HOME, port, network.now() + wait, ttl=ttl, floor=floor))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket."""
    with socket.create_server((HOME, 0)) as sock:
        yield sock


@pytest.fixture
def port(listener: socket.socket) -> int:
    """Its port."""
    return int(listener.getsockname()[1])


@pytest.fixture
def closed() -> int:
    """A port that nobody listens on: it was free a moment ago."""
    with socket.socket() as sock:
        sock.bind((HOME, 0))
        return int(sock.getsockname()[1])


def test_an_open_port_connects_and_nothing_lingers(listener: socket.socket, port: int) -> None:
    """The handshake is completed and at once ended by an RST: the server reads no clean end."""
    reply = knock(port)
    assert (reply.kind, reply.icmp) == ("connected", None)
    assert reply.rtt is not None
    assert 0 < reply.rtt < 1.0
    assert reply.source is not None
    with listener.accept()[0] as accepted, pytest.raises(ConnectionResetError):
        accepted.recv(1)


def test_a_closed_port_refuses(closed: int) -> None:
    """An RST, without an ICMP message."""
    reply = knock(closed)
    assert (reply.kind, reply.icmp) == ("refused", None)


def test_a_full_queue_is_silent(listener: socket.socket) -> None:
    """For as long as was asked, and no longer."""
    with socket.create_server((HOME, 0), backlog=0) as full, ExitStack() as held:
        address = full.getsockname()
        for _ in range(2):
            sock = held.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(address)

        async def scene(network: SystemNetwork) -> tuple[Reply, float]:
            began = network.now()
            reply = await network.knock(HOME, address[1], began + 0.3)
            return reply, network.now() - began

        reply, took = within(scene)
    assert reply.kind == "silent"
    assert 0.3 <= took < 0.8


@pytest.mark.parametrize(("floor", "kind"), [(1, "connected"), (64, "connected"), (65, "answered")])
def test_a_floor_leaves_a_handshake_from_further_away_unheard(port: int, floor: int, kind: str) -> None:
    """Loopback's segments arrive with 64: heard at this floor, and only counted one above."""
    assert knock(port, floor=floor).kind == kind


@pytest.mark.parametrize(("floor", "kind"), [(64, "refused"), (65, "answered")])
def test_a_floor_leaves_an_rst_unheard(closed: int, floor: int, kind: str) -> None:
    """So an RST's distance is told as a handshake's."""
    assert knock(closed, floor=floor).kind == kind


def test_ttl_1_reaches_this_host(port: int) -> None:
    """No router is between."""
    assert knock(port, ttl=1).kind == "connected"


@pytest.mark.parametrize("mss", [536, 1000])
def test_shaped_segments_are_small_both_ways(listener: socket.socket, port: int, mss: int) -> None:
    """The server keeps to what was announced; the plain network is not changed."""

    async def scene(network: SystemNetwork) -> list[int]:
        sizes = []
        for one in (network.shaped(mss), network):
            connection = await one.connect(HOME, port, network.now() + 2)
            with listener.accept()[0] as accepted:
                sizes.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
            connection.close()
        return sizes

    small, plain = within(scene)
    assert mss - 12 <= small <= mss  # less the timestamps option
    assert plain > 1460


def test_a_reverse_name_is_asked_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer, None where there is none; and no longer than the time that it is worth."""
    names = {"192.0.2.1": ("gw.acme.example", [], ["192.0.2.1"])}

    def lookup(address: str) -> tuple[str, list[str], list[str]]:
        if address not in names:
            raise socket.herror(1, "Unknown host")
        return names[address]

    monkeypatch.setattr(socket, "gethostbyaddr", lookup)

    async def scene(network: SystemNetwork) -> list[str | None]:
        return [await network.name_of(f"192.0.2.{last}", network.now() + 1) for last in (1, 2)]

    assert within(scene) == ["gw.acme.example", None]


WAY = """
set -e
ip link set lo up
ip link add out type veth peer name in netns $1
ip address add 10.77.1.2/24 dev out
ip link set out up
ip -6 address add fd77:1::2/64 dev out nodad
ip -6 route add default via fd77:1::1
ip route add default via 10.77.1.1
ip route add unreachable 10.77.4.0/24
nsenter --net=/proc/$1/ns/net sh -c '
    ip link set lo up
    ip address add 10.77.1.1/24 dev in
    ip link set in up
    ip -6 address add fd77:1::1/64 dev in nodad
    ip -6 route add fd77:2::/64 via fd77:1::2
    echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
    echo 1 > /proc/sys/net/ipv4/ip_forward
    ip route add 10.77.2.0/24 via 10.77.1.2
    ip route add prohibit 10.77.3.0/24'
shift
exec "$@"
"""
ASK = """
import asyncio
from probes.net.base import ConnectFailed
from probes.net.real import SystemNetwork
async def main():
    network = SystemNetwork()
    asked = ("10.77.2.9", 1), ("10.77.3.9", 9), ("10.77.1.1", 1), ("10.77.4.9", 9), ("fd77:2::9", 1)
    for address, ttl in asked:
        try:
            reply = await network.knock(address, 22, network.now() + 1.2, ttl=ttl)
        except ConnectFailed as failed:
            print("not sent", failed.local)
        else:
            icmp = reply.icmp
            print(reply.kind, *((icmp.type, icmp.code, icmp.sender, icmp.ttl) if icmp else ()))
asyncio.run(main())
"""
CAN_NAMESPACES = os.geteuid() == 0 and all(map(shutil.which, ("unshare", "nsenter", "ip")))


@pytest.mark.skipif(not CAN_NAMESPACES, reason="only root can make a router of a namespace")
def test_a_router_is_told_by_its_icmp_errors(tmp_path: Path) -> None:
    """Who lets a TTL run out, who prohibits, who refuses itself; and that nothing could be sent at all."""
    way = tmp_path / "way.sh"
    way.write_text(WAY)
    with subprocess.Popen(["unshare", "--net", "sh", "-c", "echo && exec sleep 30"], stdout=PIPE) as router:
        assert router.stdout is not None
        router.stdout.readline()  # it is in its namespace now, or was not let
        inside = ("sh", str(way), str(router.pid), sys.executable, "-c", ASK)
        done = subprocess.run(
            ["unshare", "--net", *inside], capture_output=True, text=True, timeout=20, check=False
        )
        router.terminate()
    if "Operation not permitted" in done.stderr:
        pytest.skip("no network namespaces here")
    assert done.stdout.splitlines() == [
        "expired 11 0 10.77.1.1 64",
        "rejected 3 13 10.77.1.1 64",
        "refused",
        "not sent True",
        "expired 3 0 fd77:1::1 64",
    ], done.stderr


@pytest.mark.parametrize("limit", [{"ttl": 1}, {"floor": 64}, {"ttl": 1, "floor": 64}])
def test_a_limited_syn_completes_no_handshake(
    listener: socket.socket, port: int, limit: dict[str, int]
) -> None:
    """It is ended while the kernel still waits with the last segment: the server never has a connection."""
    assert knock(port, **limit).kind == "connected"
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()
