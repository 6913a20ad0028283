"""The second look: which failures are looked at again, and what the two looks mean together. Pure.

Failures are put in classes that probably share one reason; of each class a few representatives are
looked at again, slowly. The others inherit what the representatives showed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.ascents import connected, furthest
from netcheck.diagnosis.judge import PASSING
from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.networks import network_of
from probes.contract import Ascent, Layer, Outcome, Verdict

REPRESENTATIVES = 3
OWN_RULE = "vantage.blocked_locally"
# Routers answer a peer with few ICMP errors a second (Linux: six at once, then one a second), so where
# one was heard, silence may be an unheard rejection: then so many of a class are looked at again.
REPRESENTATIVES_NEAR_ICMP = 24


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that failed on the first look, and how that was judged. `index` is its place in the plan.

    One that must be blocked is a failure too, judged by what was seen of it and not by what is expected.
    """

    index: int
    check: Check
    outcome: Outcome
    judgement: Judgement

    @property
    def main(self) -> Ascent:
        """The ladder that failed; of several the one that got highest, or is most open where none must be."""
        return self.judgement.main if self.check.terms.expect == "blocked" else failed(self.outcome)

    @property
    def port(self) -> int | None:
        """The port that was tried: a proxy's, where the way leads through one."""
        return self.main.port or self.check.terms.port


@dataclass(frozen=True, slots=True)
class Class:
    """Failures with the same vantage, cause, step, destination network and port, and of one proxy.

    `near_icmp`: routers answered this vantage with ICMP errors; `beside_rejections`: silence where
    others of the same network and port were rejected.
    """

    members: tuple[Failure, ...]
    near_icmp: bool = False
    beside_rejections: bool = False

    def split(self) -> tuple[tuple[Failure, ...], tuple[Failure, ...]]:
        """The representatives, spread over the class, and the rest."""
        silent = self.members[0].main.cause == "tcp.filtered"
        most = REPRESENTATIVES_NEAR_ICMP if self.near_icmp and silent else REPRESENTATIVES
        count = len(self.members)
        if count <= most:
            return self.members, ()
        chosen = {position * (count - 1) // (most - 1) for position in range(most)}
        return (
            tuple(self.members[position] for position in sorted(chosen)),
            tuple(one for position, one in enumerate(self.members) if position not in chosen),
        )


def is_examined(check: Check, outcome: Outcome) -> bool:
    """Whether a check that failed is looked at again or traced: never an auth step, nor what could not be
    checked, unless a rule of this host seems to be why: where its next hop does not answer ARP, and many wait
    for that, it looks the same. What must be blocked is, where it seems to be: silence may be loss, an RST a
    firewall's."""
    main = failed(outcome)
    if check.terms.expect == "blocked" and (connected(main) or main.layer is not Layer.CONNECT):
        return False
    if main.cause == OWN_RULE:
        return main.layer is Layer.CONNECT
    return main.verdict is Verdict.FAIL and main.layer is not Layer.AUTH


def failed(outcome: Outcome) -> Ascent:
    """The ladder for which the check failed; where every address counts, others may have passed."""
    bad = [ascent for ascent in outcome.ascents if ascent.verdict is not Verdict.PASS]
    return furthest(bad or outcome.ascents)


def classes(failures: Iterable[Failure]) -> list[Class]:
    """The failures in classes, in order of their first members."""
    found: dict[tuple[object, ...], list[Failure]] = {}
    signing: set[str] = set()
    rejected: set[tuple[object, ...]] = set()
    for failure in failures:
        terms, main = failure.check.terms, failure.main
        place = (terms.vantage, network_of(main.address or failure.check.host), terms.port)
        if main.signed_by:
            signing.add(terms.vantage)
        if main.cause == "tcp.rejected":
            rejected.add(place)
        found.setdefault((main.cause, (_kind(main), terms.expect), *place), []).append(failure)
    return [
        Class(tuple(members), vantage in signing, cause == "tcp.filtered" and (vantage, *rest) in rejected)
        for (cause, _, vantage, *rest), members in found.items()
    ]


def _kind(main: Ascent) -> tuple[object, ...]:
    """What tells failures of one cause apart: the step; an end within a key exchange from one before a word;
    one proxy from another, and its policy from its way onward."""
    proxy = main.facts.get("proxy")
    return main.layer, facts.refusable(main) is not None, proxy and (proxy, main.confidence)


def stronger(first: Outcome, second: Outcome) -> Outcome:
    """Which of two looks that failed differently tells more.

    An answer tells more than silence, whenever it came: routers send few ICMP errors, and the one that
    the first look heard may be the only one. Of two answers the second, slower look counts, but for a
    dead host: the first look's last SYN may have set the router to ask again, so that the second look
    waits for the rest of that only and its host unreachable comes early.
    """
    one, two = failed(first), failed(second)
    if two.cause in PASSING and one.cause not in PASSING:
        return first
    if (one.cause, two.cause) == ("tcp.host_down", "tcp.rejected") and one.signed_by == two.signed_by:
        return first
    return second
