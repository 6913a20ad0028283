"""Bare handshakes held until it is known that not just anybody gets them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Check
from netcheck.engine import MOST_TRACED, Depth, Engine
from netcheck.record import CheckRecord, RunRecord
from netcheck.second_look.handshakes import HOSTS, WAIT, Handshakes
from netcheck.second_look.strangers import STRANGERS
from netcheck.second_look.unused import Unused
from probes import ssh
from probes.contract import Confidence, Verdict
from probes.net.base import ConnectFailed, Reply
from probes.net.scripted import Scripted, Silence
from tests.wire.roads import scripted

Checks = Callable[..., Check]
Runs = Callable[..., RunRecord]
A, B = "10.1.0.1", "10.2.0.1"
HONEST = f"{A} {B} 10.20.0.*#22,3389"
PROXIED = f"{A} {B}!accept 10.20.0.*#"
UNTRACED = Depth(trace=False)


def found(run: RunRecord) -> list[tuple[Verdict, str | None]]:
    """Verdict and cause of each check."""
    return [(record.verdict, record.cause) for record in run.checks]


def network_of(count: int) -> list[str]:
    """So many addresses of one network."""
    return [f"10.20.0.{number}" for number in range(1, count + 1)]


def unused(network: Scripted) -> set[str]:
    """The addresses whose unused ports were asked."""
    return {address for address, port, ttl in network.knocked if port > 30000 and ttl is None}


def first(run: RunRecord) -> CheckRecord:
    """The first record."""
    return next(iter(run.checks))


def test_an_honest_handshake_passes(check: Checks, run: Runs) -> None:
    """One unused port of it is asked, and its port of one stranger; neither answers."""
    network = scripted(f"{A} {B} 10.20.0.1#22", f"{A} {B} 10.20.0.*#")
    assert found(run([check("10.20.0.1")], network)) == [(Verdict.PASS, None)]
    assert len(network.knocked) == 2
    assert [port for address, port, _ in network.knocked if address != "10.20.0.1"] == [22]


@pytest.mark.parametrize("quiet", ["", "!drop"])
def test_a_host_that_is_silent_elsewhere_is_honest(check: Checks, run: Runs, quiet: str) -> None:
    """Whether unused ports are refused or dropped; silence holds the verdict up for a moment only."""
    network = scripted(f"{A} {B} 10.20.0.1#22{quiet}")
    record = first(run([check("10.20.0.1")], network))
    assert (record.verdict, record.confidence) == (Verdict.PASS, Confidence.CERTAIN)
    assert network.now() < WAIT + 0.1


def test_a_handshake_that_anybody_gets_is_no_pass(check: Checks, run: Runs) -> None:
    """Two unused ports answer, and one of a stranger, all controls; only likely, for one host may hold the
    whole network."""
    record = first(run([check("10.20.0.1")], scripted(PROXIED)))
    assert (record.verdict, record.cause, record.confidence) == (
        Verdict.FAIL,
        "path.middlebox_answers",
        Confidence.LIKELY,
    )
    assert [control.varied for control in record.controls] == ["port", "port", "address"]
    assert {control.verdict for control in record.controls} == {Verdict.PASS}
    assert record.steps[-1].verdict is Verdict.FAIL


def test_a_rule_for_one_host_is_only_likely(check: Checks, run: Runs) -> None:
    """A stranger does not answer: the host itself may listen on every port."""
    network = scripted(f"{A} {B}!accept 10.20.0.1#", HONEST)
    record = first(run([check("10.20.0.1")], network))
    assert (record.cause, record.confidence) == ("path.middlebox_answers", Confidence.LIKELY)


def test_a_rule_for_one_port_of_one_host_is_not_seen(check: Checks, run: Runs) -> None:
    """What answers only for the port that is checked can't be told from the target: it stays a pass, and
    the evidence says what it rests on."""
    network = scripted(f"{A} {B}!accept#22 10.20.0.1#", f"{A} {B} 10.20.0.*#")
    record = first(run([check("10.20.0.1")], network))
    assert record.verdict is Verdict.PASS
    assert any("not proved reachable" in sentence for sentence in record.evidence)


def test_one_open_port_by_chance_is_honest(check: Checks, run: Runs) -> None:
    """Two are needed."""
    replies = iter([Reply("connected", 0.001), Reply("refused", 0.001)])

    def reply(address: str, *_: Any) -> Reply:
        return next(replies) if address == "10.20.0.1" else Reply("silent")

    network = Scripted({("10.20.0.1", 22): []}, replies=reply)
    assert found(run([check("10.20.0.1")], network)) == [(Verdict.PASS, None)]


def test_only_some_hosts_of_an_honest_network_are_asked(check: Checks, run: Runs) -> None:
    """The others pass with them: a control a network, not a scan."""
    network = scripted(*(f"{A} {B} {host}#22" for host in network_of(40)))
    result = run([check(host) for host in network_of(40)], network)
    assert result.summary.verdicts[Verdict.PASS] == 40
    assert len(unused(network)) == HOSTS
    assert HOSTS < len(network.knocked) <= HOSTS + 1 + STRANGERS


def test_each_network_is_asked_for_itself(check: Checks, run: Runs) -> None:
    """One that is proxied says nothing of its neighbour network."""
    network = scripted(PROXIED, f"{A} 10.21.0.*#22")
    result = found(run([check("10.20.0.1"), check("10.21.0.1")], network, depth=UNTRACED))
    assert result == [(Verdict.FAIL, "path.middlebox_answers"), (Verdict.PASS, None)]


def test_where_one_is_answered_for_all_hosts_are_asked(check: Checks, run: Runs) -> None:
    """Each of forty has its own evidence: the proxied half fails, the other passes."""
    hosts = network_of(40)
    proxied = [f"{A} {B}!accept {host}#" for host in hosts[::2]]
    network = scripted(*proxied, HONEST)
    result = found(run([check(host) for host in hosts], network, depth=UNTRACED))
    assert result == [(Verdict.FAIL, "path.middlebox_answers"), (Verdict.PASS, None)] * 20
    assert set(hosts) <= unused(network)


def test_without_retries_a_handshake_is_not_held(check: Checks, run: Runs) -> None:
    """`retries: 0` asks for one look and gets it."""
    network = scripted(PROXIED)
    assert found(run([check("10.20.0.1", retries=0)], network)) == [(Verdict.PASS, None)]
    assert network.knocked == []


def test_what_must_be_blocked_and_is_answered_for_is_an_error(check: Checks, run: Runs) -> None:
    """Neither open nor blocked was seen: something else completes the handshake."""
    blocked = check("10.20.0.1", 3389, expect="blocked")
    record = first(run([blocked], scripted(PROXIED), depth=UNTRACED))
    assert (record.verdict, record.cause) == (Verdict.ERROR, "path.middlebox_answers")


def test_what_must_be_blocked_and_is_open_fails(check: Checks, run: Runs) -> None:
    """The look-alike: the host is honest, and the port open."""
    blocked = check("10.20.0.1", 3389, expect="blocked")
    assert found(run([blocked], scripted(HONEST))) == [(Verdict.FAIL, "policy.unexpectedly_open")]


def test_who_is_answered_for_is_no_sign_of_life(check: Checks, run: Runs) -> None:
    """Blocked beside a proxied port: nothing shows the host alive, so the silence is only likely a block."""
    lines = f"{A} {B}!drop#3389 10.3.0.1!accept 10.20.0.*#"
    checks = [check("10.20.0.1"), check("10.20.0.1", 3389, expect="blocked")]
    proxied, blocked = run(checks, scripted(lines), depth=UNTRACED).checks
    assert proxied.cause == "path.middlebox_answers"
    assert (blocked.verdict, blocked.confidence) == (Verdict.PASS, Confidence.LIKELY)
    honest = f"{A} {B}!drop#3389 10.3.0.1 10.20.0.*#22"
    _, blocked = run(checks, scripted(honest)).checks
    assert (blocked.verdict, blocked.confidence) == (Verdict.PASS, Confidence.CERTAIN)


def test_where_the_handshake_is_completed_is_traced(check: Checks, run: Runs) -> None:
    """After the last hop that answers a SYN to that port; without traces there is no place."""
    record = first(run([check("10.20.0.1")], scripted(PROXIED)))
    assert record.where is not None
    assert (record.where.relation, record.where.address) == ("after", B)
    assert first(run([check("10.20.0.1")], scripted(PROXIED), depth=UNTRACED)).where is None


def test_of_many_such_handshakes_only_some_are_traced(check: Checks, run: Runs) -> None:
    """All fail, and the traces stay few."""
    hosts = network_of(MOST_TRACED + 8)
    network = scripted(PROXIED)
    records = list(run([check(host) for host in hosts], network).checks)
    assert {record.cause for record in records} == {"path.middlebox_answers"}
    assert len([record for record in records if record.trace]) == MOST_TRACED
    assert len({address for address, _, ttl in network.knocked if ttl == 1}) == MOST_TRACED


def test_a_host_that_can_not_send_any_more_settles_what_it_has(check: Checks, run: Runs) -> None:
    """Nothing was learned against it."""

    def unsent(*_: Any) -> Reply:
        raise ConnectFailed(101, local=True)

    network = Scripted({("10.20.0.1", 22): []}, replies=unsent)
    assert found(run([check("10.20.0.1")], network)) == [(Verdict.PASS, None)]


def test_ipv6_networks_are_told_apart(check: Checks, run: Runs) -> None:
    """By their /64: a proxied one next to an honest one."""
    network = scripted(
        "2001:db8:1::1 2001:db8:2::1!accept 2001:db8:20:0::*#", "2001:db8:1::1 2001:db8:20:1::*#22"
    )
    checks = [check("2001:db8:20:0::5"), check("2001:db8:20:1::5")]
    result = found(run(checks, network, depth=UNTRACED))
    assert result == [(Verdict.FAIL, "path.middlebox_answers"), (Verdict.PASS, None)]


@pytest.mark.parametrize("answered", [False, True])
def test_an_interrupted_run_settles_what_is_held(
    check: Checks, run: Runs, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    """Handshakes are in the record as they were seen, and none is lost; what is known by then against some
    of them counts."""
    engines: list[Engine] = []
    made = Engine.__init__

    def remember(self: Engine, *args: Any, **more: Any) -> None:
        made(self, *args, **more)
        engines.append(self)

    async def interrupted(self: Handshakes) -> None:
        if answered:
            await self._wait()
        engines[0].interrupt()
        await asyncio.Event().wait()

    monkeypatch.setattr(Engine, "__init__", remember)
    monkeypatch.setattr(Handshakes, "finish", interrupted)
    hosts = network_of(20)
    result = run([check(host) for host in hosts], scripted(PROXIED))
    assert result.summary.interrupted
    assert [record.target for record in result.checks] == hosts
    causes = [record.cause for record in result.checks]
    assert causes.count("path.middlebox_answers") == (HOSTS if answered else 0)
    assert causes.count(None) == len(hosts) - (HOSTS if answered else 0)


def test_a_bug_in_asking_is_no_pass(check: Checks, run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised as itself: a run that did not ask must not look as if it had."""

    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Unused, "answers", broken)
    with pytest.raises(ZeroDivisionError, match="oops"):
        run([check("10.20.0.1")], scripted(HONEST))


def test_a_check_that_sees_bytes_is_not_held(check: Checks, run: Runs) -> None:
    """A silent server of another protocol is the second look's to examine."""
    network = Scripted({("10.20.0.1", 22): [b"SSH-2.0-OpenSSH_9.2\r\n", Silence()]})
    run([check("10.20.0.1", probe="ssh", settings=ssh.PROBE.settings(), retries=0)], network)
    assert network.knocked == []
