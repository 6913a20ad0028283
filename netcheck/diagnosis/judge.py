"""From what happened (`Outcome`) and what was expected (`Check`) to a verdict with its cause. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.ascents import furthest
from netcheck.diagnosis.held import bracketed, left_idle
from netcheck.diagnosis.judgement import Judgement, Side
from netcheck.diagnosis.policy import openness, policed
from netcheck.diagnosis.sampled import sampled
from netcheck.record import AddressRecord, Warned
from probes.contract import Ascent, Confidence, Layer, Outcome, Step, Verdict
from probes.words import duration_words, few

HOSTS_FILE = "its address is from this host's hosts file, whatever DNS says"
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
        "vantage.blocked_locally",
    }
)


def judge(check: Check, outcome: Outcome, looks: int = 1) -> Judgement:
    """The verdict after so many looks that agreed."""
    return as_expected(check, seen(check, outcome, looks))


def as_expected(check: Check, judged: Judgement) -> Judgement:
    """The verdict on what was seen: otherwise where the flow must be blocked."""
    return policed(judged) if check.terms.expect == "blocked" else judged


def seen(check: Check, outcome: Outcome, looks: int = 1) -> Judgement:
    """What was seen, whatever is expected: where the flow must be blocked, on its most open address."""
    if check.terms.expect == "blocked":
        main = max(outcome.ascents, key=openness)
        passed = main.verdict is Verdict.PASS
        return _passed(outcome, main) if passed else _not_passed(outcome, main, looks)
    judged = sampled(_judged(check, outcome, looks), outcome.samples)
    return bracketed(left_idle(judged, outcome.held, check.terms.probe), outcome.bracket)


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
        evidence=_evidence(outcome, main),
        warnings=_warnings(outcome, main),
        addresses=_addresses(outcome),
        side=_side(main),
    )


def _side(main: Ascent) -> Side | None:
    """At which end it fails, if the ladder itself tells: inside TLS that only the service can have it is the
    service's; what is reached through a proxy alone is up."""
    if main.layer is Layer.PROTOCOL and facts.known_publicly(main.facts):
        return Side.THERE
    return Side.OURS if facts.works_through(main.facts) else None


def _evidence(outcome: Outcome, main: Ascent) -> tuple[str, ...]:
    """Its proofs, and where a wrong address may come from."""
    return (*main.evidence, HOSTS_FILE) if by_hosts_file(_steps(outcome, main)) else main.evidence


def by_hosts_file(steps: Iterable[Step]) -> bool:
    """Whether the addresses are from this host's own file."""
    return any(step.detail.get("hosts_file") for step in steps)


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
        about=caution.about if caution else None,
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


def _steps(outcome: Outcome, main: Ascent) -> tuple[Step, ...]:
    if outcome.resolve is None or any(step.layer is Layer.RESOLVE for step in main.steps):
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
