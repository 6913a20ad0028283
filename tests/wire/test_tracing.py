"""Tracing a failed flow: what it is compared with, what follows on a sibling, who sent its RST."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Check
from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.found import Patient, Traced
from netcheck.diagnosis.judge import judge
from netcheck.look import Looker
from netcheck.second_look.sightings import Sightings
from netcheck.second_look.tracing import Tracer, patient
from probes.contract import Confidence, Verdict
from probes.net.base import ConnectFailed, Icmp, Reply
from probes.net.scripted import Scripted
from probes.path.trace import MOST_SYNS
from tests.wire.roads import scripted

Checks = Callable[..., Check]

TARGET, NEIGHBOUR = "10.20.0.9", "10.20.0.10"
A, B, C, D = "10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1"


async def failed(check: Check, network: Scripted) -> Failure:
    """How a look at this check fails."""
    outcome = await Looker(network)(check)
    return Failure(0, check, outcome, judge(check, outcome))


def followed(network: Scripted, check: Check, *seen: Check) -> Traced:
    """The way of a failing check, after others that were seen to answer."""

    async def scene() -> Traced | None:
        sightings = Sightings()
        for one in seen:
            sightings.note(one, await Looker(network)(one))
        tracer = Tracer(network, sightings)
        return await tracer.follow(await failed(check, network), patience=0.0, ports=2)

    traced = asyncio.run(scene())
    assert traced is not None
    return traced


def last(traced: Traced | None) -> str | None:
    """The address after which silence begins."""
    return traced.route.last.address if traced and traced.route.last else None


def test_what_follows_is_seen_on_a_port_that_nobody_uses(check: Checks) -> None:
    """Nothing else is known of the host, but a port that is not blocked gets one hop further."""
    traced = followed(scripted(f"{A} {B}!drop#22 {C} {TARGET}#22"), check(TARGET))
    assert (last(traced), traced.before) == (B, C)
    (control,) = traced.controls
    assert (control.varied, control.verdict) == ("port", Verdict.FAIL)
    assert "which nobody uses, is refused by an RST" in control.summary


def test_a_port_that_answers_is_the_better_sibling(check: Checks) -> None:
    """It is asked instead of one that nobody uses."""
    network = scripted(f"{A} {B}!drop#22 {C} {TARGET}#22,443")
    traced = followed(network, check(TARGET), check(TARGET, 443))
    assert traced.before == C
    (control,) = traced.controls
    assert (control.varied, control.value, control.verdict) == ("port", 443, Verdict.PASS)
    assert {port for _, port, _ in network.knocked} == {22, 443}


def test_a_port_is_not_its_own_sibling(check: Checks) -> None:
    """It answered a moment ago: now it is compared with a port that nobody uses."""
    network = scripted(f"{A} {B}!drop#22 {C} {TARGET}#22")

    async def scene() -> Traced | None:
        sightings = Sightings()
        sightings.note(check(TARGET), await Looker(scripted(f"{A} {TARGET}#22"))(check(TARGET)))
        tracer = Tracer(network, sightings)
        return await tracer.follow(await failed(check(TARGET), network), patience=0.0, ports=2)

    traced = asyncio.run(scene())
    assert traced is not None
    assert [control.value for control in traced.controls] != [22]
    assert traced.before == C


def test_the_target_itself_may_be_what_follows(check: Checks) -> None:
    """Its other port answers right behind the last hop."""
    traced = followed(scripted(f"{A} {B}!drop#22 {TARGET}#22,443"), check(TARGET), check(TARGET, 443))
    assert (last(traced), traced.before) == (B, TARGET)


def test_a_neighbour_shows_what_follows(check: Checks) -> None:
    """Where the host is silent altogether, another one of its network that goes the same way."""
    network = scripted(f"{A} {B}!drop {TARGET}#", f"{A} {B} {C} {NEIGHBOUR}#443")
    traced = followed(network, check(TARGET), check(NEIGHBOUR, 443))
    assert (last(traced), traced.before) == (B, C)
    assert [(one.varied, one.verdict) for one in traced.controls] == [
        ("port", Verdict.FAIL),
        ("address", Verdict.PASS),
    ]


def test_a_neighbour_that_goes_another_way_shows_nothing(check: Checks) -> None:
    """Another hop stands where silence begins: what follows there is not on our way."""
    network = scripted(f"{A} {B}!drop {TARGET}#", f"{A} {D} {C} {NEIGHBOUR}#443")
    assert followed(network, check(TARGET), check(NEIGHBOUR, 443)).before is None


def test_a_neighbour_is_not_what_follows(check: Checks) -> None:
    """It answers right behind the hop; but the flow's own next hop it is not."""
    network = scripted(f"{A} {B}!drop {TARGET}#", f"{A} {B} {NEIGHBOUR}#443")
    assert followed(network, check(TARGET), check(NEIGHBOUR, 443)).before is None


def test_what_hides_behind_the_last_hop_is_not_known(check: Checks) -> None:
    """The sibling meets silence there as well."""
    traced = followed(scripted(f"{A} {B}!drop#22 ? {TARGET}#22"), check(TARGET))
    assert (last(traced), traced.before) == (B, None)


def test_a_rejection_needs_no_sibling(check: Checks) -> None:
    """Its signer says who it was."""
    traced = followed(scripted(f"{A} {B}!reject#22 {C} {TARGET}#22,443"), check(TARGET))
    assert traced.route.end is not None
    assert (traced.route.end.kind, traced.before, traced.sender) == ("rejected", None, None)


@pytest.mark.parametrize(
    ("line", "by_target", "sure", "before"),
    [
        (f"{A} {B}!reset#22 {C} {TARGET}#22,443", False, Confidence.CERTAIN, C),
        (f"{A} {B}!reset#22 {TARGET}#22,443", False, Confidence.LIKELY, None),
        (f"{A} {B} {TARGET}#443", True, Confidence.CERTAIN, None),
    ],
)
def test_the_sender_of_an_rst_is_looked_for(
    check: Checks, line: str, by_target: bool, sure: Confidence, before: str | None
) -> None:
    """By another port of the host that answers."""
    traced = followed(scripted(line), check(TARGET), check(TARGET, 443))
    assert traced.sender is not None
    assert (traced.sender.by_target, traced.sender.confidence, traced.before) == (by_target, sure, before)


def test_a_refusal_of_every_port_names_nobody(check: Checks) -> None:
    """A host that has nothing open, or a firewall that resets everything: both look so."""
    for line in (f"{A} {B} {TARGET}#", f"{A} {B}!reset {TARGET}#22"):
        traced = followed(scripted(line), check(TARGET))
        assert traced.sender is not None
        assert (traced.sender.by_target, traced.sender.confidence) == (None, Confidence.LIKELY)


def test_a_flow_without_an_address_or_port_has_no_way(check: Checks) -> None:
    """A name that does not resolve, and a protocol without ports."""
    network = scripted(f"{A}!drop {TARGET}#22")

    async def scene() -> list[Traced | None]:
        tracer = Tracer(network, Sightings())
        silent = await failed(check(TARGET), network)
        portless = check(TARGET)._replace(terms=silent.check.terms._replace(port=None))
        unheard = silent.outcome._replace(ascents=(silent.main._replace(port=None),))
        return [
            await tracer.follow(await failed(check("no.such.name"), network), patience=0.0, ports=2),
            await tracer.follow(Failure(0, portless, unheard, silent.judgement), patience=0.0, ports=2),
        ]

    assert asyncio.run(scene()) == [None, None]
    assert network.knocked == []


def test_a_host_that_can_not_send_any_more_tells_nothing(check: Checks) -> None:
    """Its route is gone: no way, and no blame of the network."""

    def unsent(*_: Any) -> Reply:
        raise ConnectFailed(101, local=True)

    async def scene() -> list[Any]:
        network = Scripted({}, replies=unsent)
        failure = await failed(check(TARGET), scripted(f"{A}!drop {TARGET}#22"))
        passed = (await Looker(scripted(f"{A} {TARGET}#22"))(check(TARGET))).ascents[0]
        tracer = Tracer(network, Sightings())
        return [
            await tracer.follow(failure, patience=0.0, ports=2),
            await tracer.follow_open(check(TARGET), passed),
        ]

    assert asyncio.run(scene()) == [None, None]


def test_a_pass_is_followed_with_one_more_handshake(check: Checks) -> None:
    """To the target itself; where the check did not connect there is no way to follow."""
    network = scripted(f"{A} {B} {TARGET}#22")

    async def scene() -> list[Traced | None]:
        tracer, ways = Tracer(network, Sightings()), []
        for port in (22, 23):
            outcome = await Looker(network)(check(TARGET, port))
            ways.append(await tracer.follow_open(check(TARGET, port), outcome.ascents[0]))
        return ways

    way, none = asyncio.run(scene())
    assert way is not None
    assert ([hop.address for hop in way.route.hops], way.route.reach) == ([A, B], 3)
    assert none is None


def test_each_hop_is_asked_for_its_name_once(check: Checks) -> None:
    """However many flows go through it; who has none is left out."""
    asked = []

    class Named(Scripted):
        async def name_of(self, address: str, until: float) -> str | None:
            asked.append(address)
            return {A: "gw.acme.example"}.get(address)

    async def scene() -> dict[str, str]:
        plain = scripted(f"{A} {B}!drop 10.20.0.*#22")
        network = Named({}, replies=plain._replies)
        tracer = Tracer(network, Sightings())
        for number in (1, 2, 3):
            failure = await failed(check(f"10.20.0.{number}"), plain)
            await tracer.follow(failure, patience=0.0, ports=2)
        return await tracer.names()

    assert asyncio.run(scene()) == {A: "gw.acme.example"}
    assert sorted(asked) == [A, B]


@pytest.mark.parametrize("limits", ["~6", ""])
@pytest.mark.parametrize("ports", [1, 2])
def test_a_hop_used_up_by_other_traces_does_not_put_the_place_early(
    check: Checks, limits: str, ports: int
) -> None:
    """The dropping router has sent its six errors: of eight flows one after the other all are lost there."""
    way = f"{A} {B} {C}{limits}!drop#22 10.20.0.*#22"
    network = scripted(way)

    async def scene() -> list[str | None]:
        tracer, places = Tracer(network, Sightings()), []
        for number in range(1, 9):
            failure = await failed(check(f"10.20.0.{number}"), scripted(way))
            places.append(last(await tracer.follow(failure, patience=0.0, ports=ports)))
        return places

    assert asyncio.run(scene()) == [C] * 8


@pytest.mark.parametrize("elapsed", [0.002, 3.08], ids=["at once", "perhaps after trying"])
def test_a_router_that_calls_a_host_unreachable_is_waited_for(check: Checks, elapsed: float) -> None:
    """One more SYN, with the time in which a router can have tried; what came late may answer a repeat."""
    network = Scripted(
        {(TARGET, 22): ConnectFailed(113, icmp=Icmp(4, 3, 1, C), elapsed=elapsed)},
        replies=lambda *_: Reply("rejected", 3.1 - network.now(), Icmp(4, 3, 1, C)),
    )

    async def scene() -> Patient | None:
        tracer = Tracer(network, Sightings())
        return await tracer.wait_for_router(await failed(check(TARGET), network))

    found = asyncio.run(scene())
    assert found is not None
    assert (found.tried, found.reply.icmp) == (True, Icmp(4, 3, 1, C))
    assert len(network.knocked) == 3


@pytest.mark.parametrize(
    ("moments", "tried"),
    [
        ((3.07, 3.07, 3.08), True),
        ((0.3, 3.47, 3.47), True),
        ((0.0, 0.4, 0.8), False),
        ((1.02, 2.43, 3.87), False),
        ((1.02, None, 3.87), False),
        ((None, 3.07, 3.07), True),
        ((3.07, None, None), None),
        ((None, None, None), None),
    ],
)
def test_a_router_that_tried_answers_all_at_one_moment(
    moments: tuple[float | None, ...], tried: bool | None
) -> None:
    """A firewall's answers come one by one, each behind its SYN or a repeat of it."""
    met = [(moment or 4.5, Reply("silent" if moment is None else "rejected")) for moment in moments]
    assert patient(met).tried is tried


def test_who_prohibits_is_not_waited_for(check: Checks) -> None:
    """Administratively prohibited is an answer, however quick."""
    network = scripted(f"{A}!reject {TARGET}#22")

    async def scene() -> Patient | None:
        tracer = Tracer(network, Sightings())
        return await tracer.wait_for_router(await failed(check(TARGET), network))

    assert asyncio.run(scene()) is None


def test_a_way_with_holes_is_followed_once_more(check: Checks) -> None:
    """Where other flows met a hop that is missing now; the better of both counts, and a whole one is left."""
    way = f"{A} {B}!reset#22 {C} {TARGET}#22,443"
    network = scripted(way)

    async def scene() -> tuple[bool, bool, Traced]:
        tracer = Tracer(network, Sightings())
        failure = await failed(check(TARGET), network)
        whole = await tracer.follow(failure, patience=0.0, ports=1)
        assert whole is not None
        hidden = tuple(hop._replace(address=None) for hop in whole.route.hops)
        patchy = Traced(whole.route._replace(hops=hidden))
        again = await tracer.follow_slowly(failure, patchy)
        return tracer.is_patchy(whole), tracer.is_patchy(patchy), again

    is_whole, is_patchy, again = asyncio.run(scene())
    assert (is_whole, is_patchy) == (False, True)
    assert [hop.address for hop in again.route.hops] == [A, B]


def by_turns(network: Scripted, ttl: int, *senders: str) -> Scripted:
    """The network, where ports other than 22 meet these by turns at this TTL: several paths."""
    plain, turn = network._replies, itertools.cycle(senders)

    def reply(address: str, port: int, at: int | None, floor: int | None) -> Reply:
        if port != 22 and at == ttl:
            return Reply("expired", 0.004, Icmp(4, 11, 0, next(turn)))
        return plain(address, port, at, floor)

    network._replies = reply
    return network


@pytest.mark.parametrize("senders", [(C,), (C, D), (D, C, C), (C, C, D)])
def test_a_next_hop_that_depends_on_the_port_is_none(check: Checks, senders: tuple[str, ...]) -> None:
    """Another source port takes another path: what follows there is not behind our last hop."""
    network = by_turns(scripted(f"{A} {B}!drop#22 {C} {TARGET}#22"), 3, *senders)
    assert followed(network, check(TARGET)).before == (C if senders == (C,) else None)


def test_on_several_paths_nobody_is_next(check: Checks) -> None:
    """The last hop and the next one may be on two of them."""
    traced = followed(scripted(f"{A} {B}/{D}!drop#22 {C} {TARGET}#22"), check(TARGET))
    assert traced.route.ecmp
    assert traced.before is None
    traced = followed(
        scripted(f"{A}/{D} {B}!reset#22 {C} {TARGET}#22,443"), check(TARGET), check(TARGET, 443)
    )
    assert traced.sender is not None
    assert (traced.sender.before, traced.before) == (C, None)


def test_a_next_hop_takes_no_more_syns_than_a_trace_may_send(check: Checks) -> None:
    """What the ladder left is all that there is."""
    way = " ".join(f"10.{number}.0.1" for number in range(1, 28))
    network = scripted(f"{way}!drop#22 {C} {TARGET}#22")
    followed(network, check(TARGET))
    assert len(network.knocked) <= MOST_SYNS + 1  # the port that nobody uses


@pytest.mark.parametrize(
    ("line", "routed"), [(f"{C} {TARGET}#", True), ("10.9.0.1!reset#23 10.9.0.2#", False)]
)
def test_an_rst_from_beyond_shows_that_there_is_a_route(check: Checks, line: str, routed: bool) -> None:
    """Another port of the host is refused from further away than the hop that says it has no route."""
    base = scripted(f"{A} {B}!reject#22 {line}") if routed else scripted(f"{A} {B}!reset {TARGET}#")
    plain = base._replies

    def reply(address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        met = plain(address, port, ttl, floor)
        if port == 22 and met.kind in ("rejected", "refused"):
            return Reply("rejected", 0.004, Icmp(4, 3, 0, B, ttl=63))
        return met

    base._replies = reply

    async def scene() -> Traced | None:
        said = ConnectFailed(113, icmp=Icmp(4, 3, 0, B), elapsed=0.01)
        failure = await failed(check(TARGET), Scripted({(TARGET, 22): said}))
        return await Tracer(base, Sightings()).follow(failure, patience=0.0, ports=2)

    traced = asyncio.run(scene())
    assert traced is not None
    assert traced.routed is routed


@pytest.mark.parametrize(("traces", "quick"), [(1, True), (3, False)])
def test_a_hidden_hop_costs_time_only_among_many_traces(check: Checks, traces: int, quick: bool) -> None:
    """Of one alone no router can be short of answers: six at once, and then one a second."""
    network = scripted(f"{A} ? {C}!drop#22 10.20.0.*#22")

    async def scene() -> float:
        tracer = Tracer(network, Sightings())
        failures = [
            await failed(check(f"10.20.0.{number}"), scripted(f"{A}!drop 10.20.0.*#"))
            for number in range(traces)
        ]
        began = network.now()
        await asyncio.gather(*(tracer.follow(one, patience=0.0, ports=4) for one in failures))
        return network.now() - began

    assert (asyncio.run(scene()) < 2.0) is quick
