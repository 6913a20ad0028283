"""Every row of the cause table is reached by the error it is for, and by no look-alike before it."""

import errno

import pytest

from probes.causes import TABLE, explain
from probes.codes import ALL_CODES, CODES, verdict_of
from probes.contract import Confidence, Layer, Verdict
from probes.net.base import (
    ConnectFailed,
    Icmp,
    LookupFailed,
    NetworkFailure,
    PeerClosed,
    PeerReset,
    TimedOut,
    TlsFailed,
)

CONNECT, TLS, PROTOCOL = Layer.CONNECT, Layer.TLS, Layer.PROTOCOL


def icmp(kind: int, code: int, *, version: int = 4, own: bool = False, after: float = 0.01) -> ConnectFailed:
    """An ICMP error that came back for a SYN."""
    sender = "192.0.2.1" if version == 4 else "2001:db8::1"
    return ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(version, kind, code, sender, own), elapsed=after)


def local(number: int, *, ipv6: bool = False) -> ConnectFailed:
    """connect() failed at once: nothing was sent."""
    return ConnectFailed(number, local=True, ipv6=ipv6)


CASES: list[tuple[str, Layer, NetworkFailure, str]] = [
    ("NXDOMAIN", Layer.RESOLVE, LookupFailed("nxdomain", ""), "dns.nxdomain"),
    ("no records", Layer.RESOLVE, LookupFailed("no_address", ""), "dns.no_address"),
    ("SERVFAIL", Layer.RESOLVE, LookupFailed("servfail", ""), "dns.servfail"),
    ("REFUSED", Layer.RESOLVE, LookupFailed("refused", ""), "dns.refused"),
    ("DNS is silent", Layer.RESOLVE, LookupFailed("timeout", ""), "dns.timeout"),
    ("NXDOMAIN, unproved", Layer.RESOLVE, LookupFailed("nxdomain", "", (), False), "dns.nxdomain"),
    ("no records, unproved", Layer.RESOLVE, LookupFailed("no_address", "", (), False), "dns.no_address"),
    ("SERVFAIL, unproved", Layer.RESOLVE, LookupFailed("servfail", "", (), False), "dns.servfail"),
    ("REFUSED, unproved", Layer.RESOLVE, LookupFailed("refused", "", (), False), "dns.refused"),
    ("silence, unproved", Layer.RESOLVE, LookupFailed("timeout", "", (), False), "dns.timeout"),
    ("own REJECT", CONNECT, icmp(3, 3, own=True), "vantage.blocked_locally"),
    ("own REJECT host-unreachable", CONNECT, icmp(3, 1, own=True), "vantage.blocked_locally"),
    ("no ARP answer of a gateway", CONNECT, icmp(3, 1, own=True, after=3.1), "tcp.host_down"),
    ("no ARP answer behind a router", CONNECT, icmp(3, 1, after=3.1), "tcp.host_down"),
    ("no ND answer", CONNECT, icmp(1, 3, version=6, after=3.0), "tcp.host_down"),
    ("host unreachable at once", CONNECT, icmp(3, 1), "tcp.rejected"),
    ("network unreachable", CONNECT, icmp(3, 0), "tcp.no_route"),
    ("no route, IPv6", CONNECT, icmp(1, 0, version=6), "tcp.no_route"),
    ("TTL exceeded", CONNECT, icmp(11, 0), "tcp.no_route"),
    ("port unreachable", CONNECT, icmp(3, 3), "tcp.rejected"),
    ("protocol unreachable", CONNECT, icmp(3, 2), "tcp.rejected"),
    ("network prohibited", CONNECT, icmp(3, 9), "tcp.rejected"),
    ("host prohibited", CONNECT, icmp(3, 10), "tcp.rejected"),
    ("admin prohibited", CONNECT, icmp(3, 13), "tcp.rejected"),
    ("admin prohibited, IPv6", CONNECT, icmp(1, 1, version=6), "tcp.rejected"),
    ("policy fail, IPv6", CONNECT, icmp(1, 5, version=6), "tcp.rejected"),
    ("reject route, IPv6", CONNECT, icmp(1, 6, version=6), "tcp.rejected"),
    ("no IPv6 here", CONNECT, local(errno.ENETUNREACH, ipv6=True), "vantage.no_ipv6"),
    ("prohibit route here", CONNECT, local(errno.EACCES), "vantage.blocked_locally"),
    ("blackhole route here", CONNECT, local(errno.EINVAL), "vantage.blocked_locally"),
    ("no route here", CONNECT, local(errno.ENETUNREACH), "tcp.no_route"),
    ("RST", CONNECT, ConnectFailed(errno.ECONNREFUSED), "tcp.refused"),
    ("ICMP lost", CONNECT, ConnectFailed(errno.EHOSTUNREACH), "tcp.rejected"),
    ("silence", CONNECT, TimedOut(5.0, syns=3), "tcp.filtered"),
    ("own filter", CONNECT, TimedOut(5.0, syns=0), "vantage.blocked_locally"),
    ("TLS never ends", TLS, TimedOut(5.0, received=10), "tls.timeout"),
    ("one byte a second", PROTOCOL, TimedOut(5.0, idle=0.5, received=5), "protocol.slow"),
    ("greets late", PROTOCOL, TimedOut(5.0, idle=1.0, received=20, whole=True), "protocol.silent"),
    ("one byte a second in two", PROTOCOL, TimedOut(2.0, idle=1.05, received=2), "protocol.slow"),
    ("accepts, then silence", PROTOCOL, TimedOut(5.0), "protocol.silent"),
    ("greets, then silence", PROTOCOL, TimedOut(5.0, idle=4.9, received=20), "protocol.silent"),
    ("closed in TLS", TLS, PeerClosed(0), "tls.closed"),
    ("closed", PROTOCOL, PeerClosed(0), "protocol.closed"),
    ("reset in TLS", TLS, PeerReset(0), "tls.reset"),
    ("reset", PROTOCOL, PeerReset(21), "protocol.reset"),
    ("SSH on a TLS port", TLS, TlsFailed(opening=b"SSH-2.0-x"), "tls.not_tls"),
    ("alert 70", TLS, TlsFailed(alert=70, opening=b"\x15\x03"), "tls.protocol_version"),
    ("only SSL 3", TLS, TlsFailed(reason="unsupported protocol"), "tls.protocol_version"),
    ("alert 71", TLS, TlsFailed(alert=71), "tls.no_common_cipher"),
    ("alert 116", TLS, TlsFailed(alert=116), "tls.client_certificate_required"),
    ("alert 40, asked", TLS, TlsFailed(alert=40, requested=True), "tls.client_certificate_required"),
    ("weak key", TLS, TlsFailed(reason="ee key too small"), "tls.certificate_unacceptable"),
    ("alert 40", TLS, TlsFailed(alert=40), "tls.handshake_refused"),
    ("weak DH group", TLS, TlsFailed(reason="dh key too small"), "tls.no_common_cipher"),
    ("alert 80", TLS, TlsFailed(alert=80), "tls.handshake_refused"),
    ("alert inside TLS", PROTOCOL, TlsFailed(alert=80), "protocol.reset"),
    ("broken records inside TLS", PROTOCOL, TlsFailed(reason="bad record"), "protocol.malformed"),
    ("something else", TLS, TlsFailed(reason="internal error"), "tls.handshake_refused"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "error", "cause"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_error_means_cause(layer: Layer, error: NetworkFailure, cause: str) -> None:
    """The error at that layer is explained by that code, with a summary that has no gap."""
    failed = explain(layer, error)
    assert failed.cause == cause
    assert "{" not in failed.summary
    assert "None" not in failed.summary


def test_every_row_is_reached() -> None:
    """No row of the table is dead: each decides at least one of the cases."""

    def deciding(layer: Layer, error: NetworkFailure) -> int:
        return next(
            number
            for number, row in enumerate(TABLE)
            if isinstance(error, row.error) and row.layer in (None, layer) and row.when(error)
        )

    reached = {deciding(layer, error) for _, layer, error, _ in CASES}
    assert [TABLE[number] for number in range(len(TABLE)) if number not in reached] == []


def test_every_claimed_code_is_in_the_contract() -> None:
    """A code is never invented."""
    assert {row.cause for row in TABLE} <= set(ALL_CODES)
    assert sum(len(names) for names in CODES.values()) == len(set(ALL_CODES))


@pytest.mark.parametrize(
    ("received", "words"),
    [(0, "connected, then silence for 4.9 s"), (20, "after 20 bytes silence for 4.9 s")],
)
def test_silence_says_after_how_much(received: int, words: str) -> None:
    """Who introduced itself, or answered 200, did say something."""
    assert explain(PROTOCOL, TimedOut(5.0, idle=4.9, received=received)).summary == words


def test_a_rejection_names_its_sender() -> None:
    """Who signed the ICMP error is part of the failure."""
    failed = explain(CONNECT, icmp(3, 13))
    assert failed.signed_by == "192.0.2.1"
    assert "communication administratively prohibited" in failed.summary


def test_weak_evidence_is_only_likely() -> None:
    """What another reason could also produce is never certain."""
    assert explain(CONNECT, icmp(3, 1)).confidence is Confidence.LIKELY
    assert explain(Layer.RESOLVE, LookupFailed("nxdomain", "", (), False)).confidence is Confidence.LIKELY
    assert explain(CONNECT, icmp(3, 13)).confidence is Confidence.CERTAIN


@pytest.mark.parametrize(
    ("cause", "verdict"),
    [
        ("credential.missing", Verdict.SKIP),
        ("vantage.blocked_locally", Verdict.ERROR),
        ("probe.crashed", Verdict.ERROR),
        ("tcp.filtered", Verdict.FAIL),
    ],
)
def test_the_verdict_follows_from_the_cause(cause: str, verdict: Verdict) -> None:
    """What netcheck or the vantage could not do is never the target's failure."""
    assert verdict_of(cause) is verdict


def test_no_address_lacks_a_route_to_itself() -> None:
    """What the target's own address signs is a rule's; a loop of a translated network stays one."""
    assert explain(CONNECT, icmp(3, 0), "192.0.2.1").cause == "tcp.rejected"
    assert explain(CONNECT, icmp(1, 0, version=6), "2001:db8:0::1%eth0").cause == "tcp.rejected"
    assert explain(CONNECT, icmp(3, 0), "192.0.2.9").cause == "tcp.no_route"
    assert explain(CONNECT, icmp(11, 0), "192.0.2.1").cause == "tcp.no_route"
