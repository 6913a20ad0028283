"""How long traces of one flow take: `python -m tests.bench.placing ADDRESS PORT RUNS`.

Prints JSON: for each trace its seconds and the last hop that answered.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from netcheck.limits import Gate, Limits
from probes.net.real import SystemNetwork
from probes.path.trace import trace


async def measure(address: str, port: int, runs: int) -> list[tuple[float, str | None]]:
    """One trace after the other."""
    limits = Limits()
    network = SystemNetwork(Gate(limits.concurrency, limits.rate, limits.per_host))
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        route = await trace(address, port, network)
        last = route.last
        found.append((time.perf_counter() - began, last.address if last else None))
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
