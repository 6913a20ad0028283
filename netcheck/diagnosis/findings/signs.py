"""What one record shows: whether anything answered, whether anything was sent, what it was sent to. Pure."""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Sequence

from netcheck.diagnosis import facts
from netcheck.diagnosis.answered import CONNECTED
from netcheck.diagnosis.ascents import ABOVE_CONNECT, handshake
from netcheck.diagnosis.networks import network_of
from netcheck.record import CheckRecord, Place
from probes.contract import Layer, Verdict

# An answer by the target, or by a resolver that knows: packets get somewhere and come back. Not dns.servfail
# and dns.refused, which a resolver on this very machine says when its own servers are out of reach.
ANSWERS = frozenset(
    {
        "dns.hijacked",
        "dns.mismatch",
        "dns.no_address",
        "dns.nxdomain",
        "dns.split",
        "policy.unexpectedly_open",
        "proxy.auth_required",
        "proxy.refused",
        "tcp.refused",
        "udp.port_closed",
    }
)


DECRYPTED = "tls.intercepted"


def host_of(check: CheckRecord) -> str:
    """The address that was tried, or the host where it came to none, or only a proxy's address is known."""
    return check.host if facts.proxy(check.facts) else check.address or check.host


def network(check: CheckRecord) -> str:
    """The destination network: /24, IPv6 /64, of a name its domain. Quick: it is asked of every check."""
    address = check.address
    if not address or facts.proxy(check.facts):
        return network_of(check.host)
    if ":" not in address:
        return address.rpartition(".")[0] + ".0/24"
    return _v6_network(socket.inet_pton(socket.AF_INET6, address.partition("%")[0])[:8])


@functools.lru_cache(maxsize=4096)
def _v6_network(prefix: bytes) -> str:
    return str(ipaddress.ip_network((prefix + bytes(8), 64)))


def passed(check: CheckRecord) -> bool:
    """Whether the service works from there. Silence where silence is due shows nothing of the kind."""
    return check.verdict in (Verdict.PASS, Verdict.WARN) and check.expect != "blocked"


def answered(check: CheckRecord) -> bool:
    """Whether anything shows that packets of this vantage reach a target, or a resolver, and come back."""
    if passed(check) or check.verdict is Verdict.WARN:
        return True
    if check.cause in ANSWERS or signed_by_target(check) or answered_beside(check):
        return True
    if check.verdict is Verdict.FAIL and check.layer in ABOVE_CONNECT:
        return True
    return handshake(check.steps) is not None


def answered_beside(check: CheckRecord) -> bool:
    """Whether the trace or a control of this very check got an answer of the target on another port."""
    return (
        follows_at_once(check)
        or works_through(check) is not None
        or any(
            control.served or (control.varied == "port" and control.cause == "tcp.refused")
            for control in check.controls
        )
    )


def works_through(check: CheckRecord) -> str | None:
    """The proxy through which it works: it is up, and only the direct way to it is closed."""
    tried = (
        str(control.value)
        for control in check.controls
        if control.varied == "proxy" and control.value != "none" and control.verdict is Verdict.PASS
    )
    return facts.works_through(check.facts) or next(tried, None)


def follows_at_once(check: CheckRecord) -> bool:
    """Whether the host itself is what was seen to follow the last hop that answers."""
    return check.where is not None and check.where.before is not None and check.where.before == check.address


def hosts_follow(checks: Sequence[CheckRecord]) -> bool:
    """Whether, for every one, a host of theirs was seen to follow the last hop that answers."""
    hosts = {check.address for check in checks}
    return all(check.where and check.where.before and check.where.before in hosts for check in checks)


def signed_by_target(check: CheckRecord) -> bool:
    """Whether the very host that was tried signed the rejection: its own firewall, not one on the way."""
    where = check.where
    return where is not None and where.relation == "at" and where.address == check.address


def signed_here(check: CheckRecord) -> bool:
    """Whether the vantage's own kernel gave up: nobody answered it as the next hop, target or gateway."""
    where = check.where
    if where is None or check.source is None:
        return False
    return where.relation == "at" and where.address == check.source.address


def is_decrypted(check: CheckRecord) -> bool:
    """Whether something signs for it on the way, be it to one of its addresses."""
    return DECRYPTED in (check.cause, *(one.cause for one in check.addresses))


def is_of_the_service(check: CheckRecord) -> bool:
    """Whether it was said inside TLS that only the service can have."""
    return check.layer is Layer.PROTOCOL and facts.known_publicly(check.facts) is True


def is_by_proxy(check: CheckRecord) -> bool:
    """Whether the way ends at a proxy that was to lead on: the target has not been asked."""
    return (check.cause or "").startswith("proxy.")


def unsent(check: CheckRecord) -> bool:
    """Whether nothing was sent: skipped, or stopped by the vantage, the credential or the probe itself."""
    if check.verdict is Verdict.SKIP:
        return True
    prefix, _, name = (check.cause or "").partition(".")
    return prefix in ("credential", "probe") or (
        prefix == "vantage" and name not in ("blocked_locally", "no_ipv6")
    )


def local(check: CheckRecord) -> bool:
    """Whether the cause lies in the machine that looked: its own refusals, and a route that it lacks."""
    prefix = (check.cause or "").partition(".")[0]
    return prefix in ("vantage", "credential", "probe") or (
        check.cause == "tcp.no_route" and check.where is None
    )


def common_place(checks: Sequence[CheckRecord]) -> Place | None:
    """Where all of them end; the next hop, if any sibling showed it and none another.

    A host that follows is the next hop of its own flow alone.
    """
    if checks[0].cause == CONNECTED:  # those that were not traced stand with those of their network
        checks = [check for check in checks if check.where is not None] or checks
    first = checks[0].where
    if first is None:
        return None
    following: set[str] = set()
    for check in checks:
        where = check.where
        if where is None or (where.relation, where.address) != (first.relation, first.address):
            return None
        if where.before:
            following.add(where.before)
    hosts = {check.address for check in checks}
    one = len(following) == 1 and (len(hosts) == 1 or not following & hosts)
    return first._replace(before=following.pop() if one else None)
