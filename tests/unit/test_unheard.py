"""What silent flows learn from rejections that others of their network and port heard."""

from __future__ import annotations

import pytest

from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.unheard import LEAST, Said, as_heard_by_others, line_of, rejections, said_of
from netcheck.record import Place
from probes.contract import Ascent, Confidence, Layer, Step, Verdict

A, B, C = "10.1.0.1", "10.2.0.1", "10.3.0.1"
LINE = line_of("local", "10.20.0.9", 22)


def said(cause: str = "tcp.rejected", signer: str = B, address: str = "10.20.0.9") -> Said:
    return Said(line_of("local", address, 22), cause, signer, "ICMP 3/13", frozenset({A}))


def silent() -> Judgement:
    """A check that got no answer."""
    steps = (Step(Layer.CONNECT, Verdict.FAIL, "tcp.filtered"),)
    main = Ascent("10.20.0.7", Verdict.FAIL, steps, "tcp.filtered", Layer.CONNECT, summary="no answer")
    return Judgement(
        Verdict.FAIL, "tcp.filtered", Layer.CONNECT, Confidence.CERTAIN, "no answer", main, steps
    )


def test_a_few_rejections_of_a_line_stand_for_it() -> None:
    """They share cause and signer; the way is all hops up to the signer."""
    [found] = rejections([said()] * LEAST).values()
    assert (found.cause, found.signer, found.flows) == ("tcp.rejected", B, LEAST)
    assert found.way == {A, B}


@pytest.mark.parametrize(
    "heard",
    [
        [said()],
        [said(), said(signer=C)],
        [said(), said("tcp.no_route")],
        [said("tcp.host_down"), said("tcp.host_down")],
        [said(), said(address="10.20.1.9")],
    ],
    ids=["one alone", "two signers", "two causes", "hosts that are down", "two networks"],
)
def test_what_is_not_one_rule_stands_for_nobody(heard: list[Said]) -> None:
    """Each flow keeps what it saw itself."""
    assert rejections(heard) == {}


@pytest.mark.parametrize("where", [None, Place("after", A), Place("after", B)])
def test_a_route_is_missing_for_every_port(where: Place | None) -> None:
    """What two flows hear of a network stands for all its ports; a rule's rejection for its own alone."""
    heard = [
        Said(
            line_of("local", "10.20.0.9", port, "tcp.no_route"), "tcp.no_route", B, "ICMP 3/0", frozenset({A})
        )
        for port in (22, 443)
    ]
    one = said_of(rejections(heard), "local", "10.20.0.7", 3389)
    assert one is not None
    told = as_heard_by_others(silent(), where, one)
    assert told is not None
    assert told.cause == "tcp.no_route"
    assert said_of(rejections([said()] * 3), "local", "10.20.0.7", 3389) is None


@pytest.mark.parametrize("where", [None, Place("after", A), Place("after", B)])
def test_silence_up_to_the_signer_is_its_rejection(where: Place | None) -> None:
    """Likely, under the rejection's code, and says how many heard it."""
    told = as_heard_by_others(silent(), where, rejections([said()] * 3)[LINE])
    assert told is not None
    assert (told.cause, told.confidence) == ("tcp.rejected", Confidence.LIKELY)
    assert any("3 others of this network and port" in proof for proof in told.evidence)


def test_a_flow_that_got_further_was_not_rejected_there() -> None:
    """A hop that is not on the way to the signer answered it."""
    assert as_heard_by_others(silent(), Place("after", C), rejections([said()] * 3)[LINE]) is None
