"""A capture goes with the second look: of what failed, while that is looked at, and as one more proof."""

from __future__ import annotations

import asyncio
import datetime
import errno
from collections.abc import Callable
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP

from netcheck.capture import confirmed, services
from netcheck.check import Check
from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.judge import judge
from netcheck.diagnosis.refine import Refined
from netcheck.diagnosis.write import Writer
from netcheck.engine import Depth, Engine
from netcheck.limits import Limits
from netcheck.look import Looker
from netcheck.record import RunHead, RunRecord, VantageRecord
from probes.contract import Ascent, Layer, Outcome, Verdict
from probes.net.base import ConnectFailed
from probes.net.scripted import Scripted, Silence
from probes.path import sniffer
from probes.path.capture import Capture, Service

HEAD = RunHead("01J", "0", None, None, 0.0, "tester", "linux", False, {"local": VantageRecord("tester")})
US, DB = "10.9.0.7", "10.20.0.15"
REFUSED = ConnectFailed(errno.ECONNREFUSED)
PROOF = "captured: the RST arrived with TTL 61"
Checks = Callable[..., Check]


class Staged:
    """A sniffer that sees a refused connection at once."""

    asked: set[int] | None = None
    stopped = 0

    def __init__(self, ports: set[int], take: Callable[[int, bytes], None]) -> None:
        Staged.asked = ports
        take(10**9, bytes(IP(src=US, dst=DB) / TCP(sport=51234, dport=22, flags="S")))
        take(2 * 10**9, bytes(IP(src=DB, dst=US, ttl=61) / TCP(sport=22, dport=51234, flags="RA")))

    def stop(self) -> int:
        Staged.stopped += 1
        return 0


@pytest.fixture(autouse=True)
def staged(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here opens a packet socket."""
    monkeypatch.setattr(sniffer, "Sniffer", Staged)
    Staged.asked, Staged.stopped = None, 0


def run(checks: list[Check], script: dict[tuple[str, int], Any], capture: Capture | None) -> RunRecord:
    async def main() -> RunRecord:
        engine = Engine(
            HEAD,
            checks,
            Looker,
            Writer(datetime.date(2026, 11, 24)),
            Limits(50),
            network=lambda gate: Scripted(script),
            depth=Depth(trace=False),
            capture=capture,
        )
        return await engine.run(len(checks))

    return asyncio.run(main())


def test_a_refusal_gets_its_proof(check: Checks) -> None:
    """Only the service that failed is captured, and only its record names what was."""
    capture = Capture()
    found = run([check(DB), check("10.20.0.9", 23)], {(DB, 22): REFUSED, ("10.20.0.9", 23): []}, capture)
    refused, passed = found.checks
    assert refused.cause == "tcp.refused"
    assert PROOF in refused.evidence
    assert not any("captured" in sentence for sentence in passed.evidence)
    assert (Staged.asked, Staged.stopped) == ({22}, 1)
    assert capture.result().flows == 1


def test_silence_needs_no_such_proof(check: Checks) -> None:
    """The sentence is about who sent an RST, and stands where one is the cause."""
    found = run([check(DB)], {(DB, 22): Silence()}, Capture())
    assert found.checks[0].cause == "tcp.filtered"
    assert not any("captured" in sentence for sentence in found.checks[0].evidence)


def test_without_a_capture_nothing_is_different(check: Checks) -> None:
    """No sniffer, no sentence."""
    found = run([check(DB)], {(DB, 22): REFUSED}, None)
    assert found.checks[0].cause == "tcp.refused"
    assert not any("captured" in sentence for sentence in found.checks[0].evidence)
    assert Staged.asked is None


@pytest.mark.parametrize("script", [[], REFUSED])
def test_where_nothing_is_looked_at_again_nothing_is_captured(check: Checks, script: Any) -> None:
    """All passes, or `retries: 0` and no trace."""
    capture = Capture()
    run([check(DB, retries=0 if script else 1)], {(DB, 22): script}, capture)
    assert Staged.asked is None
    assert (capture.result().packets, capture.problem) == ((), None)


def test_a_run_that_is_interrupted_keeps_its_packets(check: Checks) -> None:
    """The sniffer is stopped however the second look ends."""
    capture = Capture()

    async def cut() -> None:
        with capture.of([(DB, 22)]):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cut())
    assert Staged.stopped == 1
    assert len(capture.result().packets) == 2


def failure(check: Check, *ascents: Ascent) -> Failure:
    outcome = Outcome(None, ascents)
    return Failure(0, check, outcome, judge(check, outcome))


def fails(address: str | None) -> Ascent:
    return Ascent(address, Verdict.FAIL, (), "tcp.refused", Layer.CONNECT)


def test_of_several_addresses_those_that_failed(check: Checks) -> None:
    """A name without an address, and a check without a port, have no flow."""
    lame = failure(check("db"), fails(DB), Ascent("10.20.0.16", Verdict.PASS, ()))
    nameless = failure(check("db9"), fails(None))
    portless = failure(check("db", None), fails("10.20.0.53"))
    expected: set[Service] = {(DB, 22)}
    assert services([lame, nameless, portless]) == expected


def test_without_a_packet_there_is_no_sentence(check: Checks) -> None:
    """The judgement stays as it was."""
    refined = Refined(failure(check(DB), fails(DB)).judgement)
    assert confirmed(refined, 22, Capture()) is refined
    assert confirmed(refined, None, Capture()) is refined
    assert confirmed(refined, 22, None) is refined
