"""What samples and idle connections add to a verdict. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netcheck.diagnosis.judgement import Judgement
from netcheck.record import Warned
from probes.contract import Confidence, Layer, Step, Verdict
from probes.path.late import SLOW
from probes.path.samples import Samples
from probes.path.waits import Bracket, End, Held
from probes.words import duration_words, span_words

# Seconds: an sshd that hangs up earlier has another reason than that nobody logged in.
LEAST_GRACE = 10.0

WORKS = (Verdict.PASS, Verdict.WARN)


def sampled(judgement: Judgement, samples: Samples | None) -> Judgement:
    """The verdict beside so many single handshakes: is the path steady, and fast enough?"""
    if samples is None:
        return judgement
    judgement = judgement._replace(evidence=(*judgement.evidence, samples_words(samples)))
    if judgement.cause == "tcp.filtered":
        return _not_quite_silent(judgement, samples)
    if samples.lost or samples.refused:
        return _unsteady(judgement, samples)
    if samples.median is not None and samples.median > SLOW:
        return _slow(judgement, samples.median)
    return judgement


def _not_quite_silent(judgement: Judgement, samples: Samples) -> Judgement:
    """Silence at first, then some answers: nothing filters it, something loses it.

    A check of the handshake alone has seen what it asks for; any other has not. Where only RSTs or ICMP
    errors came, nothing has passed.
    """
    if not samples.answered:
        doubt = Confidence.LIKELY if samples.rejected else judgement.confidence
        return judgement._replace(confidence=doubt)
    above = any(step.verdict is Verdict.SKIP for step in judgement.steps)
    verdict = Verdict.FAIL if above else Verdict.WARN
    summary = f"{judgement.summary}; then {answered_words(samples)}"
    if samples.answered == samples.refused:
        refused = _at_connect(judgement, Verdict.FAIL, "tcp.refused", summary)
        return refused._replace(confidence=Confidence.LIKELY)
    return _at_connect(judgement, verdict, "path.unstable", summary)


def _unsteady(judgement: Judgement, samples: Samples) -> Judgement:
    """Handshakes got lost, or were refused by an open port: a warning, or a remark beside a failure."""
    words = answered_words(samples)
    if judgement.verdict not in WORKS or judgement.cause == "path.some_addresses_dead":
        return judgement._replace(warnings=(*judgement.warnings, Warned("path.unstable", words)))
    return _at_connect(judgement, Verdict.WARN, "path.unstable", words)


def _slow(judgement: Judgement, median: float) -> Judgement:
    """Half of the round trips are above the bound; a verdict with another cause keeps it."""
    words = f"the round trip takes {duration_words(median)}; the vendor's bound is {duration_words(SLOW)}"
    if judgement.verdict not in WORKS or judgement.cause not in (None, "path.slow"):
        return judgement._replace(warnings=(*judgement.warnings, Warned("path.slow", words)))
    return _at_connect(judgement, Verdict.WARN, "path.slow", words)


def left_idle(judgement: Judgement, held: Held | None, probe: str) -> Judgement:
    """The verdict beside a connection that was left idle; one that some address failed keeps its cause."""
    if held is None:
        return judgement
    after = span_words(held.idle)
    if judgement.verdict not in WORKS:
        words = f"a connection to {held.address} left idle for {after}: {held.end}"
        return judgement._replace(evidence=(*judgement.evidence, words))
    if held.end is End.LIVED:
        lived = f"a connection left idle for {after} still worked"
        return judgement._replace(evidence=(*judgement.evidence, lived))
    if held.end in (End.DROPPED, End.FORGOTTEN):
        return _dropped(judgement, held, after)
    if held.end is End.GONE:
        gone = f"it passed, but {span_words(held.asked)} later a new connection does not work either"
        judged = _at_connect(judgement, Verdict.FAIL, "path.unstable", gone)
        return judged._replace(confidence=Confidence.LIKELY)
    if held.end is End.SWALLOWED:
        swallowed = f"this host itself swallows what is sent after {after} of idleness"
        return _not_tried(judgement, "vantage.blocked_locally", swallowed)
    return _not_tried(judgement, "probe.unsupported", _untried(held, after, probe))


def _not_tried(judgement: Judgement, cause: str, summary: str) -> Judgement:
    """The vantage kept the path's idle time from being tried; that the look passed is in the evidence."""
    return judgement._replace(
        verdict=Verdict.ERROR,
        cause=cause,
        layer=Layer.VANTAGE,
        confidence=Confidence.CERTAIN,
        summary=summary,
        evidence=(*judgement.evidence, f"the check itself: {judgement.summary}"),
    )


def bracketed(judgement: Judgement, bracket: Bracket | None) -> Judgement:
    """The verdict beside connections of which each was idle for longer than the one before.

    Certain where the shorter ones lived, the longer ones did not, and one with keep-alives lived as long:
    after a failover or restart that one is dead as well.
    """
    if bracket is None:
        return judgement
    each = ", ".join(f"{span_words(wait.idle)} {wait.end}" for wait in bracket.waits)
    shown = judgement._replace(evidence=(*judgement.evidence, *([f"left idle: {each}"] if each else [])))
    if not bracket.works:
        judged = _at_connect(shown, Verdict.FAIL, "path.unstable", f"it passed; later {bracket.words()}")
        return judged._replace(confidence=Confidence.LIKELY)
    if bracket.dropped is None and bracket.swallowed is not None:
        return _not_tried(shown, "vantage.blocked_locally", bracket.words())
    if bracket.dropped is None:
        return shown._replace(evidence=(*shown.evidence, bracket.words()))
    in_order = bracket.lived is not None and bracket.lived < bracket.dropped
    judged = _at_connect(shown, Verdict.FAIL, "path.idle_dropped", bracket.words())
    sure = in_order and bracket.kept_every is not None
    return judged._replace(
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        evidence=(*judged.evidence, kept_words(bracket.kept_every)),
    )


def _dropped(judgement: Judgement, held: Held, after: str) -> Judgement:
    """Idleness is the reason, for certain where a connection that was kept alive lived as long."""
    answer = "never acknowledged" if held.end is End.DROPPED else "answered by an RST"
    summary = f"a connection left idle for {after} is dropped: what came then was {answer}, a new one works"
    if held.kept_every is not None:
        summary += f"; keep-alives every {held.kept_every} s prevent it"
    judged = _at_connect(judgement, Verdict.FAIL, "path.idle_dropped", summary)
    return judged._replace(
        confidence=Confidence.CERTAIN if held.kept_every is not None else Confidence.LIKELY,
        evidence=(
            *judged.evidence,
            f"idle for {after}, then {answer} while a new connection worked",
            kept_words(held.kept_every),
        ),
    )


def kept_words(every: int | None) -> str:
    """How the connection fared in which only the kernel spoke, every so many seconds."""
    if every is None:
        return "a connection with keep-alives did not live as long either: perhaps it is not idleness"
    return f"a connection with a keep-alive every {every} s lived as long"


def _untried(held: Held, after: str, probe: str) -> str:
    """Why the idle time could not be tried, and how far it could."""
    asked = span_words(held.asked)
    if held.end is End.UNKNOWN:
        return f"whether a connection lives through {asked} of idleness can't be told here"
    if held.end is End.SPOKE:
        return f"the server keeps speaking by itself: no connection is idle for {asked}"
    if held.end is End.RESET:
        return f"reset after {after} of idleness, by the server or by a firewall: {asked} can't be tried"
    hint = " (sshd: LoginGraceTime)" if probe == "ssh" and held.idle >= LEAST_GRACE else ""
    return f"the server closed after {after} of idleness{hint}: {asked} can't be tried without a session"


def as_record(samples: Samples | None) -> Mapping[str, Any] | None:
    """The samples as a record has them: counts, and times in milliseconds."""
    if samples is None:
        return None
    least, most = (samples.rtts[0], samples.rtts[-1]) if samples.rtts else (None, None)
    return {
        "address": samples.address,
        "sent": samples.sent,
        "answered": samples.answered,
        "refused": samples.refused,
        "rejected": samples.rejected,
        "within_ms": _ms(samples.within),
        "rtt_ms": {"min": _ms(least), "median": _ms(samples.median), "max": _ms(most)},
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def samples_words(samples: Samples) -> str:
    """The count, and the round trips where there are any."""
    words = answered_words(samples)
    if not samples.rtts or samples.median is None:
        return words
    low, middle, high = map(duration_words, (samples.rtts[0], samples.median, samples.rtts[-1]))
    return f"{words}; round trip {low} to {high}, half of them within {middle}"


def answered_words(samples: Samples) -> str:
    """`11 of 20 handshakes answered within 950 ms`, and what was no proper answer."""
    refused = f", {samples.refused} of them refused" if samples.refused else ""
    rejected = f", {samples.rejected} rejected by ICMP" if samples.rejected else ""
    within = duration_words(samples.within)
    return f"{samples.answered} of {samples.sent} handshakes answered within {within}{refused}{rejected}"


def _at_connect(judgement: Judgement, verdict: Verdict, cause: str, summary: str) -> Judgement:
    """The verdict with this cause at the step `connect`; what it said before stays in the evidence."""
    steps = tuple(_marked(step, verdict, cause) for step in judgement.steps)
    before = f"the look itself: {judgement.summary}"
    return judgement._replace(
        verdict=verdict,
        cause=cause,
        layer=Layer.CONNECT,
        confidence=Confidence.CERTAIN,
        summary=summary,
        steps=steps,
        evidence=(*judgement.evidence, before),
    )


def _marked(step: Step, verdict: Verdict, cause: str) -> Step:
    return step._replace(verdict=verdict, cause=cause) if step.layer is Layer.CONNECT else step
