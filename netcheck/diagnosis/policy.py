"""Flows that must not work (`expect: blocked`): what was seen of one, judged by that. Pure."""

from __future__ import annotations

from netcheck.diagnosis.ascents import connected, looping, signed_by_itself
from netcheck.diagnosis.judgement import Judgement, also
from probes.contract import Ascent, Confidence, Layer, Step, Verdict
from probes.net.base import Reply

# How something on the way ends a flow; an ICMP "no route" too, where a router signed it.
BLOCKING = frozenset({"tcp.filtered", "tcp.rejected", "tcp.reset_by_firewall", "udp.rejected"})
UNPROVED = """Check something from {vantage} that must answer as well: until it does, nothing tells that \
this is blocked."""
OPEN, NOT_FILTERED = "policy.unexpectedly_open", "policy.not_filtered"

Policed = tuple[Verdict, str | None, str]


def policed(seen: Judgement, end: Reply | None = None) -> Judgement:
    """The verdict on a flow that must be blocked, of which this was seen. `end`: what its trace met."""
    by_trace = _by_trace(seen, end)
    sure = seen.confidence is Confidence.CERTAIN
    verdict, cause, summary = by_trace or _verdict(seen.main, seen.cause, seen.summary, sure)
    tried = seen.main.address is not None and not connected(seen.main)
    judged = also(seen, f"{seen.main.address}: {seen.summary}") if tried else seen
    if verdict is Verdict.ERROR:
        return judged._replace(verdict=verdict, cause=cause, summary=summary)
    doubtful = verdict is Verdict.PASS or by_trace is not None or signed_by_itself(seen.main)
    return judged._replace(
        verdict=verdict,
        cause=cause,
        layer=None if verdict is Verdict.PASS else Layer.POLICY,
        confidence=Confidence.LIKELY if doubtful else seen.confidence,
        summary=summary,
        steps=(*seen.steps, Step(Layer.POLICY, verdict, cause)),
    )


def unanswered(blocked: Judgement) -> Judgement:
    """A flow that seems blocked, seen from where nothing at all answers: that shows nothing."""
    summary = "can't tell whether it is blocked: nothing at all answers this vantage"
    return blocked._replace(
        verdict=Verdict.ERROR,
        cause="tcp.filtered",
        layer=Layer.POLICY,
        confidence=Confidence.UNDETERMINED,
        summary=summary,
        steps=(*blocked.steps[:-1], Step(Layer.POLICY, Verdict.ERROR, "tcp.filtered")),
    )


def with_life_sign(blocked: Judgement, sign: Confidence | None) -> Judgement:
    """A blocked flow is certainly blocked only if the target was seen alive at that moment.

    `sign`: how sure it is that what answered was the target; None: nothing answered.
    """
    address = blocked.main.address
    if sign is None:
        missing = "nothing of this run proves the target alive: it may be down rather than blocked"
        return also(blocked, missing)
    if sign is not Confidence.CERTAIN:
        return also(blocked, f"{address} answers on another port, or something else does in its name")
    return also(blocked, f"{address} answers on another port")._replace(confidence=Confidence.CERTAIN)


def openness(ascent: Ascent) -> int:
    """Of several addresses the most open one decides; one that can't be told is not closed."""
    order = (Verdict.PASS, Verdict.ERROR, Verdict.WARN, Verdict.FAIL)
    return order.index(_verdict(ascent, ascent.cause, ascent.summary)[0])


def _by_trace(seen: Judgement, end: Reply | None) -> Policed | None:
    """Where the looks were silent and a SYN of the trace was not; a rejection is the cause by now."""
    if seen.cause == "path.unstable" and not connected(seen.main):
        first = "silent" if seen.main.cause == "tcp.filtered" else "blocked"
        return Verdict.FAIL, OPEN, f"{first} at first, and then a SYN of the trace connects; it must not"
    if seen.cause != "tcp.filtered" or end is None:
        return None
    if end.kind == "refused":
        what = "silent at first, then an RST came: something lets a SYN through now and then"
        return Verdict.WARN, NOT_FILTERED, what
    return None


def _verdict(main: Ascent, cause: str | None, summary: str, sure: bool = True) -> Policed:
    if connected(main):
        return Verdict.FAIL, OPEN, "it connects, and must not"
    if main.verdict is Verdict.PASS:
        return Verdict.FAIL, OPEN, "it answers, and must not"
    if cause == "tcp.refused":
        what = "nothing blocks it before the target, where nothing listens or a filter refuses"
        maybe = "perhaps the target's own, and then nothing blocks it before the target"
        return Verdict.WARN, NOT_FILTERED, f"{summary}: {what if sure else maybe}"
    if signed_by_itself(main):
        what = "signed with the target's own address, so perhaps nothing on the way rejects it"
        return Verdict.WARN, NOT_FILTERED, f"{summary}: {what}"
    if cause in BLOCKING or (cause == "tcp.no_route" and main.signed_by and not looping(main)):
        return Verdict.PASS, None, f"blocked: {summary}"
    return Verdict.ERROR, cause, f"can't tell whether it is blocked: {summary}"
