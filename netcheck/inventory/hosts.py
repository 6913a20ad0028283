"""Sets of hosts: one host, a range of names, a network. Counted by arithmetic, expanded lazily."""

from __future__ import annotations

import ipaddress
import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from probes.net.nowhere import is_unspecified
from probes.settings import BadValue, shown

MOST_ADDRESSES = 1_048_576
RANGE = re.compile(r"\[([^\]]*)\]")
SPREAD = re.compile(r"((?:\d+\.){3})(\d+)-(?:\1)?(\d+)")  # a range as other tools write it
LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


class HostSet(Protocol):
    """Hosts in order; `count` costs nothing."""

    @property
    def count(self) -> int: ...

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class One:
    """A single host: a name or an address in its normal form."""

    host: str
    count: int = 1

    def __str__(self) -> str:
        return self.host

    def __iter__(self) -> Iterator[str]:
        yield self.host


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers of one `[01-12]`: `width` digits, zeros before."""

    first: int
    last: int
    width: int

    def __iter__(self) -> Iterator[str]:
        return (f"{number:0{self.width}}" for number in range(self.first, self.last + 1))


@dataclass(frozen=True, slots=True)
class Range:
    """`web[01-12]-[1-2]`: texts around spans of numbers, the last span counting fastest."""

    texts: tuple[str, ...]
    spans: tuple[Span, ...]

    def __str__(self) -> str:
        """As it was written."""
        spans = [f"[{span.first:0{span.width}}-{span.last}]" for span in self.spans]
        return "".join(part for pair in zip(self.texts, (*spans, ""), strict=True) for part in pair)

    @property
    def count(self) -> int:
        total = 1
        for span in self.spans:
            total *= span.last - span.first + 1
        return total

    @property
    def first(self) -> str:
        """The first host. `next(iter(…))` would write out every number first."""
        numbers = (f"{span.first:0{span.width}}" for span in self.spans)
        return "".join(text + number for text, number in zip(self.texts, (*numbers, ""), strict=True))

    def __iter__(self) -> Iterator[str]:
        for numbers in itertools.product(*self.spans):
            pairs = zip(self.texts, (*numbers, ""), strict=True)
            yield "".join(text + number for text, number in pairs)


@dataclass(frozen=True, slots=True)
class Network:
    """The host addresses of a network, `first` to `last` as numbers.

    IPv4 without network and broadcast address (a /31 has two hosts, RFC 3021; a /32 one); IPv6 without
    the subnet-router anycast address (RFC 4291 2.6.1; a /127 has two hosts, RFC 6164).
    """

    first: int
    last: int
    version: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    def __iter__(self) -> Iterator[str]:
        numbers = range(self.first, self.last + 1)
        if self.version == 6:
            return (str(ipaddress.IPv6Address(number)) for number in numbers)
        return (f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in numbers)


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The host as an address, or None where it is a name."""
    if not host[:1].isalnum() and host[:1] != ":":
        return None
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def read_hosts(text: str) -> HostSet:
    """One host, a range or a network in CIDR form. Raises BadValue."""
    if "://" in text:
        raise BadValue(f"{shown(text)} is a URL, not a host; a URL is a check")
    if "/" in text:
        return read_network(text)
    if text.startswith("[") and address_of(text[1:].removesuffix("]")):
        raise BadValue(f"{shown(text)}: an address is written without brackets")
    return read_range(text) if "[" in text or "]" in text else One(read_host(text))


def read_network(text: str) -> Network:
    """The hosts of `10.20.0.0/28`. Raises BadValue."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        if "host bits" in str(error):
            fixed = ipaddress.ip_network(text, strict=False)
            raise BadValue(f"{shown(text)} has host bits set; write `{fixed}`") from None
        raise BadValue(f"{shown(text)} is not a network (for example `10.20.0.0/28`)") from None
    if network.network_address.is_unspecified and network.prefixlen >= network.max_prefixlen - 1:
        raise BadValue(f"{shown(text)} holds `{network.network_address}`, which is no host's address")
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.prefixlen < network.max_prefixlen - 1:
        first += 1
        last -= network.version == 4
    return Network(first, last, network.version)


def read_range(text: str) -> Range:
    """`web[01-12].example`: every bracket a span of numbers. Raises BadValue."""
    texts = RANGE.split(text)[::2]
    spans = tuple(_span(found[1], text) for found in RANGE.finditer(text))
    if not spans or any("[" in part or "]" in part for part in texts):
        raise BadValue(f"{shown(text)} is not a range: every `[` needs its `]` (for example `web[01-12]`)")
    made = Range(tuple(texts), spans)
    read_host(made.first)
    return made


def _span(words: str, text: str) -> Span:
    found = re.fullmatch(r"(\d{1,40})-(\d{1,40})", words)
    if found is None:
        raise BadValue(f"{shown(text)} is not a range: `[{words}]` is not like `[01-12]`")
    first, last = int(found[1]), int(found[2])
    if first > last:
        raise BadValue(f"{shown(text)} is not a range: {found[1]} is greater than {found[2]}")
    return Span(first, last, len(found[1]))


def read_host(text: str) -> str:
    """A host name (RFC 1123 2.1, underscores too) or an address, in its normal form. Raises BadValue."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    address = address_of(bare)
    if address is not None:
        if is_unspecified(bare):
            raise BadValue(f"{shown(text)} is no host's address; this host itself is `localhost`")
        if address.version == 6 and address.is_link_local and not address.scope_id:
            raise BadValue(f"{shown(text)} is link-local: say on which interface (`{address}%eth0`)")
        return str(address)
    name = _ascii(text)
    labels = name.rstrip(".").split(".")
    if len(name) > 253 or name.endswith("..") or not all(map(LABEL.fullmatch, labels)):
        with_port = "; a port belongs to a check (`ssh/2222`)" if re.search(r"\w:\d+$", text) else ""
        raise BadValue(f"{shown(text)} is not a host name or address{with_port}")
    if labels[-1].isdigit() or SPREAD.fullmatch(
        text
    ):  # RFC 1123 2.1: a name's last label is alphabetic; this is a mistyped address
        raise BadValue(f"{shown(text)} is not an address: {_of_an_address(text)}")
    return name


def _of_an_address(text: str) -> str:
    """What is wrong with what looks like an IPv4 address."""
    spread = SPREAD.fullmatch(text)
    if spread:
        return f"a range is `{spread[1]}[{spread[2]}-{spread[3]}]`"
    zeros = ", without zeros before them" if re.search(r"\b0\d", text) else ""
    return f"it takes four numbers from 0 to 255{zeros}"


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    odd = next((char for char in name if not (char.isalnum() or char in ".-_")), "")
    if unicodedata.category(odd or "a")[0] in "PSZC":  # word processors' quotes, dashes and spaces
        raise BadValue(
            f"{shown(name)} is not a host name or address: it has a {unicodedata.name(odd, 'sign')}"
        )
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadValue(f"{shown(name)} is not a host name or address") from None
