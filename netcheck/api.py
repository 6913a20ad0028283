"""What the command line, a pytest plugin or a notebook call to carry out a plan.

from netcheck import api
from netcheck.inventory import load

record = asyncio.run(api.check(load("inventory.yml"), only=["group:dmz"]))
"""

from __future__ import annotations

import datetime
import os
import platform
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from netcheck import __version__
from netcheck.check import Check
from netcheck.credentials import Vault
from netcheck.diagnosis.acts import Owners
from netcheck.diagnosis.write import Writer
from netcheck.engine import Depth, Engine
from netcheck.events import Observer
from netcheck.history.ulid import new_id
from netcheck.inventory.model import LOCAL, Inventory
from netcheck.limits import Limits, raise_descriptor_limit
from netcheck.look import Looker, no_credential
from netcheck.plan import plan
from netcheck.record import RunHead, RunRecord, VantageRecord
from probes.contract import NOTHING, Credential
from probes.path import own, selftest
from probes.path.capture import Capture


def head_of(inventory: Inventory | None) -> RunHead:
    """The head of a run that starts now, on this host. None: there is no inventory (`check URL`)."""
    started = time.time()
    host = socket.gethostname()
    vantages: Mapping[str, VantageRecord] = {LOCAL: VantageRecord(host)}
    if inventory is not None:
        vantages = {
            name: VantageRecord(vantage.ssh or vantage.cluster or host, vantage.stands_for)
            for name, vantage in inventory.vantages.items()
        }
    return RunHead(
        id=new_id(started),
        version=__version__,
        inventory=str(inventory.path) if inventory else None,
        inventory_sha256=inventory.sha256 if inventory else None,
        started=started,
        host=host,
        platform=platform.system().lower(),
        privileged=os.geteuid() == 0,
        vantages=vantages,
        name=inventory.name if inventory else None,
        customer=inventory.customer if inventory else None,
        contacts=inventory.contacts if inventory else (),
    )


async def check(
    inventory: Inventory,
    *,
    only: Iterable[str] = (),
    timeout: float | None = None,
    depth: Depth | None = None,
    observers: Sequence[Observer] = (),
) -> RunRecord:
    """Check an inventory as `netcheck run` does: its credentials, limits and networks; nothing is written.

    `only` are selectors, any of which may match; `timeout` in seconds overrides every check's. Raises
    UsageError where the selection matches nothing. What a credential must be asked for is missing here.
    """
    chosen, vault = plan(inventory, only=only, timeout=timeout), Vault(inventory.credentials)
    return await run(
        chosen,
        head_of(inventory),
        total=len(chosen),
        networks=inventory.networks,
        limits=limits(inventory),
        depth=depth,
        credential=vault.get,
        redact=vault.redact,
        observers=observers,
    )


def limits(inventory: Inventory | None, concurrency: int | None = None, rate: float | None = None) -> Limits:
    """The limits asked for, else the inventory's, else the built-in ones."""
    usual = Limits()
    own = (inventory.concurrency, inventory.rate) if inventory else (None, None)
    return Limits(concurrency or own[0] or usual.concurrency, rate or own[1] or usual.rate)


async def run(
    checks: Iterable[Check],
    head: RunHead,
    *,
    total: int = 0,
    networks: Mapping[str, tuple[str, ...]] = NOTHING,
    limits: Limits | None = None,
    depth: Depth | None = None,
    credential: Callable[[str], Credential | None] = no_credential,
    redact: Callable[[str], str] = str,
    observers: Sequence[Observer] = (),
    interruptible: Callable[[Callable[[], None]], None] = lambda interrupt: None,
    capture: Capture | None = None,
) -> RunRecord:
    """Check everything and return the record. `total` checks are planned; only the observers need it.

    `check` does this for an inventory; here every part may be one's own.

    `networks` is the inventory's: whose a hop is. `depth`: what is traced, and whether every check is.
    `credential` gives the guarded credential of a name, `redact` hides secrets in a crash's words,
    `interruptible` is handed the function that ends the run early with what is finished. `capture` gets the
    packets of failing flows; ask `probes.path.capture.missing` first.
    """
    asked = limits or Limits()
    room = raise_descriptor_limit()
    engine = Engine(
        head,
        checks,
        lambda network: Looker(network, credential, redact),
        Writer(datetime.datetime.now(datetime.UTC).date(), Owners(networks)),
        Limits(min(asked.concurrency, room), asked.rate, asked.per_host),
        observers,
        depth=depth,
        untraceable=selftest.trace_possible,
        capture=capture,
        counts=own.counts,
    )
    interruptible(engine.interrupt)
    return await engine.run(total)
