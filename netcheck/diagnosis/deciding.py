"""What the looks, traces and experiments of a second look come to: each failure's final judgement. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from netcheck.diagnosis.ascents import HANGING, unconnected
from netcheck.diagnosis.found import Found
from netcheck.diagnosis.judge import seen, unstable
from netcheck.diagnosis.judgement import Judgement, also, likely, with_cause
from netcheck.diagnosis.places import Line
from netcheck.diagnosis.policy import policed, unanswered, with_life_sign
from netcheck.diagnosis.refine import OTHERS_SWALLOWED, Refined, refine
from netcheck.diagnosis.second_look import Failure, failed, network_of, stronger
from netcheck.diagnosis.together import Others, together
from netcheck.diagnosis.unheard import (
    SAID,
    Rejection,
    Said,
    as_heard_by_others,
    hops_of,
    line_of,
    said_of,
)
from netcheck.diagnosis.unheard import Line as Rejected
from netcheck.record import Place, Trace
from probes.contract import NOTHING, Ascent, Confidence, Layer, Outcome, Verdict

UNHEARD = "others of this network and port are rejected by ICMP, of which routers send few: perhaps unheard"
DOWN = "another check found this address down: perhaps this one gave up before its router did"
LIVING = "another port of this address answers, so the host is there: a rule says so of this one"
BARE = "another port of this address completes a bare handshake, perhaps by a proxy: a router tried this host"
AT_ONCE = "another port of this address is called unreachable at once, and by the same: a rule, it seems"
SILENT_BEFORE = "a look before it heard nothing, so no rule answers at once: a router or ARP was still trying"
DOWN_BESIDE = "others of this network are called down by a router, and routers send few such answers"
OR_NEXT = "no other address of its network answered: perhaps it is the next router that does not"
NEAR_ANSWERS = "another address of its network answers, so there is a route: a rule says so of this one"
PERHAPS_A_RULE = "a rule for this host may say the same in place of the routing table"
NEVER_ACKNOWLEDGED = "what we sent was never acknowledged: it may get lost on the way there"
HASTY = "a router calls a dead host so after 3 s, for which this timeout does not wait"
HOST_TRIES = 3.2  # seconds until three requests for a neighbour are given up (RFC 4861 10)
DEAF = "nothing at all answers this vantage: perhaps its own connection is what fails"
STUCK = "nobody answers this host as the next hop of other flows: this one may wait for the same"
ITS_LIKE = "one of its kind, looked at again"
DIFFER = "not examined itself, and those of its kind that were turned out to differ"


NOTHING_FOUND = Found()
NOBODY = Others()


@dataclass(slots=True)
class Case:
    """A failure under review, filled as the review goes on.

    `again`: how the last of `tries` further looks ended; None: it was not looked at again. `examined`:
    whether experiments and traces of its own were thought of. `line`: the silent flows it stands among.
    """

    failure: Failure
    again: Outcome | None = None
    tries: int = 0
    found: Found = NOTHING_FOUND
    examined: bool = False
    line: Line | None = None

    @property
    def second(self) -> Ascent:
        """The ladder that failed last."""
        return failed(self.failure.outcome if self.again is None else self.again)

    @property
    def is_told(self) -> bool:
        """Whether its neighbours' traces already tell where this silent flow ends."""
        silent = self.failure.main.cause == "tcp.filtered"
        return silent and self.line is not None and self.line.known(self.failure) is not None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A failure with its final judgement after so many looks of its own."""

    failure: Failure
    outcome: Outcome
    refined: Refined
    attempts: int

    @property
    def judgement(self) -> Judgement:
        return self.refined.judgement

    def judged(self, judgement: Judgement) -> Reviewed:
        """The same, judged otherwise."""
        return replace(self, refined=self.refined._replace(judgement=judgement))


class Beside(NamedTuple):
    """What is known beside the single failure.

    names: the hops' reverse names · untraced: why nothing could be traced · down: addresses that a router
    called unreachable · sign: how sure it is that an address answered at that moment (Unix time) · alive:
    addresses that certainly refused something themselves · at_once: addresses that were called unreachable
    sooner than a router can know, with who said so · dying: networks some of whose addresses a router called
    down · rejections: what others of a network and port were told · swallowing: this host was seen to drop
    answers itself · deaf: nothing at all answers this vantage, though several targets should · heard: whether
    an address spoke at that moment, which no proxy of handshakes does · others: what other targets answered ·
    near: whether another address of its network answered · lost: no target answered, and no router behind
    the first · stuck: no target answered, and this host itself gave up on the next hop of some.
    """

    names: Mapping[str, str] = NOTHING
    untraced: str | None = None
    down: frozenset[str | None] = frozenset()
    sign: Callable[[str | None, float], Confidence | None] = lambda address, when: None
    alive: frozenset[str | None] = frozenset()
    at_once: frozenset[tuple[str | None, str | None]] = frozenset()
    dying: frozenset[str] = frozenset()
    rejections: Mapping[Rejected, Rejection] = MappingProxyType({})
    swallowing: bool = False
    deaf: bool = False
    heard: Callable[[str | None, float], bool] = lambda address, when: False
    others: Others = NOBODY
    near: Callable[[str | None], bool] = lambda address: False
    lost: bool = False
    stuck: bool = False


def decided(
    members: Sequence[Case], representatives: Sequence[Case], beside_rejections: bool, beside: Beside
) -> Iterator[Reviewed]:
    """The verdict of every member of a class: its own second look's, or the representatives'."""
    agreed = agree(representatives)
    shown = placed(representatives[0], beside)
    for case in members:
        if case.again is not None or case.examined or not case.failure.check.terms.retries:
            reviewed = placed(case, beside)
        elif agreed:
            reviewed = _placed(case, _inherited(case.failure, shown), beside)
        else:
            reviewed = _doubted(_placed(case, own(case), beside), DIFFER, _weakest(representatives, beside))
        yield _policed(case, _weighed(reviewed, beside_rejections, beside), beside)


def agree(cases: Sequence[Case]) -> bool:
    """Whether these, examined, still have one cause."""
    return len({placed(case, Beside()).judgement.cause for case in cases}) == 1


def refusing(cases: Iterable[Case]) -> frozenset[str | None]:
    """The addresses of which it is certain that they refused something themselves, and so are alive."""
    judgements = (placed(case, Beside()).judgement for case in cases if case.examined)
    sure = [one for one in judgements if one.cause == "tcp.refused" and one.confidence is Confidence.CERTAIN]
    return frozenset(one.main.address for one in sure)


def called_at_once(failures: Iterable[Failure]) -> frozenset[tuple[str | None, str | None]]:
    """The addresses that were called unreachable sooner than by trying, and by whom."""
    mains = [one.main for one in failures if one.main.cause == "tcp.rejected" and one.main.signed_by]
    return frozenset((main.address, main.signed_by) for main in mains if main.confidence is Confidence.LIKELY)


def heard(cases: Iterable[Case]) -> Iterator[Said]:
    """Who was rejected by whom, by a look or by the trace alone."""
    for case in cases:
        reviewed = placed(case, Beside())
        judgement, where, terms = reviewed.judgement, reviewed.refined.where, case.failure.check.terms
        signer = where.address if where is not None and where.relation == "at" else judgement.main.signed_by
        address = judgement.main.address
        if judgement.cause in SAID and signer and address:
            route = case.found.traced.route if case.found.traced is not None else None
            line = line_of(terms.vantage, address, terms.port, judgement.cause)
            yield Said(line, judgement.cause, signer, judgement.summary, hops_of(route))


def gave_up_here(cases: Iterable[Case]) -> bool:
    """Whether this very host asked for the next hop of any of these flows in vain, be it just before."""
    mains = (main for case in cases for main in (case.failure.main, case.second))
    return any(
        main.source is not None and main.signed_by == main.source.address and _may_have_tried(main)
        for main in mains
    )


def _may_have_tried(main: Ascent) -> bool:
    soon = main.cause == "vantage.blocked_locally" and main.confidence is Confidence.LIKELY
    return soon or main.cause == "tcp.host_down"


def dying(down: Iterable[Failure]) -> frozenset[str]:
    """The networks of these addresses: their routers may owe an answer for others as well."""
    return frozenset(network_of(one.main.address) for one in down if one.main.address)


def own(case: Case) -> Reviewed:
    """What the looks at this failure itself come to."""
    failure, second = case.failure, case.again
    if second is None:
        return Reviewed(failure, failure.outcome, Refined(failure.judgement), 1)
    again = seen(failure.check, second, looks=2)
    attempts = 1 + case.tries
    if again.verdict.works:
        return Reviewed(failure, second, Refined(unstable(again, failure.main)), attempts)
    outcome = stronger(failure.outcome, second)
    judgement = seen(failure.check, outcome, looks=2)
    if _gave_up_late(failure.main, failed(second)):
        return Reviewed(failure, outcome, Refined(_down_after_all(judgement, SILENT_BEFORE)), attempts)
    if again.cause != failure.judgement.cause:
        other = failed(second) if outcome is failure.outcome else failure.main
        judgement = likely(judgement, f"another look ended differently: {other.summary}")
    return Reviewed(failure, outcome, Refined(judgement), attempts)


def _gave_up_late(first: Ascent, second: Ascent) -> bool:
    """Whether silence was followed by a host unreachable that came too soon for a router that tried.

    A rule that says so at once says it to the first look too. A router that asks for a dead host gives up
    what came meanwhile; so does this very host, on a link of its own.
    """
    soon = second.cause in ("tcp.rejected", "vantage.blocked_locally") and second.signed_by is not None
    return first.cause == "tcp.filtered" and soon and second.confidence is Confidence.LIKELY


def _down_after_all(judgement: Judgement, why: str, summary: str | None = None) -> Judgement:
    """Nobody answers there, as it seems for this reason."""
    steps = tuple(
        step._replace(verdict=Verdict.FAIL) if step.layer is judgement.layer and step.cause else step
        for step in judgement.steps
    )
    judgement = judgement._replace(verdict=Verdict.FAIL, layer=Layer.CONNECT, steps=steps)
    sure = Confidence.UNDETERMINED
    return with_cause(judgement, "tcp.host_down", summary or judgement.summary, sure, why)


def placed(case: Case, beside: Beside) -> Reviewed:
    """What the looks at this failure itself, and what was found out beside, come to."""
    return _placed(case, own(case), beside)


def _placed(case: Case, reviewed: Reviewed, beside: Beside) -> Reviewed:
    if beside.untraced and unconnected(reviewed.judgement.main):
        reviewed = reviewed.judged(also(reviewed.judgement, f"not traced: {beside.untraced}"))
    found = case.found
    if case.line is not None and (found.traced is None or found.traced.is_mute):
        known = case.line.known(case.failure)
        found = found._replace(known=known, traced=None if known is not None else found.traced)
    if found == NOTHING_FOUND:
        return reviewed
    refined = refine(reviewed.judgement, found, beside.names)
    if refined.trace is not None:
        refined = refined._replace(trace=refined.trace._replace(address=failed(reviewed.outcome).address))
    return replace(reviewed, refined=refined)


def _inherited(failure: Failure, representative: Reviewed) -> Reviewed:
    """What a representative showed stands for the rest of its class, `likely`."""
    own, shown = failure.judgement, representative.judgement
    if own.cause != failure.main.cause:  # what the check is about is more than this one address
        shown = shown._replace(verdict=own.verdict, cause=own.cause, layer=own.layer)
    whose = representative.failure.check.id
    named = f"not looked at again itself; {whose} was: {shown.summary}"
    judgement = own._replace(
        summary=own.summary if own.cause == shown.cause else f"{own.summary}; {ITS_LIKE}: {shown.summary}",
        verdict=shown.verdict,
        cause=shown.cause,
        layer=shown.layer,
        confidence=Confidence.LIKELY,
        evidence=(*own.evidence, named),
    )
    # Where silence begins is reasoned from the traces on both sides of a flow, not from the class.
    where = None if shown.cause == "tcp.filtered" else representative.refined.where
    # What gets lost for its size is lost on one way, whose size is what a whole fleet shares.
    sizes = [one for one in representative.refined.controls if one.varied == "mss" and one.value is not None]
    controls = tuple(one._replace(summary=f"{one.summary}, as tried for {whose}") for one in sizes)
    refined = Refined(judgement, where and Trace("sibling"), where, controls)
    return Reviewed(failure, failure.outcome, refined, 1)


def _weakest(representatives: Iterable[Case], beside: Beside) -> Confidence:
    """Who was not examined is no surer than any that was."""
    settled = all(
        placed(case, beside).judgement.confidence is not Confidence.UNDETERMINED for case in representatives
    )
    return Confidence.LIKELY if settled else Confidence.UNDETERMINED


def _weighed(reviewed: Reviewed, beside_rejections: bool, beside: Beside) -> Reviewed:
    """Silence is not certain beside answers that explain it otherwise, and who answers is not down."""
    judgement = reviewed.judgement
    if judgement.cause == "tcp.host_down":
        return _called_down(reviewed, beside)
    if judgement.cause == "tcp.no_route" and judgement.confidence is Confidence.CERTAIN:
        return _routed(reviewed, beside)
    if beside.stuck and (_never_left(judgement) or _heard_of_nobody(reviewed)):
        return _stuck(reviewed)
    if judgement.cause in HANGING and _unheard_there(judgement):
        return _doubted(reviewed, NEVER_ACKNOWLEDGED)
    if judgement.cause != "tcp.filtered":
        return reviewed.judged(together(judgement, reviewed.failure.check, beside.others))
    if beside.swallowing:
        return _doubted(reviewed, OTHERS_SWALLOWED, Confidence.UNDETERMINED)
    address = judgement.main.address
    terms = reviewed.failure.check.terms
    said = said_of(beside.rejections, terms.vantage, address, terms.port)
    told = said and as_heard_by_others(judgement, reviewed.refined.where, said)
    if said is not None and told is not None:
        refined = reviewed.refined._replace(judgement=told, where=Place("at", said.signer))
        return replace(reviewed, refined=refined)
    if address in beside.down:
        return _doubted(reviewed, DOWN)
    if address is not None and network_of(address) in beside.dying:
        return _doubted(reviewed, DOWN_BESIDE)
    if beside.deaf:
        return _doubted(reviewed, DEAF)
    if terms.timing.timeout < HOST_TRIES and not beside.sign(address, judgement.main.started):
        return _doubted(reviewed, HASTY)
    return _doubted(reviewed, UNHEARD) if beside_rejections else reviewed


def _routed(reviewed: Reviewed, beside: Beside) -> Reviewed:
    """A router that says "no route" of one host may have a rule for it: another of the network answers."""
    judgement = reviewed.judgement
    if judgement.main.signed_by is None:
        return reviewed
    if beside.near(judgement.main.address):
        told = with_cause(judgement, "tcp.rejected", judgement.summary, Confidence.LIKELY, NEAR_ANSWERS)
        return reviewed.judged(told)
    return _doubted(reviewed, PERHAPS_A_RULE)


def _never_left(judgement: Judgement) -> bool:
    """Whether no SYN left this host, which did not say why: a rule of its own, or a wait for ARP."""
    return judgement.cause == "vantage.blocked_locally" and judgement.main.signed_by is None


def _heard_of_nobody(reviewed: Reviewed) -> bool:
    """Whether it was silent, and no hop is known that it got to."""
    return reviewed.judgement.cause == "tcp.filtered" and reviewed.refined.where is None


def _stuck(reviewed: Reviewed) -> Reviewed:
    """What ends without a sign where the next hop of others is dead waits for the same, most probably."""
    judgement = reviewed.judgement
    told = _down_after_all(judgement, STUCK, "no SYN left this host" if _never_left(judgement) else None)
    source = judgement.main.source
    refined = reviewed.refined._replace(judgement=told, where=Place("at", source.address) if source else None)
    return replace(reviewed, refined=refined)


def _unheard_there(judgement: Judgement) -> bool:
    """Whether what we sent was never acknowledged in the step that hung."""
    step = next((step for step in judgement.main.steps if step.layer is judgement.layer), None)
    return bool(step is not None and step.detail.get("unacked"))


def _called_down(reviewed: Reviewed, beside: Beside) -> Reviewed:
    """A firewall calls a host unreachable that answers on another port, or is called so at once there.

    A bare handshake is no answer of a host that a router tried in vain.
    """
    judgement = reviewed.judgement
    main, sure = judgement.main, judgement.confidence is Confidence.CERTAIN
    if beside.sign(main.address, main.started) is Confidence.CERTAIN:
        if sure and not beside.heard(main.address, main.started):
            return _doubted(reviewed, BARE)
        why = LIVING
    elif not sure and (main.address, main.signed_by) in beside.at_once:
        why = AT_ONCE
    elif sure and not beside.near(main.address):
        return _doubted(reviewed, OR_NEXT)
    else:
        return reviewed
    told = with_cause(judgement, "tcp.rejected", judgement.summary, Confidence.LIKELY, why)
    return reviewed.judged(told)


def _doubted(reviewed: Reviewed, why: str, confidence: Confidence = Confidence.LIKELY) -> Reviewed:
    """No surer than that, and why."""
    if reviewed.judgement.confidence is Confidence.UNDETERMINED:
        confidence = Confidence.UNDETERMINED
    return reviewed.judged(also(reviewed.judgement, why)._replace(confidence=confidence))


def _policed(case: Case, reviewed: Reviewed, beside: Beside) -> Reviewed:
    """The verdict where the flow must be blocked: certain only where what was seen is."""
    if case.failure.check.terms.expect != "blocked":
        return reviewed
    traced, judgement = case.found.traced, reviewed.judgement
    told = policed(judgement, traced.route.end if traced is not None else None)
    if told.verdict is Verdict.PASS and (beside.deaf or (beside.lost and judgement.cause == "tcp.filtered")):
        return reviewed.judged(unanswered(told))
    if told.verdict is not Verdict.PASS:
        return reviewed.judged(told)
    address, when = judgement.main.address, judgement.main.started
    told = with_life_sign(told, Confidence.CERTAIN if address in beside.alive else beside.sign(address, when))
    if case.failure.check.terms.retries and judgement.confidence is not Confidence.CERTAIN:
        told = told._replace(confidence=Confidence.LIKELY)
    return reviewed.judged(told)
