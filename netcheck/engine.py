"""A run: first pass, second look, findings. Told by events, returns the record, prints nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from netcheck import capture as captures
from netcheck.check import Check
from netcheck.diagnosis import answered, astray, refine
from netcheck.diagnosis.ascents import ABOVE_CONNECT, connected
from netcheck.diagnosis.classes import Failure, is_examined
from netcheck.diagnosis.findings import findings
from netcheck.diagnosis.found import Stalled
from netcheck.diagnosis.judge import as_expected, seen
from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.refine import Refined
from netcheck.diagnosis.together import awaits, passing
from netcheck.diagnosis.weighing import Reviewed
from netcheck.diagnosis.write import Writer
from netcheck.events import Observer
from netcheck.inventory.model import LOCAL
from netcheck.limits import Gate, Limits
from netcheck.look import Looker
from netcheck.record import CheckRecord, Control, RunHead, RunRecord, Summary
from netcheck.schedule import Schedule
from netcheck.second_look import review
from netcheck.second_look.answers import Answers
from netcheck.second_look.handshakes import Handshakes
from netcheck.second_look.sightings import Sightings
from netcheck.second_look.tracing import Tracer
from netcheck.second_look.unused import Unused
from netcheck.second_look.varying import by_version
from netcheck.second_look.waiting import Held, Waiting
from probes.contract import Outcome, Verdict
from probes.net.base import Network
from probes.net.real import SystemNetwork
from probes.path.capture import Capture
from probes.path.own import Read

# Of the handshakes that something else completed, so many are traced to where that stands.
MOST_TRACED = 32


@dataclass(frozen=True, slots=True)
class Depth:
    """How far a run goes into what it sees. `trace`: failures are followed to where they end; `everyone`: no
    check stands for others, and what passes is traced too."""

    trace: bool = True
    everyone: bool = False


class Engine:
    """One run over a plan's checks. `looker` makes the looks of a pass through its network."""

    def __init__(
        self,
        head: RunHead,
        checks: Iterable[Check],
        looker: Callable[[Network], Looker],
        writer: Writer,
        limits: Limits,
        observers: Sequence[Observer] = (),
        network: Callable[[Gate], Network] = SystemNetwork,
        depth: Depth | None = None,
        untraceable: Callable[[], str | None] = lambda: None,
        capture: Capture | None = None,
        counts: Read = lambda ipv6: None,
    ) -> None:
        """`untraceable` tells why this system can't hear hops, in words; None: it can.

        `capture` gets the packets of what failed, while that is looked at again. `counts` reads how many
        packets this host received and handed on.
        """
        self._depth = depth or Depth()
        self._capture = capture
        self._counts = counts
        self._untraceable = untraceable
        self._new_network = network
        self._head = head
        self._checks = checks
        self._looker = looker
        self._writer = writer
        self._limits = limits
        self._observers = observers
        self._planned = 0
        self._records: dict[int, CheckRecord] = {}
        self._failures: dict[int, Failure] = {}
        self._connected: list[tuple[Held, Refined]] = []  # what is yet to be traced though it connects
        self._waiting = Waiting(self._compare)  # what works, and is compared with what others answer
        self._sightings = Sightings()
        self._answers = Answers()
        self._handshakes: Handshakes | None = None
        self._summary = Summary()
        self._work: asyncio.Task[None] | None = None

    def interrupt(self) -> None:
        """Stop checking; `run` then returns what was finished."""
        self._summary.interrupted = True
        if self._work is not None:
            self._work.cancel()

    async def run(self, total: int) -> RunRecord:
        """The record of the run. `total` checks are planned: only the observers need it.

        Cancelled from outside it raises, as any coroutine: half a run must not pass for a whole one.
        """
        for observer in self._observers:
            observer.started(self._head, total)
        self._summary.planned = total
        self._work = asyncio.ensure_future(self._passes())
        try:
            await self._work
        except asyncio.CancelledError:
            if not self._summary.interrupted:
                raise
        self._settle_rest()
        if len(self._records) < self._planned and not self._summary.interrupted:
            lost = self._planned - len(self._records)
            raise RuntimeError(f"{lost} of {self._planned} checks have no verdict: a bug in netcheck")
        return self._finish()

    def _items(self) -> Iterator[tuple[int, Check]]:
        """The plan's checks, numbered and counted: a check that got lost must not pass for a green run."""
        for index, check in enumerate(self._checks):
            self._planned = index + 1
            yield index, check

    async def _passes(self) -> None:
        limits = self._limits
        look = self._looker(self._network(limits))
        self._handshakes = Handshakes(Unused(look.network), self._proved)
        first = Schedule(look, self._first_look, concurrency=limits.concurrency, per_host=limits.per_host)
        await first.run(self._items())
        await self._handshakes.finish()
        self._waiting.settle_all()
        if self._failures or self._connected:
            await self._look_deeper(self._looker(self._network(limits, review.PER_PORT)))

    async def _look_deeper(self, look: Looker) -> None:
        why_not = self._untraceable() if self._depth.trace else None
        traceable = self._depth.trace and why_not is None
        tracer = Tracer(look.network, self._sightings) if traceable else None
        self._name_astray()
        in_order = [self._failures[index] for index in sorted(self._failures)]
        second = review.Review(
            look,
            self._reviewed,
            self._sightings,
            self._answers,
            tracer,
            everyone=self._depth.everyone,
            untraced=why_not,
            counts=self._counts,
        )
        with self._capturing(in_order):
            await second.run(in_order)
        if self._depth.everyone:
            await self._ask_versions(look)
        while self._connected and tracer is not None:
            batch = self._connected[: review.TRACES]
            ways = [tracer.follow_open(held.check, held.judgement.main) for held, _ in batch]
            traced = await asyncio.gather(*ways)
            names = await tracer.names()
            del self._connected[: len(batch)]
            for (held, refined), way in zip(batch, traced, strict=True):
                told = refine.with_way(refined, way, names)
                self._settle(held.number, held.check, held.outcome, told)

    def _name_astray(self) -> None:
        """Settle what fails at addresses that are not the targets': nothing there tells of those."""
        others = self._answers.to_others()
        for failure in list(self._failures.values()):
            if (told := astray.by_name(failure, others)) is not None:
                self._reviewed(told)

    async def _ask_versions(self, look: Looker) -> None:
        """Which versions of TLS the services take that work."""
        asked = (by_version(held.check, held.judgement.main, look) for held, _ in self._connected)
        pairs = zip(self._connected, await asyncio.gather(*asked), strict=True)
        self._connected = [
            (held, refine.with_varied(told, [one] if one else ())) for (held, told), one in pairs
        ]

    def _capturing(self, failures: Iterable[Failure]) -> AbstractContextManager[None]:
        return self._capture.of(captures.services(failures)) if self._capture is not None else nullcontext()

    def _network(self, limits: Limits, per_port: int | None = None) -> Network:
        return self._new_network(Gate(limits.concurrency, limits.rate, limits.per_host, per_port))

    def _first_look(self, index: int, check: Check, outcome: Outcome) -> None:
        """A pass is settled; what may change with more evidence waits."""
        self._sightings.note(check, outcome)
        self._answers.note(check, outcome)
        judged = seen(check, outcome)
        judgement = as_expected(check, judged)
        passed = judgement.verdict.works
        if is_bare(check, judgement) and self._handshakes is not None:
            self._handshakes.hold(Held(index, check, outcome, judgement))
        elif self._waits(check, outcome, judgement):
            self._failures[index] = Failure(index, check, outcome, judged)
        elif passed and awaits(judgement):
            self._waiting.hold(Held(index, check, outcome, judgement))
        else:
            self._passed_or_settled(Held(index, check, outcome, judgement))
        for observer in self._observers:
            observer.looked(passed)

    def _waits(self, check: Check, outcome: Outcome, judgement: Judgement) -> bool:
        """Whether the verdict may change: by a second look, a trace, or a sign of life of what is blocked."""
        if not is_examined(check, outcome):
            return False
        if check.terms.expect == "blocked":
            return judgement.verdict is not Verdict.ERROR
        if judgement.verdict is Verdict.ERROR:
            return check.terms.retries > 0
        return judgement.verdict is Verdict.FAIL and (check.terms.retries > 0 or self._depth.trace)

    def _compare(self, held: Sequence[Held]) -> None:
        """Settle what waited for what others answered, by what they have answered so far."""
        others = self._answers.to_others()
        for one in held:
            self._passed_or_settled(one._replace(judgement=passing(one.judgement, one.check, others)))

    def _proved(self, held: Held, against: Stalled | None) -> None:
        """A bare handshake, once it is known whether anybody would have got it."""
        if against is None:
            self._sightings.prove(held.judgement.main.address, held.judgement.main.started)
            self._passed_or_settled(held)
            return
        if against.distinct:
            told = answered.kept(held.judgement, against)
            self._passed_or_settled(held._replace(judgement=told), answered.answering(against))
            return
        self._sightings.forget(*held.port)
        told = answered.not_proved(held.judgement, against)
        refined = Refined(told, controls=answered.answering(against))
        if self._depth.trace and len(self._connected) < MOST_TRACED:
            self._connected.append((held, refined))
        else:
            self._settle(held.number, held.check, held.outcome, refined)

    def _passed_or_settled(self, held: Held, controls: tuple[Control, ...] = ()) -> None:
        refined = Refined(held.judgement, controls=controls)
        if self._depth.everyone and self._depth.trace and held.judgement.verdict.works:
            self._connected.append((held, refined))
        else:
            self._settle(held.number, held.check, held.outcome, refined)

    def _reviewed(self, reviewed: Reviewed) -> None:
        failure = reviewed.failure
        del self._failures[failure.index]
        refined = captures.confirmed(reviewed.refined, failure.port, self._capture)
        self._settle(failure.index, failure.check, reviewed.outcome, refined, reviewed.attempts)

    def _settle_rest(self) -> None:
        """What had to wait for the whole run; failures too, where the second look was cut short."""
        if self._handshakes is not None:
            self._handshakes.give_up()
        self._waiting.settle_all()
        for held, refined in self._connected:
            self._settle(held.number, held.check, held.outcome, refined)
        for failure in self._failures.values():
            told = Refined(as_expected(failure.check, failure.judgement))
            self._settle(failure.index, failure.check, failure.outcome, told)

    def _settle(
        self, index: int, check: Check, outcome: Outcome, refined: Refined, attempts: int = 1
    ) -> None:
        record = self._writer.record(
            check,
            outcome,
            refined.judgement,
            attempts=attempts,
            trace=refined.trace,
            where=refined.where,
            controls=refined.controls,
        )
        self._records[index] = record
        self._summary.add(record)
        for observer in self._observers:
            observer.ended(record, index)

    def _finish(self) -> RunRecord:
        checks = [self._records[index] for index in sorted(self._records)]
        self._summary.findings = findings(checks, self._head.vantages)
        self._summary.finished = time.time()
        for observer in self._observers:
            observer.finished(self._summary)
        return RunRecord(self._timed_head(), checks, self._summary)

    def _timed_head(self) -> RunHead:
        """The head, with how this host's clock stands to those of the targets, where several agree."""
        offset, own = self._answers.own_offset, self._head.vantages.get(LOCAL)
        if offset is None or own is None:
            return self._head
        timed = own._replace(clock_offset=offset)
        return self._head._replace(vantages={**self._head.vantages, LOCAL: timed})


def is_bare(check: Check, judgement: Judgement) -> bool:
    """Whether all that was seen of the target is a handshake, which somebody else may have completed."""
    main = judgement.main
    if (
        check.terms.retries < 1
        or not connected(main)
        or any(step.layer in ABOVE_CONNECT for step in main.steps)
    ):
        return False
    if check.terms.expect == "blocked":
        return judgement.cause == "policy.unexpectedly_open"
    return judgement.verdict.works
