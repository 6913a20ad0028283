"""nmap -sT and netcheck see the same state of at least a thousand ports drawn by chance."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import groupby
from typing import Any

import pytest

from tests.lab import oracle
from tests.lab.lab import Lab

# One second a try, three tries: the patience that netcheck has in three seconds.
PATIENCE = [
    "--initial-rtt-timeout",
    "1s",
    "--min-rtt-timeout",
    "1s",
    "--max-rtt-timeout",
    "1s",
    "--max-retries",
    "2",
]
STATE = {
    "tcp.refused": "closed",
    **dict.fromkeys(("tcp.filtered", "tcp.rejected", "tcp.no_route", "tcp.host_down"), "filtered"),
}
# Both arrive as ECONNREFUSED; connect() alone, which is all that nmap has, calls them closed.
PORT_UNREACHABLE = "reject-port-unreachable"


@pytest.fixture(scope="session")
def scanned(lab: Lab, seed: int) -> dict[tuple[str, int], str]:
    """nmap's state of every drawn port."""
    found = {}
    for six, group in groupby(oracle.draw(seed), key=lambda pair: ":" in pair.address):
        found |= _scan(lab, tuple(group), ("-6",) if six else ())
    return found


def test_same_states(
    seed: int, drawn: dict[tuple[str, int], Any], scanned: dict[tuple[str, int], str]
) -> None:
    """Open is a pass, closed a refusal by RST, filtered a silence or an ICMP error."""
    pairs = oracle.draw(seed)
    assert len(pairs) >= 1000
    differ = []
    for pair in pairs:
        check, theirs = drawn[pair.address, pair.port], scanned[pair.address, pair.port]
        ours = "open" if check["verdict"] == "pass" else STATE.get(check["cause"], check["cause"])
        if pair.state == PORT_UNREACHABLE and theirs == "closed":
            theirs = "filtered"
        if ours != theirs:
            differ.append(f"{pair}: nmap {theirs}, netcheck {ours} ({check['summary']})")
    assert not differ, f"seed {seed}: {len(differ)} differ, first {differ[:3]}"


def test_drawn_states(seed: int, drawn: dict[tuple[str, int], Any]) -> None:
    """netcheck tells each way of being stopped from the others, which nmap's three states do not."""
    wrong = [
        (pair, check["cause"])
        for pair in oracle.draw(seed)
        if (check := drawn[pair.address, pair.port])["cause"] not in _causes(pair)
    ]
    assert not wrong, f"seed {seed}: {len(wrong)} wrong, first {wrong[:3]}"


def _causes(pair: oracle.Pair) -> tuple[str | None, ...]:
    """What a port in this state may be called. A router may lack a route, the target has one to itself."""
    if pair.state == "reject-no-route" and pair.place != "targets":
        return ("tcp.no_route", "tcp.rejected")
    known = {"open": None, "closed": "tcp.refused", "drop": "tcp.filtered", "reset": "tcp.refused"}
    return (known.get(pair.state, "tcp.rejected"),)


def _scan(lab: Lab, pairs: tuple[oracle.Pair, ...], family: tuple[str, ...]) -> dict[tuple[str, int], str]:
    addresses = sorted({pair.address for pair in pairs})
    ports = ",".join(sorted({str(pair.port) for pair in pairs}))
    argv = ("nmap", *family, "-sT", "-Pn", "-n", *PATIENCE, "-oX", "-", "-p", ports, *addresses)
    done = lab.run(*argv, timeout=170)
    assert done.returncode == 0, done.stderr
    return {
        (host.find("address").get("addr"), int(port.get("portid"))): port.find("state").get("state")
        for host in ET.fromstring(done.stdout).iter("host")
        for port in host.iter("port")
    }
