"""Who sent an RST: by the way there, and by the distance that floors tell."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from probes.contract import Confidence
from probes.net.base import Icmp, Reply
from probes.net.scripted import Scripted
from probes.path.reset import Reference, Sender, who_reset
from probes.path.route import Route
from probes.path.trace import MOST_SYNS, trace
from tests.wire.roads import scripted

TARGET = "10.20.0.9"
NEIGHBOUR = "10.20.0.10"
A, B, C = "10.1.0.1", "10.2.0.1", "10.3.0.1"
SAME = Reference(TARGET, 443, True, "tcp/443 of the same host")
BESIDE = Reference(NEIGHBOUR, 443, False, f"tcp/443 of {NEIGHBOUR}")


def sender(network: Scripted, *references: Reference) -> Sender:
    """Who is said to have sent the RST of port 22, by the route that a trace finds."""

    async def scene() -> Sender:
        route = await trace(TARGET, 22, network)
        assert route.end is not None
        assert route.end.kind == "refused"
        asked = len(network.knocked)
        found = await who_reset(TARGET, 22, route, references, network)
        assert len(network.knocked) == asked + found.syns <= MOST_SYNS
        return found

    return asyncio.run(scene())


def told(found: Sender) -> tuple[bool | None, Confidence]:
    """Whether it was the target, and how sure that is."""
    return found.by_target, found.confidence


def test_an_rst_that_comes_where_the_target_is_not_reached() -> None:
    """Another port of the target has only got to a router with that TTL: proved, and the next hop named."""
    found = sender(scripted(f"{A} {B}!reset#22 {C} {TARGET}#22,443"), SAME)
    assert told(found) == (False, Confidence.CERTAIN)
    assert found.before == C
    assert found.evidence == (
        f"the RST comes at TTL 3, where tcp/443 of the same host has only got to the router {C}",
    )


def passing_on(open_port: str, others: str) -> Scripted:
    """Port 443 goes one way, all others end on the other."""
    ways = scripted(open_port), scripted(others)

    def reply(address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        return ways[port != 443]._replies(address, port, ttl, floor)

    return Scripted({}, replies=reply)


@pytest.mark.parametrize("balancer", [B, "?"])
def test_who_passes_on_one_port_of_his_own_address_refuses_the_rest(balancer: str) -> None:
    """Direct server return: the balancer at TTL 2 has the address, and hands port 443 to a server behind."""
    network = passing_on(f"{A} {balancer} {C} {TARGET}#443", f"{A} {TARGET}#")
    found = sender(network, SAME)
    assert told(found) == (None, Confidence.LIKELY)
    assert "which nobody uses" in found.evidence[0] or "that nobody uses" in found.evidence[0]


def test_a_firewall_that_resets_all_but_the_open_port_looks_the_same() -> None:
    """Nobody is blamed."""
    network = passing_on(f"{A} {B} {C} {TARGET}#443", f"{A} {B}!reset {C} {TARGET}#")
    assert told(sender(network, SAME)) == (None, Confidence.LIKELY)


@pytest.mark.parametrize("others", [f"{C} {TARGET}#!drop", f"{C}!drop {TARGET}#"])
def test_silence_of_what_nobody_uses_proves_no_firewall(others: str) -> None:
    """Who refuses such ports is not seen, where the target or something before it drops them."""
    network = passing_on(f"{A} {B} {C} {TARGET}#443", f"{A} {B}!reset#22 {others}")
    found = sender(network, SAME)
    assert told(found) == (False, Confidence.LIKELY)
    assert found.evidence[1].startswith("nothing shows who refuses what nobody uses, such as tcp/")


def test_on_several_paths_a_firewall_is_only_likely() -> None:
    """They may differ in length, and the other port may have met the longer one each time."""
    network = scripted(f"{A}/10.9.0.1 {B}!reset#22 {C} {TARGET}#22,443")
    assert told(sender(network, SAME)) == (False, Confidence.LIKELY)
    assert told(sender(scripted(f"{A}/10.9.0.1 {B} {C} {TARGET}#443"), SAME)) == (True, Confidence.CERTAIN)


def test_a_neighbours_way_is_only_likely_the_targets() -> None:
    """It may be one hop longer than the target's own."""
    network = scripted(f"{A} {B}!reset#22 {C} {TARGET}#22", f"{A} {B} {C} {NEIGHBOUR}#443")
    found = sender(network, BESIDE)
    assert told(found) == (False, Confidence.LIKELY)
    assert found.before == C


def test_a_firewall_that_is_the_last_hop_is_only_likely() -> None:
    """One hop nearer by the floors; the way there can't tell, for the target is reached with the same TTL."""
    found = sender(scripted(f"{A} {B}!reset#22 {TARGET}#22,443"), SAME)
    assert told(found) == (False, Confidence.LIKELY)
    assert found.before is None
    assert found.evidence == (
        "the RST arrives with TTL 63 and tcp/443 of the same host with 62: "
        "its sender is one hop nearer than the target",
    )


@pytest.mark.parametrize("start", [64, 128, 255])
def test_the_same_distance_is_the_target(start: int) -> None:
    """Whatever its system's first TTL is: nothing listens, and the target itself says so."""
    found = sender(scripted(f"{A} {B} {TARGET}#443@{start}"), SAME)
    assert told(found) == (True, Confidence.CERTAIN)
    assert found.evidence == (
        f"the RST arrives with TTL {start - 2}, from the same distance as tcp/443 of the same host "
        f"(TTL {start - 2})",
    )


def test_other_first_ttls_are_no_other_distance() -> None:
    """128 - 2 and 64 - 2 are both two routers away: a neighbour with another system proves no firewall."""
    network = scripted(f"{A} {B} {TARGET}#", f"{A} {B} {NEIGHBOUR}#443@128")
    assert told(sender(network, BESIDE)) == (True, Confidence.LIKELY)


def test_a_firewall_with_another_first_ttl_is_still_nearer() -> None:
    """254 is a higher number than 62 and 253 would be the same distance: distances are compared."""
    found = sender(scripted(f"{A} {B}!reset#22@255 {TARGET}#22,443"), SAME)
    assert told(found) == (False, Confidence.LIKELY)
    assert "with TTL 254 and" in found.evidence[0]


def test_a_hidden_hop_at_the_reach_does_not_tell() -> None:
    """Silence of the other port at this TTL is a router that hides, for with more TTL it answers; what
    arrives is from nearer, as it is from a service with a TTL of its own."""
    found = sender(scripted(f"{A} {B}!reset#22 ? {TARGET}#22,443"), SAME)
    assert told(found) == (False, Confidence.LIKELY)
    assert "its sender is 2 hops nearer" in found.evidence[0]


def test_a_reference_that_is_silent_altogether_tells_nothing() -> None:
    """It was alive a moment ago; now it can't be compared with."""
    network = scripted(f"{A} {B}!reset#22 {TARGET}#22!drop")
    assert told(sender(network, SAME)) == (None, Confidence.LIKELY)


def test_an_rst_from_further_away_accuses_nobody() -> None:
    """Something nearer answers for the other port, a proxy perhaps; of this port's RST that says nothing."""
    found = sender(scripted(f"{A}!accept#443 {B} {TARGET}#"), SAME)
    assert told(found) == (None, Confidence.LIKELY)
    assert "that tells nothing" in found.evidence[0]


def test_a_reference_that_gets_an_rst_as_well_tells_nothing() -> None:
    """Its RST may be of the same sender."""
    found = sender(scripted(f"{A} {B}!reset {TARGET}#22,443"), SAME)
    assert told(found) == (None, Confidence.LIKELY)


UNUSED = Reference(TARGET, 40000, True, "tcp/40000 of the same host, which nobody uses,")


@pytest.mark.parametrize(
    ("line", "told_of"),
    [
        (f"{A} {B}!reset#22 ? {TARGET}#", (False, Confidence.LIKELY)),
        (f"{A} {B}!reset#22 {TARGET}#", (False, Confidence.LIKELY)),
        (f"{A} {B} {TARGET}#", (None, Confidence.LIKELY)),
        (f"{A} {B}!reset#40000 {TARGET}#", (None, Confidence.LIKELY)),
    ],
    ids=["two nearer", "one nearer", "of one sender", "the other is nearer"],
)
def test_of_two_rsts_the_nearer_is_not_the_targets(
    line: str, told_of: tuple[bool | None, Confidence]
) -> None:
    """A port that nobody uses is refused by the target, from further away than the RST in question; two RSTs
    from one place, or the other from nearer, tell nothing."""
    assert told(sender(scripted(line), UNUSED)) == told_of


def changed(network: Scripted, change: Callable[[int, Reply, int | None], Reply]) -> Scripted:
    """The network with other replies of port 443: by their number, what it would be and the floor."""
    plain, number = network._replies, itertools.count()

    def reply(address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        usual = plain(address, port, ttl, floor)
        return change(next(number), usual, floor) if port == 443 else usual

    network._replies = reply
    return network


@pytest.mark.parametrize(
    ("longer", "said"),
    [(1, (True, Confidence.CERTAIN)), (3, (True, Confidence.CERTAIN)), (4, (None, Confidence.LIKELY))],
)
def test_a_reference_may_go_a_longer_way(longer: int, said: tuple[bool | None, Confidence]) -> None:
    """Of several ways one is short: that a router of a longer one answers proves no firewall."""
    expired = Reply("expired", 0.003, Icmp(4, 11, 0, C))

    def some(number: int, usual: Reply, floor: int | None) -> Reply:
        if number >= longer:
            return usual
        return expired if floor is None else Reply("silent")

    found = sender(changed(scripted(f"{A} {B} {TARGET}#443"), some), SAME)
    assert told(found) == said


def test_answers_that_come_back_over_different_ways_tell_nothing() -> None:
    """Measured twice, the distance of the same answer differs: no firewall is made of that."""

    def wandering(number: int, usual: Reply, floor: int | None) -> Reply:
        if floor is None:
            return usual
        return Reply("connected" if floor <= (62 if number < 4 else 63) else "answered", 0.003)

    found = sender(changed(scripted(f"{A} {B}!reset#22 {TARGET}#22,443"), wandering), SAME)
    assert told(found) == (None, Confidence.LIKELY)
    assert "ways of different length" in found.evidence[0]


def test_the_next_reference_is_asked_where_the_first_tells_nothing() -> None:
    """The best first; a neighbour where nothing else of the host answers."""
    network = scripted(f"{A} {B}!reset#22 {C} {TARGET}#22!drop", f"{A} {B} {C} {NEIGHBOUR}#443")
    assert told(sender(network, SAME._replace(port=40000), BESIDE))[0] is False


def test_a_host_that_refuses_elsewhere_too_is_not_measured_by_its_neighbours() -> None:
    """It may stand nearer than they do, as the network's own gateway does."""
    network = scripted(f"{A} {B}!reset {C} {TARGET}#22", f"{A} {B} {C} {NEIGHBOUR}#443")
    assert told(sender(network, SAME, BESIDE)) == (None, Confidence.LIKELY)


def test_without_a_reference_it_is_not_known() -> None:
    """No guess from the number alone."""
    found = sender(scripted(f"{A} {B}!reset#22 {TARGET}#22,443"))
    assert told(found) == (None, Confidence.LIKELY)
    assert "can't be told" in found.evidence[0]


def test_without_an_rst_it_is_not_asked() -> None:
    """The trace heard none: nothing is sent."""
    network = scripted(f"{A} {TARGET}#22,443")
    found = asyncio.run(who_reset(TARGET, 22, Route(), (SAME,), network))
    assert found.by_target is None
    assert network.knocked == []


def test_without_a_router_between_it_is_the_target() -> None:
    """In the same network TTL 1 reaches it: what else answers from there is as near."""
    found = sender(scripted(f"{TARGET}#443"), SAME)
    assert told(found) == (True, Confidence.CERTAIN)
    assert told(sender(scripted(f"{TARGET}#", f"{NEIGHBOUR}#443"), BESIDE)) == (True, Confidence.LIKELY)


def test_a_firewall_that_hides_is_told_from_the_target_by_its_distance() -> None:
    """No hop answers, and the RST comes at TTL 2 as the target would: it is one hop nearer."""
    assert told(sender(scripted(f"?!reset#22 {TARGET}#22,443"), SAME)) == (False, Confidence.LIKELY)


def test_an_address_that_forwards_the_other_port_may_refuse_by_itself() -> None:
    """Where the reference has only got to the target's own address, that is no firewall before it."""

    def reply(address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        hops = {1: A, 2: TARGET}
        if (ttl or 64) >= 2 and port == 22:
            return Reply("refused", 0.001)
        if ttl in hops:
            return Reply("expired", 0.001, Icmp(4, 11, 0, hops[ttl]))
        return Reply("connected", 0.001)

    assert told(sender(Scripted({}, replies=reply), SAME)) == (None, Confidence.LIKELY)


def test_a_port_that_goes_another_way_proves_little() -> None:
    """It meets another router one hop before: how far it gets says nothing certain of this way."""

    def reply(address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        hops = {1: A, 2: B} if port == 22 else {1: A, 2: C, 3: "10.4.0.1"}
        if ttl in hops:
            return Reply("expired", 0.001, Icmp(4, 11, 0, hops[ttl]))
        return Reply("refused" if port == 22 else "connected", 0.001)

    assert told(sender(Scripted({}, replies=reply), SAME)) == (False, Confidence.LIKELY)


def test_a_port_that_goes_another_way_clears_nobody_for_certain() -> None:
    """As far away as the RST's sender, by other routers: a wall on its way may be as far."""

    def reply(address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        hops = {1: A, 2: B} if port == 22 else {1: A, 2: C}
        if ttl in hops:
            return Reply("silent") if floor else Reply("expired", 0.001, Icmp(4, 11, 0, hops[ttl]))
        if (floor or 0) > 62:
            return Reply("answered", 0.001)
        return Reply("refused" if port == 22 else "connected", 0.001)

    assert told(sender(Scripted({}, replies=reply), SAME)) == (True, Confidence.LIKELY)
