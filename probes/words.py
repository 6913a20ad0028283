"""Numbers of protocols and clocks, and long lists, as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from probes.net.base import Icmp

ICMP_NAMES: dict[tuple[int, int, int], str] = {
    (4, 3, 0): "network unreachable",
    (4, 3, 1): "host unreachable",
    (4, 3, 2): "protocol unreachable",
    (4, 3, 3): "port unreachable",
    (4, 3, 4): "fragmentation needed",
    (4, 3, 6): "destination network unknown",
    (4, 3, 7): "destination host unknown",
    (4, 3, 9): "network administratively prohibited",
    (4, 3, 10): "host administratively prohibited",
    (4, 3, 13): "communication administratively prohibited",
    (4, 11, 0): "time to live exceeded in transit",
    (6, 1, 0): "no route to destination",
    (6, 1, 1): "communication administratively prohibited",
    (6, 1, 2): "beyond scope of source address",
    (6, 1, 3): "address unreachable",
    (6, 1, 4): "port unreachable",
    (6, 1, 5): "source address failed ingress/egress policy",
    (6, 1, 6): "reject route to destination",
    (6, 2, 0): "packet too big",
    (6, 3, 0): "hop limit exceeded in transit",
}


def icmp_words(icmp: Icmp) -> str:
    """The ICMP error as a person reads it, with its numbers.

    >>> icmp_words(Icmp(4, 3, 13, "10.1.0.1"))
    'ICMP 3/13 (communication administratively prohibited) from 10.1.0.1'
    """
    name = ICMP_NAMES.get((icmp.version, icmp.type, icmp.code))
    label = "ICMP" if icmp.version == 4 else "ICMPv6"
    words = f" ({name})" if name else ""
    return f"{label} {icmp.type}/{icmp.code}{words} from {icmp.sender}"


# RFC 8446 6 and, below 1.3, RFC 5246 7.2.
ALERT_NAMES = {
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    116: "certificate_required",
    120: "no_application_protocol",
}


def alert_words(alert: int | None) -> str:
    """A fatal alert by number and name; None: there was none, the peer hung up."""
    if alert is None:
        return "it hung up"
    name = ALERT_NAMES.get(alert)
    return f"alert {alert} ({name})" if name else f"alert {alert}"


def syns_words(count: int | None) -> str:
    """How many SYNs were sent, where the kernel tells."""
    if count is None:
        return "our SYNs"
    return "1 SYN" if count == 1 else f"{count} SYNs"


def duration_words(seconds: float) -> str:
    """A time as people read it.

    >>> duration_words(0.0123), duration_words(5.004)
    ('12 ms', '5.0 s')
    """
    if seconds < 0.0095:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def span_words(seconds: float) -> str:
    """A longer time: seconds below three minutes, then minutes, then hours, above three days those.

    >>> span_words(7.2), span_words(150), span_words(600), span_words(7440), span_words(356), span_words(1e7)
    ('7.2 s', '150 s', '10 min', '2 h 4 min', '5.9 min', '116 days')
    """
    if seconds < 179.5:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds < 7170:
        return f"{seconds / 60:.1f}".removesuffix(".0") + " min"
    if seconds >= 3 * 86_400:
        return f"{seconds / 86_400:.0f} days"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def few(names: Sequence[str]) -> str:
    """The first three names, and how many more there are.

    >>> few(["web01", "web02", "web03", "web04"])
    'web01, web02, web03 and 1 more'
    """
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
