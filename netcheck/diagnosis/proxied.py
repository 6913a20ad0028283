"""A failure beside the same by another way: through a proxy, or without the one in use. Pure."""

from __future__ import annotations

from functools import partial

from netcheck.diagnosis.ascents import unconnected
from netcheck.diagnosis.judgement import Judgement, Side, also, likely, with_cause
from netcheck.diagnosis.varied import Varied
from netcheck.record import Control
from probes.contract import Confidence, Verdict

# What a proxy does that says that it connects, and then does not lead there. A target can do the same.
ASTRAY = frozenset(
    {
        "protocol.closed",
        "protocol.malformed",
        "protocol.mismatch",
        "protocol.reset",
        "protocol.silent",
        "protocol.slow",
        "tls.closed",
        "tls.not_tls",
        "tls.reset",
        "tls.timeout",
    }
)
UNSUPPORTED = "the vendor supports no proxy on this way"


def varied(proxy: str | None, works: bool, summary: str, *, to_service: bool) -> Varied:
    """What the same look came to through this `proxy`, or (None) without the one that it went through.

    `to_service`: it is the vendor's service that is asked.
    """
    way = f"through the proxy {proxy}" if proxy else "directly, without the proxy"
    words = f"{way} it {'works' if works else f'fails too: {summary}'}"
    control = Control("proxy", proxy or "none", Verdict.PASS if works else Verdict.FAIL, words)
    if proxy is None:
        told = partial(_directly, words=words, works=works)
    else:
        told = partial(_by_proxy, words=words, works=works, to_service=to_service)
    return Varied(told, (control,))


def _directly(judgement: Judgement, *, words: str, works: bool) -> Judgement:
    """Of what failed through a proxy. What comes through one need not be the target's."""
    if judgement.cause not in ASTRAY:
        told = works or (judgement.cause or "").startswith("proxy.")
        return also(judgement, words) if told else judgement
    if not works:
        return likely(judgement, f"who of the two ends it so, the proxy or the target, is not told; {words}")
    summary = f"the proxy accepts, and does not lead to the target: {judgement.summary}; {words}"
    return with_cause(judgement, "proxy.refused", summary, Confidence.LIKELY, words)


def _by_proxy(judgement: Judgement, *, words: str, works: bool, to_service: bool) -> Judgement:
    """Of what failed directly."""
    if not works:
        return judgement
    if not (to_service and unconnected(judgement.main)):
        return also(judgement, words)
    return also(judgement, f"{words}, and {UNSUPPORTED}")._replace(side=Side.OURS)
