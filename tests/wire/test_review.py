"""A whole run's second look with traces: places, controls and paths land in the record."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Check
from netcheck.diagnosis.places import SOME
from netcheck.engine import Depth
from netcheck.record import CheckRecord, Place, RunRecord
from netcheck.second_look.tracing import Tracer
from probes import ssh
from probes.contract import Confidence, Timing, Verdict
from probes.net.base import ConnectFailed, Icmp, Reply, Source, TimedOut
from probes.net.scripted import Scripted, Silence
from tests.wire.roads import scripted

Checks = Callable[..., Check]
Runs = Callable[..., RunRecord]

MIDDLEBOX = "path.middlebox_answers"
TARGET, NEIGHBOUR = "10.20.0.9", "10.20.0.10"
A, B, C, D = "10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1"
CERTAIN, LIKELY, UNDETERMINED = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNDETERMINED


def by_target(run: RunRecord) -> dict[str, CheckRecord]:
    """The records by their target."""
    return {record.target: record for record in run.checks}


def one(run: RunRecord) -> CheckRecord:
    """The first record."""
    return next(iter(run.checks))


def hops(record: CheckRecord) -> list[str | None]:
    """Who was drawn on the way."""
    assert record.trace is not None
    return [hop.address for hop in record.trace.hops]


def network_of(count: int) -> list[str]:
    """So many addresses of one network."""
    return [f"10.20.0.{number}" for number in range(1, count + 1)]


def test_a_drop_lands_in_the_record(check: Checks, run: Runs) -> None:
    """The place with the next hop on a sibling, the way, the control, and the certainty of two looks."""
    network = scripted(f"{A} {B}!drop#22 {C} {TARGET}#22,443", reverse={B: "fw1"})
    record = one(run([check(TARGET), check(TARGET, 443)], network))
    assert (record.cause, record.confidence, record.attempts) == ("tcp.filtered", CERTAIN, 2)
    assert record.where == Place("after", B, C)
    assert hops(record) == [A, B]
    assert record.trace is not None
    assert (record.trace.method, record.trace.ecmp) == ("tcp-ttl", False)
    assert record.trace.hops[1].name == "fw1"
    assert [(control.varied, control.value) for control in record.controls] == [("port", 443)]


def test_a_rejection_lands_in_the_record(check: Checks, run: Runs) -> None:
    """At its signer, who is drawn as the end of the way."""
    record = one(run([check(TARGET)], scripted(f"{A} {B}!reject#22 {C} {TARGET}#22")))
    assert (record.cause, record.confidence) == ("tcp.rejected", CERTAIN)
    assert record.where == Place("at", B)
    assert hops(record) == [A, B]


def test_a_firewalls_rst_lands_in_the_record(check: Checks, run: Runs) -> None:
    """Proved by another port of the host; not the target's refusal."""
    network = scripted(f"{A} {B}!reset#22 {C} {TARGET}#22,443")
    record = one(run([check(TARGET), check(TARGET, 443)], network))
    assert (record.verdict, record.cause, record.confidence) == (
        Verdict.FAIL,
        "tcp.reset_by_firewall",
        CERTAIN,
    )
    assert record.where == Place("after", B, C)


def test_a_refusal_by_the_target_stays_its_own(check: Checks, run: Runs) -> None:
    """The look-alike: nothing listens."""
    network = scripted(f"{A} {B} {C} {TARGET}#443")
    record = one(run([check(TARGET), check(TARGET, 443)], network))
    assert (record.cause, record.confidence, record.where) == ("tcp.refused", CERTAIN, None)
    assert hops(record) == [A, B, C, TARGET]


def test_two_paths_land_in_the_record(check: Checks, run: Runs) -> None:
    """The mark, and both or either of the hops."""
    record = one(run([check(TARGET)], scripted(f"{A} {B}/{C} {D}!drop#22 {TARGET}#22")))
    assert record.trace is not None
    assert record.trace.ecmp
    assert record.where is not None
    assert record.where.address == D


def test_silence_from_the_first_hop_has_no_place(check: Checks, run: Runs) -> None:
    """And nobody to blame for it by name."""
    record = one(run([check(TARGET)], scripted(f"?!drop ? {TARGET}#22")))
    assert (record.cause, record.where) == ("tcp.filtered", None)
    assert record.trace is not None
    assert record.trace.hops == ()


def test_without_traces_the_verdict_stands(check: Checks, run: Runs) -> None:
    """`--no-trace` sends no SYN with a TTL, and the second look is made all the same."""
    network = scripted(f"{A} {B}!drop#22 {TARGET}#22")
    record = one(run([check(TARGET)], network, depth=Depth(trace=False)))
    assert (record.cause, record.confidence, record.attempts) == ("tcp.filtered", CERTAIN, 2)
    assert (record.trace, record.where) == (None, None)
    assert network.knocked == []


def test_without_retries_a_failure_is_traced_and_not_looked_at_again(check: Checks, run: Runs) -> None:
    """`retries: 0` leaves the second look out; the way is still worth its SYNs."""
    record = one(run([check(TARGET, retries=0)], scripted(f"{A} {B}!drop#22 {TARGET}#22")))
    assert (record.confidence, record.attempts) == (LIKELY, 1)
    assert record.where is not None
    assert record.where.address == B


def test_without_retries_and_traces_nothing_more_is_sent(check: Checks, run: Runs) -> None:
    """One look, and no SYN beside."""
    network = scripted(f"{A} {B}!drop#22 {TARGET}#22")
    record = one(run([check(TARGET, retries=0)], network, depth=Depth(trace=False)))
    assert (record.attempts, record.where) == (1, None)
    assert (len(network.connected), len(network.knocked)) == (1, 0)


def test_a_system_that_can_not_trace_says_so(check: Checks, run: Runs) -> None:
    """The verdict stands; why there is no way is among the evidence."""
    network = scripted(f"{A} {B}!drop#22 {TARGET}#22")
    record = one(run([check(TARGET)], network, untraceable=lambda: "only Linux can"))
    assert (record.cause, record.confidence, record.trace) == ("tcp.filtered", CERTAIN, None)
    assert any("not traced: only Linux can" in sentence for sentence in record.evidence)
    assert network.knocked == []


def test_a_few_hosts_are_all_traced(check: Checks, run: Runs) -> None:
    """Half of them stop at another hop: each has its own place."""
    early, late = network_of(4), [f"10.20.0.{number}" for number in range(5, 9)]
    lines = [f"{A} {B}!drop {host}#22" for host in early] + [f"{A} {B} {C}!drop {host}#22" for host in late]
    found = by_target(run([check(host) for host in early + late], scripted(*lines)))
    assert {found[host].where for host in early} == {Place("after", B)}
    assert {found[host].where for host in late} == {Place("after", C)}
    assert all(record.trace and record.trace.method == "tcp-ttl" for record in found.values())


def test_many_hosts_are_placed_by_a_few_traces(check: Checks, run: Runs) -> None:
    """Those between two traces that agree, likely and by name; nobody else's evidence is claimed."""
    hosts = network_of(60)
    network = scripted(f"{A} {B}!drop 10.20.0.*#22")
    found = by_target(run([check(host) for host in hosts], network))
    assert {record.where for record in found.values()} == {Place("after", B)}
    traced = {address for address, _, ttl in network.knocked if ttl == 1}
    assert len(traced) == SOME
    rest = found["10.20.0.7"]
    assert rest.trace is not None
    assert (rest.trace.method, rest.confidence) == ("sibling", LIKELY)
    assert any("neighbours in the network are lost there" in sentence for sentence in rest.evidence)


def test_a_network_that_is_parted_is_halved_until_the_border(check: Checks, run: Runs) -> None:
    """No host is given the place of the other part."""
    hosts = network_of(60)
    lines = [f"{A} {B}!drop {host}#22" for host in hosts[:37]]
    network = scripted(*lines, f"{A} {B} {C}!drop 10.20.0.*#22")
    found = by_target(run([check(host) for host in hosts], network))
    places = [found[host].where for host in hosts]
    assert places == [Place("after", B)] * 37 + [Place("after", C)] * 23


def test_the_traces_of_many_silent_hosts_cost_little_time(check: Checks, run: Runs) -> None:
    """Four hundred behind one hop: at most one and a half timeouts more than the first pass."""
    hosts = [f"10.20.{number // 200}.{1 + number % 200}" for number in range(400)]
    network = scripted(f"{A} {B}!drop 10.20.*#22")
    found = run([check(host) for host in hosts], network, concurrency=400)
    assert network.now() <= 5.0 + 1.5 * 5.0
    assert {record.where for record in found.checks} == {Place("after", B)}


def test_beyond_the_last_trace_that_shows_a_place_nobody_has_one(check: Checks, run: Runs) -> None:
    """The last host's trace is answered by no hop: those next to it may end anywhere."""
    hosts = network_of(60)
    network = scripted(f"? ?!drop {hosts[-1]}#22", f"{A} {B}!drop 10.20.0.*#22")
    found = by_target(run([check(host) for host in hosts], network))
    last = (SOME - 2) * (len(hosts) - 1) // (SOME - 1)
    placed = [found[host].where for host in hosts]
    assert placed == [Place("after", B)] * (last + 1) + [None] * (len(hosts) - last - 1)


def test_many_small_networks_are_traced_without_patience(check: Checks, run: Runs) -> None:
    """Thirty traces, some at a time, of one wait each: no more than one and a half timeouts are added."""
    hosts = [f"10.{20 + network}.0.{number}" for network in range(6) for number in range(1, 6)]
    network = scripted(f"{A} {B}!drop 10.*#22")
    found = run([check(host) for host in hosts], network)
    assert network.now() <= 5.0 + 1.5 * 5.0
    assert {record.where for record in found.checks} == {Place("after", B)}


@pytest.mark.parametrize(("networks", "hosts"), [(1, 12), (4, 3), (20, 1)])
def test_those_who_were_traced_too_soon_are_traced_again(
    check: Checks, run: Runs, networks: int, hosts: int
) -> None:
    """The first traces use every router's answers up, so that some meet none: what the others show then is
    reason to ask again."""
    names = [f"10.{20 + network}.0.{number}" for network in range(networks) for number in range(1, hosts + 1)]
    found = run([check(name) for name in names], scripted(f"{A}~6 {B}~6 {C}~6!drop 10.*#22"))
    assert {record.where for record in found.checks} == {Place("after", C)}


@pytest.mark.parametrize("networks", [2, 3, 5])
@pytest.mark.parametrize("way", [f"{A} {B}~6!drop 10.*#22", f"{A}~6 {B}~6!drop 10.*#22"])
def test_routers_that_limit_their_answers_do_not_put_places_early(
    check: Checks, run: Runs, networks: int, way: str
) -> None:
    """Six errors at once, then one a second, as Linux: the last ones traced are placed as the first."""
    hosts = [f"10.{20 + network}.0.{number}" for network in range(networks) for number in range(1, 41)]
    found = run([check(host) for host in hosts], scripted(way), concurrency=500)
    assert {record.where for record in found.checks} == {Place("after", B)}


def test_what_passes_the_second_time_is_unstable_wherever_it_ended(check: Checks, run: Runs) -> None:
    """It works now: the trace beside it places nobody."""
    first = scripted(f"{A} {B}!drop#22 {TARGET}#22")
    record = one(run([check(TARGET)], first, scripted(f"{A} {B} {TARGET}#22")))
    assert (record.verdict, record.cause, record.where) == (Verdict.WARN, "path.unstable", None)


def test_silence_that_becomes_a_refusal_is_explained_anew(check: Checks, run: Runs) -> None:
    """The second look met an RST of the target, which is proved: the place of the silence is not claimed."""
    second = scripted(f"{A} {B} {TARGET}#443")
    record = one(
        run([check(TARGET), check(TARGET, 443)], scripted(f"{A} {B}!drop#22 {TARGET}#22,443"), second)
    )
    assert (record.cause, record.where) == ("tcp.refused", None)
    assert any("another look ended differently: no answer" in sentence for sentence in record.evidence)


def test_a_refusal_that_the_trace_finds_silent_is_not_certain(check: Checks, run: Runs) -> None:
    """Who sent the RST is not known any more."""
    servers: dict[tuple[str, int], Any] = {(TARGET, 22): ConnectFailed(errno.ECONNREFUSED)}
    record = one(run([check(TARGET)], Scripted(servers)))
    assert (record.cause, record.confidence, record.where) == ("tcp.refused", LIKELY, None)


def test_a_refused_class_inherits_what_its_representatives_showed(check: Checks, run: Runs) -> None:
    """Three of ten are examined; the rest inherit cause and place, likely, with a sibling's trace."""
    hosts = network_of(10)
    network = scripted(f"{A} {B}!reset#22 {C} 10.20.0.*#22,443")
    checks = [check(host) for host in hosts] + [check(host, 443) for host in hosts]
    found = {record.id: record for record in run(checks, network).checks}
    rest = found["local/10.20.0.7/tcp/22"]
    assert (rest.cause, rest.confidence) == ("tcp.reset_by_firewall", LIKELY)
    assert rest.where == Place("after", B, C)
    assert rest.trace is not None
    assert rest.trace.method == "sibling"


def test_a_class_whose_representatives_differ_is_examined_one_by_one(check: Checks, run: Runs) -> None:
    """Half are refused by the target, half by a firewall: nobody inherits the other's blame."""
    hosts = network_of(10)
    lines = [f"{A} {B}!reset#22 {C} {host}#22,443" for host in hosts[:5]]
    network = scripted(*lines, f"{A} {B} {C} 10.20.0.*#443")
    checks = [check(host) for host in hosts] + [check(host, 443) for host in hosts]
    found = {record.id: record for record in run(checks, network).checks}
    causes = [found[f"local/{host}/tcp/22"].cause for host in hosts]
    assert causes == ["tcp.reset_by_firewall"] * 5 + ["tcp.refused"] * 5


def test_everyone_is_looked_at_and_passes_are_traced(check: Checks, run: Runs) -> None:
    """`diagnose` wants the way of each: no check stands for others."""
    hosts = network_of(8)
    network = scripted(f"{A} {B}!drop#22 {C} 10.20.0.*#22,443")
    checks = [check(host) for host in hosts] + [check(hosts[0], 443)]
    found = {record.id: record for record in run(checks, network, depth=Depth(everyone=True)).checks}
    assert {found[f"local/{host}/tcp/22"].attempts for host in hosts} == {2}
    passed = found["local/10.20.0.1/tcp/443"]
    assert (passed.verdict, passed.where) == (Verdict.PASS, None)
    assert hops(passed) == [A, B, C, "10.20.0.1"]


def test_a_plain_run_traces_no_pass(check: Checks, run: Runs) -> None:
    """Only what failed; a bare handshake is asked about an unused port, without a TTL."""
    network = scripted(f"{A} {B} {TARGET}#22")
    assert one(run([check(TARGET)], network)).trace is None
    assert all(ttl is None for _, _, ttl in network.knocked)


def test_what_is_blocked_is_placed(check: Checks, run: Runs) -> None:
    """Silent twice, and a sibling of the host answers: certainly blocked, and after which hop."""
    network = scripted(f"{A} {B}!drop#22 {C} {TARGET}#22,443")
    blocked, _ = run([check(TARGET, expect="blocked"), check(TARGET, 443)], network).checks
    assert (blocked.verdict, blocked.cause, blocked.confidence) == (Verdict.PASS, None, CERTAIN)
    assert (blocked.where, blocked.attempts) == (Place("after", B, C), 2)


def test_what_a_firewall_resets_is_blocked(check: Checks, run: Runs) -> None:
    """An RST is no sign of an open way where the target did not send it."""
    network = scripted(f"{A} {B}!reset#22 {C} {TARGET}#22,443")
    blocked, _ = run([check(TARGET, expect="blocked"), check(TARGET, 443)], network).checks
    assert (blocked.verdict, blocked.cause, blocked.confidence) == (Verdict.PASS, None, CERTAIN)
    assert blocked.where == Place("after", B, C)


def test_what_the_target_itself_refuses_is_not_filtered(check: Checks, run: Runs) -> None:
    """The look-alike: nothing listens, and nothing on the way blocks."""
    network = scripted(f"{A} {B} {C} {TARGET}#443")
    refused, _ = run([check(TARGET, expect="blocked"), check(TARGET, 443)], network).checks
    assert (refused.verdict, refused.cause) == (Verdict.WARN, "policy.not_filtered")
    assert "nothing blocks it before the target, where nothing listens" in refused.summary


def test_what_a_load_balancer_may_refuse_itself_is_not_blocked(check: Checks, run: Runs) -> None:
    """It has the address and passes on port 443 only; a firewall that resets all others looks the same."""
    ways = scripted(f"{A} {B} {C} {TARGET}#443"), scripted(f"{A} {TARGET}#")

    def reply(address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        return ways[port != 443]._replies(address, port, ttl, floor)

    network = Scripted({(TARGET, 22): ConnectFailed(errno.ECONNREFUSED), (TARGET, 443): []}, replies=reply)
    refused, _ = run([check(TARGET, expect="blocked"), check(TARGET, 443)], network).checks
    assert (refused.verdict, refused.cause) == (Verdict.WARN, "policy.not_filtered")
    assert refused.confidence is LIKELY
    assert "perhaps the target's own" in refused.summary


def test_what_is_silent_by_loss_is_not_blocked(check: Checks, run: Runs) -> None:
    """Both looks heard nothing; a SYN of the trace connects all the same."""
    network = Scripted({(TARGET, 22): Silence()}, replies=lambda *_: Reply("connected", 0.01))
    record = one(run([check(TARGET, expect="blocked")], network))
    assert (record.verdict, record.cause) == (Verdict.FAIL, "policy.unexpectedly_open")
    assert record.confidence is LIKELY


def test_a_host_that_can_not_send_any_more_keeps_its_verdict(check: Checks, run: Runs) -> None:
    """The first look stands; no trace, no experiment, no crash."""

    def unsent(*_: Any) -> Reply:
        raise ConnectFailed(errno.ENETUNREACH, local=True)

    record = one(run([check(TARGET)], Scripted({(TARGET, 22): Silence()}, replies=unsent)))
    assert (record.cause, record.trace, record.where) == ("tcp.filtered", None, None)


def test_findings_share_a_place(check: Checks, run: Runs) -> None:
    """One drop, one finding; the rejection of another port is another."""
    lines = f"{A} {B}!drop#22 {C}!reject#23 10.20.0.*#"
    checks = [check(host, port) for host in network_of(3) for port in (22, 23)]
    found = run(checks, scripted(lines)).summary.findings
    assert {(finding.cause, finding.where and finding.where.address) for finding in found} == {
        ("tcp.filtered", B),
        ("tcp.rejected", C),
    }


def test_an_interruption_amid_the_traces_keeps_every_verdict(
    check: Checks, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first look saw is settled as it was, likely; nothing is lost."""
    from netcheck.engine import Engine

    engines: list[Engine] = []
    made = Engine.__init__

    def remember(self: Engine, *args: Any, **more: Any) -> None:
        made(self, *args, **more)
        engines.append(self)

    async def interrupted(self: Tracer, *_: Any, **__: Any) -> None:
        engines[0].interrupt()
        await asyncio.Event().wait()

    monkeypatch.setattr(Engine, "__init__", remember)
    monkeypatch.setattr(Tracer, "follow", interrupted)
    network = scripted(f"{A} {B}!drop#22 {TARGET}#22,443")
    result = run([check(TARGET), check(TARGET, 443)], network)
    assert result.summary.interrupted
    assert [(record.verdict, record.cause, record.confidence) for record in result.checks] == [
        (Verdict.FAIL, "tcp.filtered", LIKELY),
        (Verdict.PASS, None, CERTAIN),
    ]


def test_a_bug_in_a_trace_is_no_finding(check: Checks, run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised as itself: a run with a broken trace must not look finished."""

    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Tracer, "follow", broken)
    with pytest.raises(ZeroDivisionError, match="oops"):
        run([check(TARGET)], scripted(f"{A} {B}!drop#22 {TARGET}#22"))


def test_who_answers_elsewhere_is_not_down(check: Checks, run: Runs) -> None:
    """Host unreachable, as late as if a router had tried, for one port of a host that speaks on another."""
    down = ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 1, B), elapsed=4.1)
    servers: dict[tuple[str, int], Any] = {(TARGET, 22): down, (TARGET, 443): []}
    network = Scripted(servers, replies=lambda *_: Reply("silent"))
    record, _ = run([check(TARGET), check(TARGET, 443)], network).checks
    assert (record.cause, record.confidence) == ("tcp.rejected", LIKELY)
    alone = one(run([check(TARGET)], network))
    assert alone.cause == "tcp.host_down"


@pytest.mark.parametrize(
    ("probe", "cause"), [("tcp", "tcp.host_down"), ("ssh", "tcp.rejected")], ids=["bare", "speaks"]
)
def test_a_bare_handshake_is_no_life_of_a_host_that_a_router_tried(
    check: Checks, run: Runs, probe: str, cause: str
) -> None:
    """Several SYNs are given up at one moment: a proxy for the other port completes its handshakes. One that
    speaks is the host, whatever the router says."""
    down = ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 1, B), elapsed=3.1)
    servers: dict[tuple[str, int], Any] = {(TARGET, 22): down, (TARGET, 443): [b"HTTP/1.1 400 Bad\r\n\r\n"]}

    def reply(address: str, port: int, *_: Any) -> Reply:
        gone = 3.1 - network.now() % 3.1  # to all SYNs at one moment
        return Reply("rejected", gone, Icmp(4, 3, 1, B)) if port == 22 else Reply("silent")

    network = Scripted(servers, replies=reply)
    other = check(TARGET, 443, probe=probe, settings=ssh.PROBE.settings() if probe == "ssh" else None)
    record, _ = run([check(TARGET), other], network).checks
    assert (record.cause, record.confidence) == (cause, LIKELY)


def test_who_is_called_down_at_once_elsewhere_is_rejected(check: Checks, run: Runs) -> None:
    """A rule for all ports of a host; of some the answer came to a repeat of the SYN only."""

    def unreachable(after: float) -> ConnectFailed:
        return ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 1, B), elapsed=after)

    servers: dict[tuple[str, int], Any] = {(TARGET, 22): unreachable(2.05), (TARGET, 443): unreachable(0.001)}
    network = Scripted(servers, replies=lambda *_: Reply("silent"))
    late, soon = run([check(TARGET), check(TARGET, 443)], network).checks
    assert (late.cause, late.confidence) == ("tcp.rejected", LIKELY)
    assert (soon.cause, soon.confidence) == ("tcp.rejected", LIKELY)


def test_a_rule_that_few_hear_of_is_one_rule(check: Checks, run: Runs) -> None:
    """Some are rejected by a hop and the rest hear nothing, for it is short of ICMP errors: one place."""
    heard = ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 13, B))
    servers = {(address, 22): heard if at < 3 else Silence() for at, address in enumerate(network_of(8))}
    records = by_target(run([check(address) for address in network_of(8)], Scripted(servers)))
    assert {record.cause for record in records.values()} == {"tcp.rejected"}
    assert {record.where for record in records.values()} == {Place("at", B)}
    assert records["10.20.0.8"].confidence is LIKELY


def test_silence_and_then_an_early_unreachable_is_no_rule(check: Checks, run: Runs) -> None:
    """A rule answers the first look too: the router was still trying. Who acts is left open."""
    early = ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 1, B), elapsed=0.1)
    record = one(run([check(TARGET)], Scripted({(TARGET, 22): Silence()}), Scripted({(TARGET, 22): early})))
    assert (record.verdict, record.cause, record.confidence) == (Verdict.FAIL, "tcp.host_down", UNDETERMINED)
    assert record.responsible == "undetermined"


def test_this_hosts_own_unreachable_after_silence_is_no_rule_of_it(check: Checks, run: Runs) -> None:
    """Its ARP for the SYNs of the first look has just failed."""
    own = ConnectFailed(
        errno.EHOSTUNREACH,
        icmp=Icmp(4, 3, 1, "192.0.2.1", own=True),
        elapsed=0.1,
        source=Source("192.0.2.1", 50000),
    )
    record = one(run([check(TARGET)], Scripted({(TARGET, 22): Silence()}), Scripted({(TARGET, 22): own})))
    assert (record.verdict, record.cause) == (Verdict.FAIL, "tcp.host_down")
    assert record.responsible == "undetermined"


def test_many_that_wait_for_a_dead_gateway_meet_no_rule(check: Checks, run: Runs) -> None:
    """Their SYNs never leave, as with a rule of this host; looked at in peace the next hop is dead."""
    swallowed = TimedOut(5.0, syns=0)
    dead = ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 1, "192.0.2.1", own=True), elapsed=3.1)
    first = Scripted({(address, 22): swallowed for address in network_of(9)})
    second = Scripted({(address, 22): dead for address in network_of(9)})
    records = run([check(address) for address in network_of(9)], first, second).checks
    assert {(record.verdict, record.cause) for record in records} == {(Verdict.FAIL, "tcp.host_down")}
    assert all(record.confidence is not CERTAIN for record in records)


def test_what_waits_for_a_dead_gateway_meets_no_rule(check: Checks, run: Runs) -> None:
    """One hears from this host itself that its next hop is dead; the rest are silent, or do not leave."""
    down = ConnectFailed(
        errno.EHOSTUNREACH,
        icmp=Icmp(4, 3, 1, "192.0.2.1", own=True),
        elapsed=3.1,
        source=Source("192.0.2.1", 50000),
    )
    waiting = TimedOut(5.0, syns=0, source=Source("192.0.2.1", 50001))
    servers = {(TARGET, 22): down, (NEIGHBOUR, 22): waiting, ("10.30.0.1", 22): Silence()}
    found = by_target(run([check(address) for address, _ in servers], Scripted(servers)))
    assert {record.cause for record in found.values()} == {"tcp.host_down"}
    assert {record.responsible for record in found.values()} == {"undetermined"}
    alive = {**servers, ("10.40.0.1", 22): [b"SSH-2.0-OpenSSH_9.2\r\n"]}
    found = by_target(run([check(address) for address, _ in alive], Scripted(alive)))
    assert found[NEIGHBOUR].cause == "vantage.blocked_locally"  # something gets out


def test_nothing_is_blocked_for_a_vantage_that_reaches_nothing(check: Checks, run: Runs) -> None:
    """Silence is no block where nothing answers that should."""
    checks = [check(address) for address in network_of(4)]
    servers = {(address, 22): Silence() for address in [*network_of(4), TARGET]}
    record = by_target(run([*checks, check(TARGET, expect="blocked")], Scripted(servers)))[TARGET]
    assert (record.verdict, record.confidence) == (Verdict.ERROR, UNDETERMINED)
    assert "nothing at all answers" in record.summary


@pytest.mark.parametrize(
    ("road", "expected"),
    [
        (f"{A}!drop#22 {B} {TARGET}#22", (Verdict.ERROR, UNDETERMINED)),
        (f"{A} {B}!drop#22 {TARGET}#22", (Verdict.PASS, LIKELY)),
    ],
)
def test_what_must_be_blocked_alone(check: Checks, run: Runs, road: str, expected: Any) -> None:
    """Where nothing else was to answer, silence is a block if packets are seen to get past the first hop."""
    record = one(run([check(TARGET, expect="blocked")], scripted(road)))
    assert (record.verdict, record.confidence) == expected
    asked = (record.advice or "").startswith("Check something from local")
    assert asked == (record.verdict is Verdict.ERROR)


def test_a_pass_that_is_completed_on_the_way_is_a_warning(check: Checks, run: Runs) -> None:
    """Another port of the address gets further than this handshake: a proxy, or a load balancer."""
    network = scripted(f"{A} {B}!accept#22 {C} {TARGET}#443")
    record = one(run([check(TARGET)], network, depth=Depth(everyone=True)))
    assert (record.verdict, record.cause, record.confidence) == (Verdict.WARN, MIDDLEBOX, LIKELY)
    assert "nearer than the target" in record.summary
    straight = scripted(f"{A} {B} {C} {TARGET}#22")
    assert one(run([check(TARGET)], straight, depth=Depth(everyone=True))).verdict is Verdict.PASS


def test_no_route_to_one_host_of_a_live_network_may_be_a_rule(check: Checks, run: Runs) -> None:
    """Its neighbour answers; where none does, a rule may say the same."""
    no_route = ConnectFailed(errno.ENETUNREACH, icmp=Icmp(4, 3, 0, B))
    alone = one(run([check(TARGET)], Scripted({(TARGET, 22): no_route})))
    assert (alone.cause, alone.confidence) == ("tcp.no_route", LIKELY)
    servers = {(TARGET, 22): no_route, (NEIGHBOUR, 22): [b"SSH-2.0-x\r\n"]}
    beside = by_target(run([check(TARGET), check(NEIGHBOUR)], Scripted(servers)))[TARGET]
    assert (beside.cause, beside.confidence) == ("tcp.no_route", LIKELY)
    assert any("another address of its network answers" in proof for proof in beside.evidence)


def test_silence_that_did_not_wait_for_a_router_is_only_likely(check: Checks, run: Runs) -> None:
    """A dead host is called so after three seconds."""
    network = Scripted({(TARGET, 22): Silence()})
    record = one(run([check(TARGET, timing=Timing(2.0, 8.0))], network))
    assert (record.cause, record.confidence) == ("tcp.filtered", LIKELY)
