"""The cause codes: every one there is, the step it usually belongs to, and the verdict it means.

Scripts match on them, so a code is never renamed. A third party's probe adds `x-NAME.code`.
"""

from __future__ import annotations

from probes.contract import Confidence, Layer, Verdict

CODES: dict[str, tuple[str, ...]] = {
    "vantage": (
        "unreachable",
        "auth_failed",
        "lost",
        "not_the_origin",
        "blocked_locally",
        "no_ipv6",
    ),
    "credential": ("missing", "suspended"),
    "probe": ("crashed", "unsupported"),
    "dns": (
        "nxdomain",
        "no_address",
        "servfail",
        "refused",
        "timeout",
        "mismatch",
        "hijacked",
        "split",
    ),
    "tcp": (
        "refused",
        "filtered",
        "rejected",
        "reset_by_firewall",
        "no_route",
        "host_down",
    ),
    "path": (
        "mtu_blackhole",
        "middlebox_answers",
        "idle_dropped",
        "unstable",
        "some_addresses_dead",
        "slow",
    ),
    "udp": ("no_answer", "port_closed", "rejected"),
    "proxy": ("unreachable", "auth_required", "refused"),
    "tls": (
        "expired",
        "not_yet_valid",
        "hostname_mismatch",
        "self_signed",
        "untrusted",
        "incomplete_chain",
        "intercepted",
        "not_tls",
        "timeout",
        "reset",
        "closed",
        "protocol_version",
        "no_common_cipher",
        "handshake_refused",
        "certificate_unacceptable",
        "client_certificate_required",
        "expires_soon",
        "weak",
    ),
    "protocol": ("mismatch", "silent", "closed", "reset", "malformed", "slow"),
    "http": (
        "status",
        "server_error",
        "redirected_away",
        "redirect_loop",
        "too_large",
        "captive_portal",
        "blocked_by_proxy",
        "body_mismatch",
    ),
    "ws": ("upgrade_blocked",),
    "ssh": (
        "no_common_algorithm",
        "host_key_mismatch",
        "too_many_sessions",
        "host_key_unknown",
        "weak",
    ),
    "auth": ("failed", "method_not_offered"),
    "clock": ("skew",),
    "policy": ("unexpectedly_open", "not_filtered"),
}

ALL_CODES = tuple(f"{prefix}.{name}" for prefix, names in CODES.items() for name in names)

# The step whose usual codes carry the prefix (the contract's table of layers).
LAYERS: dict[str, Layer] = {
    **dict.fromkeys(("vantage", "credential", "probe"), Layer.VANTAGE),
    "dns": Layer.RESOLVE,
    **dict.fromkeys(("tcp", "path", "udp", "proxy"), Layer.CONNECT),
    "tls": Layer.TLS,
    **dict.fromkeys(("protocol", "http", "ws", "ssh", "clock"), Layer.PROTOCOL),
    "auth": Layer.AUTH,
    "policy": Layer.POLICY,
}

WARN_ONLY = frozenset(
    {
        "tls.expires_soon",
        "tls.weak",
        "ssh.host_key_unknown",
        "ssh.weak",
        "policy.not_filtered",
    }
)


def verdict_of(cause: str) -> Verdict:
    """The verdict that a step stopped by this cause has."""
    prefix = cause.partition(".")[0]
    if prefix == "credential":
        return Verdict.SKIP
    if prefix in ("vantage", "probe"):
        return Verdict.ERROR
    return Verdict.FAIL


class Failed(Exception):
    """A probe's own finding: this step did not pass, and why. The verdict follows from the cause."""

    def __init__(
        self,
        cause: str,
        summary: str,
        *,
        evidence: tuple[str, ...] = (),
        confidence: Confidence = Confidence.CERTAIN,
        verdict: Verdict | None = None,
        signed_by: str | None = None,
    ) -> None:
        super().__init__(summary)
        self.cause = cause
        self.summary = summary
        self.evidence = evidence
        self.confidence = confidence
        self.verdict = verdict or verdict_of(cause)
        self.signed_by = signed_by
