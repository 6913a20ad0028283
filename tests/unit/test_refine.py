"""What traces and experiments make of a judgement."""

from __future__ import annotations

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.answered import FIRST, not_proved
from netcheck.diagnosis.found import Found, Known, Patient, Sizes, Stalled, Traced
from netcheck.diagnosis.judge import judge
from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.policy import policed
from netcheck.diagnosis.refine import NEAR, Refined, refine, with_way
from netcheck.diagnosis.ways import NO_CYCLE
from netcheck.record import Control, Place
from probes.contract import Ascent, Confidence, Layer, Outcome, Step, Timing, Verdict
from probes.net.base import Icmp, Reply
from probes.path.middlebox import Asked
from probes.path.reset import Sender
from probes.path.route import Hop, Route

TARGET = "10.20.0.9"
A, B, C = "10.1.0.1", "10.2.0.1", "10.3.0.1"


def icmp(code: int, sender: str, kind: int = 3) -> Icmp:
    return Icmp(4, kind, code, sender)


WAY = (Hop(1, A, None, 0.001), Hop(2, B, None, 0.002))
RST = Reply("refused", 0.003)
BY_TARGET = Sender(True, Confidence.CERTAIN, ("the same distance",))
BY_OTHER = Sender(False, Confidence.CERTAIN, ("only got to the router",), C)
AFTER_B = Place("after", B, C)


def judgement(
    cause: str, layer: Layer = Layer.CONNECT, expect: str = "reachable", **detail: int
) -> Judgement:
    """A failure seen twice, or a passed handshake where the cause is empty."""
    terms = Terms("local", "declared", "vault-to-target", "tcp", 22, None, Timing(), expect=expect)
    if not cause:
        seen = Ascent(TARGET, Verdict.PASS, (Step(Layer.CONNECT, Verdict.PASS),))
        return judge(Check("t", TARGET, terms), Outcome(None, (seen,)), looks=2)
    steps: tuple[Step, ...] = (Step(layer, Verdict.FAIL, cause, 5.0, detail),)
    if layer is not Layer.CONNECT:
        steps = (Step(Layer.CONNECT, Verdict.PASS), *steps)
    ascent = Ascent(TARGET, Verdict.FAIL, steps, cause, layer, summary="as seen")
    return judge(Check("t", TARGET, terms), Outcome(None, (ascent,)), looks=2)


def text(refined: Refined) -> str:
    """All of the evidence."""
    return " | ".join(refined.judgement.evidence)


def test_nothing_found_changes_nothing() -> None:
    """The judgement as it was, without a place."""
    own = judgement("tcp.filtered")
    assert refine(own, Found()) == Refined(own)


def test_silence_is_placed_after_the_last_hop_that_answers() -> None:
    """The cause stays, and stays certain: it was seen twice."""
    found = refine(judgement("tcp.filtered"), Found(Traced(Route(WAY), C)))
    assert (found.judgement.cause, found.judgement.confidence) == ("tcp.filtered", Confidence.CERTAIN)
    assert found.where == AFTER_B
    assert text(found) == f"hop 2, {B}, answers, nothing after it does"
    assert found.trace is not None
    assert [hop.address for hop in found.trace.hops] == [A, B]


def test_silence_of_all_hops_has_no_place() -> None:
    """Neither this host's side nor anybody else is named."""
    found = refine(judgement("tcp.filtered"), Found(Traced(Route())))
    assert found.where is None
    assert "the place is not known" in text(found)


def test_several_paths_and_stingy_hops_are_said() -> None:
    """The sentence has them, and the trace the mark."""
    found = refine(judgement("tcp.filtered"), Found(Traced(Route(WAY, ecmp=True, limited=True))))
    assert "on one of several paths; hops that limit their answers were asked again" in text(found)
    assert found.trace is not None
    assert found.trace.ecmp


def test_a_rejection_that_only_the_trace_heard() -> None:
    """Silence becomes a rejection at its signer; what it looked like is kept."""
    end = Reply("rejected", 0.004, icmp(13, C))
    found = refine(judgement("tcp.filtered"), Found(Traced(Route(WAY, end, 3))))
    assert (found.judgement.cause, found.where) == ("tcp.rejected", Place("at", C))
    assert found.judgement.steps[-1].cause == "tcp.rejected"
    assert "it looks like tcp.filtered: as seen" in text(found)
    assert found.trace is not None
    assert found.trace.hops[-1] == Hop(3, C, None, 0.004)


def test_silence_that_the_trace_did_not_meet_is_only_likely() -> None:
    """A SYN was answered: no place, and no certainty."""
    found = refine(judgement("tcp.filtered"), Found(Traced(Route(WAY, RST, 3))))
    assert (found.judgement.cause, found.judgement.confidence) == ("tcp.filtered", Confidence.LIKELY)
    assert found.where is None
    assert "an RST" in text(found)


@pytest.mark.parametrize("end", [None, RST, Reply("rejected", 0.004, icmp(13, B)), Reply("connected", 0.003)])
@pytest.mark.parametrize(
    "cause", ["tcp.filtered", "tcp.refused", "tcp.rejected", "tcp.no_route", "tcp.host_down"]
)
def test_what_a_syn_of_the_trace_opens_is_unstable_whatever_the_looks_met(
    cause: str, end: Reply | None
) -> None:
    """One of several paths is at fault, or SYNs get lost: nobody's closed port, and nobody is named."""
    own = judgement(cause)
    own = own._replace(main=own.main._replace(signed_by=B if cause != "tcp.filtered" else None))
    route = Route(WAY, end, 3 if end else None, ecmp=True, syns=9, opened=2)
    found = refine(own, Found(Traced(route, C, BY_TARGET)))
    assert (found.judgement.cause, found.judgement.confidence) == ("path.unstable", Confidence.LIKELY)
    assert found.judgement.verdict is Verdict.FAIL
    assert found.where is None
    assert "2 SYNs of the trace were answered by a handshake" in text(found)
    assert "more than one path" in text(found)
    assert f"it looks like {cause}: as seen" in text(found)
    assert found.trace is not None
    assert found.trace.ecmp


@pytest.mark.parametrize(("cause", "first"), [("tcp.filtered", "silent"), ("tcp.rejected", "blocked")])
def test_what_must_be_blocked_is_open_if_a_syn_of_the_trace_opens(cause: str, first: str) -> None:
    """It opens now and then, and must not at all."""
    found = refine(judgement(cause), Found(Traced(Route(WAY, RST, 3, opened=1))))
    told = policed(found.judgement, RST)
    assert (told.verdict, told.cause) == (Verdict.FAIL, "policy.unexpectedly_open")
    assert told.confidence is Confidence.LIKELY
    assert told.summary.startswith(f"{first} at first")


def test_an_rst_beside_handshakes_is_not_drawn_as_the_targets() -> None:
    """A firewall on one of the paths may have sent it."""
    found = refine(judgement("tcp.refused"), Found(Traced(Route(WAY, RST, 3, opened=1))))
    assert found.trace is not None
    assert TARGET not in [hop.address for hop in found.trace.hops]


@pytest.mark.parametrize("gap", [(), (Hop(2), Hop(3), Hop(4), Hop(5))])
def test_a_rejection_heard_behind_a_gap_has_no_distance(gap: tuple[Hop, ...]) -> None:
    """Routers send few ICMP errors: the one before may be the signer's too, unheard."""
    way = (Hop(1, A, None, 0.001), *gap)
    found = refine(
        judgement("tcp.rejected"),
        Found(Traced(Route(way, Reply("rejected", 1.02, icmp(13, B)), len(way) + 1))),
    )
    assert found.trace is not None
    assert [hop.address for hop in found.trace.hops] == ([A] if gap else [A, B])


def test_a_rejection_on_one_of_several_paths_has_no_distance() -> None:
    """The hop before it may be on the other one, and who signed it beside that."""
    for route in (Route(WAY, ecmp=True), Route(WAY, opened=1)):
        met = route._replace(end=Reply("rejected", 0.003, icmp(13, C)), reach=3)
        found = refine(judgement("tcp.rejected"), Found(Traced(met)))
        assert found.trace is not None
        assert [hop.address for hop in found.trace.hops] == [A, B]


def loop(*addresses: str | None) -> Refined:
    """A SYN whose time ran out in a loop, with a trace that met these."""
    told = judgement("tcp.no_route")
    met = Step(Layer.CONNECT, Verdict.FAIL, "tcp.no_route", detail={"looping": True})
    main = told.main._replace(signed_by=C, steps=(met,), confidence=Confidence.LIKELY)
    way = tuple(Hop(ttl, address) for ttl, address in enumerate(addresses, 1))
    return refine(
        told._replace(main=main, confidence=Confidence.LIKELY), Found(Traced(Route(way, limited=True)))
    )


def test_a_routing_loop_is_at_the_first_that_sends_it_round() -> None:
    """All that take part are in the evidence; who said so last is chance."""
    found = loop(A, B, C, B, C, None, C)
    assert found.where == Place("at", B, cycle=(B, C))
    assert f"from hop 2 on {B} and {C} answer by turns" in text(found)
    assert found.judgement.cause == "tcp.no_route"


@pytest.mark.parametrize(("times", "cause"), [(3, "tcp.no_route"), (2, "tcp.filtered")])
def test_silence_on_a_way_that_goes_round_is_a_loop(times: int, cause: str) -> None:
    """The looks did not hear that the time was up; the hop met last is none that drops."""
    way = tuple(Hop(ttl, address) for ttl, address in enumerate([A, *[B, C] * times], 1))
    found = refine(judgement("tcp.filtered"), Found(Traced(Route(way))))
    assert (found.judgement.cause, found.where is not None) == (cause, True)
    assert found.where != Place("after", C) or times == 2
    assert cause == "tcp.filtered" or found.judgement.confidence is Confidence.LIKELY


def test_a_loop_that_no_trace_shows_has_no_place() -> None:
    """The routers were short of answers."""
    found = loop(A, B, None, C)
    assert found.where is None
    assert NO_CYCLE in text(found)


def test_an_rst_of_the_target() -> None:
    """It is refused, certainly, and the target is the end of the way."""
    found = refine(judgement("tcp.refused"), Found(Traced(Route(WAY, RST, 3), None, BY_TARGET)))
    assert (found.judgement.cause, found.judgement.confidence) == ("tcp.refused", Confidence.CERTAIN)
    assert found.where is None
    assert found.trace is not None
    assert found.trace.hops[-1] == Hop(3, TARGET, None, 0.003)


def test_an_rst_of_unknown_sender_stays_a_refusal_and_is_likely() -> None:
    """The weaker code, and no certainty."""
    unknown = Sender(None, Confidence.LIKELY, ("can't be told",))
    found = refine(judgement("tcp.refused"), Found(Traced(Route(WAY, RST, 3), None, unknown)))
    assert (found.judgement.cause, found.judgement.confidence) == ("tcp.refused", Confidence.LIKELY)
    assert "can't be told" in text(found)


def test_an_rst_whose_sender_was_not_looked_for_is_likely() -> None:
    """The flow that was refused was silent to the trace, say."""
    found = refine(judgement("tcp.refused"), Found(Traced(Route(WAY))))
    assert (found.judgement.cause, found.judgement.confidence) == ("tcp.refused", Confidence.LIKELY)
    assert found.where is None


@pytest.mark.parametrize("sure", [Confidence.CERTAIN, Confidence.LIKELY])
def test_an_rst_of_a_firewall(sure: Confidence) -> None:
    """From right after the last hop that answered; who is drawn as the end of the way is not the target."""
    sender = BY_OTHER._replace(confidence=sure)
    found = refine(judgement("tcp.refused"), Found(Traced(Route(WAY, RST, 3), C, sender)))
    assert (found.judgement.cause, found.judgement.confidence) == ("tcp.reset_by_firewall", sure)
    assert found.where == AFTER_B
    assert found.judgement.steps[-1].cause == "tcp.reset_by_firewall"
    assert f"right after {B}" in found.judgement.summary
    assert found.trace is not None
    assert TARGET not in [hop.address for hop in found.trace.hops]


def test_an_rst_on_one_of_several_paths_has_no_place() -> None:
    """The hop at the TTL before it may be on another path than the firewall."""
    found = refine(judgement("tcp.refused"), Found(Traced(Route(WAY, RST, 3, ecmp=True), None, BY_OTHER)))
    assert found.judgement.cause == "tcp.reset_by_firewall"
    assert found.judgement.confidence is Confidence.UNDETERMINED
    assert found.where is None
    assert "on one of several paths" in found.judgement.summary


def test_an_rst_from_before_any_hop_accuses_nobody() -> None:
    """It may be this host's own rule, or the first router's: undetermined, without a place."""
    found = refine(judgement("tcp.refused"), Found(Traced(Route((), RST, 1), A, BY_OTHER)))
    assert found.judgement.cause == "tcp.reset_by_firewall"
    assert found.judgement.confidence is Confidence.UNDETERMINED
    assert found.where is None
    assert NEAR in found.judgement.summary


def test_a_pass_on_the_second_look_is_not_blamed_on_its_trace() -> None:
    """Unstable stays unstable, though the trace of the first failure ended somewhere."""
    warned = judgement("tcp.filtered")._replace(verdict=Verdict.WARN, cause="path.unstable")
    found = refine(warned, Found(Traced(Route(WAY))))
    assert (found.judgement, found.where) == (warned, None)


def test_controls_are_kept_and_said() -> None:
    """In the record as controls, and each as a sentence."""
    control = Control("port", 443, Verdict.PASS, "tcp/443 of the same host answers")
    found = refine(judgement("tcp.filtered"), Found(Traced(Route(WAY), controls=(control,))))
    assert found.controls == (control,)
    assert control.summary in found.judgement.evidence


@pytest.mark.parametrize(
    ("beside", "met", "cause"),
    [
        (Verdict.PASS, None, "tcp.rejected"),
        (Verdict.FAIL, None, "tcp.no_route"),
        (Verdict.PASS, "path.middlebox_answers", "tcp.no_route"),
    ],
)
def test_a_missing_route_is_none_where_another_port_answers(
    beside: Verdict, met: str | None, cause: str
) -> None:
    """A rule says "no route" of one port; where nothing answers, the route may really be missing.

    Nor is what answers on a port that nobody uses a sign that the way is there.
    """
    told = judgement("tcp.no_route")
    told = told._replace(main=told.main._replace(signed_by=B))
    control = Control("port", 443, beside, "tcp/443 is another port", met)
    found = refine(told, Found(Traced(Route(WAY), controls=(control,))))
    assert found.judgement.cause == cause
    assert (found.judgement.confidence is Confidence.LIKELY) == (cause == "tcp.rejected")


@pytest.mark.parametrize("routed", [True, False])
def test_a_missing_route_is_doubtful_where_another_port_gets_an_rst(routed: bool) -> None:
    """It is there if the RST comes from beyond who says that it is not; else the RST may be anybody's."""
    told = judgement("tcp.no_route")
    told = told._replace(main=told.main._replace(signed_by=B))
    control = Control("port", 40000, Verdict.FAIL, "tcp/40000 is refused by an RST", "tcp.refused")
    found = refine(told, Found(Traced(Route(WAY), controls=(control,), routed=routed)))
    assert found.judgement.cause == ("tcp.rejected" if routed else "tcp.no_route")
    assert found.judgement.confidence is Confidence.LIKELY


def test_an_untraced_flow_says_whose_place_it_has() -> None:
    """Likely, and by name."""
    found = refine(judgement("tcp.filtered"), Found(known=Known(AFTER_B, "local/web01/tcp/22")))
    assert (found.where, found.judgement.confidence) == (AFTER_B, Confidence.LIKELY)
    assert "not traced itself" in text(found)
    assert "local/web01/tcp/22" in text(found)
    assert found.trace is not None
    assert (found.trace.method, found.trace.hops) == ("sibling", ())


def test_an_answer_has_no_neighbours_place() -> None:
    """Only silence has one by its neighbours: an RST that the second look met ends elsewhere."""
    own = judgement("tcp.refused")
    assert refine(own, Found(known=Known(AFTER_B, "x"))) == Refined(own)


def test_this_very_host_is_no_hop() -> None:
    """Its own kernel signs that nobody answers as the next hop."""
    own = Reply("rejected", 3.1, Icmp(4, 3, 1, "10.9.0.7", own=True))
    found = refine(judgement("tcp.host_down"), Found(Traced(Route((), own, 1))))
    assert found.trace is not None
    assert found.trace.hops == ()


def test_names_are_drawn_beside_addresses() -> None:
    """Those that are known."""
    found = refine(judgement("tcp.filtered"), Found(Traced(Route(WAY))), {B: "fw1.acme.example"})
    assert found.trace is not None
    assert [hop.name for hop in found.trace.hops] == [None, "fw1.acme.example"]


def test_a_pass_is_drawn_with_its_way() -> None:
    """The judgement is untouched; without a trace there is none."""
    passed = Refined(judgement(""))
    shown = with_way(passed, Traced(Route(WAY, Reply("connected", 0.003), 3)))
    assert (shown.judgement, shown.where) == (passed.judgement, None)
    assert shown.trace is not None
    assert [hop.address for hop in shown.trace.hops] == [A, B, TARGET]
    assert with_way(passed, None) == passed


def unused(*kinds: str, stranger: str | None = None) -> Stalled:
    """Ports that nobody uses and what they gave."""
    asked = tuple(Asked(TARGET, 40000 + at, Reply(kind)) for at, kind in enumerate(kinds))
    return Stalled(asked, Asked("10.20.0.77", 41000, Reply(stranger)) if stranger else None)


@pytest.mark.parametrize("stranger", ["connected", "silent"])
def test_something_else_completes_the_handshake(stranger: str) -> None:
    """Only likely, also where an address drawn by chance answers: one host may hold the whole network."""
    own = judgement("protocol.silent", Layer.PROTOCOL)
    found = refine(own, Found(stalled=unused("connected", "connected", stranger=stranger)))
    assert (found.judgement.cause, found.judgement.confidence) == (
        "path.middlebox_answers",
        Confidence.LIKELY,
    )
    assert "tcp/40000 and tcp/40001 of the same address complete handshakes" in text(found)
    assert ("of 10.20.0.77" in text(found)) is (stranger == "connected")
    assert [control.varied for control in found.controls] == ["port", "port", "address"]


@pytest.mark.parametrize("kinds", [("refused",), ("silent",), ("connected", "refused"), ("connected",), ()])
def test_a_live_silent_server_is_no_middlebox(kinds: tuple[str, ...]) -> None:
    """One open port drawn by chance is not enough."""
    own = judgement("protocol.silent", Layer.PROTOCOL)
    found = refine(own, Found(stalled=unused(*kinds)))
    assert found.judgement == own
    assert len(found.controls) == len(kinds)


@pytest.mark.parametrize(
    ("unacked", "words", "sure"),
    [
        (2, "what is lost goes to the target", Confidence.LIKELY),
        (0, "what is lost comes from the target", Confidence.CERTAIN),
        (None, "can't be told here", Confidence.LIKELY),
    ],
)
def test_big_packets_get_lost(unacked: int | None, words: str, sure: Confidence) -> None:
    """Both ends of the size as packets, and the direction where the kernel tells it: what we send may be
    dropped for what it says, so only what comes to us is certain."""
    detail = {} if unacked is None else {"unacked": unacked}
    own = judgement("tls.timeout", Layer.TLS, **detail)
    found = refine(own, Found(stalled=unused("refused")._replace(sizes=Sizes(536, 1358, 1374))))
    assert (found.judgement.cause, found.judgement.layer) == ("path.mtu_blackhole", Layer.TLS)
    assert "packets of 1398 bytes pass, of 1414 do not" in found.judgement.summary
    assert found.judgement.confidence is sure
    assert words in text(found)
    assert ("a filter on the way to the target" in text(found)) is (sure is Confidence.LIKELY)
    sizes = [(one.value, one.verdict) for one in found.controls if one.varied == "mss"]
    assert sizes == [(536, Verdict.PASS), (None, Verdict.FAIL), (1358, Verdict.PASS), (1374, Verdict.FAIL)]


def test_only_full_sized_packets_get_lost() -> None:
    """Then no size that was tried fails, and none is named."""
    own = judgement("tls.timeout", Layer.TLS, unacked=0)
    found = refine(own, Found(stalled=unused("refused")._replace(sizes=Sizes(536, 1446))))
    assert "packets of 1486 bytes pass, full-sized ones do not" in found.judgement.summary
    assert [one.value for one in found.controls if one.varied == "mss"] == [536, None, 1446]


def test_a_bare_handshake_that_anybody_gets_is_no_pass() -> None:
    """The step fails too, so that no green mark is left."""
    told = not_proved(judgement(""), unused("connected", "connected", stranger="connected"))
    assert (told.verdict, told.cause, told.layer) == (Verdict.FAIL, "path.middlebox_answers", Layer.CONNECT)
    assert [(step.verdict, step.cause) for step in told.steps] == [(Verdict.FAIL, "path.middlebox_answers")]


def test_who_completes_handshakes_stands_after_the_last_hop() -> None:
    """The way of such a handshake ends there, and not at the target."""
    told = not_proved(judgement(""), unused("connected", "connected", stranger="connected"))
    shown = with_way(Refined(told), Traced(Route(WAY, Reply("connected", 0.003), 3)))
    assert shown.where == Place("after", B)
    assert f"the handshake is completed after hop 2, {B}" in text(shown)
    assert shown.trace is not None
    assert TARGET not in [hop.address for hop in shown.trace.hops]


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (Route((), Reply("connected", 0.001), 1), FIRST),
        (Route((Hop(1), Hop(2)), Reply("connected", 0.001), 3), "at TTL 3, and no hop before it answers"),
        (Route(WAY), None),
    ],
)
def test_a_handshake_that_no_trace_met_has_no_place(route: Route, said: str | None) -> None:
    """No hop before it, which is said, or no handshake any more."""
    told = not_proved(judgement(""), unused("connected", "connected", stranger="connected"))
    shown = with_way(Refined(told), Traced(route))
    assert shown.where is None
    assert said in text(shown) if said else text(shown) == text(Refined(told))


def test_open_behind_a_middlebox_is_not_known_to_be_open() -> None:
    """What must be blocked got somebody's handshake: that can't be told, so it is an error."""
    told = not_proved(judgement("", expect="blocked"), unused("connected", "connected", stranger="connected"))
    assert (told.verdict, told.cause) == (Verdict.ERROR, "path.middlebox_answers")


def rejected_at_once() -> Judgement:
    """A host unreachable that came too soon to be true."""
    return judgement("tcp.rejected")._replace(confidence=Confidence.LIKELY)


def test_a_router_that_had_tried_before_is_heard_again() -> None:
    """Asked once more it takes its time: the host is down."""
    found = refine(rejected_at_once(), Found(patient=Patient(Reply("rejected", 3.1, icmp(1, C)), True)))
    assert found.judgement.cause == "tcp.host_down"
    assert "at one moment" in text(found)


def test_a_firewall_says_host_unreachable_at_once_again() -> None:
    """It stays a rejection."""
    found = refine(rejected_at_once(), Found(patient=Patient(Reply("rejected", 0.002, icmp(1, C)), False)))
    assert found.judgement.cause == "tcp.rejected"
    assert "one by one" in text(found)


def down() -> Judgement:
    """A host unreachable that came as late as if a router had tried."""
    return judgement("tcp.host_down")


def test_a_host_that_is_down_is_so_once_more() -> None:
    """The router takes its time again: certain, whatever the two looks said."""
    doubted = down()._replace(confidence=Confidence.LIKELY)
    found = refine(doubted, Found(patient=Patient(Reply("rejected", 3.1, icmp(1, C)), True)))
    assert (found.judgement.cause, found.judgement.confidence) == ("tcp.host_down", Confidence.CERTAIN)


def test_a_firewall_that_was_short_of_answers_calls_no_host_down() -> None:
    """What came late answered a repeat of the SYN: asked in peace it comes at once."""
    found = refine(down(), Found(patient=Patient(Reply("rejected", 0.002, icmp(1, C)), False)))
    assert (found.judgement.cause, found.judgement.confidence) == ("tcp.rejected", Confidence.LIKELY)


def test_a_host_that_is_not_called_down_again_is_likely() -> None:
    """Nothing came, or one answer alone."""
    found = refine(down(), Found(patient=Patient(Reply("silent"), None)))
    assert (found.judgement.cause, found.judgement.confidence) == ("tcp.host_down", Confidence.LIKELY)


@pytest.mark.parametrize("kind", ["silent", "connected", "refused"])
def test_one_more_syn_that_meets_no_rejection_tells_nothing(kind: str) -> None:
    """Nothing is made of it."""
    own = rejected_at_once()
    assert refine(own, Found(patient=Patient(Reply(kind, 0.1), None))) == Refined(own)


@pytest.mark.parametrize("forwards", [True, False])
def test_an_address_that_forwards_need_not_reject_by_itself(forwards: bool) -> None:
    """A translating firewall rewrites what is signed behind it to the target's address."""
    told = judgement("tcp.rejected")
    told = told._replace(main=told.main._replace(signed_by=TARGET))
    way = (*WAY, Hop(3, TARGET if forwards else C))
    found = refine(told, Found(Traced(Route(way, Reply("rejected", 0.01, icmp(13, TARGET)), 4))))
    assert (found.judgement.confidence is Confidence.LIKELY) is forwards
    assert ("forwards as well" in text(found)) is forwards
