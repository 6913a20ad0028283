"""A failure beside the same through a proxy, or without one: what the comparison proves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netcheck.diagnosis.judgement import Judgement, Side
from netcheck.diagnosis.proxied import varied
from probes.contract import Ascent, Confidence, Layer, Step, Verdict

PROXY = "http://10.0.0.9:3128"
Failing = Callable[..., Judgement]


@pytest.fixture
def failing() -> Failing:
    """A certain failure of this cause at this layer."""

    def make(cause: str, layer: Layer) -> Judgement:
        main = Ascent("10.0.0.9", Verdict.FAIL, (Step(layer, Verdict.FAIL, cause),), cause, layer)
        return Judgement(Verdict.FAIL, cause, layer, Confidence.CERTAIN, "as seen", main, main.steps)

    return make


def test_a_proxy_that_leads_elsewhere(failing: Failing) -> None:
    """It said that it connects; what came is not the target's, which answers directly."""
    told = varied(None, True, "passed", to_service=True).explain(failing("tls.not_tls", Layer.TLS))
    assert (told.cause, told.confidence) == ("proxy.refused", Confidence.LIKELY)
    assert "directly, without the proxy it works" in told.summary


def test_who_of_two_ends_it_is_not_told(failing: Failing) -> None:
    """Neither way works: the cause stands, and no longer for certain."""
    told = varied(None, False, "silence", to_service=True).explain(failing("tls.closed", Layer.TLS))
    assert (told.cause, told.confidence) == ("tls.closed", Confidence.LIKELY)


def test_a_certificate_that_came_through_a_proxy_is_judged_as_it_is(failing: Failing) -> None:
    """That it differs directly is evidence, and its cause is what it shows."""
    told = varied(None, True, "passed", to_service=True).explain(failing("tls.intercepted", Layer.TLS))
    assert (told.cause, told.confidence) == ("tls.intercepted", Confidence.CERTAIN)
    assert told.evidence == ("directly, without the proxy it works",)


@pytest.mark.parametrize(
    ("to_service", "works", "side"), [(True, True, Side.OURS), (False, True, None), (True, False, None)]
)
def test_what_the_environments_proxy_shows(
    failing: Failing, to_service: bool, works: bool, side: Side | None
) -> None:
    """The service is up, and the direct way, which it needs, is closed on this side."""
    told = varied(PROXY, works, "silence", to_service=to_service).explain(
        failing("tcp.filtered", Layer.CONNECT)
    )
    assert (told.cause, told.side) == ("tcp.filtered", side)
    assert any("the vendor supports no proxy" in words for words in told.evidence) is (side is not None)


def test_the_controls_say_both() -> None:
    """What was varied, and how it ended."""
    [one] = varied(PROXY, False, "silence", to_service=False).controls
    assert (one.varied, one.value, one.verdict) == ("proxy", PROXY, Verdict.FAIL)
    [other] = varied(None, True, "passed", to_service=False).controls
    assert (other.value, other.verdict) == ("none", Verdict.PASS)
