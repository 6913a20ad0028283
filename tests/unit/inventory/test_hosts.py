"""Sets of hosts: counted by arithmetic, expanded in order."""

from __future__ import annotations

import ipaddress
import itertools

import pytest

from netcheck.inventory.hosts import address_of, read_host, read_hosts
from probes.settings import BadValue


@pytest.mark.parametrize(
    ("text", "count", "first", "last"),
    [
        ("10.20.0.0/28", 14, "10.20.0.1", "10.20.0.14"),
        ("10.20.0.0/30", 2, "10.20.0.1", "10.20.0.2"),
        ("10.20.0.0/31", 2, "10.20.0.0", "10.20.0.1"),
        ("10.20.0.7/32", 1, "10.20.0.7", "10.20.0.7"),
        ("2001:db8::/120", 255, "2001:db8::1", "2001:db8::ff"),
        ("2001:db8::/127", 2, "2001:db8::", "2001:db8::1"),
        ("2001:db8::1/128", 1, "2001:db8::1", "2001:db8::1"),
        ("web[01-12].example", 12, "web01.example", "web12.example"),
        ("web[8-11]", 4, "web8", "web11"),
        ("web[008-011]", 4, "web008", "web011"),
        ("r[1-2]-[01-03]", 6, "r1-01", "r2-03"),
        ("10.0.0.[1-5]", 5, "10.0.0.1", "10.0.0.5"),
        ("db01.example", 1, "db01.example", "db01.example"),
    ],
)
def test_expansion(text: str, count: int, first: str, last: str) -> None:
    """As many as counted, from the first to the last."""
    hosts = read_hosts(text)
    names = list(hosts)
    assert (hosts.count, len(names), names[0], names[-1]) == (count, count, first, last)
    assert len(set(names)) == count


def test_several_ranges_count_like_an_odometer() -> None:
    """The last range counts fastest."""
    assert list(read_hosts("r[1-2]p[1-2]")) == ["r1p1", "r1p2", "r2p1", "r2p2"]


@pytest.mark.parametrize("prefix", range(20, 33))
def test_networks_as_the_library_has_them(prefix: int) -> None:
    """The same addresses as `ipaddress` gives."""
    network = ipaddress.ip_network(f"172.16.0.0/{prefix}")
    assert list(read_hosts(str(network))) == [str(host) for host in network.hosts()]


def test_a_vast_network_costs_nothing() -> None:
    """Counting does not expand, and the first hosts come at once."""
    vast = read_hosts("2001:db8::/32")
    assert vast.count == 2**96 - 1
    assert list(itertools.islice(vast, 2)) == ["2001:db8::1", "2001:db8::2"]


def test_a_vast_range_costs_nothing() -> None:
    """Reading and counting write no number out."""
    vast = read_hosts("h[0001-999999999999]-[1-9]")
    assert vast.count == 999_999_999_999 * 9


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("a", "a"),
        ("_srv.a-b.example", "_srv.a-b.example"),
        ("db1.example.", "db1.example."),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("münchen.example", "xn--mnchen-3ya.example"),
    ],
)
def test_host(text: str, host: str) -> None:
    """Names and addresses, in their normal form."""
    assert read_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        "-a",
        "a-",
        "a b",
        "a/b",
        "10.0.0.1.2",
        "10.0.0.01",
        "1",
        ":1",
        "a" * 64,
        "a." * 127 + "a",
    ],
)
def test_no_host(text: str) -> None:
    """What can be neither a name nor an address."""
    with pytest.raises(BadValue):
        read_host(text)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "::",
        "0:0::0",
        "::ffff:0.0.0.0",
        "0.0.0.0/32",
        "0.0.0.0/31",
        "::/127",
        "0.0.0.[0-3]",
    ],
)
def test_nobody_s_address(text: str) -> None:
    """A connection to it ends at this very host."""
    with pytest.raises(BadValue, match="no host's address"):
        read_hosts(text)


def test_address_of() -> None:
    """An address is told from a name."""
    assert address_of("10.0.0.1") == ipaddress.ip_address("10.0.0.1")
    assert address_of("::1") == ipaddress.ip_address("::1")
    assert address_of("db1") is None


@pytest.mark.parametrize("text", ["10.20.0.2-41", "10.20.0.2-10.20.0.41"])
def test_a_range_as_other_tools_write_it_is_no_name(text: str) -> None:
    """The brackets are missing; as a name it would only fail to resolve."""
    with pytest.raises(BadValue, match=r"a range is `10\.20\.0\.\[2-41\]`"):
        read_hosts(text)
