"""What waits for the answers of others: so many at most, and the rest of a run is a stream."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.write import Writer
from netcheck.engine import Depth, Engine
from netcheck.limits import Limits
from netcheck.look import Looker
from netcheck.record import CheckRecord, RunHead, RunRecord, VantageRecord
from netcheck.second_look.waiting import MOST_WAITING
from probes import ssh
from probes.contract import Ascent, Layer, Outcome, Step, Timing, Verdict
from probes.net.base import Network
from probes.net.scripted import Scripted

HEAD = RunHead("01J", "0", None, None, 0.0, "tester", "linux", False, {"local": VantageRecord("tester")})
PASSED = (Step(Layer.CONNECT, Verdict.PASS), Step(Layer.PROTOCOL, Verdict.PASS))
SHARED = "SHA256:" + "A" * 43


class Watching:
    """Counts the checks that had a look and have no verdict yet."""

    def __init__(self) -> None:
        self.waiting = self.most = 0

    def started(self, head: RunHead, total: int) -> None: ...

    def looked(self, passed: bool) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)

    def ended(self, check: CheckRecord, number: int) -> None:
        self.waiting -= 1

    def finished(self, summary: Any) -> None: ...


def run(targets: list[tuple[str, str]], key: Callable[[int], str]) -> tuple[RunRecord, Watching]:
    """A run of SSH checks that pass: targets and their addresses; `key` is what the nth shows."""
    terms = Terms("local", "assumed", "vault-to-target", "ssh", 22, ssh.Settings(), Timing())
    number = {name: index for index, (name, _) in enumerate(targets)}

    class Passing(Looker):
        async def __call__(self, check: Check) -> Outcome:
            shown = {"fingerprint": key(number[check.target]), "standing": "not compared"}
            facts = {"host_key": shown}
            return Outcome(None, (Ascent(check.host, Verdict.PASS, PASSED, None, None, facts=facts),))

    def look(network: Network) -> Looker:
        return Passing(network)

    async def main() -> tuple[RunRecord, Watching]:
        watching = Watching()
        checks = [Check(name, address, terms) for name, address in targets]
        engine = Engine(
            HEAD,
            checks,
            look,
            Writer(datetime.date(2026, 11, 24)),
            Limits(1),
            [watching],
            lambda gate: Scripted({}),
            Depth(trace=False),
        )
        return await engine.run(len(checks)), watching

    return asyncio.run(main())


def many(count: int) -> list[tuple[str, str]]:
    """So many targets, each in a network of its own."""
    return [(f"h{number}", f"10.{number // 256}.{number % 256}.1") for number in range(count)]


def verdicts(record: RunRecord) -> list[tuple[Verdict, str | None]]:
    """Verdict and cause of each check."""
    return [(one.verdict, one.cause) for one in record.checks]


WARNED = (Verdict.WARN, "ssh.host_key_unknown")
FINE = (Verdict.PASS, None)


def test_hundreds_are_compared_with_each_other() -> None:
    """The first and the last of an ordinary fleet."""
    record, _ = run(many(600), lambda number: SHARED if number in (0, 300, 599) else f"SHA256:{number}")
    assert [index for index, one in enumerate(verdicts(record)) if one == WARNED] == [0, 300, 599]


def test_of_thousands_no_more_than_so_many_wait() -> None:
    """What was settled before its key came again passes, and the head of the run says so."""
    count = 3 * MOST_WAITING
    record, watching = run(many(count), lambda number: SHARED if number % 1400 == 0 else f"SHA256:{number}")
    assert watching.most <= MOST_WAITING + 1
    assert watching.waiting == 0
    found = verdicts(record)
    assert [found[number] for number in (0, 1400, 2800)] == [FINE, FINE, WARNED]
    assert any("one SSH host key is shown by" in notice for notice in record.notices)


def test_what_repeats_all_the_time_is_told_of_all() -> None:
    """A device that decrypts SSH before a large fleet."""
    record, _ = run(many(2 * MOST_WAITING), lambda number: SHARED)
    assert set(verdicts(record)) == {WARNED}


A, B, C = "10.0.0.1", "10.0.1.1", "10.0.2.1"


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([("one", A), ("other", A)], FINE),
        ([("one", A), ("other", A), ("third", A)], FINE),
        ([("one", A), ("other", A), ("third", B)], FINE),
        ([("one", A), ("other", A), ("third", B), ("fourth", C)], WARNED),
    ],
)
def test_targets_at_one_address_are_one_host(
    targets: list[tuple[str, str]], expected: tuple[Verdict, str | None]
) -> None:
    """It has one key under however many names: only other hosts make it one that repeats."""
    record, _ = run(targets, lambda number: SHARED)
    assert verdicts(record) == [expected] * len(targets)
