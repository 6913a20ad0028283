"""Whether this host drops what comes back, by the kernel's counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from netcheck.check import Check
from netcheck.record import RunRecord
from probes.contract import Confidence, Verdict
from probes.net.base import Reply
from probes.net.scripted import Scripted, Silence
from probes.path.own import TRIES, Counts, counts, drops_answers

Checks = Callable[..., Check]
Runs = Callable[..., RunRecord]
TARGET = "10.20.0.9"


class Host:
    """A silent network, and what its host has received and handed on; `dropped` by the port asked."""

    def __init__(self, swallows: frozenset[int] = frozenset(), strays: int = 0) -> None:
        self.network = Scripted(
            {(TARGET, 22): Silence(), (TARGET, 443): Silence()}, replies=lambda *_: Reply("silent")
        )
        self._swallows = swallows
        self._strays = strays  # of so many readings one finds another packet dropped; 0: none
        self._read = 0

    def counts(self, ipv6: bool) -> Counts | None:
        """As the kernel's: one packet more is missing for each SYN to a port whose answers are swallowed."""
        self._read += 1
        asked = sum(port in self._swallows for _, port, _ in self.network.knocked)
        asked += sum(port in self._swallows for _, port in self.network.connected)
        stray = self._read // self._strays if self._strays else 0
        return Counts(1000 + asked + stray, 1000)


def dropped(host: Host, port: int = 22) -> bool | None:
    return asyncio.run(drops_answers(TARGET, port, host.network, read=host.counts))


def test_answers_that_are_missing_each_time_are_dropped_here() -> None:
    """Each SYN brings a packet that nobody got."""
    host = Host(frozenset({22}))
    assert dropped(host) is True
    assert len(host.network.knocked) == TRIES


@pytest.mark.parametrize("strays", [0, 40])
def test_silence_brings_nothing(strays: int) -> None:
    """Nothing came, or something else now and then."""
    host = Host(strays=strays)
    assert dropped(host) is False
    assert len(host.network.knocked) < TRIES


def test_among_many_drops_nothing_can_be_told() -> None:
    """Something is dropped all the time, asked or not."""
    assert dropped(Host(frozenset({22}), strays=1)) is None


def test_without_counts_nothing_is_claimed() -> None:
    """Another system, or no /proc."""
    network = Host().network
    assert asyncio.run(drops_answers(TARGET, 22, network, read=lambda ipv6: None)) is False


def test_this_systems_counts_add_up() -> None:
    """What was received is accounted for, but for what a filter of this very machine drops."""
    for ipv6 in (False, True):
        found = counts(ipv6)
        assert found is None or found.received >= 0 <= found.accounted


def test_a_swallowed_answer_lands_in_the_record(check: Checks, run: Runs) -> None:
    """It is this host's own rule, and the operator's to mend; its silent neighbour is lost on the way."""
    host = Host(frozenset({22}))
    swallowed, lost = run([check(TARGET), check(TARGET, 443)], host.network, counts=host.counts).checks
    assert (swallowed.verdict, swallowed.cause) == (Verdict.ERROR, "vantage.blocked_locally")
    assert (swallowed.confidence, swallowed.responsible) == (Confidence.LIKELY, "operator")
    assert (lost.verdict, lost.cause) == (Verdict.FAIL, "tcp.filtered")
