"""The second look, carried out: representatives of each class again, slowly, with traces and experiments.

What all of that means, for them and for those they stand for, is `netcheck.diagnosis.deciding`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from netcheck.check import Check
from netcheck.diagnosis.ascents import stalled, unconnected
from netcheck.diagnosis.classes import Class, Failure, classes
from netcheck.diagnosis.deciding import (
    Case,
    agree,
    by_themselves,
    called_at_once,
    called_down,
    decided,
    dying,
    gave_up_here,
    heard,
    own,
    refusing,
)
from netcheck.diagnosis.found import Found
from netcheck.diagnosis.judge import seen
from netcheck.diagnosis.places import Line, lines, lost_after
from netcheck.diagnosis.unheard import rejections
from netcheck.diagnosis.weighing import Beside, Reviewed
from netcheck.look import Looker
from netcheck.schedule import Schedule
from netcheck.second_look.answers import Answers
from netcheck.second_look.experiments import Experimenter
from netcheck.second_look.sightings import Sightings
from netcheck.second_look.tracing import Tracer
from netcheck.second_look.varying import vary
from probes.contract import Outcome, Verdict
from probes.net.base import ConnectFailed
from probes.net.tasks import together
from probes.path.own import WAIT as OWN_WAIT
from probes.path.own import Counts, Read, drops_answers
from probes.path.trace import MORE_PORTS, PORTS, ROUND_TRIPS, WAIT

# Slowly: fewer at once than in the first pass, and one connection at a time at a port of a host.
CONCURRENCY = 256
PER_PORT = 1
# Traces at once: routers answer one peer with few ICMP errors (Linux: six, then one a second).
TRACES = 8
SAMPLES = 6  # of those that ask each hop once
MOST_EARLY = 8  # traces that are made again, one by one, for what later ones showed
MOST_PATCHY = 16  # and for hops that did not answer
MOST_OWN = 9  # silent flows of which it is tried whether this host itself drops the answers
EXPERIMENTS = 16  # checks that are experimented on at once
# Of a class whose representatives turn out to differ, so many more are examined; the rest keep what was seen.
MOST_EXAMINED = 64

Settle = Callable[[Reviewed], None]


class Review:
    """One second look at the failures of a first pass; `settle` is told of each as it is decided.

    `tracer` None: nothing is traced, and `untraced` says why, where that is not what was asked for.
    `everyone`: each failure stands for itself alone. `sightings` tell signs of life, `answers` what others
    said; `counts` reads how many packets this host received.
    """

    def __init__(
        self,
        look: Looker,
        settle: Settle,
        sightings: Sightings,
        answers: Answers,
        tracer: Tracer | None = None,
        *,
        everyone: bool = False,
        untraced: str | None = None,
        counts: Read = lambda ipv6: None,
    ) -> None:
        self._look = look
        self._settle = settle
        self._sightings = sightings
        self._answers = answers
        self._tracer = tracer
        self._everyone = everyone
        self._untraced = untraced
        self._experimenter = Experimenter(look, patient=everyone)
        self._cases: dict[int, Case] = {}  # by the failure's index
        self._counts = counts
        self._tries: dict[str, int] = {}  # of looks under way, by the check's id
        self._traces = asyncio.Semaphore(TRACES)
        self._ports = PORTS
        self._samples = asyncio.Semaphore(SAMPLES)
        self._experiments = asyncio.Semaphore(EXPERIMENTS)

    async def run(self, failures: Iterable[Failure]) -> None:
        self._cases = {one.index: Case(one) for one in failures}
        failures = [case.failure for case in self._cases.values()]
        self._ports = MORE_PORTS if len(failures) <= TRACES else PORTS
        found = classes(failures)
        before = {ipv6: self._counts(ipv6) for ipv6 in (False, True)}
        await together(self._repeat_classes(found), self._trace_silent(failures))
        await self._explore(case for each in found for case in self._split(each)[0])
        await self._explore(
            case
            for each in found
            if not agree(self._split(each)[0])
            for case in self._split(each)[1][:MOST_EXAMINED]
        )
        await self._trace_patchy()
        looked_at = [case for each in found for case in self._split(each)[0]]
        await self._suspect_own_filter(looked_at, self._missing(before))
        beside = self._beside(failures, await self._tracer.names() if self._tracer is not None else {})
        for each in found:
            members = [self._cases[one.index] for one in each.members]
            for reviewed in decided(members, self._split(each)[0], each.beside_rejections, beside):
                self._settle(reviewed)

    def _beside(self, failures: Sequence[Failure], names: Mapping[str, str]) -> Beside:
        """What is known beside each single failure, once all that was tried has ended."""
        cases, sightings, tracer = self._cases.values(), self._sightings, self._tracer
        shown = by_themselves(cases)
        down = called_down(shown)
        nobody = not sightings.any
        return Beside(
            names=names,
            untraced=self._untraced,
            down=frozenset(down),
            sign=sightings.sign,
            alive=refusing(shown),
            at_once=called_at_once(failures),
            dying=dying(down),
            rejections=rejections(heard(shown)),
            swallowing=any(case.found.swallowed is True for case in cases),
            deaf=sightings.none_at_all(),
            heard=sightings.heard,
            others=self._answers.to_others(),
            near=sightings.is_near,
            lost=nobody and tracer is not None and tracer.got_nowhere,
            stuck=nobody and gave_up_here(cases),
        )

    def _split(self, each: Class) -> tuple[list[Case], list[Case]]:
        """The representatives of a class, and the rest."""
        first, rest = (each.members, ()) if self._everyone else each.split()
        return [self._cases[one.index] for one in first], [self._cases[one.index] for one in rest]

    # Looking again

    async def _repeat_classes(self, found: Sequence[Class]) -> None:
        await self._repeat(case for each in found for case in self._split(each)[0])
        await self._repeat(
            case for each in found if not self._unanimous(each) for case in self._split(each)[1]
        )

    async def _repeat(self, cases: Iterable[Case]) -> None:
        failures = (case.failure for case in cases)
        items = [(one.index, one.check) for one in failures if one.check.terms.retries]
        pass_ = Schedule(
            self._once_more,
            self._repeated,
            concurrency=CONCURRENCY,
            per_host=PER_PORT,
            place=lambda check: f"{check.host} {check.terms.port}",
        )
        await pass_.run(items)

    async def _once_more(self, check: Check) -> Outcome:
        """Up to `retries` more looks, until one passes. Without its credential: auth is never repeated."""
        terms = check.terms._replace(credential=None)
        for _ in range(terms.retries):
            outcome = await self._look(check._replace(terms=terms))
            self._tries[check.id] = self._tries.get(check.id, 0) + 1
            if seen(check, outcome).verdict.works:
                break
        return outcome

    def _repeated(self, index: int, check: Check, outcome: Outcome) -> None:
        self._cases[index].again = outcome
        self._cases[index].tries = self._tries.pop(check.id)

    def _unanimous(self, each: Class) -> bool:
        """Whether every representative failed again, all with one cause."""
        causes = {case.second.cause for case in self._split(each)[0]}
        return len(causes) == 1 and None not in causes

    # Tracing and experimenting

    async def _trace_silent(self, failures: Sequence[Failure]) -> None:
        """Trace flows that are silent beside their repetition: both mostly wait."""
        if self._tracer is None:
            return
        open_lines = lines(failures)
        for line in open_lines:
            for one in line.failures:
                self._cases[one.index].line = line
        await self._trace_lines(open_lines, self._spare(failures))
        for case in [case for case in self._cases.values() if self._is_early(case)][:MOST_EARLY]:
            await self._trace_anew(case)
        await self._trace_lines(open_lines, 0.0)  # where a place has changed

    async def _trace_lines(self, open_lines: Sequence[Line], spare: float) -> None:
        while batch := [(line, one) for line in open_lines for one in iter(line.take, None)]:
            patience = spare if len(batch) <= TRACES else 0.0
            await together(*(self._trace_one(line, one, patience) for line, one in batch))

    def _is_early(self, case: Case) -> bool:
        """Whether it was traced before others showed that who comes next is short of answers."""
        traced = case.found.traced
        return traced is not None and self._tracer is not None and self._tracer.is_early(case.failure, traced)

    def _spare(self, failures: Sequence[Failure]) -> float:
        """How long the repetition of the silent waits beyond one trace."""
        waits = (one.check.terms.timing.timeout for one in failures if one.check.terms.retries)
        return max(0.0, max(waits, default=0.0) - 2 * WAIT)

    async def _trace_one(self, line: Line, failure: Failure, spare: float) -> None:
        """Trace one flow of a line; where a few stand for many that agree so far, just once."""
        assert self._tracer is not None
        if line.is_plain:
            async with self._samples:
                traced = await self._tracer.sample(failure)
        else:
            async with self._traces:
                traced = await self._tracer.follow(failure, patience=spare, ports=self._ports)
        if traced is not None:
            self._cases[failure.index].found = Found(traced)
            line.put(failure, lost_after(traced.route, traced.before))

    async def _trace_anew(self, case: Case) -> None:
        """A longer way counts; what a router says now may follow from the SYNs of the first trace."""
        assert self._tracer is not None
        known = case.found.traced
        traced = await self._tracer.follow(case.failure, patience=0.0, ports=1)
        if traced is None or known is None or case.line is None or traced.route.end is not None:
            return
        if len(traced.route.hops) > len(known.route.hops):
            case.found = Found(traced)
            case.line.put(case.failure, lost_after(traced.route, traced.before))

    async def _trace_patchy(self) -> None:
        """Trace again, one by one and at last, where hops that were short of answers left an RST in doubt."""
        if self._tracer is None:
            return
        traced = [(case, case.found.traced) for case in self._cases.values() if case.found.traced is not None]
        for case, known in [pair for pair in traced if self._tracer.is_patchy(pair[1])][:MOST_PATCHY]:
            again = await self._tracer.follow_slowly(case.failure, known)
            case.found = case.found._replace(traced=again)

    def _missing(self, before: Mapping[bool, Counts | None]) -> set[bool]:
        """The families, as whether they are IPv6, of which nobody got something that came since."""
        now = {ipv6: self._counts(ipv6) for ipv6 in before}
        pairs = ((ipv6, now[ipv6], then) for ipv6, then in before.items())
        return {ipv6 for ipv6, later, then in pairs if later and then and later.missing(then) > 0}

    async def _suspect_own_filter(self, cases: Iterable[Case], missing: Collection[bool]) -> None:
        """Try whether this host drops the answers of the silent, where anything that came was dropped."""
        told: dict[int, bool | None] = {}
        for case in [case for case in cases if _may_be_swallowed(case, missing)][:MOST_OWN]:
            address, port = case.second.address or "", case.failure.port or 0
            last = case.found.traced.route.last if case.found.traced else None
            wait = max(OWN_WAIT, ROUND_TRIPS * ((last and last.rtt) or 0.0))
            with suppress(ConnectFailed):
                told[case.failure.index] = await drops_answers(
                    address, port, self._look.network, wait, self._counts
                )
        proved = True in told.values()
        for index, swallowed in told.items():
            case = self._cases[index]
            case.found = case.found._replace(swallowed=swallowed if proved else False)

    async def _explore(self, cases: Iterable[Case]) -> None:
        """Find out what stands behind answers and stalled connections."""
        await together(*(self._examine(case) for case in cases if not case.examined))

    async def _examine(self, case: Case) -> None:
        case.examined = True
        reviewed = own(case)
        if reviewed.judgement.verdict is not Verdict.FAIL:
            return
        as_seen = replace(case.failure, outcome=reviewed.outcome)
        terms = as_seen.check.terms
        if stalled(as_seen.main) and terms.retries and terms.expect != "blocked":
            async with self._experiments:
                found = await self._experimenter.on(as_seen)
            case.found = Found(stalled=found)
            if found.anybody and self._tracer is not None:
                traced = await self._tracer.follow_open(as_seen.check, as_seen.main)
                case.found = case.found._replace(traced=traced)
        elif unconnected(as_seen.main) and self._tracer is not None:
            async with self._traces:
                await self._follow(case, as_seen, self._tracer)
        if terms.retries and terms.expect != "blocked":
            async with self._experiments:
                varied = await vary(as_seen, self._look, explained=case.found.explains)
            case.found = case.found._replace(varied=varied)

    async def _follow(self, case: Case, failure: Failure, tracer: Tracer) -> None:
        """The way of a flow that did not connect, unless it is known already."""
        if case.found.traced is None and not case.is_told:
            traced = await tracer.follow(failure, patience=0.0, ports=self._ports)
            case.found = case.found._replace(traced=traced)
        patient = await tracer.wait_for_router(failure, case.found.traced)
        case.found = case.found._replace(patient=patient)


def _may_be_swallowed(case: Case, missing: Collection[bool]) -> bool:
    """Whether a flow is silent in a family of which something that came got lost here."""
    main = case.second
    silent = main.cause == "tcp.filtered" and case.failure.port is not None
    return silent and main.address is not None and (":" in main.address) in missing
