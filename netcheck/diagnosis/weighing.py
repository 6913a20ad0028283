"""What is known beside a failure, and how sure that leaves its verdict. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from netcheck.diagnosis.ascents import HANGING
from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.judgement import Judgement, also, with_cause
from netcheck.diagnosis.networks import network_of
from netcheck.diagnosis.others import Others
from netcheck.diagnosis.refine import OTHERS_SWALLOWED, Refined
from netcheck.diagnosis.together import together
from netcheck.diagnosis.unheard import Line as Rejected
from netcheck.diagnosis.unheard import (
    Rejection,
    as_heard_by_others,
    said_of,
)
from netcheck.record import Place
from probes.contract import NOTHING, Confidence, Layer, Outcome, Verdict

UNHEARD = "others of this network and port are rejected by ICMP, of which routers send few: perhaps unheard"
DOWN = "another check found this address down: perhaps this one gave up before its router did"
LIVING = "another port of this address answers, so the host is there: a rule says so of this one"
BARE = "another port of this address completes a bare handshake, perhaps by a proxy: a router tried this host"
AT_ONCE = "another port of this address is called unreachable at once, and by the same: a rule, it seems"
DOWN_BESIDE = "others of this network are called down by a router, and routers send few such answers"
OR_NEXT = "no other address of its network answered: perhaps it is the next router that does not"
NEAR_ANSWERS = (
    "another address of its network answers: either this one has a route of its own, or a rule says so"
)
PERHAPS_A_RULE = "a rule for this host may say the same in place of the routing table"
NEVER_ACKNOWLEDGED = "what we sent was never acknowledged: it may get lost on the way there"
HASTY = "a router calls a dead host so after 3 s, for which this timeout does not wait"
HOST_TRIES = 3.2  # seconds until three requests for a neighbour are given up (RFC 4861 10)
DEAF = "nothing at all answers this vantage: perhaps its own connection is what fails"
STUCK = "nobody answers this host as the next hop of other flows: this one may wait for the same"
NOBODY = Others()


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
    down, with those routers · rejections: what others of a network and port were told · swallowing: this host
    was seen to drop answers itself · deaf: nothing at all answers this vantage, though several targets
    should · heard: whether an address spoke at that moment, which no proxy of handshakes does · others: what
    other targets answered ·
    near: whether another address of its network answered · lost: no target answered, and no router behind
    the first · stuck: no target answered, and this host itself gave up on the next hop of some.
    """

    names: Mapping[str, str] = NOTHING
    untraced: str | None = None
    down: frozenset[str | None] = frozenset()
    sign: Callable[[str | None, float], Confidence | None] = lambda address, when: None
    alive: frozenset[str | None] = frozenset()
    at_once: frozenset[tuple[str | None, str | None]] = frozenset()
    dying: Mapping[str, frozenset[str | None]] = NOTHING
    rejections: Mapping[Rejected, Rejection] = MappingProxyType({})
    swallowing: bool = False
    deaf: bool = False
    heard: Callable[[str | None, float], bool] = lambda address, when: False
    others: Others = NOBODY
    near: Callable[[str | None], bool] = lambda address: False
    lost: bool = False
    stuck: bool = False


def weighed(reviewed: Reviewed, beside_rejections: bool, beside: Beside) -> Reviewed:
    """Silence is not certain beside answers that explain it otherwise, and who answers is not down."""
    judgement = reviewed.judgement
    if judgement.cause == "tcp.host_down":
        return _called_down(reviewed, beside)
    if judgement.cause == "tcp.no_route" and judgement.confidence is Confidence.CERTAIN:
        return _routed(reviewed, beside)
    if beside.stuck and (_never_left(judgement) or _heard_of_nobody(reviewed)):
        return _stuck(reviewed)
    if judgement.cause in HANGING and _unheard_there(judgement):
        return doubted(reviewed, NEVER_ACKNOWLEDGED)
    if judgement.cause != "tcp.filtered":
        return reviewed.judged(together(judgement, reviewed.failure.check, beside.others))
    if beside.swallowing:
        return doubted(reviewed, OTHERS_SWALLOWED, Confidence.UNDETERMINED)
    address = judgement.main.address
    terms = reviewed.failure.check.terms
    said = said_of(beside.rejections, terms.vantage, address, terms.port)
    told = said and as_heard_by_others(judgement, reviewed.refined.where, said)
    if said is not None and told is not None:
        refined = reviewed.refined._replace(judgement=told, where=Place("at", said.signer))
        return replace(reviewed, refined=refined)
    if address in beside.down:
        return doubted(reviewed, DOWN)
    if address is not None and (routers := beside.dying.get(network_of(address))):
        return doubted(_got_there(reviewed, routers), DOWN_BESIDE)
    if beside.deaf:
        return doubted(reviewed, DEAF)
    if terms.timing.timeout < HOST_TRIES and not beside.sign(address, judgement.main.started):
        return doubted(reviewed, HASTY)
    return doubted(reviewed, UNHEARD) if beside_rejections else reviewed


def _routed(reviewed: Reviewed, beside: Beside) -> Reviewed:
    """A router that says "no route" of one host may have a rule for it: another of the network answers."""
    judgement = reviewed.judgement
    if judgement.main.signed_by is None:
        return reviewed
    return doubted(reviewed, NEAR_ANSWERS if beside.near(judgement.main.address) else PERHAPS_A_RULE)


def _never_left(judgement: Judgement) -> bool:
    """Whether no SYN left this host, which did not say why: a rule of its own, or a wait for ARP."""
    return judgement.cause == "vantage.blocked_locally" and judgement.main.signed_by is None


def _heard_of_nobody(reviewed: Reviewed) -> bool:
    """Whether it was silent, and no hop is known that it got to."""
    return reviewed.judgement.cause == "tcp.filtered" and reviewed.refined.where is None


def _stuck(reviewed: Reviewed) -> Reviewed:
    """What ends without a sign where the next hop of others is dead waits for the same, most probably."""
    judgement = reviewed.judgement
    told = down_after_all(judgement, STUCK, "no SYN left this host" if _never_left(judgement) else None)
    source = judgement.main.source
    refined = reviewed.refined._replace(judgement=told, where=Place("at", source.address) if source else None)
    return replace(reviewed, refined=refined)


def down_after_all(judgement: Judgement, why: str, summary: str | None = None) -> Judgement:
    """Nobody answers there, as it seems for this reason."""
    steps = tuple(
        step._replace(verdict=Verdict.FAIL) if step.layer is judgement.layer and step.cause else step
        for step in judgement.steps
    )
    judgement = judgement._replace(verdict=Verdict.FAIL, layer=Layer.CONNECT, steps=steps)
    sure = Confidence.UNDETERMINED
    return with_cause(judgement, "tcp.host_down", summary or judgement.summary, sure, why)


def _got_there(reviewed: Reviewed, routers: Collection[str | None]) -> Reviewed:
    """Without a place that a router makes which is short of answers, as one is that tries hosts in vain."""
    where = reviewed.refined.where
    if where is None or where.before not in routers:
        return reviewed
    return replace(reviewed, refined=reviewed.refined._replace(where=None))


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
            return doubted(reviewed, BARE)
        why = LIVING
    elif not sure and (main.address, main.signed_by) in beside.at_once:
        why = AT_ONCE
    elif sure and not beside.near(main.address):
        return doubted(reviewed, OR_NEXT)
    else:
        return reviewed
    told = with_cause(judgement, "tcp.rejected", judgement.summary, Confidence.LIKELY, why)
    return reviewed.judged(told)


def doubted(reviewed: Reviewed, why: str, confidence: Confidence = Confidence.LIKELY) -> Reviewed:
    """No surer than that, and why."""
    if reviewed.judgement.confidence is Confidence.UNDETERMINED:
        confidence = Confidence.UNDETERMINED
    return reviewed.judged(also(reviewed.judgement, why)._replace(confidence=confidence))
