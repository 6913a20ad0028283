"""Whether big packets get lost on the way: the segment size is varied and nothing else.

`tcpi_pmtu` stays at 1500 on such a path and ping may be filtered, so the flow itself is the measure: with
small segments, both ways (RFC 9293 3.7.1), it works, without it hangs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

SMALL = 536  # the segment size that every IPv4 path carries (RFC 9293 3.7.1)
SMALL_IPV6 = 1220  # of IPv6's least MTU, 1280 bytes (RFC 8200 5)
FULL = 1460  # Ethernet's
FULL_IPV6 = 1440
CLOSE = 16  # bytes: so closely the working size is told


class Bounds(NamedTuple):
    """The largest segment size that was seen to work, and the least that was seen not to.

    `fails` None: every size that was tried worked, and only full segments do not.
    """

    works: int
    fails: int | None


def smalls(address: str) -> tuple[int, ...]:
    """The segment sizes to begin with: what passes wherever the protocol itself does.

    IPv6 promises 1280 bytes; a tunnel that breaks the promise is found with IPv4's size.
    """
    return (SMALL_IPV6, SMALL) if ":" in address else (SMALL,)


def full(address: str) -> int:
    """The segment size that fills Ethernet's packets."""
    return FULL_IPV6 if ":" in address else FULL


def packet(mss: int, address: str) -> int:
    """The IP packet that holds a segment of this size, without options, in bytes."""
    return mss + (60 if ":" in address else 40)


async def halved(works: Callable[[int], Awaitable[bool]], low: int, high: int = FULL) -> Bounds:
    """Where sizes stop to work, to within `CLOSE` bytes; `low` does work, and more than `high` does not."""
    fails = None
    while high - low > CLOSE:
        middle = (low + high) // 2
        if await works(middle):
            low = middle
        else:
            high = fails = middle
    return Bounds(low, fails)
