"""From how far away answers come, and what it costs to know."""

from __future__ import annotations

import asyncio

import pytest

from probes.contract import Confidence
from probes.net.base import Reply
from probes.net.scripted import Scripted
from probes.path.arrival import Asker, distance, of_rst, sent_beyond
from probes.path.trace import MOST_SYNS, trace
from tests.wire.roads import scripted
from tests.wire.test_reset import SAME, TARGET, A, B, C, sender, told


@pytest.mark.parametrize("start", [64, 128, 255])
@pytest.mark.parametrize("routers", [0, 1, 2, 3, 5, 17])
def test_floors_tell_the_ttl_of_an_rst(start: int, routers: int) -> None:
    """Guessed from the way there, two routers in this case, or halved: with few SYNs."""
    way = " ".join(f"10.{number}.0.1" for number in range(1, routers + 1))
    network = scripted(f"{way} {TARGET}#@{start}")
    assert asyncio.run(of_rst(TARGET, 22, 3, Asker(network, 30))) == start - routers
    assert len(network.knocked) <= (4 if routers == 2 else 15)


@pytest.mark.parametrize("line", [f"{A}!drop {TARGET}#22", f"{A} {TARGET}#22"], ids=["silent", "open"])
def test_a_flow_without_an_rst_has_no_distance(line: str) -> None:
    """Nothing came, or no RST."""
    assert asyncio.run(of_rst(TARGET, 22, 3, Asker(scripted(line), 30))) is None


STARTS = [64, 128, 255]
WALLS = ["none", "middle", "hidden", "last"]


@pytest.mark.parametrize("wall", WALLS)
@pytest.mark.parametrize("routers", [2, 3, 5, 7, 12])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("its_start", STARTS)
@pytest.mark.parametrize("reference", [443, 40000], ids=["open", "refused"])
def test_thirty_syns_and_one_handshake(
    reference: int, its_start: int, start: int, routers: int, wall: str
) -> None:
    """The trace and the comparison together, and nobody is blamed or cleared wrongly."""
    words = [f"10.{number}.0.1" for number in range(1, routers + 1)]
    place = {"none": None, "middle": -2, "hidden": -2, "last": -1}[wall]
    if place is not None:
        words[place] += f"!reset#22@{its_start}"
    if wall == "hidden":
        words[-1] = "?"
    network = scripted(f"{' '.join(words)} {TARGET}#443@{start}")
    shaken = count_handshakes(network)
    found = sender(network, SAME._replace(port=reference))
    assert len(network.knocked) <= MOST_SYNS
    others = its_start != start and wall in ("hidden", "last")
    assert len(shaken) <= (1 if reference != 443 or not others else 2)
    assert found.by_target in (None, wall == "none")
    if routers <= 5 and not others and (wall != "none" or reference == 443):
        assert found.by_target is (wall == "none")


def count_handshakes(network: Scripted) -> list[int]:
    """The ports of the handshakes that the network completes from now on."""
    plain, shaken = network._replies, list[int]()

    def reply(address: str, port: int, ttl: int | None, floor: int | None) -> Reply:
        met = plain(address, port, ttl, floor)
        if met.kind == "connected":
            shaken.append(port)
        return met

    network._replies = reply
    return shaken


@pytest.mark.parametrize(("its_start", "most"), [(64, 1), (128, 2), (255, 1)])
def test_a_wall_that_starts_with_another_ttl_is_told(its_start: int, most: int) -> None:
    """On a way of usual length there are SYNs enough to find the target's own start."""
    for start in STARTS:
        network = scripted(f"{A} {B} {C}!reset#22@{its_start} {TARGET}#443@{start}")
        shaken = count_handshakes(network)
        assert told(sender(network, SAME)) == (False, Confidence.LIKELY)
        assert len(shaken) <= 2
        assert start != 64 or len(shaken) <= most


def test_the_syns_of_a_long_way_leave_none_to_compare() -> None:
    """Then nothing is claimed."""
    network = scripted(" ".join(f"10.{number}.0.1" for number in range(1, 22)) + f" {TARGET}#443")
    found = sender(network, SAME)
    assert told(found) == (None, Confidence.LIKELY)
    assert "more SYNs than a trace may send" in found.evidence[0]


@pytest.mark.parametrize(
    ("ttl", "routers"), [(64, 0), (63, 1), (65, 63), (128, 0), (125, 3), (129, 126), (255, 0), (250, 5)]
)
def test_distance_is_counted_from_the_next_start(ttl: int, routers: int) -> None:
    """64, 128 or 255, the least that is not below."""
    assert distance(ttl) == routers


@pytest.mark.parametrize("hops_start", [64, 255])
@pytest.mark.parametrize(
    ("line", "beyond"),
    [
        ("!reset {target}#", False),
        ("!reset#22@128 {target}#@64", False),
        (" {target}#@64", True),
        (" {target}#@128", True),
        (" {target}#@255", None),
    ],
)
def test_an_rst_is_told_to_be_sent_beyond_a_hop(line: str, beyond: bool | None, hops_start: int) -> None:
    """A firewall sends one where it forwards: as far away as its ICMP errors are, whatever they start at."""
    wall = f"{B}{line.format(target=TARGET)}"
    network = scripted(f"{A} {wall}")
    hop = asyncio.run(trace(TARGET, 22, network)).hops[1]
    hop = hop._replace(back=hops_start - 1)
    asked = len(network.knocked)
    assert asyncio.run(sent_beyond(TARGET, 22, hop, network)) is beyond
    assert len(network.knocked) - asked <= 4


@pytest.mark.parametrize("back", [None, 61])
def test_a_hop_that_answers_over_another_way_measures_nothing(back: int | None) -> None:
    """Its distance there is not its distance back, or is not known: nothing is sent."""
    network = scripted(f"{A} {B} {TARGET}#")
    hop = asyncio.run(trace(TARGET, 22, network)).hops[1]._replace(back=back)
    asked = len(network.knocked)
    assert asyncio.run(sent_beyond(TARGET, 22, hop, network)) is None
    assert len(network.knocked) == asked
