"""Who answered in a run, and whom others can be compared with."""

from __future__ import annotations

import pytest

from netcheck.check import Check, Terms
from netcheck.second_look.sightings import SAME_MOMENT, Sightings
from probes.contract import Ascent, Confidence, Layer, Outcome, Step, Timing, Verdict

CONNECTED = (Step(Layer.CONNECT, Verdict.PASS),)
NOT = (Step(Layer.CONNECT, Verdict.FAIL, "tcp.filtered"),)
OPEN = Ascent(None, Verdict.PASS, CONNECTED)
SPOKE = Ascent(None, Verdict.PASS, (*CONNECTED, Step(Layer.PROTOCOL, Verdict.PASS)))
ASKED = Step(Layer.CONNECT, Verdict.PASS, detail={"transport": "udp"})
TOLD = Ascent(None, Verdict.PASS, (ASKED, Step(Layer.PROTOCOL, Verdict.PASS)))  # by datagrams
REFUSED = Ascent(None, Verdict.FAIL, NOT, "tcp.refused", Layer.CONNECT)
SILENT = Ascent(None, Verdict.FAIL, NOT, "tcp.filtered", Layer.CONNECT)
REJECTED = Ascent(None, Verdict.FAIL, NOT, "tcp.rejected", Layer.CONNECT)
CLOSED = Ascent(None, Verdict.FAIL, CONNECTED, "protocol.closed", Layer.PROTOCOL)


def seen(*notes: tuple[str, int, Ascent, float]) -> Sightings:
    """Address, port, what it did and when."""
    sightings = Sightings()
    for address, port, ascent, when in notes:
        terms = Terms("local", "declared", "vault-to-target", "tcp", port, None, Timing())
        ladder = ascent._replace(address=address, started=when)
        sightings.note(Check(address, address, terms), Outcome(None, (ladder,)))
    return sightings


@pytest.mark.parametrize(
    ("ascent", "sign", "port"),
    [
        (OPEN, Confidence.LIKELY, 22),
        (SPOKE, Confidence.CERTAIN, 22),
        (TOLD, Confidence.CERTAIN, None),
        (CLOSED, Confidence.LIKELY, 22),
        (REFUSED, Confidence.LIKELY, None),
        (REJECTED._replace(signed_by="10.0.0.1"), Confidence.LIKELY, None),
        (REJECTED._replace(signed_by="10.9.0.1"), None, None),
        (SILENT, None, None),
    ],
)
def test_what_is_a_sign_of_life(ascent: Ascent, sign: Confidence | None, port: int | None) -> None:
    """Any answer of the address itself; only a handshake is a flow to compare with."""
    found = seen(("10.0.0.1", 22, ascent, 100.0))
    assert (found.sign("10.0.0.1", 100.0), found.port("10.0.0.1")) == (sign, port)


def test_a_handshake_that_not_anybody_gets_is_proof() -> None:
    """And what spoke is not forgotten with a proxy's handshake on another port."""
    found = seen(("10.0.0.1", 22, OPEN, 100.0))
    found.prove("10.0.0.1", 100.0)
    found.prove("10.0.0.2", 100.0)
    assert found.sign("10.0.0.1", 100.0) is Confidence.CERTAIN
    assert found.sign("10.0.0.2", 100.0) is None
    found = seen(("10.0.0.1", 22, SPOKE, 100.0), ("10.0.0.1", 443, OPEN, 101.0))
    found.forget("10.0.0.1", 443)
    assert found.sign("10.0.0.1", 100.0) is Confidence.CERTAIN
    assert found.port("10.0.0.1") == 22


def test_a_port_that_spoke_is_the_one_to_compare_with() -> None:
    """Rather than a bare handshake before or after; and never one that must be blocked."""
    for order in ((OPEN, SPOKE), (SPOKE, OPEN)):
        notes = [("10.0.0.1", 22 if one is SPOKE else 443, one, 100.0) for one in order]
        assert seen(*notes).port("10.0.0.1") == 22


def test_life_is_of_a_moment() -> None:
    """A minute before or after; nobody else's."""
    found = seen(("10.0.0.1", 22, OPEN, 100.0))
    assert found.sign("10.0.0.1", 100.0 + SAME_MOMENT)
    assert found.sign("10.0.0.1", 100.0 - SAME_MOMENT)
    assert not found.sign("10.0.0.1", 101.0 + SAME_MOMENT)
    assert not found.sign("10.0.0.2", 100.0)
    assert not found.sign(None, 100.0)


def test_a_refusal_does_not_forget_an_open_port() -> None:
    """It is the newer sign of life, and the port still the one to compare with."""
    found = seen(("10.0.0.1", 22, OPEN, 100.0), ("10.0.0.1", 23, REFUSED, 300.0))
    assert found.port("10.0.0.1") == 22
    assert found.sign("10.0.0.1", 300.0)


def test_what_answered_for_it_is_forgotten() -> None:
    """A proxy's handshake is neither life nor a flow to compare with, also for the neighbours."""
    found = seen(("10.0.0.1", 22, OPEN, 100.0))
    assert found.neighbour("10.0.0.2") == ("10.0.0.1", 22)
    found.forget("10.0.0.1", 22)
    assert (found.sign("10.0.0.1", 100.0), found.port("10.0.0.1")) == (None, None)
    assert found.neighbour("10.0.0.2") is None
    found.forget(None, None)


def test_a_neighbour_is_another_address_of_the_network() -> None:
    """Not the address itself, not one that only refused, not one of another network."""
    found = seen(
        ("10.0.0.1", 22, OPEN, 1.0),
        ("10.0.0.2", 23, OPEN, 1.0),
        ("10.0.0.3", 24, REFUSED, 1.0),
        ("10.0.1.4", 25, OPEN, 1.0),
    )
    assert found.neighbour("10.0.0.1") == ("10.0.0.2", 23)
    assert found.neighbour("10.0.0.9") == ("10.0.0.1", 22)
    assert found.neighbour("10.0.1.4") is None
    assert found.neighbour("10.0.2.1") is None


def test_a_neighbour_seen_later_is_known_too() -> None:
    """The list of neighbours is made anew after each note."""
    found = seen(("10.0.0.1", 22, OPEN, 1.0))
    assert found.neighbour("10.0.0.1") is None
    terms = Terms("local", "declared", "vault-to-target", "tcp", 443, None, Timing())
    found.note(Check("b", "b", terms), Outcome(None, (OPEN._replace(address="10.0.0.2"),)))
    assert found.neighbour("10.0.0.1") == ("10.0.0.2", 443)


def test_a_bare_handshake_says_nothing() -> None:
    """Proved or not, no byte of the target was heard; what spoke was, for a moment."""
    found = seen(("10.0.0.1", 22, OPEN, 100.0), ("10.0.0.2", 22, SPOKE, 100.0))
    found.prove("10.0.0.1", 100.0)
    assert not found.heard("10.0.0.1", 100.0)
    assert found.heard("10.0.0.2", 100.0)
    assert not found.heard("10.0.0.2", 101.0 + SAME_MOMENT)
