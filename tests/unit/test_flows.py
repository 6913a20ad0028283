"""The flows to open: exact, merged, one line an owner."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Contact
from netcheck.diagnosis.findings.flows import compressed, lines
from netcheck.record import CheckRecord
from probes.contract import Layer, Step, Verdict
from probes.net.base import Source

Make = Callable[..., CheckRecord]
UNIX, CORE = Contact("Unix team"), Contact("Core network")


@pytest.fixture
def lost(a_check: Make) -> Make:
    """A silent service at an address and port."""

    def make(address: str, port: int | None, **changes: Any) -> CheckRecord:
        given = {"verdict": Verdict.FAIL, "cause": "tcp.filtered", "address": address, "port": port}
        return a_check(**{**given, "source": Source("10.9.0.7", 40000), **changes})

    return make


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        (["10.0.0.2", "10.0.0.1"], "10.0.0.1-2"),
        (["10.0.0.1", "10.0.0.3"], "10.0.0.1, 10.0.0.3"),
        (["10.0.0.1", "10.0.0.1"], "10.0.0.1"),
        ([f"10.0.0.{n}" for n in range(1, 255)], "10.0.0.1-254"),
        ([f"10.0.0.{n}" for n in range(256)], "10.0.0.0/24"),
        ([f"10.0.0.{n}" for n in range(4, 8)], "10.0.0.4/30"),
        ([f"10.0.0.{n}" for n in range(3, 7)], "10.0.0.3-6"),
        (["10.0.0.254", "10.0.0.255", "10.0.1.0"], "10.0.0.254-10.0.1.0"),
        (["0.0.0.0", "255.255.255.255"], "0.0.0.0, 255.255.255.255"),
        (["2001:db8::1", "2001:db8::2"], "2001:db8::1, 2001:db8::2"),
        (["2001:db8::1", "2001:db8::2", "2001:db8::3"], "2001:db8::1-2001:db8::3"),
        ([f"2001:db8::{n:x}" for n in range(16)], "2001:db8::/124"),
        (["db02", "2001:db8::1", "10.0.0.1", "fe80::1%eth0"], "10.0.0.1, 2001:db8::1, db02, fe80::1%eth0"),
    ],
)  # fmt: skip
def test_addresses_are_said_shortly(hosts: list[str], said: str) -> None:
    """Ranges within the last octet, whole prefixes, both ends where more differs; names stay names."""
    assert compressed(hosts) == said


def test_no_address_is_added_or_lost() -> None:
    """What is said covers exactly what was given: a rule must not open more."""
    given = {n * n % 1009 for n in range(400)}
    covered: set[int] = set()
    for part in compressed(f"10.0.{n >> 8}.{n & 255}" for n in given).split(", "):
        if "/" in part:
            covered.update(int(one) for one in ipaddress.ip_network(part))
            continue
        low, _, high = part.partition("-")
        first = int(ipaddress.ip_address(low))
        last = (
            first
            if not high
            else int(ipaddress.ip_address(high if "." in high else f"{low.rpartition('.')[0]}.{high}"))
        )
        covered.update(range(first, last + 1))
    assert covered == {int(ipaddress.ip_address("10.0.0.0")) + n for n in given}


def test_one_line_an_owner(lost: Make) -> None:
    """Owners in the order of the inventory; who has none is not named."""
    checks = [
        lost("10.0.0.1", 22, owner=UNIX),
        lost("10.0.0.2", 22),
        lost("10.0.0.3", 22, owner=CORE),
        lost("10.0.0.4", 22, owner=UNIX),
    ]
    assert lines(checks, "here") == [
        "tcp/22 from 10.9.0.7 to 10.0.0.1, 10.0.0.4 (Unix team)",
        "tcp/22 from 10.9.0.7 to 10.0.0.2",
        "tcp/22 from 10.9.0.7 to 10.0.0.3 (Core network)",
    ]


def test_nothing_is_opened_that_nobody_needs(lost: Make) -> None:
    """Two services are one clause only for hosts that need both."""
    checks = [lost("10.0.0.1", 22), lost("10.0.0.1", 5432), lost("10.0.0.2", 22), lost("10.0.0.3", 22)]
    assert lines(checks, "here") == [
        "tcp/22, tcp/5432 from 10.9.0.7 to 10.0.0.1; tcp/22 from 10.9.0.7 to 10.0.0.2-3"
    ]


def test_each_source_has_its_clause(lost: Make) -> None:
    """Our own address decides which rule is needed; where it is not known, the vantage's name stands."""
    checks = [
        lost("10.0.0.1", 22),
        lost("10.0.0.2", 22, source=Source("10.8.0.7", 1)),
        lost("10.0.0.3", 22, source=None),
    ]
    [line] = lines(checks, "pc7")
    assert (
        line
        == "tcp/22 from 10.9.0.7 to 10.0.0.1; tcp/22 from 10.8.0.7 to 10.0.0.2; tcp/22 from pc7 to 10.0.0.3"
    )


def test_ports_in_a_row_are_a_range(lost: Make) -> None:
    """From three on; udp is not tcp."""
    checks = [lost("10.0.0.1", port) for port in (22, 8002, 8001, 8000, 443, 444)]
    asked = Step(Layer.CONNECT, Verdict.FAIL, "udp.rejected", detail={"transport": "udp"})
    udp = lost("10.0.0.1", 514, cause="udp.rejected", steps=(asked,))
    assert lines([*checks, udp], "here") == [
        "tcp/22, tcp/443, tcp/444, tcp/8000-8002, udp/514 from 10.9.0.7 to 10.0.0.1"
    ]


def test_a_check_without_a_port_is_no_flow(lost: Make) -> None:
    """A lookup by the system's own means has nothing that a rule could name."""
    assert lines([lost("10.0.0.1", None)], "here") == []
