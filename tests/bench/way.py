"""A way to measure traces on: vault ── twelve hops ── target, each in a namespace of its own.

The last hop drops one port of the target and rejects another. Behind the first hop there are also two
networks of which no host says a word. Needs root, `ip`, `nft` and `sysctl`.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

PREFIX = f"netcheck-bench-{os.getpid()}-"  # two at a time do not meet
HOPS = 12
PLACES = ("vault", *(f"hop{number}" for number in range(1, HOPS + 1)), "target")
OPEN, CLOSED, DROPPED, REJECTED = 8101, 8102, 8103, 8104
TARGET = f"10.91.{HOPS}.2"
LAST = f"10.91.{HOPS - 1}.2"  # the last hop, as the vault sees it
SILENT = ("10.93.1.[1-200]", "10.93.2.[1-200]")
# Linux's routers answer a peer six times at once and then once a second, unless told otherwise.
UNLIMITED = ("net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_ratemask=0")

FORWARD = """
table inet bench {{
  chain forward {{
    type filter hook forward priority 0;
    {}
  }}
}}
"""
# By the ports of each socket, so that the kernel's repeats of a SYN do not count.
COUNTING = f"""
table inet bench {{
  set asked {{ type inet_service . inet_service; size 65535; flags dynamic; }}
  set completed {{ type inet_service . inet_service; size 65535; flags dynamic; }}
  chain out {{
    type filter hook output priority 0;
    ip daddr {TARGET} tcp flags & (syn | ack) == syn update @asked {{ tcp sport . tcp dport }}
    ip daddr {TARGET} tcp flags & (syn | rst | ack) == ack update @completed {{ tcp sport . tcp dport }}
  }}
}}
"""
RULES = {
    "vault": COUNTING,
    "hop1": FORWARD.format("ip daddr 10.93.0.0/16 drop"),
    f"hop{HOPS}": FORWARD.format(
        f"tcp dport {DROPPED} drop; tcp dport {REJECTED} reject with icmp type admin-prohibited"
    ),
}


class Counted(NamedTuple):
    """SYNs sent to the target, the kernel's repeats not counted, and handshakes that an ACK completed."""

    syns: int
    handshakes: int

    def beyond(self, other: Counted) -> Counted:
        """How many more these are."""
        return Counted(self.syns - other.syns, self.handshakes - other.handshakes)


def possible() -> bool:
    """Whether this machine lets us lay the way."""
    return os.geteuid() == 0 and all(map(shutil.which, ("ip", "nft", "sysctl")))


def inside(place: str) -> list[str]:
    """The words before a command that run it there."""
    return ["ip", "netns", "exec", PREFIX + place]


@contextmanager
def way(*, limited: bool = False) -> Iterator[None]:
    """The way, laid out, with a server on the target's open port.

    `limited`: the hops' ICMP has Linux's limit.
    """
    try:
        for place in PLACES:
            _run("ip", "netns", "add", PREFIX + place)
            options = ("net.ipv4.ip_forward=1", *(() if limited else UNLIMITED))
            _run(*inside(place), "sysctl", "-qw", *options)
            _run(*inside(place), "ip", "link", "set", "lo", "up")
        for number, (here, there) in enumerate(itertools.pairwise(PLACES)):
            _join(here, there, f"10.91.{number}")
        _run(*inside("hop1"), "ip", "route", "add", "10.93.0.0/16", "via", "10.91.1.2")
        for place, rules in RULES.items():
            _run(*inside(place), "nft", "-f", "-", feed=rules)
        with _server():
            yield
    finally:
        _remove()


def counted() -> Counted:
    """What was counted since the last call."""
    found = Counted(_elements("asked"), _elements("completed"))
    for name in ("asked", "completed"):
        _run(*inside("vault"), "nft", "flush", "set", "inet", "bench", name)
    return found


def _elements(name: str) -> int:
    shown = _run(*inside("vault"), "nft", "-j", "list", "set", "inet", "bench", name)
    return sum(len(part["set"].get("elem", ())) for part in json.loads(shown)["nftables"] if "set" in part)


def _join(here: str, there: str, network: str) -> None:
    """A link, with the routes over it: to the target from here, back to the vault from there."""
    near, far = inside(here), inside(there)
    _run(*near, "ip", "link", "add", "on", "type", "veth", "peer", "back", "netns", PREFIX + there)
    for place, device, address in ((near, "on", f"{network}.1"), (far, "back", f"{network}.2")):
        _run(*place, "ip", "address", "add", f"{address}/24", "dev", device)
        _run(*place, "ip", "link", "set", device, "up")
    onward = "default" if here == "vault" else f"{TARGET}/32"
    if there != "target":
        _run(*near, "ip", "route", "add", onward, "via", f"{network}.2")
    if here != "vault":
        _run(*far, "ip", "route", "add", "10.91.0.0/24", "via", f"{network}.1")


@contextmanager
def _server() -> Iterator[None]:
    """Accepts and closes on the target's open port."""
    program = (
        f"import socket\nwith socket.create_server(('', {OPEN})) as server:\n"
        " print(flush=True)\n while True: server.accept()[0].close()"
    )
    argv = [*inside("target"), sys.executable, "-c", program]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout
            started.stdout.readline()
            yield
        finally:
            started.kill()


def _remove() -> None:
    for place in PLACES:
        subprocess.run(["ip", "netns", "del", PREFIX + place], check=False, capture_output=True)


def _run(*argv: str, feed: str | None = None) -> str:
    done = subprocess.run(argv, input=feed, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout
