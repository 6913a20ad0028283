"""Whether big packets get lost on the way: the segment size is varied and nothing else.

`tcpi_pmtu` stays at 1500 on such a path and ping may be filtered, so the flow itself is the measure: with
small segments, both ways (RFC 9293 3.7.1), it works, without it hangs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

SMALL = 536  # the segment size that every IPv4 path carries (RFC 9293 3.7.1)
SMALL_IPV6 = 1220  # of IPv6's least MTU, 1280 bytes (RFC 8200 5)
FULL = 1460  # Ethernet's; IPv6 has 20 bytes less
CLOSE = 16  # bytes: so closely the working size is told


def small(address: str) -> int:
    """The segment size that passes wherever the protocol itself does."""
    return SMALL_IPV6 if ":" in address else SMALL


def packet(mss: int, address: str) -> int:
    """The IP packet that holds a segment of this size, without options, in bytes."""
    return mss + (60 if ":" in address else 40)


async def largest(works: Callable[[int], Awaitable[bool]], low: int, high: int = FULL) -> int:
    """The largest segment size that works, to within `CLOSE` bytes; `low` does, `high` does not."""
    while high - low > CLOSE:
        middle = (low + high) // 2
        if await works(middle):
            low = middle
        else:
            high = middle
    return low
