"""What a ladder shows by how it ended. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from netcheck.diagnosis import facts
from probes.contract import Ascent, Layer, Outcome, Step, Verdict
from probes.ladder import UDP

ABOVE_CONNECT = (Layer.TLS, Layer.PROTOCOL, Layer.AUTH)
# What a path that loses big packets looks like, and what something that only completes handshakes does.
HANGING = frozenset({"protocol.silent", "protocol.slow", "tls.timeout"})
STALLED = HANGING | {"protocol.closed", "protocol.reset", "tls.closed", "tls.reset"}

ANSWERED_BY_PROXY = ("proxy.refused", "proxy.auth_required")


def furthest(ascents: Iterable[Ascent]) -> Ascent:
    """The ladder that got highest; of several a failure before what could not be checked, then the first."""

    def height(ascent: Ascent) -> tuple[int, bool]:
        passed = sum(step.verdict is Verdict.PASS for step in ascent.steps)
        return passed, ascent.verdict is Verdict.FAIL

    return max(ascents, key=height)


def connected(ascent: Ascent) -> bool:
    """Whether the TCP handshake with this address was completed."""
    return handshake(ascent.steps) is not None


def handshake(steps: Iterable[Step]) -> Step | None:
    """The step that completed the TCP handshake; None where none did."""
    for step in steps:  # a plain loop: it is asked thrice of each check
        if step.layer is Layer.CONNECT:
            return step if step.verdict is Verdict.PASS and step.detail.get("transport") != UDP else None
    return None


def by_udp(steps: Iterable[Step]) -> bool:
    """Whether datagrams were sent, and no handshake was to come about."""
    return any(step.layer is Layer.CONNECT and step.detail.get("transport") == UDP for step in steps)


def unconnected(ascent: Ascent) -> bool:
    """Whether a TCP connection did not come about, so that its way may be traced: not a datagram that was
    lost, nor a connection that a proxy was to make."""
    cause = ascent.cause or ""
    by_others = cause.startswith("udp.") or cause in ANSWERED_BY_PROXY
    by_others |= facts.answers_as_no_proxy(ascent.facts)
    return ascent.layer is Layer.CONNECT and not by_others


def spoke(ascent: Ascent) -> bool:
    """Whether something was heard that only the target can have said: a step above the handshake passed, or
    failed over what was said."""
    above = [step for step in ascent.steps if step.layer in ABOVE_CONNECT]
    said = ascent.verdict is Verdict.FAIL and ascent.layer in ABOVE_CONNECT and ascent.cause not in STALLED
    return said or any(step.verdict is Verdict.PASS for step in above)


def alive(ascent: Ascent) -> bool:
    """Whether the address itself answered: it connected, spoke, or refused with an RST or an ICMP error, or
    as a proxy."""
    refused = ascent.cause in ("tcp.refused", *ANSWERED_BY_PROXY)
    return connected(ascent) or spoke(ascent) or refused or signed_by_itself(ascent)


def signed_by_itself(ascent: Ascent) -> bool:
    """Whether the very address that was tried rejected the SYN by ICMP.

    A host unreachable after a wait is not its own: a translating router signs so for a dead host behind it.
    """
    if ascent.signed_by is None or ascent.address is None or ascent.cause == "tcp.host_down":
        return False
    tried = ascent.address.partition("%")[0]
    return ipaddress.ip_address(tried) == ipaddress.ip_address(ascent.signed_by)


def looping(ascent: Ascent) -> bool:
    """Whether the time to live of a whole SYN ran out on the way; who said so last is chance."""
    return ascent.cause == "tcp.no_route" and any(step.detail.get("looping") for step in ascent.steps)


def stalled(main: Ascent) -> bool:
    """Whether a ladder ended, connected, before anything of the target's own was seen or amid a message."""
    return main.cause in STALLED and main.address is not None


def got_past(outcome: Outcome, main: Ascent) -> bool:
    """Whether this look got further on that address than the ladder that stalled.

    It passed that step, or failed there over what the target said: a certificate that nobody trusts has
    come all the same.
    """
    return any(
        any(step.layer is main.layer and step.verdict is Verdict.PASS for step in ascent.steps)
        or (ascent.layer is main.layer and ascent.verdict is Verdict.FAIL and ascent.cause not in STALLED)
        for ascent in outcome.ascents
        if ascent.address == main.address
    )
