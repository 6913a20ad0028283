"""`-o x.pcap` on real interfaces: a network namespace of the test's own, with nothing but loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, IPerror, TCPerror
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet
from scapy.utils import PcapReader

COMMAND = str(Path(sys.executable).parent / "netcheck")
CLOSED, OPEN = 7001, 7002
ROUTER, SILENT, PROHIBITED = "10.1.0.1", "10.20.0.15", "10.20.0.16"
Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


def _possible() -> bool:
    """Whether this user may lay out a namespace with a packet socket in it."""
    tried = [
        *_unshare(),
        sys.executable,
        "-c",
        "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)",
    ]
    return bool(shutil.which("unshare")) and subprocess.run(tried, capture_output=True).returncode == 0


def _unshare() -> list[str]:
    return ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net"]


privileged = pytest.mark.skipif(not _possible(), reason="no namespace with links of our own (unshare --net)")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `netcheck check` with these words in a namespace where one port is open, beside a router.

    The router sends what goes to SILENT nowhere and prohibits what goes to PROHIBITED.
    """
    script = f"""
        set -e
        ip link set lo up
        unshare --net sleep 60 &
        router=$!
        {sys.executable} -c '{_server()}' >ready &
        server=$!
        trap "kill $router $server" EXIT
        while [ ! -s ready ] || [ /proc/$router/ns/net -ef /proc/$$/ns/net ]; do sleep 0.02; done
        ip link add near type veth peer name there netns $router
        ip address add 10.1.0.2/24 dev near
        ip link set near up
        nsenter --net=/proc/$router/ns/net sh -ec '
            ip address add {ROUTER}/24 dev there
            ip link set there up
            ip link add far type veth peer name nowhere
            ip link set nowhere up
            ip link set far up
            ip address add 10.20.0.1/24 dev far
            ip neighbour add {SILENT} lladdr 02:00:00:00:00:01 dev far
            ip route add prohibit {PROHIBITED}
            sysctl -qw net.ipv4.ip_forward=1'
        ip route add 10.20.0.0/24 via {ROUTER}
        status=0
        "$@" || status=$?
        exit $status
    """

    def call(*words: str, under: tuple[str, ...] = ()) -> Done:
        return subprocess.run(
            [*_unshare(), "sh", "-c", textwrap.dedent(script), "sh", *under, COMMAND, "check", *words],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONUTF8": "1"},
        )

    return call


def _server() -> str:
    """Greets with something that must not be in a capture."""
    return (
        f'import socket; s = socket.create_server(("", {OPEN})); print("up", flush=True)\n'
        'while True: s.accept()[0].sendall(b"hunter2" * 9)'
    )


def packets(path: Path) -> list[Packet]:
    with PcapReader(str(path)) as reader:
        return list(reader)


def ends(packet: Packet) -> tuple[int, int]:
    return packet[TCP].sport, packet[TCP].dport


@privileged
def test_the_syn_and_the_rst_of_the_failing_flow_and_no_other(run: Run, tmp_path: Path) -> None:
    """Refused on 7001 of both versions; the host's open port is in no packet."""
    words = [f"tcp://127.0.0.1:{OPEN}", f"tcp://127.0.0.1:{CLOSED}", f"tcp://[::1]:{CLOSED}"]
    done = run(*words, "-o", "x.pcap", "-o", "x.json")
    assert done.returncode == 1, done.stderr
    found = packets(tmp_path / "x.pcap")
    assert f"netcheck: x.pcap: {len(found)} packets, headers only, of " in done.stderr
    assert all(CLOSED in ends(packet) for packet in found)
    for layer in (IP, IPv6):
        of_one = [packet for packet in found if layer in packet]
        assert {str(packet[TCP].flags) for packet in of_one} == {"S", "RA"}
        syns = sum(packet[TCP].flags == "S" for packet in of_one)
        assert syns * 2 == len(of_one) >= 4  # each answered, and none twice for loopback's two directions
    assert [packet.time for packet in found] == sorted(packet.time for packet in found)
    assert "captured: the RST arrived with TTL 64" in (tmp_path / "x.json").read_text()


@privileged
def test_silence_behind_another_interface_is_captured_too(run: Run, tmp_path: Path) -> None:
    """Not only loopback: every SYN, and what the router said to those of the trace."""
    done = run(f"tcp://{SILENT}:22", "--timeout", "1", "-o", "x.pcap")
    assert "tcp.filtered" in done.stdout
    found = packets(tmp_path / "x.pcap")
    syns = {(packet[IP].dst, packet[TCP].dport, str(packet[TCP].flags)) for packet in found if TCP in packet}
    assert syns == {(SILENT, 22, "S")}
    assert {(packet[IP].src, packet[ICMP].type) for packet in found if ICMP in packet} == {(ROUTER, 11)}


@privileged
def test_the_icmp_errors_quote_the_failing_flow(run: Run, tmp_path: Path) -> None:
    """Who signed, and for which of our packets."""
    done = run(f"tcp://{PROHIBITED}:22", f"tcp://127.0.0.1:{CLOSED}", "-o", "x.pcap")
    assert "tcp.rejected" in done.stdout
    found = [packet for packet in packets(tmp_path / "x.pcap") if ICMP in packet]
    assert {(packet[IP].src, packet[ICMP].type, packet[ICMP].code) for packet in found} <= {
        (ROUTER, 3, 13),
        (ROUTER, 11, 0),
    }
    assert (3, 13) in {(packet[ICMP].type, packet[ICMP].code) for packet in found}
    assert {(packet[IPerror].dst, packet[TCPerror].dport) for packet in found} == {(PROHIBITED, 22)}


@privileged
def test_what_is_said_is_never_kept(run: Run, tmp_path: Path) -> None:
    """A server that greets with the wrong thing: its segments' lengths are there, their content is not."""
    done = run(f"ssh://127.0.0.1:{OPEN}", "-o", "x.pcap")
    assert done.returncode == 1, done.stdout
    assert b"hunter" not in (tmp_path / "x.pcap").read_bytes()
    found = packets(tmp_path / "x.pcap")
    assert any(packet.wirelen >= len(packet) + 63 for packet in found)


@privileged
def test_where_all_passes_the_file_is_empty(run: Run, tmp_path: Path) -> None:
    """Valid, with a notice."""
    done = run(f"tcp://127.0.0.1:{OPEN}", "-o", "x.pcap")
    assert done.returncode == 0, done.stderr
    assert packets(tmp_path / "x.pcap") == []
    assert "no packets" in done.stderr


@privileged
@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is missing")
def test_without_privilege_nothing_is_sent(run: Run, tmp_path: Path) -> None:
    """A usage error that says what to do, and no file, no table, no history."""
    bare = ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")
    done = run(f"tcp://127.0.0.1:{CLOSED}", "-o", "x.pcap", under=bare)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("-o x.pcap: a capture needs privilege (CAP_NET_RAW): run it with sudo")
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]


def test_a_capture_of_nothing_opens_no_socket() -> None:
    """Without privilege too."""
    from probes.path.capture import Capture

    capture = Capture()
    with capture.of([]), socket.socket() as sock:
        sock.setblocking(False)
    assert capture.problem is None
