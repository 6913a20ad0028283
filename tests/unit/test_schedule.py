"""The schedule: every check once, within the limits, no host holding up another."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from netcheck import schedule
from netcheck.check import Check, Terms
from netcheck.schedule import Schedule
from probes.contract import Outcome, Timing

TERMS = Terms("local", "assumed", "vault-to-target", "tcp", 22, None, Timing())
NOTHING = Outcome(None, ())


def checks(hosts: list[str]) -> list[tuple[int, Check]]:
    """A check a host, numbered."""
    return [(number, Check(host, host, TERMS)) for number, host in enumerate(hosts)]


def play(
    hosts: list[str], look: Callable[[Check], Awaitable[Outcome]], *, concurrency: int = 5, per_host: int = 2
) -> list[int]:
    """Runs the checks; their numbers in the order in which they ended."""
    ended: list[int] = []

    async def main() -> None:
        made = Schedule(
            look, lambda index, *_: ended.append(index), concurrency=concurrency, per_host=per_host
        )
        await asyncio.wait_for(made.run(checks(hosts)), 20)

    asyncio.run(main())
    return ended


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("most_parked", [3, 50_000])
def test_every_check_runs_once_within_the_limits(
    monkeypatch: pytest.MonkeyPatch, seed: int, most_parked: int
) -> None:
    """Whatever the mix of hosts, and however few may be parked."""
    monkeypatch.setattr(schedule, "MOST_PARKED", most_parked)
    choice = random.Random(seed)
    hosts = [f"h{choice.randrange(9)}" for _ in range(200)]
    running: list[str] = []
    most = [0, 0]

    async def look(check: Check) -> Outcome:
        running.append(check.host)
        most[0] = max(most[0], len(running))
        most[1] = max(most[1], running.count(check.host))
        for _ in range(choice.randrange(4)):
            await asyncio.sleep(0)
        running.remove(check.host)
        return NOTHING

    assert sorted(play(hosts, look)) == list(range(200))
    assert most[0] <= 5
    assert most[1] == 2


def test_a_busy_host_does_not_hold_up_the_others() -> None:
    """A thousand checks of a host that hangs leave the rest of the plan running."""
    hanging = asyncio.Event()
    through: list[str] = []

    async def look(check: Check) -> Outcome:
        if check.host == "slow" and not hanging.is_set():
            await hanging.wait()
        through.append(check.host)
        if len(through) == 100:
            hanging.set()
        return NOTHING

    play(["slow"] * 1000 + [f"h{number}" for number in range(100)], look)
    assert "slow" not in through[:100]
    assert len(through) == 1100


def test_after_a_host_with_too_many_checks_all_places_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan had to wait with two at work; the hosts after it are looked at five at a time."""
    monkeypatch.setattr(schedule, "MOST_PARKED", 5)
    running = most = 0

    async def look(check: Check) -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1
        return NOTHING

    play(["busy"] * 20 + [f"h{number}" for number in range(30)], look)
    assert most == 5


def test_what_ends_late_is_reported_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that is under way while others are reported is not lost; in batches of any size."""
    monkeypatch.setattr(schedule, "REPORT_EVERY", 0.0)

    async def look(check: Check) -> Outcome:
        for _ in range(20 if check.host == "slow" else 0):
            await asyncio.sleep(0)
        return NOTHING

    assert sorted(play(["slow", *(f"h{number}" for number in range(50)), "slow"], look)) == list(range(52))
    monkeypatch.setattr(schedule, "BATCH", 1)
    assert sorted(play(["slow", "a", "b", "slow"], look)) == list(range(4))


def test_a_bug_in_a_look_ends_the_pass_as_itself() -> None:
    """The engine's own bug is not swallowed, nor dressed in an exception group."""

    async def look(check: Check) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        play(["a", "b", "c"], look)
