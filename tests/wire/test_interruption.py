"""A run that is cancelled by its caller, and not interrupted by its user."""

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Check
from netcheck.diagnosis.write import Writer
from netcheck.engine import Engine
from netcheck.limits import Limits
from netcheck.look import Looker
from netcheck.record import RunHead, RunRecord
from probes.net.scripted import Scripted

HEAD = RunHead("01J", "0", None, None, 0.0, "tester", "linux", False, {})


class Hanging(Scripted):
    """Nothing ever comes back from 10.0.0.2, not even the end of the time."""

    async def connect(self, address: str, port: int, until: float) -> Any:
        if address == "10.0.0.2":
            await asyncio.Event().wait()
        return await super().connect(address, port, until)


def test_half_a_run_does_not_pass_for_a_whole_one(check: Callable[..., Check]) -> None:
    """The caller's cancellation is raised: a record without the missing checks would look finished."""

    async def scene() -> RunRecord:
        engine = Engine(
            HEAD,
            [check("10.0.0.1"), check("10.0.0.2")],
            Looker,
            Writer(datetime.date(2026, 11, 24)),
            Limits(1),
            network=lambda _: Hanging({("10.0.0.1", 22): []}),
        )
        task = asyncio.ensure_future(engine.run(2))
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        return await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scene())
