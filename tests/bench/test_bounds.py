"""On a way of twelve hops, counted as packets: what one ladder of TTLs sends, how soon it places a flow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench import bounds, way


@pytest.fixture(scope="module", autouse=True)
def laid() -> Iterator[None]:
    """The way; the tests are skipped where the machine can't have one."""
    if not way.possible():
        pytest.skip("needs root, ip, nft and sysctl")
    with way.way():
        yield


@pytest.mark.parametrize("port", [way.DROPPED, way.REJECTED, way.CLOSED])
def test_a_ladder_sends_little(port: int) -> None:
    """At most 30 SYNs, the kernel's repeats not counted, wherever a flow that fails ends."""
    way.counted()
    bounds.traces(port, 1)
    found = way.counted()
    assert 0 < found.syns <= bounds.SYNS
    assert found.handshakes == 0


def test_an_open_flow_is_not_opened_once_more() -> None:
    """`diagnose` traces what passes too: the hops on the way, and a handshake that is not completed."""
    found = bounds.spent("diagnose", way.OPEN)
    assert way.HOPS < found.syns <= bounds.SYNS
    assert found.handshakes == 0


def test_a_blocked_flow_is_placed_soon() -> None:
    """The last hop that answers is known within the bound."""
    [(seconds, last)] = bounds.traces(way.DROPPED, 1)
    assert last == way.LAST
    assert seconds <= bounds.PLACED
