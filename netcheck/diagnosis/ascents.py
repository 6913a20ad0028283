"""What a ladder shows by how it ended. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from probes.contract import Ascent, Layer, Verdict


def furthest(ascents: Iterable[Ascent]) -> Ascent:
    """The ladder that got highest; of several a failure before what could not be checked, then the first."""

    def height(ascent: Ascent) -> tuple[int, bool]:
        passed = sum(step.verdict is Verdict.PASS for step in ascent.steps)
        return passed, ascent.verdict is Verdict.FAIL

    return max(ascents, key=height)


def connected(ascent: Ascent) -> bool:
    """Whether the TCP handshake with this address was completed."""
    return any(step.layer is Layer.CONNECT and step.verdict is Verdict.PASS for step in ascent.steps)


def alive(ascent: Ascent) -> bool:
    """Whether the address itself answered: it connected, or refused with an RST or an ICMP error."""
    return connected(ascent) or ascent.cause == "tcp.refused" or signed_by_itself(ascent)


def signed_by_itself(ascent: Ascent) -> bool:
    """Whether the very address that was tried rejected the SYN by ICMP.

    A host unreachable after a wait is not its own: a translating router signs so for a dead host behind it.
    """
    if ascent.signed_by is None or ascent.address is None or ascent.cause == "tcp.host_down":
        return False
    tried = ascent.address.partition("%")[0]
    return ipaddress.ip_address(tried) == ipaddress.ip_address(ascent.signed_by)
