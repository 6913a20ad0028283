"""From what happened (`Outcome`) and what was expected (`Check`) to a verdict with its cause. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from netcheck.check import Check
from netcheck.diagnosis import held
from netcheck.diagnosis.judgement import Judgement
from netcheck.record import AddressRecord, Warned
from probes.contract import Ascent, Confidence, Layer, Outcome, Step, Verdict
from probes.words import duration_words, few

# What one look can't tell from a moment's loss or load: certain only once a second look agrees.
PASSING = frozenset(
    {
        "dns.servfail",
        "dns.timeout",
        "path.slow",
        "protocol.closed",
        "protocol.reset",
        "protocol.silent",
        "protocol.slow",
        "tcp.filtered",
        "tls.closed",
        "tls.reset",
        "tls.timeout",
    }
)


def judge(check: Check, outcome: Outcome, looks: int = 1) -> Judgement:
    """The verdict after so many looks that agreed."""
    if check.terms.expect == "blocked":
        return _blocked(outcome)
    judged = held.sampled(_judged(check, outcome, looks), outcome.samples)
    return held.bracketed(held.left_idle(judged, outcome.held, check.terms.probe), outcome.bracket)


def _judged(check: Check, outcome: Outcome, looks: int) -> Judgement:
    """The verdict of the looks alone."""
    ascents = outcome.ascents
    good = [ascent for ascent in ascents if ascent.verdict is Verdict.PASS]
    if not good:
        return _not_passed(outcome, furthest(ascents), looks)
    passed = _passed(outcome, good[0])
    if len(good) < len(ascents):
        return _not_all_passed(passed, ascents, check.terms.every_address)
    return passed


def furthest(ascents: Iterable[Ascent]) -> Ascent:
    """The ladder that got highest; of several a failure before what could not be checked, then the first."""

    def height(ascent: Ascent) -> tuple[int, bool]:
        passed = sum(step.verdict is Verdict.PASS for step in ascent.steps)
        return passed, ascent.verdict is Verdict.FAIL

    return max(ascents, key=height)


def _not_passed(outcome: Outcome, main: Ascent, looks: int) -> Judgement:
    confidence = main.confidence
    if main.cause in PASSING and looks < 2 and confidence is Confidence.CERTAIN:
        confidence = Confidence.LIKELY
    return Judgement(
        verdict=main.verdict,
        cause=main.cause,
        layer=main.layer,
        confidence=confidence,
        summary=main.summary,
        main=main,
        steps=_steps(outcome, main),
        evidence=main.evidence,
        warnings=_warnings(outcome, main),
        addresses=_addresses(outcome),
    )


def _passed(outcome: Outcome, main: Ascent) -> Judgement:
    """A pass, or a warn where the ladder has a caution with a code; the first such is the cause."""
    caution = next((one for one in main.cautions if one.cause), None)
    steps = _steps(outcome, main)
    if caution is not None:
        steps = tuple(
            step._replace(verdict=Verdict.WARN, cause=caution.cause) if step.layer is caution.layer else step
            for step in steps
        )
    return Judgement(
        verdict=Verdict.WARN if caution else Verdict.PASS,
        cause=caution.cause if caution else None,
        layer=caution.layer if caution else None,
        confidence=Confidence.LIKELY if caution and caution.cause in PASSING else Confidence.CERTAIN,
        summary=caution.text if caution else f"passed in {duration_words(main.duration)}",
        main=main,
        steps=steps,
        evidence=main.evidence,
        warnings=_warnings(outcome, main),
        addresses=_addresses(outcome),
    )


def _not_all_passed(passed: Judgement, ascents: tuple[Ascent, ...], every: bool) -> Judgement:
    """Some addresses are dead; or where none failed, some could not be checked, which is not theirs."""
    dead = [ascent for ascent in ascents if ascent.verdict is Verdict.FAIL]
    rest = dead or [ascent for ascent in ascents if ascent.verdict is not Verdict.PASS]
    what = "failed" if dead else "could not be checked"
    named = few([f"{ascent.address} {ascent.cause}" for ascent in rest])
    return passed._replace(
        verdict=rest[0].verdict if every else Verdict.WARN,
        cause="path.some_addresses_dead" if dead else rest[0].cause,
        layer=Layer.CONNECT if dead else rest[0].layer,
        summary=f"{len(rest)} of {len(ascents)} addresses {what}: {named}",
        evidence=(*passed.evidence, *(f"{one.address}: {one.summary}" for one in rest)),
    )


def _blocked(outcome: Outcome) -> Judgement:
    """The verdict where the flow must not work (`expect: blocked`)."""
    main = max(outcome.ascents, key=_openness)
    verdict, cause, summary = _blocked_verdict(main)
    layer = Layer.POLICY if verdict in (Verdict.WARN, Verdict.FAIL) else None
    steps = _steps(outcome, main)
    if verdict is not Verdict.ERROR:
        steps = (*steps, Step(Layer.POLICY, verdict, cause))
    return Judgement(
        verdict=verdict,
        cause=cause,
        layer=main.layer if verdict is Verdict.ERROR else layer,
        confidence=Confidence.LIKELY if verdict is Verdict.PASS else main.confidence,
        summary=summary,
        main=main,
        steps=steps,
        evidence=(f"{main.address}: {main.summary}" if main.summary else "connected", *main.evidence),
        warnings=_warnings(outcome, main),
        addresses=_addresses(outcome),
    )


def _blocked_verdict(main: Ascent) -> tuple[Verdict, str | None, str]:
    if connected(main):
        return Verdict.FAIL, "policy.unexpectedly_open", "it connects, and must not"
    if main.verdict is Verdict.PASS:
        return Verdict.FAIL, "policy.unexpectedly_open", "it answers, and must not"
    if main.cause == "tcp.refused":
        what = "nothing listens, but nothing on the way blocks either"
        return Verdict.WARN, "policy.not_filtered", f"{main.summary}: {what}"
    if signed_by_itself(main):
        what = "the target itself rejects it, nothing on the way does"
        return Verdict.WARN, "policy.not_filtered", f"{main.summary}: {what}"
    signed = main.cause == "tcp.no_route" and main.signed_by
    if main.cause in ("tcp.filtered", "tcp.rejected") or signed:
        return Verdict.PASS, None, f"blocked: {main.summary}"
    return Verdict.ERROR, main.cause, f"can't tell whether it is blocked: {main.summary}"


def _openness(ascent: Ascent) -> int:
    """Of several addresses the most open one decides; one that can't be told is not closed."""
    order = (Verdict.PASS, Verdict.ERROR, Verdict.WARN, Verdict.FAIL)
    return order.index(_blocked_verdict(ascent)[0])


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


def _steps(outcome: Outcome, main: Ascent) -> tuple[Step, ...]:
    if outcome.resolve is None or outcome.resolve in main.steps:
        return main.steps
    return (outcome.resolve, *main.steps)


def _warnings(outcome: Outcome, main: Ascent) -> tuple[Warned, ...]:
    if not (main.cautions or outcome.left_out):
        return ()
    reasons: dict[str, list[str]] = {}
    for address, reason in outcome.left_out:
        reasons.setdefault(reason, []).append(address)
    return (
        *(Warned(caution.cause, caution.text) for caution in main.cautions),
        *(Warned(None, _not_tried(addresses, reason)) for reason, addresses in reasons.items()),
    )


def _not_tried(addresses: list[str], reason: str) -> str:
    return f"not tried: {few(addresses)} ({reason})"


def _addresses(outcome: Outcome) -> tuple[AddressRecord, ...]:
    """One record an address, where there is more than one."""
    if len(outcome.ascents) + len(outcome.left_out) < 2:
        return ()
    tried = (
        AddressRecord(
            address=ascent.address or "",
            verdict=ascent.verdict,
            cause=ascent.cause,
            layer=ascent.layer,
            summary=ascent.summary,
            duration=ascent.duration,
            steps=ascent.steps,
        )
        for ascent in outcome.ascents
    )
    rest = (
        AddressRecord(address, Verdict.SKIP, None, None, reason, None) for address, reason in outcome.left_out
    )
    return (*tried, *rest)


def unstable(again: Judgement, first: Ascent) -> Judgement:
    """A check that failed and then passed: it works now, but the path can't be relied on."""
    return again._replace(
        verdict=Verdict.WARN,
        cause="path.unstable",
        layer=Layer.CONNECT,
        summary=f"failed first ({first.cause}: {first.summary}), passed when looked at again",
        evidence=(*again.evidence, f"first look: {first.summary}"),
    )
