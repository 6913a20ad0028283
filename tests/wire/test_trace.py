"""The ladder of TTLs on scripted ways: where it stops, what it costs, and whom it asks again."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from probes.net.base import ConnectFailed, Icmp, Reply
from probes.net.scripted import Scripted
from probes.path.route import Route
from probes.path.trace import AT_ONCE, MOST_SYNS, SILENT, WAIT, trace, trace_open
from tests.wire.roads import scripted

TARGET = "10.20.0.9"
A, B, C = "10.1.0.1", "10.2.0.1", "10.3.0.1"
# One wait and some round trips: no second wait fits in.
ONCE = pytest.approx(WAIT, abs=0.2)


def traced(network: Scripted, port: int = 22, patience: float | None = 0.0, **more: Any) -> Route:
    """The route to a port of the target."""
    return asyncio.run(trace(TARGET, port, network, patience=patience, **more))


def walked(network: Scripted, rtt: float = 0.01) -> Route:
    """The route to an open port of the target."""
    return asyncio.run(trace_open(TARGET, 22, network, rtt))


def addresses(route: Route) -> list[str | None]:
    """Who answered, hop by hop."""
    return [hop.address for hop in route.hops]


def test_a_drop_is_placed_after_the_last_hop_that_answers() -> None:
    """A router looks at the TTL first: the one that drops is the last to answer. One wait is all it takes."""
    network = scripted(f"{A} {B}!drop#22 {C} {TARGET}#22")
    route = traced(network)
    assert (addresses(route), route.end, route.reach) == ([A, B], None, None)
    assert route.last is not None
    assert (route.last.address, route.last.ttl) == (B, 2)
    assert not route.ecmp
    assert not route.limited
    assert network.now() == ONCE


def test_another_port_of_the_same_way_is_not_dropped() -> None:
    """The trace is of the port that is asked for, and of no other."""
    route = traced(scripted(f"{A} {B}!drop#22 {C} {TARGET}#443"), 23)
    assert (addresses(route), route.reach) == ([A, B, C], 4)
    assert route.end is not None
    assert route.end.kind == "refused"


def test_a_target_that_is_silent_itself_looks_like_the_last_router() -> None:
    """After the last router is all that can be said: it may drop, and so may the target."""
    for line in (f"{A} {B}!drop {TARGET}#22", f"{A} {B} {TARGET}#!drop"):
        assert addresses(traced(scripted(line))) == [A, B]


def test_a_rejection_is_at_its_signer() -> None:
    """The route ends with who signed it, one TTL beyond the router's own answer, and without waiting."""
    network = scripted(f"{A} {B}!reject#22 {C} {TARGET}#22")
    route = traced(network)
    assert (addresses(route), route.reach) == ([A, B], 3)
    assert route.end is not None
    assert route.end.icmp is not None
    assert (route.end.kind, route.end.icmp.sender) == ("rejected", B)
    assert network.now() < 0.1


def test_the_ttls_are_in_flight_together() -> None:
    """Eight routers and silence behind them cost one wait, not three or eleven."""
    line = " ".join(f"10.{number}.0.1" for number in range(1, 9))
    network = scripted(f"{line}!drop {TARGET}#22")
    assert len(traced(network).hops) == 8
    assert network.now() == ONCE


def test_three_silent_ttls_end_it() -> None:
    """Nobody asks further than three TTLs beyond the last answer, but for those asked at the start."""
    line = " ".join(f"10.{number}.0.1" for number in range(1, 6))
    network = scripted(f"{line}!drop {TARGET}#22")
    traced(network)
    assert max(ttl or 0 for _, _, ttl in network.knocked) == 8


FORTY = " ".join(f"10.{number}.0.1" for number in range(1, 41))


@pytest.mark.parametrize("patience", [0.0, 30.0])
@pytest.mark.parametrize(
    "line",
    [
        f"{FORTY} {TARGET}#22",
        " ".join([A, B] * 20) + f" {TARGET}#22",
        " ".join(["?"] * 40) + f" {TARGET}#22",
        " ".join([f"{A}~1", f"{B}~1"] * 20) + f" {TARGET}#22",
        " ".join([A, "?", "?"] * 13) + f" {TARGET}#22",
        " ".join([f"{A}/{B}"] * 40) + f" {TARGET}#22",
        " ".join([f"{A}+1.1"] * 40) + f" {TARGET}#22",
        f"{A}~6 {B}~6!drop {TARGET}#22",
        f"?!reset {TARGET}#22",
    ],
    ids=["long", "loop", "silent", "stingy", "holes", "ecmp", "late", "limited", "reset"],
)
def test_never_more_than_thirty_syns(line: str, patience: float) -> None:
    """A trace must not look like an attack, whatever it meets; and it counts what it sends."""
    network = scripted(line)
    route = traced(network, patience=patience)
    assert len(network.knocked) == route.syns <= MOST_SYNS == 30


def test_a_trace_of_an_open_port_sends_no_more_either() -> None:
    """Forty routers use the budget up; the last SYN of it is not exceeded."""
    network = scripted(f"{FORTY} {TARGET}#22")
    route = walked(network)
    assert len(network.knocked) == route.syns <= MOST_SYNS


def test_a_hidden_hop_is_a_gap_in_the_route() -> None:
    """It has a place and no address; what is behind it is still found."""
    route = traced(scripted(f"{A} ? {C}!drop#22 {TARGET}#22"))
    assert addresses(route) == [A, None, C]
    assert [hop.ttl for hop in route.hops] == [1, 2, 3]
    assert (route.at(2), route.at(3)) == (None, C)


def test_a_hidden_firewall_puts_the_place_one_hop_early() -> None:
    """Nothing more can be claimed: the last that answers is the last that is known."""
    assert addresses(traced(scripted(f"{A} ?!drop#22 {C} {TARGET}#22"))) == [A]


def test_nobody_answers() -> None:
    """No hop, no place, and no second wait unless there is patience."""
    network = scripted(f"? ? ?!drop {TARGET}#22")
    route = traced(network)
    assert (route.hops, route.last, route.end) == ((), None, None)
    assert network.now() == ONCE


def test_differing_hops_from_two_source_ports_are_two_paths() -> None:
    """The hop that comes second from another port marks the route."""
    line = f"{A} {B}/{C}!drop#22 {TARGET}#22"
    assert traced(scripted(line)).ecmp
    assert not traced(scripted(line), ports=1).ecmp


def test_a_hop_whose_answer_came_only_to_the_repeat_is_believed() -> None:
    """After more than a second an answer still counts: it may be the kernel's second SYN that was heard."""
    assert addresses(traced(scripted(f"{A} {B}+1.1!drop#22 {TARGET}#22"))) == [A, B]


def test_hops_that_limit_their_answers_are_asked_again() -> None:
    """Who answers one source port and not the next is short of answers: silence after it is not believed."""
    network = scripted(f"{A} {B}~1 {C} 10.4.0.1~1!drop#22 {TARGET}#22")
    route = traced(network)
    assert addresses(route) == [A, B, C, "10.4.0.1"]
    assert route.limited


def test_a_router_used_up_by_others_is_heard_when_it_is_asked_again() -> None:
    """Its budget of errors is empty as the trace begins: with patience it is not taken for silent."""
    network = scripted(f"{A} {B}~1!drop#22 {TARGET}#22")
    asyncio.run(network.knock(TARGET, 443, 1.0, ttl=2))
    without = traced(network)
    assert addresses(without) == [A]
    network = scripted(f"{A} {B}~1!drop#22 {TARGET}#22")
    asyncio.run(network.knock(TARGET, 443, 1.0, ttl=2))
    route = traced(network, patience=6.0)
    assert addresses(route) == [A, B]
    assert route.limited


@pytest.mark.parametrize(
    "first", [f"{A} {B}~1", f"{A} {B}+1.1", f"? {B}"], ids=["not twice", "late", "a hole"]
)
def test_doubt_needs_no_patience(first: str) -> None:
    """Where one hop shows that answers are rationed, the silence of the next is asked about again."""
    network = scripted(f"{first} {C}~1!drop#22 {TARGET}#22")
    asyncio.run(network.knock(TARGET, 443, 1.0, ttl=3))
    route = traced(network)
    assert route.last is not None
    assert (route.last.address, route.limited) == (C, True)


def test_the_last_syns_are_for_the_way_itself() -> None:
    """Questions from another source port leave three SYNs for going on."""
    network = scripted(f"{FORTY} {TARGET}#22")
    traced(network, ports=4)
    ttls = [ttl for _, _, ttl in network.knocked]
    assert len(set(ttls[-3:])) == 3
    assert not set(ttls[-3:]) & set(ttls[:-3])


def test_a_wait_covers_the_kernels_repeat_and_fits_the_time_to_place() -> None:
    """The second SYN goes out after 1.0 s; a flow is to be placed within 1.5 s."""
    assert 1.0 < WAIT < 1.5


def test_a_rejection_that_was_not_heard_is_heard_when_asked_again() -> None:
    """A stingy rejecting firewall looks like a drop at first."""
    network = scripted(f"{A} {B}~2!reject#22 {TARGET}#22")
    for _ in range(2):
        asyncio.run(network.knock(TARGET, 22, 1.0, ttl=5))
    route = traced(network, patience=4 * WAIT)
    assert route.end is not None
    assert route.end.kind == "rejected"


def test_without_doubt_nobody_is_asked_again_beyond_the_patience() -> None:
    """An honest silence is placed after one wait; patience is spent, but never overspent."""
    network = scripted(f"{A}!drop#22 {TARGET}#22")
    traced(network, patience=2.5)
    assert WAIT < network.now() < WAIT + 2.5 + 0.1


def test_an_open_port_is_met_by_one_handshake() -> None:
    """TTL by TTL, so that none but the last completes a handshake."""
    network = scripted(f"{A} {B} {C} {TARGET}#22")
    ends: Counter[str] = Counter()
    ask = network._replies
    network._replies = lambda *asked: _counted(ends, ask(*asked))
    route = walked(network)
    assert (addresses(route), route.reach) == ([A, B, C], 4)
    assert ends["connected"] == 1
    assert [ttl for _, _, ttl in network.knocked] == [1, 1, 2, 2, 3, 3, 4]


def _counted(ends: Counter[str], reply: Reply) -> Reply:
    ends[reply.kind] += 1
    return reply


def test_where_the_port_answers_silent_hops_cost_little() -> None:
    """Some of its round trips, not a whole wait each."""
    network = scripted(f"{A} ? ? {TARGET}#22")
    route = walked(network, rtt=0.02)
    assert addresses(route) == [A, None, None]
    assert route.reach == 4
    assert network.now() < 1.0


def test_a_trace_of_an_open_port_gives_up_after_three_silent_hops() -> None:
    """As any trace: the rest of the way hides."""
    network = scripted(f"{A} ? ? ? {TARGET}#22")
    route = walked(network)
    assert (addresses(route), route.reach, route.end) == ([A], None, None)


def test_a_flow_that_connects_after_all_makes_few_handshakes() -> None:
    """A trace of what failed before meets an open port: its end is a handshake, and no hop is missing."""
    route = traced(scripted(f"{A} {B} {TARGET}#22"))
    assert route.end is not None
    assert (route.end.kind, route.reach) == ("connected", 3)


@pytest.mark.parametrize("routers", [0, 1, 2, 5, 9])
def test_a_flow_that_connects_after_all_completes_no_more_handshakes_than_ttls_in_flight(
    routers: int,
) -> None:
    """They are all sent before the first answer comes."""
    network = scripted(" ".join(f"10.{number}.0.1" for number in range(1, routers + 1)) + f" {TARGET}#22")
    traced(network)
    assert sum((ttl or 0) > routers for _, _, ttl in network.knocked) <= max(AT_ONCE - routers, SILENT)


@pytest.mark.parametrize("trial", [traced, walked])
def test_a_host_that_can_not_send_is_said(
    trial: Callable[[Scripted], Route], caplog: pytest.LogCaptureFixture
) -> None:
    """No route is made up of nothing, and the other SYNs under way fail without a word."""

    def unsent(*_: object) -> Reply:
        raise ConnectFailed(101, local=True)

    gc.collect()  # of what earlier tests left behind
    caplog.clear()
    with pytest.raises(ConnectFailed):
        trial(Scripted({}, replies=unsent))
    gc.collect()
    assert not caplog.records


def test_ipv6_is_traced_alike() -> None:
    """Hop limit exceeded and administratively prohibited, as ICMPv6 numbers them."""
    network = scripted("2001:db8:1::1 2001:db8:2::1!reject#22 2001:db8:20::9#22")
    route = asyncio.run(trace("2001:db8:20::9", 22, network))
    assert addresses(route) == ["2001:db8:1::1", "2001:db8:2::1"]
    assert route.end is not None
    assert route.end.icmp is not None
    assert (route.end.icmp.version, route.end.icmp.sender) == (6, "2001:db8:2::1")


def test_an_address_that_forwards_is_known() -> None:
    """It answered as a router: its signature may be another's. Its answers' TTLs are kept."""
    route = traced(scripted(f"{A}@255 {TARGET}!reject#22 {TARGET}#22"))
    assert route.end is not None
    assert route.end.icmp is not None
    assert (route.end.icmp.sender, route.forwards(TARGET)) == (TARGET, True)
    assert not route.forwards(B)
    assert [hop.back for hop in route.hops] == [255, 63]
    assert not traced(scripted(f"{A} {B} {TARGET}#")).forwards(TARGET)


def test_the_answer_to_a_repeat_may_take_a_long_round_trip_more() -> None:
    """Half a second there and back, and the next hop answers the second SYN only: 1.5 s after the first."""
    route = traced(scripted(f"{A}+0.5 {B}+1.54!drop#22 {TARGET}#22"))
    assert addresses(route) == [A, B]


@pytest.mark.parametrize("seconds", [1.0, 1.15, 1.3])
def test_a_slow_way_is_not_placed_a_hop_too_early(seconds: float) -> None:
    """What answers just in time is followed by what answers just too late for the first wait."""
    network = scripted(f"{A} {B}+{min(seconds, 1.15)} {C}+{seconds + 0.1}!drop#22 {TARGET}#22")
    assert addresses(traced(network)) == [A, B, C]


def test_a_round_trip_that_is_known_is_waited_for() -> None:
    """Behind a link of 1.5 s nobody answers within the usual wait; who knows of it hears them."""
    line = f"{A} {B}+1.5 {C}+1.51!drop#22 {TARGET}#22"
    assert addresses(traced(scripted(line))) == [A]
    assert addresses(traced(scripted(line), rtt=1.5)) == [A, B, C]
    assert addresses(traced(scripted(line), rtt=1.5, patience=None)) == [A, B, C]


def answers(**special: Reply) -> Scripted:
    """A way of two hops to an open port; `t3` and so on say what the first SYN with that TTL meets."""
    asked: Counter[int] = Counter()

    def reply(address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        at = ttl or 64
        asked[at] += 1
        if asked[at] == 1 and f"t{at}" in special:
            return special[f"t{at}"]
        sender = {1: A, 2: B}.get(at)
        return Reply("expired", 0.002, Icmp(4, 11, 0, sender)) if sender else Reply("connected", 0.003)

    return Scripted({}, replies=reply)


@pytest.mark.parametrize("end", [Reply("rejected", 0.002, Icmp(4, 3, 13, C)), Reply("refused", 0.002)])
def test_a_handshake_beside_the_end_is_heard(end: Reply) -> None:
    """One path rejects at TTL 3, the other gets there at TTL 4: both are told, and no hop is missing."""
    route = traced(answers(t3=end))
    assert (route.end, route.reach) == (end, 3)
    assert route.opened == AT_ONCE - 3
    assert addresses(route) == [A, B]


def test_what_is_heard_beside_the_end_is_not_waited_for_long() -> None:
    """Whoever is silent there is short of answers, most likely."""
    network = scripted(f"{A} {B}~1!reject#22 {C} {TARGET}#22")
    asyncio.run(network.knock(TARGET, 443, 1.0, ttl=9))
    began = network.now()
    silent = answers(**{f"t{ttl}": Reply("silent") for ttl in (4, 5, 6)}, t3=Reply("refused", 0.002))
    assert traced(silent).end is not None
    assert silent.now() - began < 0.5


def test_hops_that_answered_stay_where_a_handshake_ends_it() -> None:
    """They are waited for like those before any other end."""
    late = answers(t1=Reply("expired", 0.5, Icmp(4, 11, 0, A)))
    route = traced(late)
    assert addresses(route) == [A, B]
    assert route.end is not None
    assert route.end.kind == "connected"


@pytest.mark.parametrize("line", [f"{A} ? {C}!drop#22 {TARGET}#22", f"{A} {B}/? {C}!drop#22 {TARGET}#22"])
def test_a_hop_that_hides_costs_no_time_where_nobody_else_asks(line: str) -> None:
    """Who is silent before hops that answer hides, or is on one path only: it does not move the place."""
    network = scripted(line)
    route = traced(network, fresh=lambda: True)
    assert (route.last and route.last.address, route.limited) == (C, False)
    assert network.now() == ONCE
    network = scripted(line)
    assert traced(network).last == route.last
    assert network.now() > 3 * WAIT


def test_another_length_from_another_port_is_another_path() -> None:
    """The port opens at a TTL that ended at a router before."""
    network = answers(t3=Reply("expired", 0.002, Icmp(4, 11, 0, C)))
    assert traced(network).ecmp
