"""Where scenes stand: kinds of addresses, and how each scene gets its own.

A near pool gives each scene the next address. A far pool gives each scene a network (/24, IPv6 /48)
of its own, because what is learned of one address of a network is believed of its neighbours; scenes
that name the same `net` share one.
"""

from __future__ import annotations

import ipaddress
from itertools import count
from typing import NamedTuple

NEAR_LIVE, NEAR_DEAD = "live", "dead"
# Pools whose scenes take none of those, so that a scene more or less does not move others to another network.
WITH_OTHERS = {"lookups": ("lookups", "lookups-dead")}
# In a scene's own network: the scene's address, another live one, one that nobody holds.
OTHER, DEAD = 100, 200


class Pool(NamedTuple):
    """Addresses of one kind, from the first of each family on. `place` holds them; None: nobody does."""

    four: str
    six: str
    place: str | None = None
    apart: bool = False

    def address(self, family: int, number: int, network: int = 0) -> str:
        """The address with this number in that network, counted from the pool's first.

        >>> Pool("10.40.0.10", "fd00:30::10", apart=True).address(6, 1, 2)
        'fd00:30:2::11'
        """
        first = ipaddress.ip_address(self.six if family == 6 else self.four)
        return str(first + number + (network << (80 if family == 6 else 8)))


POOLS = {
    "live": Pool("10.20.1.10", "fd00:20::1:10", "targets"),
    "dead": Pool("10.20.250.10", "fd00:20::dead:10"),
    # Names, name servers and clocks.
    "lookups": Pool("10.20.64.10", "fd00:20::64:10", "targets"),
    "lookups-dead": Pool("10.20.240.10", "fd00:20::dead:64:10"),
    "stingy": Pool("10.21.0.10", "fd00:21::10", "stingy"),
    "unknown-to-fw1": Pool("10.66.0.10", "fd00:66::10"),
    "unknown-to-fw2": Pool("10.67.0.10", "fd00:67::10"),
    "loop": Pool("10.68.0.10", "fd00:68::10"),
    "unknown-to-vault": Pool("10.69.0.10", "fd00:69::10"),
    # Behind left and fw3, or another way there: see `tests.lab.topology`. `far` has 1,024 networks.
    "far": Pool("10.40.0.10", "fd00:30::10", "far", apart=True),
    "far-dead": Pool("10.34.0.10", "fd00:34::10", apart=True),
    "ecmp": Pool("10.31.0.10", "fd00:31::10", "far", apart=True),
    "stock": Pool("10.32.0.10", "fd00:32::10", "far", apart=True),
    "slow": Pool("10.33.0.10", "fd00:33::10", "far", apart=True),
    "lagging": Pool("10.35.0.10", "fd00:35::10", "far", apart=True),
    "unknown-to-fw3": Pool("10.36.0.10", "fd00:36::10", apart=True),
    "far-loop": Pool("10.37.0.10", "fd00:37::10", apart=True),
    "unknown-to-left": Pool("10.38.0.10", "fd00:38::10", apart=True),
}
# Where every packet gets, and back, if no rule stops it.
REACHED = frozenset(["live", "far", "lookups"])
# Behind a device of ours that holds packets up; not every machine lets us make one.
DELAYED = frozenset(["slow", "lagging"])


class Allotment:
    """Gives scenes their addresses, in the order in which they ask."""

    def __init__(self) -> None:
        self._numbers = {pool: count() for pool in POOLS}
        self._networks = {pool: count(1) for pool in POOLS}
        self._shared: dict[tuple[str, str], tuple[int, count[int]]] = {}

    def words(self, pool: str, family: int, net: str | None) -> dict[str, str]:
        """What `{address}`, `{other}` and `{dead}` stand for in a scene's texts."""
        if not POOLS[pool].apart:
            other, dead = WITH_OTHERS.get(pool, (NEAR_LIVE, NEAR_DEAD))
            kinds = {"address": pool, "other": other, "dead": dead}
            return {word: self._near(kind, family) for word, kind in kinds.items()}
        network, number = self._place_in(pool, net)
        numbers = {"address": number, "other": number + OTHER, "dead": number + DEAD}
        return {word: POOLS[pool].address(family, each, network) for word, each in numbers.items()}

    def _near(self, pool: str, family: int) -> str:
        return POOLS[pool].address(family, next(self._numbers[pool]))

    def _place_in(self, pool: str, net: str | None) -> tuple[int, int]:
        if net is None:
            return next(self._networks[pool]), 0
        if (pool, net) not in self._shared:
            self._shared[pool, net] = next(self._networks[pool]), count()
        network, numbers = self._shared[pool, net]
        return network, next(numbers)
