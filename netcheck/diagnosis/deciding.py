"""What the looks, traces and experiments of a second look come to: each failure's final judgement. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from netcheck.diagnosis.ascents import unconnected
from netcheck.diagnosis.classes import Failure, failed, stronger
from netcheck.diagnosis.found import Found
from netcheck.diagnosis.judge import seen, unstable
from netcheck.diagnosis.judgement import also, likely
from netcheck.diagnosis.networks import network_of
from netcheck.diagnosis.places import Line
from netcheck.diagnosis.policy import policed, unanswered, with_life_sign
from netcheck.diagnosis.refine import Refined, refine
from netcheck.diagnosis.unheard import (
    SAID,
    Said,
    hops_of,
    line_of,
)
from netcheck.diagnosis.weighing import Beside, Reviewed, doubted, down_after_all, weighed
from netcheck.record import Trace
from probes.contract import Ascent, Confidence, Outcome, Verdict

SILENT_BEFORE = "a look before it heard nothing, so no rule answers at once: a router or ARP was still trying"
ITS_LIKE = "one of its kind, looked at again"
DIFFER = "not examined itself, and those of its kind that were turned out to differ"


NOTHING_FOUND = Found()


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
            reviewed = doubted(_placed(case, own(case), beside), DIFFER, _weakest(representatives, beside))
        yield _policed(case, weighed(reviewed, beside_rejections, beside), beside)


def agree(cases: Sequence[Case]) -> bool:
    """Whether these, examined, still have one cause, and none a reason that goes by what was said to it."""
    if any(one.telling for case in cases for one in case.found.varied):
        return False
    return len({placed(case, Beside()).judgement.cause for case in cases}) == 1


Seen = Sequence[tuple[Case, Reviewed]]  # each failure with what it comes to by itself


def by_themselves(cases: Iterable[Case]) -> Seen:
    """What each failure comes to, with nothing known beside it."""
    return [(case, placed(case, Beside())) for case in cases]


def refusing(cases: Seen) -> frozenset[str | None]:
    """The addresses of which it is certain that they refused something themselves, and so are alive."""
    judgements = [reviewed.judgement for case, reviewed in cases if case.examined]
    sure = [one for one in judgements if one.cause == "tcp.refused" and one.confidence is Confidence.CERTAIN]
    return frozenset(one.main.address for one in sure)


def called_at_once(failures: Iterable[Failure]) -> frozenset[tuple[str | None, str | None]]:
    """The addresses that were called unreachable sooner than by trying, and by whom."""
    mains = [one.main for one in failures if one.main.cause == "tcp.rejected" and one.main.signed_by]
    return frozenset((main.address, main.signed_by) for main in mains if main.confidence is Confidence.LIKELY)


def heard(cases: Seen) -> Iterator[Said]:
    """Who was rejected by whom, by a look or by the trace alone."""
    for case, reviewed in cases:
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


def called_down(cases: Seen) -> dict[str, str | None]:
    """Each address that is called down, with who says so: to a look, or to what was found out beside."""
    found: dict[str, str | None] = {}
    for case, reviewed in cases:
        main, where = reviewed.judgement.main, reviewed.refined.where
        if main.address and "tcp.host_down" in (reviewed.judgement.cause, case.failure.main.cause):
            found[main.address] = where.address if where else main.signed_by or case.failure.main.signed_by
    return found


def dying(down: Mapping[str, str | None]) -> dict[str, frozenset[str | None]]:
    """By network of these addresses, who calls them down: they may owe an answer for others as well."""
    networks: dict[str, frozenset[str | None]] = {}
    for address, signer in down.items():
        network = network_of(address)
        networks[network] = networks.get(network, frozenset()) | {signer}
    return networks


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
        return Reviewed(failure, outcome, Refined(down_after_all(judgement, SILENT_BEFORE)), attempts)
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
