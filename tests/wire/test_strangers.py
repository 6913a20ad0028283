"""One port proxied for a whole network: seen by addresses drawn by chance, and told from live networks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

import pytest

from netcheck.check import Check
from netcheck.engine import Depth
from netcheck.record import CheckRecord, RunRecord
from netcheck.second_look import handshakes
from netcheck.second_look.handshakes import WAIT
from netcheck.second_look.strangers import LEAST, MOST_ASKED, STRANGERS, all_open
from probes.contract import Confidence, Verdict
from probes.net.base import Reply
from probes.net.scripted import Close, Handshake, Reset, Scripted, Silence
from tests.wire.roads import scripted

Checks = Callable[..., Check]
Runs = Callable[..., RunRecord]
A, B = "10.1.0.1", "10.2.0.1"
TARGET, NETWORK = "10.20.0.7", "10.20.0.*"
PORT = 5432
# Whoever is asked in the network: the proxy opens the port for him, and drops the rest.
ONE_PORT = f"{A} {B}!accept#{PORT} 10.3.0.1!drop {NETWORK}#"
ANYBODY = (Verdict.FAIL, "path.middlebox_answers", Confidence.LIKELY)
HONEST = (Verdict.PASS, None, Confidence.CERTAIN)
UNTRACED = Depth(trace=False)


def told(record: CheckRecord) -> tuple[Verdict, str | None, Confidence]:
    """What the record claims."""
    return record.verdict, record.cause, record.confidence


def first(run: RunRecord) -> CheckRecord:
    """The first record."""
    return next(iter(run.checks))


def hosts(count: int, start: int = 1) -> list[str]:
    """So many addresses of the network."""
    return [f"10.20.0.{number}" for number in range(start, start + count)]


def asked(network: Scripted, *targets: str) -> set[str]:
    """Who else was asked for the port."""
    return {address for address, port, _ in network.knocked if port == PORT} - set(targets)


def test_a_port_that_opens_for_everybody_is_no_pass(check: Checks, run: Runs) -> None:
    """Not one of the target's never-used ports answers; all strangers complete the handshake."""
    record = first(run([check(TARGET, PORT)], scripted(ONE_PORT)))
    assert told(record) == ANYBODY
    assert any(
        f"{STRANGERS} of {STRANGERS} addresses drawn by chance in 10.20.0.0/24 complete handshakes"
        f" on tcp/{PORT} as well, and no other port shows a host there" in sentence
        for sentence in record.evidence
    )
    assert {(control.varied, control.verdict) for control in record.controls} == {("address", Verdict.PASS)}
    assert TARGET not in {control.value for control in record.controls}


def test_where_it_is_completed_is_traced(check: Checks, run: Runs) -> None:
    """As with a proxy for all ports."""
    record = first(run([check(TARGET, PORT)], scripted(ONE_PORT)))
    assert record.where is not None
    assert (record.where.relation, record.where.address) == ("after", B)


def test_a_network_of_hosts_passes(check: Checks, run: Runs) -> None:
    """The look-alike: they all serve the port, and refuse the others."""
    assert told(first(run([check(TARGET, PORT)], scripted(f"{A} {B} {NETWORK}#{PORT}")))) == HONEST


def test_a_half_full_network_behind_a_firewall_passes(check: Checks, run: Runs) -> None:
    """The firewall drops all other ports, so that no host shows itself; nobody is where every other stranger
    is."""
    live = [f"{A} {B}!drop 10.20.0.{number}#" for number in range(0, 256, 2)]
    network = scripted(f"{A} 10.3.0.1!accept#{PORT} 10.20.0.*[13579]#", *live)
    assert told(first(run([check(TARGET, PORT)], network))) == HONEST


def test_who_is_in_the_plan_is_no_stranger(check: Checks, run: Runs) -> None:
    """A network as full as the plan says, behind a firewall that drops the rest: nobody else answers."""
    planned = hosts(200, 2)
    network = scripted(*(f"{A} {host}#{PORT}!drop" for host in planned))
    records = run([check(host, PORT) for host in planned], network).checks
    assert {told(record) for record in records} == {HONEST}


@pytest.mark.parametrize("live", [range(2, 40), range(2, 200)])
def test_live_hosts_among_the_strangers_don_t_hide_a_proxy(
    check: Checks, run: Runs, monkeypatch: pytest.MonkeyPatch, live: range
) -> None:
    """They refuse what nobody uses, and others are asked in their place, those of free addresses at last."""
    in_order(monkeypatch)
    hosts_there = [f"{A} {B}!accept#{PORT} 10.20.0.{number}#22" for number in live]
    assert told(first(run([check("10.20.0.250", PORT)], scripted(*hosts_there, ONE_PORT)))) == (
        ANYBODY if len(live) < MOST_ASKED else HONEST
    )


def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers are drawn in the order of their addresses."""
    monkeypatch.setattr(random, "sample", lambda among, count: list(among)[:count])


@pytest.mark.parametrize(("free", "proved"), [(LEAST, True), (LEAST - 1, False)])
def test_few_strangers_prove_nothing(free: int, proved: bool) -> None:
    """So many addresses show no host; all others do."""

    def reply(address: str, port: int, *_: Any) -> Reply:
        is_free = int(address.rpartition(".")[2]) in range(2, 2 + free)
        return Reply("connected", 0.001) if port == PORT else Reply("silent" if is_free else "refused", 0.001)

    network = Scripted(Ending([Silence()], [Silence()]), replies=reply)
    found = asyncio.run(all_open("10.20.0.60", PORT, set(hosts(168, 82)), network, WAIT))
    assert len(found) == (free if proved else 0)


def test_a_network_that_is_in_the_plan_as_a_whole_is_judged_by_its_own(check: Checks, run: Runs) -> None:
    """250 of its hosts are dead, and the proxy completes the handshakes of all."""
    planned = hosts(254)
    records = run([check(host, PORT) for host in planned], scripted(ONE_PORT), depth=UNTRACED).checks
    assert {told(record) for record in records} == {ANYBODY}


def test_a_network_that_is_in_the_plan_as_a_whole_passes(check: Checks, run: Runs) -> None:
    """The look-alike: they serve the port, refuse others, and one of them is down."""
    planned = hosts(254)
    network = scripted(*(f"{A} {host}#{PORT}" for host in planned[:-1]))
    records = list(run([check(host, PORT) for host in planned], network, depth=UNTRACED).checks)
    assert {told(record) for record in records[:-1]} == {HONEST}


def test_strangers_for_whom_all_ports_open_are_no_likes_of_the_target(check: Checks, run: Runs) -> None:
    """The target's own ports don't: the rule for the others is not for it."""
    network = scripted(f"{A} {B} {TARGET}#{PORT}", f"{A} {B}!accept {NETWORK}#")
    assert told(first(run([check(TARGET, PORT)], network))) == HONEST


def test_every_handshake_of_that_port_is_meant_and_no_other(check: Checks, run: Runs) -> None:
    """Another port of the same hosts opens for those who serve it only."""
    targets = hosts(12)
    network = scripted(
        *(f"{A} {B}!accept#{PORT} {host}#22" for host in targets),
        f"{A} {B}!accept#{PORT} 10.3.0.1!drop {NETWORK}#",
    )
    plan = [check(host, port) for host in targets for port in (22, PORT)]
    records = list(run(plan, network, depth=UNTRACED).checks)
    assert {told(record) for record in records[::2]} == {HONEST}
    assert {told(record) for record in records[1::2]} == {ANYBODY}


def test_what_must_be_blocked_is_not_known_to_be_open(check: Checks, run: Runs) -> None:
    """As with a proxy for all ports."""
    record = first(run([check(TARGET, PORT, expect="blocked")], scripted(ONE_PORT), depth=UNTRACED))
    assert (record.verdict, record.cause) == (Verdict.ERROR, "path.middlebox_answers")


def test_a_stranger_is_asked_once_a_network_and_port(check: Checks, run: Runs) -> None:
    """However many hosts are checked; his silence holds the run up for a moment."""
    targets = hosts(60)
    network = scripted(*(f"{A} {B} {host}#{PORT}" for host in targets))
    run([check(host, PORT) for host in targets], network)
    assert len(asked(network, *targets)) <= 1
    assert network.now() < WAIT + 0.1


def test_many_networks_are_asked_side_by_side(check: Checks, run: Runs) -> None:
    """Silent strangers in a hundred of them take no longer than one."""
    targets = [f"10.20.{number}.7" for number in range(100)]
    network = scripted(*(f"{A} {host}#{PORT}" for host in targets))
    records = run([check(host, PORT) for host in targets], network, concurrency=100).checks
    assert {told(record) for record in records} == {HONEST}
    assert len(asked(network, *targets)) == 100
    assert network.now() < WAIT + 0.2


def test_there_is_an_end_to_asking(check: Checks, run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a large fleet only so many networks are asked."""
    monkeypatch.setattr(handshakes, "SHARED", 3)
    targets = [f"10.20.{number}.7" for number in range(9)]
    network = scripted(*(f"{A} {host}#{PORT}" for host in targets))
    run([check(host, PORT) for host in targets], network)
    assert len(asked(network, *targets)) == 3


@pytest.mark.parametrize("target", ["8.20.0.7", "2600:1::7", "fe80::7%eth0"])
def test_strangers_in_the_internet_are_left_alone(check: Checks, run: Runs, target: str) -> None:
    """They are somebody else's, and front ends answer there for whole networks; nor is a link's own asked."""
    network = Scripted({(target, PORT): []}, replies=lambda *_: Reply("silent"))
    assert told(first(run([check(target, PORT)], network))) == HONEST
    assert asked(network, target) == set()


class Far(Scripted):
    """Answers that come later than they are waited for are not heard."""

    async def knock(self, address: str, port: int, until: float, **more: Any) -> Reply:
        began = self.now()
        reply = await super().knock(address, port, until, **more)
        return reply if self.now() <= until or self.now() == began else Reply("silent")


@pytest.mark.parametrize("late", [0.4, 1.5])
@pytest.mark.parametrize("ports", [range(1, 65536), range(PORT, PORT + 1)])
def test_a_proxy_on_a_long_way_is_waited_for(check: Checks, run: Runs, late: float, ports: range) -> None:
    """Several times as long as its own handshake took."""
    network = Far(
        {(TARGET, PORT): []},
        replies=lambda _, port, *__: Reply("connected", late) if port in ports else Reply("silent"),
        handshakes={(TARGET, PORT): Handshake(late, late)},
    )
    assert told(first(run([check(TARGET, PORT)], network, depth=UNTRACED))) == ANYBODY


class Ending(dict[tuple[str, int], Any]):
    """What a proxy does with the connections that it completed: the target's, and all others."""

    def __init__(self, target: Any, others: Any) -> None:
        super().__init__()
        self._target, self._others = target, others

    def get(self, key: tuple[str, int], default: Any = None) -> Any:
        return self._target if key == (TARGET, PORT) else self._others


def proxying(target: Any, others: Any, ports: range) -> Scripted:
    """A proxy for these ports of the whole network, behind which only the target may be."""

    def reply(address: str, port: int, *_: Any) -> Reply:
        opens = port in ports and fnmatch(address, NETWORK)
        return Reply("connected", 0.001) if opens else Reply("silent")

    return Scripted(Ending(target, others), replies=reply)


ALL = range(1, 65536)
ONE = range(PORT, PORT + 1)


@pytest.mark.parametrize("ports", [ALL, ONE])
@pytest.mark.parametrize("end", [Close(), Reset()])
def test_a_connection_that_is_kept_beside_others_that_end_is_a_warning(
    check: Checks, run: Runs, ports: range, end: Any
) -> None:
    """It works as far as can be seen; that its handshake is completed shows nothing."""
    record = first(run([check(TARGET, PORT)], proxying([Silence()], [end], ports)))
    assert told(record) == (Verdict.WARN, "path.middlebox_answers", Confidence.LIKELY)
    assert any("completed and then ended; this one is kept" in sentence for sentence in record.evidence)
    assert record.controls
    assert record.steps[-1].verdict is Verdict.WARN


@pytest.mark.parametrize("ports", [ALL, ONE])
@pytest.mark.parametrize(("target", "others"), [([Close()], [Close()]), ([Silence()], [Silence()])])
def test_one_that_ends_or_is_kept_like_others_fails(
    check: Checks, run: Runs, ports: range, target: Any, others: Any
) -> None:
    """The look-alikes: nothing sets it apart."""
    assert told(first(run([check(TARGET, PORT)], proxying(target, others, ports)))) == ANYBODY


@pytest.mark.parametrize("ports", [ALL, ONE])
def test_what_must_be_blocked_and_is_kept_is_open(check: Checks, run: Runs, ports: range) -> None:
    """A proxy that keeps it lets it through, likely."""
    network = proxying([Silence()], [Close()], ports)
    record = first(run([check(TARGET, PORT, expect="blocked")], network))
    assert told(record) == (Verdict.FAIL, "policy.unexpectedly_open", Confidence.LIKELY)
