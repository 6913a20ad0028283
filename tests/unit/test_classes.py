"""Classes of failures, and which of two looks that differ tells more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.classes import Failure, classes, stronger
from netcheck.diagnosis.judge import judge
from probes.contract import Ascent, Confidence, Layer, Outcome, Step, Timing, Verdict

ROUTER = "10.1.0.1"


def outcome(cause: str, address: str = "10.20.0.9", signed_by: str | None = None) -> Outcome:
    """A look that failed at the connect."""
    step = Step(Layer.CONNECT, Verdict.FAIL, cause)
    return Outcome(None, (Ascent(address, Verdict.FAIL, (step,), cause, Layer.CONNECT, signed_by=signed_by),))


def failure(cause: str, address: str, port: int = 22) -> Failure:
    """A failed check of that address and port."""
    terms = Terms("local", "declared", "vault-to-target", "tcp", port, None, Timing())
    signed_by = ROUTER if cause == "tcp.rejected" else None
    check, seen = Check(address, address, terms), outcome(cause, address, signed_by)
    return Failure(0, check, seen, judge(check, seen))


@pytest.mark.parametrize(
    ("address", "port", "beside"),
    [("10.20.0.7", 22, True), ("10.20.0.7", 23, False), ("10.21.0.7", 22, False)],
)
def test_silence_beside_rejections(address: str, port: int, beside: bool) -> None:
    """Silence is in doubt where the same network and port is rejected, and nowhere else."""
    silent = failure("tcp.filtered", address, port)
    found = classes([failure("tcp.rejected", "10.20.0.1"), silent])
    assert [each.beside_rejections for each in found] == [False, beside]


def test_a_rejection_is_not_in_doubt() -> None:
    """Only silence can be an unheard rejection; a refusal beside one cannot."""
    found = classes([failure("tcp.rejected", "10.20.0.1"), failure("tcp.refused", "10.20.0.2")])
    assert not any(each.beside_rejections for each in found)


def test_an_answer_tells_more_than_later_silence() -> None:
    """The one ICMP error that was heard counts, although the second look met silence."""
    first = outcome("tcp.rejected", signed_by=ROUTER)
    assert stronger(first, outcome("tcp.filtered")) is first


def test_a_dead_host_stays_dead() -> None:
    """A host unreachable that comes early in the second look continues what the first look began."""
    first = outcome("tcp.host_down", signed_by=ROUTER)
    assert stronger(first, outcome("tcp.rejected", signed_by=ROUTER)) is first


def test_another_routers_rejection_counts() -> None:
    """Another sender is another answer: of two answers the second look's."""
    second = outcome("tcp.rejected", signed_by="10.9.9.9")
    assert stronger(outcome("tcp.host_down", signed_by=ROUTER), second) is second


def test_each_proxy_is_a_class_of_its_own() -> None:
    """And what it refuses by its rules is another matter than where it can't get itself."""

    def through(proxy: str, confidence: Confidence) -> Failure:
        one = failure("proxy.refused", "10.0.0.9", 443)
        main = one.main._replace(facts={"proxy": proxy}, confidence=confidence)
        return replace(one, outcome=Outcome(None, (main,)))

    first, second = "http://10.0.0.9:3128", "http://10.0.0.9:8080"
    found = classes(
        through(proxy, confidence)
        for proxy, confidence in (
            (first, Confidence.CERTAIN),
            (second, Confidence.CERTAIN),
            (first, Confidence.CERTAIN),
            (first, Confidence.LIKELY),
        )
    )
    assert [len(each.members) for each in found] == [2, 1, 1]
