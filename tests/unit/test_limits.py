"""The gate: never more under way than allowed, nobody forgotten."""

import asyncio
import random
import resource

import pytest

from netcheck.limits import Gate, raise_descriptor_limit
from probes.net.base import PARTING


async def crowd(gate: Gate, addresses: list[str]) -> tuple[int, int]:
    """Everybody goes through once; the most under way in all and at one host."""
    in_all = most_in_all = most_at_host = 0
    at_host: dict[str, int] = {}

    async def one(address: str) -> None:
        nonlocal in_all, most_in_all, most_at_host
        async with gate.admit(address, 22):
            in_all += 1
            at_host[address] = at_host.get(address, 0) + 1
            most_in_all = max(most_in_all, in_all)
            most_at_host = max(most_at_host, at_host[address])
            await asyncio.sleep(0)
            in_all -= 1
            at_host[address] -= 1

    await asyncio.wait_for(asyncio.gather(*(one(address) for address in addresses)), 10)
    return most_in_all, most_at_host


@pytest.mark.parametrize("seed", range(20))
def test_both_limits_hold_and_everybody_gets_through(seed: int) -> None:
    """Whatever the mix of hosts, both limits are reached at most and all pass."""
    choice = random.Random(seed)
    addresses = [f"10.0.0.{choice.randrange(1, 12)}" for _ in range(300)]
    gate = Gate(concurrency=7, per_host=2)
    most_in_all, most_at_host = asyncio.run(crowd(gate, addresses))
    assert most_in_all == 7
    assert most_at_host == 2
    assert gate.under_way == 0


def test_a_busy_host_does_not_hold_up_another() -> None:
    """Waiters at one host leave the places in all to others."""

    async def scene() -> str:
        gate = Gate(concurrency=4, per_host=1)
        await gate.enter("10.0.0.1")
        waiting = [asyncio.ensure_future(gate.enter("10.0.0.1")) for _ in range(10)]
        await asyncio.sleep(0)
        await asyncio.wait_for(gate.enter("10.0.0.2"), 1)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return "through"

    assert asyncio.run(scene()) == "through"


def test_a_cancelled_waiter_leaves_no_hole() -> None:
    """Cancelling waiters, also at the moment of their turn, loses no place."""

    async def scene() -> int:
        gate = Gate(concurrency=2, per_host=1)
        await gate.enter("a")
        waiting = [asyncio.ensure_future(gate.enter("a")) for _ in range(5)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        gate.leave("a")
        waiting[1].cancel()
        await asyncio.gather(waiting[0], waiting[1], return_exceptions=True)
        for task in waiting[2:]:
            await asyncio.wait_for(task, 1)
            gate.leave("a")
        return gate.under_way

    assert asyncio.run(scene()) == 0


def test_shortage_of_descriptors_lowers_the_limit() -> None:
    """Out of descriptors, fewer go at once from then on, and at least one."""

    async def scene() -> int:
        gate = Gate(concurrency=10)
        for number in range(5):
            await gate.enter(str(number))
        waiting = asyncio.ensure_future(gate.exhausted())
        await asyncio.sleep(0)
        gate.leave("0")
        await asyncio.wait_for(waiting, 1)
        return gate.limit

    assert asyncio.run(scene()) == 4


class FakeTime(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer instead of waiting for it."""

    clock = 0.0

    def time(self) -> float:
        return self.clock

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.clock = max(self.clock, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def test_new_connections_keep_the_rate() -> None:
    """With ten a second each start is a tenth of a second after the one before, also after a pause."""
    starts: list[float] = []

    async def main() -> None:
        gate = Gate(concurrency=100, rate=10, per_host=100)
        loop = asyncio.get_running_loop()

        async def one() -> None:
            async with gate.admit("10.0.0.1", 22):
                starts.append(round(loop.time(), 3))

        await asyncio.gather(*(one() for _ in range(4)))
        await asyncio.sleep(10)
        await asyncio.gather(*(one() for _ in range(2)))

    with asyncio.Runner(loop_factory=FakeTime) as runner:
        runner.run(main())
    assert starts == [0.0, 0.1, 0.2, 0.3, 10.3, 10.4]


def test_who_is_cancelled_while_paced_gives_the_place_back() -> None:
    """Or the host, and in the end everything, would stay shut."""

    async def scene() -> int:
        gate = Gate(rate=0.01)
        await gate.enter("a")
        waiting = asyncio.ensure_future(gate.enter("a"))
        await asyncio.sleep(0)
        assert gate.under_way == 2
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return gate.under_way

    assert asyncio.run(scene()) == 1


def test_who_asks_for_a_port_alone_has_it() -> None:
    """One after the other, in order and a moment apart; other ports of the host, and others there, go on."""
    seen: list[tuple[str, float]] = []

    async def main() -> None:
        gate = Gate(per_host=3)
        loop = asyncio.get_running_loop()

        async def one(name: str, port: int, alone: bool) -> None:
            async with gate.admit("10.0.0.1", port, alone):
                seen.append((name, round(loop.time(), 3)))
                await asyncio.sleep(1)

        await asyncio.gather(
            one("a", 22, True), one("b", 22, True), one("other", 2222, True), one("c", 22, True)
        )
        await asyncio.sleep(PARTING)
        assert gate.under_way == 0
        left = loop.time()
        await one("later", 22, True)
        assert seen.pop() == ("later", round(left, 3))

    with asyncio.Runner(loop_factory=FakeTime) as runner:
        runner.run(main())
    assert seen == [("a", 0.0), ("other", 0.0), ("b", 1 + PARTING), ("c", 2 + 2 * PARTING)]


def test_who_is_cancelled_while_a_port_is_taken_leaves_no_hole() -> None:
    """Neither in the line, nor at the moment of the turn, nor while the host is busy."""

    async def scene() -> bool:
        gate = Gate(per_host=1)

        async def one() -> None:
            async with gate.admit("10.0.0.1", 22, True):
                await asyncio.sleep(0)

        await gate.enter("10.0.0.1")
        waiting = [asyncio.ensure_future(one()) for _ in range(4)]
        await asyncio.sleep(0)
        waiting[0].cancel()  # it has the port, and waits for the host
        waiting[2].cancel()
        await asyncio.sleep(0)
        waiting[1].cancel()  # the turn has come to it
        gate.leave("10.0.0.1")
        await asyncio.wait_for(waiting[3], 2)
        await asyncio.sleep(PARTING + 0.05)
        async with asyncio.timeout(PARTING / 2):
            await one()  # nobody is left in the line
        return not gate.under_way

    assert asyncio.run(scene())


@pytest.mark.parametrize(("limit", "room"), [(64, 32), (1024, 896)])
def test_a_low_limit_of_descriptors_is_shared(monkeypatch: pytest.MonkeyPatch, limit: int, room: int) -> None:
    """Half of few is kept free, rather than one check made at a time."""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit, limit))
    assert raise_descriptor_limit() == room
