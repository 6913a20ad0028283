"""The one table that turns what a verb of the network raised into a cause code.

A row claims its code only because the error alone proves it; otherwise it claims the weaker code, or
says `likely`. The first row that fits wins, so rows stand most specific first. Every row is walked by
`tests/wire`.
"""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from probes.codes import Failed
from probes.contract import Confidence, Layer
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
from probes.sniff import described, is_tls
from probes.words import alert_words, duration_words, icmp_words, syns_words

# What servers answer where TLS 1.2 has no word for "I wanted a certificate" (Java says 42, others 40).
CERTIFICATE_ALERTS = frozenset({40, 41, 42, 43, 46, 48, 49})

# A host unreachable that comes sooner can't follow three unanswered ARP or ND requests, one a second
# (RFC 4861 10; Linux asks three times, 3.08 s in all; other routers give up after about two).
HOST_TRIED = 0.9
LOOP = "a routing loop"  # how the summary of one ends: it has no code of its own


def _is(*kinds: tuple[int, int, int]) -> Callable[[Any], bool]:
    def matches(error: Any) -> bool:
        icmp = error.icmp
        return icmp is not None and (icmp.version, icmp.type, icmp.code) in kinds

    return matches


def _icmp(error: Any) -> bool:
    return error.icmp is not None


_host_unreachable = _is((4, 3, 1), (4, 3, 7), (6, 1, 3))
_no_route = _is((4, 3, 0), (4, 3, 6), (4, 3, 11), (6, 1, 0))


def _looping(error: Any) -> bool:
    return error.icmp is not None and error.icmp.is_time_exceeded


def _own_rule(error: Any) -> bool:
    """This host signed the error itself, and not because a neighbour did not answer its ARP."""
    icmp = error.icmp
    return icmp is not None and icmp.own and not (_host_unreachable(error) and _tried(error))


def _tried(error: Any) -> bool:
    return bool(error.elapsed >= HOST_TRIED)


def _host_down(error: Any) -> bool:
    return _host_unreachable(error) and _tried(error)


def _next_hop_down(error: Any) -> bool:
    """Nobody answered this host's own ARP or ND: the target on our link, or the gateway to it."""
    return _host_down(error) and bool(error.icmp.own)


def _local(*numbers: int) -> Callable[[Any], bool]:
    return lambda error: error.local and error.errno in numbers


def _no_ipv6(error: Any) -> bool:
    return bool(error.local and error.ipv6 and error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL))


def _reason(reason: str, certain: bool) -> Callable[[Any], bool]:
    return lambda error: error.reason == reason and error.certain is certain


def _alert(*numbers: int) -> Callable[[Any], bool]:
    return lambda error: error.alert in numbers


def _alerted(error: Any) -> bool:
    return error.alert is not None


def _words(*words: str) -> Callable[[Any], bool]:
    return lambda error: any(word in error.reason for word in words)


def _trickling(error: Any) -> bool:
    """Bytes kept coming, too slowly to make a message: one a second does so in a step of two seconds."""
    return bool(error.received and not error.whole and error.idle < error.elapsed * 0.6)


def _not_tls(error: Any) -> bool:
    return not is_tls(error.opening)


def _missed_certificate(error: Any) -> bool:
    """It had asked for a client certificate, and then refused or hung up without naming another reason."""
    return error.requested and (error.alert in CERTIFICATE_ALERTS or "hung up" in error.reason)


@dataclass(frozen=True, slots=True)
class Row:
    """`error` at `layer` (None: at any), where `when` holds, means `cause`."""

    layer: Layer | None
    error: type[NetworkFailure]
    cause: str
    summary: str
    when: Callable[[Any], bool] = lambda error: True
    confidence: Confidence = Confidence.CERTAIN


L, C = Layer, Confidence

TABLE: tuple[Row, ...] = (
    *(
        Row(None, LookupFailed, f"dns.{reason}", "{text}", _reason(reason, certain), confidence)
        for reason in ("nxdomain", "no_address", "servfail", "refused", "timeout")
        for certain, confidence in ((True, C.CERTAIN), (False, C.LIKELY))
    ),
    Row(
        None,
        ConnectFailed,
        "vantage.blocked_locally",
        "this host itself answered: {icmp}",
        lambda error: _own_rule(error) and _host_unreachable(error),
        C.LIKELY,  # its own ARP for an earlier SYN may have failed just now
    ),
    Row(None, ConnectFailed, "vantage.blocked_locally", "this host itself answered: {icmp}", _own_rule),
    Row(
        None,
        ConnectFailed,
        "tcp.host_down",
        "nobody answers as this host's next hop, the target or a gateway to it: {icmp} after {elapsed}",
        _next_hop_down,
        C.LIKELY,
    ),
    Row(None, ConnectFailed, "tcp.host_down", "{icmp} after {elapsed}", _host_down),
    Row(
        None,
        ConnectFailed,
        "tcp.rejected",
        "{icmp} after {elapsed}, too soon for a router that tried to reach the host",
        _host_unreachable,
        C.LIKELY,
    ),
    Row(None, ConnectFailed, "tcp.no_route", "{icmp}", _no_route),
    Row(None, ConnectFailed, "tcp.no_route", f"{{icmp}}: {LOOP}", _looping, C.LIKELY),
    Row(None, ConnectFailed, "tcp.rejected", "{icmp}", _icmp),
    Row(None, ConnectFailed, "vantage.no_ipv6", "this host has no IPv6 route to it", _no_ipv6),
    Row(
        None,
        ConnectFailed,
        "vantage.blocked_locally",
        "a rule or route of this host stops the packet ({error})",
        _local(errno.EACCES, errno.EPERM, errno.EINVAL),
    ),
    Row(
        None,
        ConnectFailed,
        "tcp.no_route",
        "this host has no route to it ({error})",
        _local(errno.ENETUNREACH, errno.EHOSTUNREACH),
    ),
    Row(
        None,
        ConnectFailed,
        "tcp.refused",
        "RST after {elapsed}",
        lambda error: error.errno in (errno.ECONNREFUSED, errno.ECONNRESET),
        C.LIKELY,  # a firewall on the way may have sent it: a trace tells
    ),
    Row(
        None, ConnectFailed, "tcp.rejected", "{error}; the ICMP message itself was lost", confidence=C.LIKELY
    ),
    Row(
        L.CONNECT,
        TimedOut,
        "vantage.blocked_locally",
        "this host itself drops the packet: no SYN left it in {elapsed}",
        lambda error: error.syns == 0,
    ),
    Row(L.CONNECT, TimedOut, "tcp.filtered", "no answer to {syns} in {elapsed}"),
    Row(L.TLS, TimedOut, "tls.timeout", "the TLS handshake did not end in {elapsed}"),
    Row(
        None,
        TimedOut,
        "protocol.slow",
        "{received} bytes in {elapsed}, too slow to make a message",
        _trickling,
    ),
    Row(
        None,
        TimedOut,
        "protocol.silent",
        "after {received} bytes silence for {idle}",
        lambda error: error.received > 0,
    ),
    Row(None, TimedOut, "protocol.silent", "connected, then silence for {idle}"),
    Row(L.TLS, PeerClosed, "tls.closed", "closed during the TLS handshake, after {received} bytes"),
    Row(None, PeerClosed, "protocol.closed", "closed after {received} bytes"),
    Row(L.TLS, PeerReset, "tls.reset", "reset during the TLS handshake, after {received} bytes"),
    Row(None, PeerReset, "protocol.reset", "reset after {received} bytes"),
    Row(None, TlsFailed, "tls.not_tls", "the answer is not TLS: {opening}", _not_tls),
    Row(
        None,
        TlsFailed,
        "tls.client_certificate_required",
        "{alert}: a client certificate is required",
        _alert(116),
    ),
    Row(
        None,
        TlsFailed,
        "tls.client_certificate_required",
        "it asked for a client certificate, was sent none, and ended the handshake: {alert}",
        _missed_certificate,
        C.LIKELY,
    ),
    Row(L.PROTOCOL, TlsFailed, "protocol.reset", "ended inside TLS: {alert}", _alerted),
    Row(L.PROTOCOL, TlsFailed, "protocol.malformed", "broken TLS records: {reason}"),
    Row(None, TlsFailed, "tls.protocol_version", "{alert}: the server refuses TLS 1.2 and 1.3", _alert(70)),
    Row(
        None,
        TlsFailed,
        "tls.protocol_version",
        "the server speaks neither TLS 1.2 nor 1.3: {reason}",
        _words("unsupported protocol", "wrong ssl version", "wrong version number"),
    ),
    Row(None, TlsFailed, "tls.no_common_cipher", "{alert}: the server wants stronger ciphers", _alert(71)),
    Row(
        None,
        TlsFailed,
        "tls.no_common_cipher",
        "the server's key exchange is too weak: {reason}",
        _words("dh key too small", "bad dh value"),
    ),
    Row(
        None,
        TlsFailed,
        "tls.certificate_unacceptable",
        "{reason}",
        _words("key too small", "md too weak", "wrong signature type", "bad signature"),
    ),
    Row(
        None,
        TlsFailed,
        "tls.handshake_refused",
        "{alert}; it may be a cipher, the name asked for or a client certificate that it misses",
        _alert(40),
    ),
    Row(None, TlsFailed, "tls.handshake_refused", "{alert}", _alerted),
    Row(None, TlsFailed, "tls.handshake_refused", "{reason}", confidence=C.LIKELY),
)


def explain(layer: Layer, error: NetworkFailure, address: str | None = None) -> Failed:
    """What the failed verb means at this step, on this address. Every NetworkFailure has a row."""
    for row in TABLE:
        if isinstance(error, row.error) and (row.layer is None or row.layer is layer) and row.when(error):
            failed = _claim(row, error)
            if _no_route_to_itself(error, address):
                failed.cause = "tcp.rejected"
            return failed
    raise LookupError(f"no row for {type(error).__name__} at {layer}") from error


def explain_datagram(error: NetworkFailure, address: str) -> Failed:
    """Why a datagram got no answer from this address: silence of UDP is no proof of anything.

    This host's own refusal is explained as for a connection.
    """
    if isinstance(error, TimedOut):
        words = f"no answer by UDP in {duration_words(error.elapsed)}"
        return Failed("udp.no_answer", words, confidence=C.LIKELY)
    icmp: Icmp | None = getattr(error, "icmp", None)
    if icmp is not None and icmp.is_port_unreachable and icmp.sender == address:
        return Failed("udp.port_closed", icmp_words(icmp), signed_by=icmp.sender)
    if icmp is None or icmp.own:
        return explain(L.CONNECT, error, address)
    return Failed("udp.rejected", icmp_words(icmp), signed_by=icmp.sender)


def _no_route_to_itself(error: NetworkFailure, address: str | None) -> bool:
    """Whether the very address that was tried says that it has no route there: a rule says so."""
    icmp: Icmp | None = getattr(error, "icmp", None)
    if icmp is None or address is None or not _no_route(error):
        return False
    return ipaddress.ip_address(icmp.sender) == ipaddress.ip_address(address.partition("%")[0])


def _claim(row: Row, error: Any) -> Failed:
    icmp: Icmp | None = getattr(error, "icmp", None)
    return Failed(
        row.cause,
        row.summary.format_map(_facts_of(error)),
        evidence=getattr(error, "evidence", ()),
        confidence=row.confidence,
        signed_by=icmp.sender if icmp else None,
    )


def _facts_of(error: Any) -> dict[str, str]:
    """Each value of the error as the summaries quote it."""
    icmp = getattr(error, "icmp", None)
    number = getattr(error, "errno", None)
    opening = getattr(error, "opening", b"")
    return {
        "text": getattr(error, "text", ""),
        "icmp": icmp_words(icmp) if icmp else "",
        "error": errno.errorcode.get(number, str(number)) if number else "",
        "elapsed": duration_words(getattr(error, "elapsed", 0.0)),
        "idle": duration_words(getattr(error, "idle", 0.0)),
        "received": str(getattr(error, "received", 0)),
        "syns": syns_words(getattr(error, "syns", None)),
        "reason": getattr(error, "reason", "") or "no reason given",
        "alert": alert_words(getattr(error, "alert", None)),
        "opening": described(opening),
    }
