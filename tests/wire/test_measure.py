"""`samples` and `idle` of a check in a run: when they are made, and what the record says."""

import asyncio
import errno
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Check, Origin
from netcheck.measure import measured, round_trip
from netcheck.record import RunRecord
from probes.contract import Ascent, Confidence, Layer, Outcome, Step, Verdict
from probes.net.base import ConnectFailed, Icmp, Reply
from probes.net.scripted import Forgets, Scripted, Silence

Checks = Callable[..., Check]
Runs = Callable[..., RunRecord]
HERE = ("10.0.0.1", 22)
REJECTED = ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 13, "10.1.0.1"))


def answers(address: str, port: int, *_: object) -> Reply:
    """Only the port of the check is open."""
    return Reply("connected" if (address, port) == HERE else "refused", 0.01)


def samples_of(network: Scripted) -> int:
    """How many SYNs of full reach went to the port of the check; those of a trace have a TTL."""
    return sum((address, port, ttl) == (*HERE, None) for address, port, ttl in network.knocked)


def every_other() -> Callable[..., Reply]:
    """A path that loses every other SYN; nobody else is there."""
    seen: list[object] = []

    def reply(address: str, port: int, *_: object) -> Reply:
        if (address, port) != HERE:
            return Reply("silent")
        seen.append(None)
        return Reply("connected", 0.01) if len(seen) % 2 else Reply("silent")

    return reply


def test_samples_of_a_good_path(check: Checks, run: Runs) -> None:
    """Still a pass, with the count and the times in the record; each is a SYN of its own."""
    network = Scripted({HERE: []}, replies=answers)
    (record,) = run([check("10.0.0.1", samples=20)], network).checks
    assert (record.verdict, record.cause) == (Verdict.PASS, None)
    assert record.samples is not None
    assert (record.samples["sent"], record.samples["answered"]) == (20, 20)
    assert samples_of(network) == 20


def test_samples_of_a_path_that_loses(check: Checks, run: Runs) -> None:
    """The look itself passed; half of the samples did not."""
    (record,) = run([check("10.0.0.1", samples=20)], Scripted({HERE: []}, replies=every_other())).checks
    assert (record.verdict, record.cause, record.attempts) == (Verdict.WARN, "path.unstable", 1)
    assert record.summary == "10 of 20 handshakes completed within 950 ms"


@pytest.mark.parametrize(
    ("script", "terms"),
    [
        (ConnectFailed(errno.ECONNREFUSED), {}),
        (REJECTED, {}),
        (ConnectFailed(errno.EPERM, local=True), {}),
        ([], {"expect": "blocked"}),
        (Silence(), {"expect": "blocked"}),
    ],
)
def test_no_samples_where_they_prove_nothing(
    check: Checks, run: Runs, script: Any, terms: dict[str, Any]
) -> None:
    """Not of what was refused, rejected or stopped here, nor of what must not get through."""
    network = Scripted({HERE: script}, replies=answers)
    (record,) = run([check("10.0.0.1", samples=20, **terms)], network).checks
    assert samples_of(network) == 0
    assert record.samples is None


def test_no_samples_of_an_unknown_name(check: Checks, run: Runs) -> None:
    """There is no address to send them to."""
    network = Scripted({}, replies=answers)
    (record,) = run([check("db.acme.example", samples=20)], network).checks
    assert (record.cause, samples_of(network)) == ("dns.nxdomain", 0)


def test_silence_of_all_samples_is_silence(check: Checks, run: Runs) -> None:
    """The cause stays, and each look has its samples as further evidence."""
    (record,) = run([check("10.0.0.1", samples=5)], Scripted({HERE: Silence()})).checks
    assert (record.cause, record.confidence) == ("tcp.filtered", Confidence.CERTAIN)
    assert "0 of 5 handshakes completed within 950 ms" in record.evidence


def test_idle_on_a_path_that_forgets(check: Checks, run: Runs) -> None:
    """A failure that is not looked at again: it has its own controls, and takes its time."""
    network = Scripted({HERE: []}, forgets=Forgets(300.0))
    (record,) = run([check("10.0.0.1", idle=600.0)], network).checks
    assert (record.verdict, record.cause) == (Verdict.FAIL, "path.idle_dropped")
    assert (record.layer, record.confidence, record.attempts) == (Layer.CONNECT, Confidence.CERTAIN, 1)
    assert network.now() < 700.0


def test_a_bracket_encloses_what_the_path_allows(check: Checks, run: Runs) -> None:
    """Several connections at once, in the time of the longest; the keep-alive to set follows."""
    network = Scripted({HERE: []}, forgets=Forgets(300.0))
    (record,) = run([check("10.0.0.1", idle=600.0, bracket=True)], network).checks
    assert (record.verdict, record.cause) == (Verdict.FAIL, "path.idle_dropped")
    assert (record.layer, record.confidence, record.attempts) == (Layer.CONNECT, Confidence.CERTAIN, 1)
    assert "set keep-alive to at most" in record.summary
    assert network.now() < 700.0


def test_no_idle_test_of_what_failed(check: Checks, run: Runs) -> None:
    """What does not even work at once need not be left idle."""
    network = Scripted({}, forgets=Forgets(300.0))
    run([check("10.0.0.1", idle=600.0)], network)
    assert network.now() < 60.0


@pytest.mark.parametrize(("level", "remarks"), [("check", 1), ("defaults", 0)])
def test_a_check_without_a_connection_says_so(check: Checks, level: str, remarks: int) -> None:
    """A lookup that is asked for samples itself; inherited ones are for its neighbours."""
    terms = {"samples": 3, "idle": 60.0, "origins": {"samples": Origin(level)}}
    found = Ascent("10.0.0.1", Verdict.PASS, (Step(Layer.RESOLVE, Verdict.PASS),))
    network = Scripted({}, replies=answers)
    lookup = check("db.acme.example", None, probe="dns", **terms)
    outcome = asyncio.run(measured(lookup, Outcome(None, (found,)), network))
    assert (outcome.samples, network.knocked) == (None, [])
    said = [caution.text for caution in outcome.ascents[0].cautions]
    assert said == ["no samples here: dns makes no TCP connection"] * remarks


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        (Step(Layer.CONNECT, Verdict.PASS, None, 0.3), 0.3),
        (Step(Layer.CONNECT, Verdict.PASS, None, 1.02, {"rtt_ms": 20.0}), 0.02),
        (Step(Layer.CONNECT, Verdict.PASS, None, 1.02, {"rtt_ms": None}), 1.02),
        (Step(Layer.CONNECT, Verdict.FAIL, "tcp.filtered", 5.0), 0.0),
        (Step(Layer.RESOLVE, Verdict.PASS, None, 0.3), 0.0),
    ],
)
def test_the_round_trip_that_a_look_shows(step: Step, seconds: float) -> None:
    """The time of connecting, unless the kernel knows that a SYN was repeated."""
    assert round_trip(Ascent("10.0.0.1", Verdict.PASS, (step,))) == seconds
