"""What single handshakes add to a verdict, and how a record has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netcheck.diagnosis.judgement import Judgement, at_connect
from netcheck.record import Warned
from probes.contract import Confidence, Verdict
from probes.path.late import SLOW
from probes.path.samples import Samples
from probes.words import duration_words


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
    summary = f"{judgement.summary}; then {completed_words(samples)}"
    if samples.answered == samples.refused:
        refused = at_connect(judgement, Verdict.FAIL, "tcp.refused", summary)
        return refused._replace(confidence=Confidence.LIKELY)
    return at_connect(judgement, verdict, "path.unstable", summary)


def _unsteady(judgement: Judgement, samples: Samples) -> Judgement:
    """Handshakes got lost, or were refused by an open port: a warning, or a remark beside a failure."""
    words = completed_words(samples)
    if not judgement.verdict.works or judgement.cause == "path.some_addresses_dead":
        return judgement._replace(warnings=(*judgement.warnings, Warned("path.unstable", words)))
    return at_connect(judgement, Verdict.WARN, "path.unstable", words)


def _slow(judgement: Judgement, median: float) -> Judgement:
    """Half of the round trips are above the bound; a verdict with another cause keeps it."""
    words = f"the round trip takes {duration_words(median)}; the vendor's bound is {duration_words(SLOW)}"
    if not judgement.verdict.works or judgement.cause not in (None, "path.slow"):
        return judgement._replace(warnings=(*judgement.warnings, Warned("path.slow", words)))
    return at_connect(judgement, Verdict.WARN, "path.slow", words)


def as_record(samples: Samples | None) -> Mapping[str, Any] | None:
    """The samples as a record has them: counts, and times in milliseconds."""
    if samples is None:
        return None
    least, most = (samples.rtts[0], samples.rtts[-1]) if samples.rtts else (None, None)
    return {
        "address": samples.address,
        "sent": samples.sent,
        "answered": samples.completed,
        "refused": samples.refused,
        "rejected": samples.rejected,
        "within_ms": _ms(samples.within),
        "rtt_ms": {"min": _ms(least), "median": _ms(samples.median), "max": _ms(most)},
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def samples_words(samples: Samples) -> str:
    """The count, and the round trips where there are any."""
    words = completed_words(samples)
    if not samples.rtts or samples.median is None:
        return words
    low, middle, high = map(duration_words, (samples.rtts[0], samples.median, samples.rtts[-1]))
    return f"{words}; round trip {low} to {high}, half of them within {middle}"


def completed_words(samples: Samples) -> str:
    """`11 of 20 handshakes completed within 950 ms`, and what was another answer."""
    refused = f", {samples.refused} refused" if samples.refused else ""
    rejected = f", {samples.rejected} rejected by ICMP" if samples.rejected else ""
    within = duration_words(samples.within)
    return f"{samples.completed} of {samples.sent} handshakes completed within {within}{refused}{rejected}"
