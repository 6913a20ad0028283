"""Whose clock is wrong: by those of other targets, of which each counts once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.judgement import Judgement, Side
from netcheck.diagnosis.together import awaits, passing, together
from netcheck.second_look.answers import Answers
from probes import tls
from probes.contract import Ascent, Confidence, Layer, Outcome, Timing, Verdict

Checks = Callable[[str], Check]
CERTAIN, UNDETERMINED = Confidence.CERTAIN, Confidence.UNDETERMINED


@pytest.fixture
def checks() -> Checks:
    """Checks of a host by tls."""

    def make(host: str) -> Check:
        terms = Terms("local", "assumed", "vault-to-service", "tls", 443, tls.Settings(), Timing())
        return Check(host, host, terms)

    return make


def saying(offset: float | None, address: str, cause: str | None = None, **facts: Any) -> Ascent:
    """One ladder that met a clock which is ahead by so much."""
    verdict = Verdict.FAIL if cause else Verdict.PASS
    told = {"http": {"clock_offset_s": offset}, **facts}
    return Ascent(address, verdict, (), cause, Layer.PROTOCOL, facts=told)


def judged(ascent: Ascent, verdict: Verdict | None = None) -> Judgement:
    return Judgement(verdict or ascent.verdict, ascent.cause, ascent.layer, CERTAIN, "seen", ascent, ())


def heard(checks: Checks, *said: tuple[str, str, float]) -> Answers:
    """What hosts said at their addresses."""
    answers = Answers()
    for host, address, offset in said:
        answers.note(checks(host), Outcome(None, (saying(offset, address),)))
    return answers


def others_of(checks: Checks, *offsets: float) -> Answers:
    """As many hosts, each of one address."""
    return heard(checks, *((f"h{n}.example", f"10.0.0.{n}", offset) for n, offset in enumerate(offsets, 1)))


@pytest.mark.parametrize(
    ("offsets", "doubted"), [((400.0, 401.0), True), ((400.0,), False), ((0.0, 1.0), False)]
)
@pytest.mark.parametrize("cause", ["tls.not_yet_valid", "tls.expired"])
def test_our_own_clock_explains_dates(
    checks: Checks, offsets: tuple[float, ...], doubted: bool, cause: str
) -> None:
    """Several others agree that it is wrong: then a certificate's dates say nothing."""
    early = judged(saying(None, "10.0.0.9", cause))
    found = together(early, checks("a.example"), others_of(checks, *offsets).to_others())
    assert (found.confidence is UNDETERMINED) is doubted


@pytest.mark.parametrize(
    ("others", "words", "side"),
    [
        ((0.0, 1.0, -1.0), "this host's clock agrees", Side.THERE),
        ((41.0, 40.0, 39.0), "this host's own is wrong", Side.HERE),
        ((0.0,), "", None),
        ((), "", None),
        ((-300.0, -301.0, -302.0), "", None),
    ],
)
def test_whose_clock_is_wrong(
    checks: Checks, others: tuple[float, ...], words: str, side: Side | None
) -> None:
    """The one that is alone with its time, where several others agree."""
    skewed = saying(40.0, "10.0.9.9", "clock.skew")
    answers = others_of(checks, *others)
    answers.note(checks("time.example"), Outcome(None, (skewed,)))
    found = together(judged(skewed), checks("time.example"), answers.to_others())
    assert words in " ".join(found.evidence)
    assert bool(words) is bool(found.evidence)
    assert found.side is side


def test_a_server_without_time_is_at_fault_itself(checks: Checks) -> None:
    """It says so, whatever others say; and its time counts for nothing."""
    lost = saying(None, "10.0.9.9", "clock.skew", ntp={"synchronised": False, "clock_offset_s": None})
    for answers in (Answers(), others_of(checks, 0.0, 0.0), others_of(checks, 900.0, 900.0)):
        before = answers.own_offset
        answers.note(checks("time.example"), Outcome(None, (lost,)))
        assert answers.own_offset == before
        told = together(judged(lost), checks("time.example"), answers.to_others())
        assert told.side is Side.THERE


def test_a_warning_waits_and_is_compared(checks: Checks) -> None:
    """A web server's Date is no failure."""
    warned = judged(saying(600.0, "10.0.9.9", "clock.skew"), Verdict.WARN)
    assert awaits(warned)
    assert not awaits(judged(saying(0.0, "10.0.9.9")))
    answers = others_of(checks, 0.0, 1.0)
    answers.note(checks("web.example"), Outcome(None, (warned.main,)))
    assert passing(warned, checks("web.example"), answers.to_others()).side is Side.THERE


ONE_CLOCK = {
    "three names of one address": (("a", "10.0.0.1"), ("b", "10.0.0.1"), ("c", "10.0.0.1")),
    "two addresses of one name": (("a", "10.0.0.1"), ("a", "fd00::1")),
    "names that share addresses by turns": (("a", "10.0.0.1"), ("b", "10.0.0.2"), ("a", "10.0.0.2")),
    "a name and its address": (("a", "10.0.0.1"), ("10.0.0.1", "10.0.0.1")),
}


@pytest.mark.parametrize("seen", ONE_CLOCK.values(), ids=ONE_CLOCK)
def test_one_clock_counts_once(checks: Checks, seen: tuple[tuple[str, str], ...]) -> None:
    """A server that is asked under several names does not outvote this host, in whatever order."""
    for order in itertools.permutations(seen):
        answers = heard(checks, *((host, address, 3600.0) for host, address in order))
        assert answers.own_offset is None
        answers.note(checks("other"), Outcome(None, (saying(3600.0, "10.9.9.9"),)))
        assert answers.own_offset == 3600.0


def test_what_a_proxy_passes_on_is_one_clock(checks: Checks) -> None:
    """The names may all be one server's; and what is asked directly is none of it."""
    answers = heard(checks, ("a", "10.0.0.1", 0.0), ("b", "10.0.0.2", 1.0))
    for host in ("a", "b", "c", "d"):
        told = saying(3600.0, "10.0.0.3", proxy="http://10.0.0.3:3128")
        answers.note(checks(host), Outcome(None, (told,)))
    assert answers.own_offset == 1.0
