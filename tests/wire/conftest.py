"""Checks and runs on the scripted network."""

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.write import Writer
from netcheck.engine import Depth, Engine
from netcheck.limits import Limits
from netcheck.look import Looker
from netcheck.record import RunHead, RunRecord, VantageRecord
from probes import tcp
from probes.contract import Timing
from probes.net.scripted import Scripted

TODAY = datetime.date(2026, 11, 24)
HEAD = RunHead("01J", "0", None, None, 0.0, "tester", "linux", False, {"local": VantageRecord("tester")})


@pytest.fixture
def check() -> Callable[..., Check]:
    """A tcp check; any term can be given."""

    def make(host: str, port: int = 22, **terms: Any) -> Check:
        given: dict[str, Any] = {"settings": tcp.Settings(), "timing": Timing(), "probe": "tcp", **terms}
        return Check(host, host, Terms("local", "assumed", "vault-to-target", port=port, **given))

    return make


@pytest.fixture
def run() -> Callable[..., RunRecord]:
    """Runs checks on scripted networks: the first pass on the first one, the second look on the second."""

    def go(
        checks: list[Check],
        *networks: Scripted,
        concurrency: int = 50,
        depth: Depth | None = None,
        **more: Any,
    ) -> RunRecord:
        left = list(networks)

        def network(gate: object) -> Scripted:
            return left.pop(0) if len(left) > 1 else left[0]

        async def main() -> RunRecord:
            limits = Limits(concurrency)
            engine = Engine(HEAD, checks, Looker, Writer(TODAY), limits, network=network, depth=depth, **more)
            return await engine.run(len(checks))

        return asyncio.run(main())

    return go
