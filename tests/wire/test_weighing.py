"""How sure a verdict is beside what else is known."""

from __future__ import annotations

from typing import Any

import pytest

from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.refine import Refined
from netcheck.diagnosis.weighing import Beside, Reviewed, weighed
from netcheck.record import Place
from probes.contract import Ascent, Confidence, Layer, Outcome, Step, Verdict
from probes.net.base import Source

A, B, C = "10.1.0.1", "10.2.0.1", "10.3.0.1"
ADDRESS, HERE = "10.20.0.9", "192.0.2.1"


@pytest.fixture
def reviewed(check: Any) -> Any:
    """A certain failure to connect, of this cause, that ends there."""

    def make(cause: str = "tcp.filtered", where: Place | None = None, **changes: Any) -> Reviewed:
        steps = (Step(Layer.CONNECT, Verdict.FAIL, cause),)
        main = Ascent(
            ADDRESS,
            Verdict.FAIL,
            steps,
            cause,
            Layer.CONNECT,
            summary="no answer",
            source=Source(HERE, 50000),
        )._replace(**changes)
        told = Judgement(Verdict.FAIL, cause, Layer.CONNECT, Confidence.CERTAIN, "no answer", main, steps)
        outcome = Outcome(None, (main,))
        failure = Failure(0, check(ADDRESS), outcome, told)
        return Reviewed(failure, outcome, Refined(told, where=where), 2)

    return make


@pytest.mark.parametrize(("before", "kept"), [(B, False), (C, True), (None, True)])
def test_a_router_that_owes_answers_is_no_end(reviewed: Any, before: str | None, kept: bool) -> None:
    """Silence that begins where a router calls hosts down has no place: it has no answer left."""
    where = Place("after", A, before)
    found = weighed(reviewed(where=where), False, Beside(dying={"10.20.0.0/24": frozenset({B})}))
    assert found.judgement.confidence is Confidence.LIKELY
    assert found.refined.where == (where if kept else None)


def test_silence_is_not_certain_where_nothing_answers(reviewed: Any) -> None:
    """Of a vantage that reaches nothing."""
    assert weighed(reviewed(), False, Beside(deaf=True)).judgement.confidence is Confidence.LIKELY


@pytest.mark.parametrize(
    ("cause", "changes", "where"),
    [
        ("tcp.filtered", {}, Place("after", A)),
        ("vantage.blocked_locally", {"signed_by": HERE}, None),
        ("tcp.refused", {}, None),
    ],
    ids=["gets to a hop", "this host refuses", "refused"],
)
def test_what_has_a_sign_of_its_own_waits_for_no_next_hop(
    reviewed: Any, cause: str, changes: dict[str, Any], where: Place | None
) -> None:
    """Beside a next hop that is dead, too."""
    assert weighed(reviewed(cause, where, **changes), False, Beside(stuck=True)).judgement.cause == cause
