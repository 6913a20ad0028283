"""What is read of the facts that probes keep: the one place that knows their keys. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from probes.contract import Ascent

if TYPE_CHECKING:
    from probes.ssh.wire import Algorithms

# How a server that will not go on with a key exchange ends it.
NOT_FURTHER = frozenset({"protocol.closed", "protocol.reset", "protocol.silent"})


def foreign_issuer(ascent: Ascent) -> str | None:
    """The issuer of a certificate for a public name, where no public CA knows its chain."""
    tls = ascent.facts.get("tls")
    if not tls or tls.get("known_publicly") is not False or not tls["chain"]:
        return None
    leaf = tls["chain"][0]
    return None if leaf.get("self_issued") else str(leaf["issuer"])


def known_publicly(facts: Mapping[str, Any]) -> bool | None:
    """Whether a public name's chain is one that public CAs know; None: not a public name, or no TLS."""
    known = (facts.get("tls") or {}).get("known_publicly")
    return known if isinstance(known, bool) else None


def issuer(facts: Mapping[str, Any]) -> str | None:
    """The issuer of the certificate that came."""
    chain = (facts.get("tls") or {}).get("chain")
    return str(chain[0]["issuer"]) if chain else None


def host_key(ascent: Ascent) -> str | None:
    """The fingerprint of an SSH host key that was proved."""
    found = ascent.facts.get("host_key")
    return found["fingerprint"] if found else None


def greeted(ascent: Ascent) -> bool:
    """Whether an SSH server introduced itself."""
    return "identification" in ascent.facts


def unverified_key(ascent: Ascent) -> str | None:
    """The fingerprint of an SSH host key that was proved, and that nothing says is the right one."""
    found = ascent.facts.get("host_key")
    return found["fingerprint"] if found and found["standing"] != "verified" else None


def refusable(ascent: Ascent) -> Algorithms | None:
    """What an SSH server offered that went no further once an algorithm of each kind was agreed on."""
    from probes.ssh.wire import Algorithms  # reading a saved run needs no SSH

    facts = ascent.facts
    if ascent.cause not in NOT_FURTHER or "agreed" not in facts or "host_key" in facts:
        return None
    return Algorithms(**{kind: tuple(names) for kind, names in facts["offered"].items()})


def through_proxy(ascent: Ascent) -> bool:
    """Whether the address is a proxy's, and what answered may stand anywhere behind it."""
    return "proxy" in ascent.facts


def without_time(ascent: Ascent) -> bool:
    """Whether a time server says itself that it has no time."""
    return (ascent.facts.get("ntp") or {}).get("synchronised") is False


def proxy(facts: Mapping[str, Any]) -> str | None:
    """The proxy that was gone through, or was to be: the address of the check is then its own."""
    found = facts.get("proxy")
    return str(found) if found else None


def answers_as_no_proxy(facts: Mapping[str, Any]) -> bool:
    """Whether the proxy's port opened, and no TLS came about with it."""
    return "proxy_tls" in facts


def works_through(facts: Mapping[str, Any]) -> str | None:
    """The proxy through which a service is reached that is not reached directly."""
    found = facts.get("works_through")
    return str(found) if found else None


def astray(ascent: Ascent) -> Sequence[str]:
    """The addresses that a name has, and that are not its host's."""
    return ascent.facts.get("astray") or ()


def misled_by(ascent: Ascent) -> str | None:
    """The server, or the suffix of the search list, that misleads."""
    found = ascent.facts.get("misled_by")
    return str(found) if found else None


def clock_offset(ascent: Ascent) -> float | None:
    """By how many seconds the other's clock is ahead of this host's, as it says itself."""
    for name in ("http", "ntp"):
        found = ascent.facts.get(name)
        if found and found.get("clock_offset_s") is not None:
            return float(found["clock_offset_s"])
    return None
