"""Ports in every state, drawn by chance: what nmap and netcheck must agree on."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.lab.rules import line

STATES = ("open", "closed", "drop", "reset", "reject-admin-prohibited", "reject-port-unreachable")
WEIGHTS = (30, 25, 15, 10, 10, 10)
SIX = ("open", "closed", "drop", "reset", "reject-admin-prohibited", "reject-no-route")


@dataclass(frozen=True, slots=True)
class Pair:
    """A port of an address, and where and how it is stopped."""

    address: str
    port: int
    state: str
    place: str


def draw(seed: int, four: int = 80, six: int = 20, ports: int = 12) -> tuple[Pair, ...]:
    """(four + six) × ports pairs; the same for the same seed."""
    chance = random.Random(seed)
    numbers = sorted(chance.sample(range(1024, 60000), ports))
    hosts = [(f"10.20.200.{number}", STATES) for number in range(1, four + 1)]
    hosts += [(f"fd00:20::200:{number:x}", SIX) for number in range(1, six + 1)]
    return tuple(
        Pair(address, port, chance.choices(states, WEIGHTS)[0], chance.choice(("fw1", "fw2", "targets")))
        for address, states in hosts
        for port in numbers
    )


def lines(pairs: tuple[Pair, ...]) -> dict[str, list[str]]:
    """The nftables lines of every place."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.state not in ("open", "closed"):
            found.setdefault(pair.place, []).append(line(pair.address, pair.state, str(pair.port)))
    return found
