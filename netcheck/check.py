"""A check, as planned: one service of one target, seen from one vantage."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple

from probes.contract import NOTHING, Timing

# The flows to the vendor's service; the others go to what is the customer's.
TO_SAAS = ("user-to-saas", "connector-to-saas")


class Contact(NamedTuple):
    """A person or team to turn to: an inventory contact, or the owner of targets."""

    name: str
    email: str | None = None
    role: str | None = None


class Accept(NamedTuple):
    """A known failure, accepted until the end of a day. `cause` and `check` None: any.

    `check` is `PROBE` or `PROBE/PORT`.
    """

    until: datetime.date
    reason: str
    by: str
    cause: str | None = None
    check: str | None = None


class Origin(NamedTuple):
    """Where a value came from: `level` is `built-in`, `defaults`, `group NAME`, `target` or `check`."""

    level: str
    line: int | None = None


class Terms(NamedTuple):
    """All that the checks made from one entry of the inventory have in common, already inherited.

    `origin` is `declared` (the vantage stands for the flow, or the inventory says `from`) or `assumed`.
    `probe` is a registered probe's name; with `stopped` set — (cause, why) — nothing is to be sent and
    the check is `skip` or `error` with that cause. `settings` is the probe's own settings object.
    `samples` counts single handshakes, `idle` is in seconds: experiments after the look, None for none.
    With `bracket` several connections are left idle, `idle` the longest, to enclose what the path allows.
    """

    vantage: str
    origin: str
    flow: str
    probe: str
    port: int | None
    settings: Any
    timing: Timing
    name: str | None = None
    groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owner: Contact | None = None
    expect: str = "reachable"
    retries: int = 1
    every_address: bool = False
    samples: int | None = None
    idle: float | None = None
    bracket: bool = False
    credential: str | None = None
    accept: tuple[Accept, ...] = ()
    stopped: tuple[str, str] | None = None
    origins: Mapping[str, Origin] = NOTHING


class Check(NamedTuple):
    """One check: a target's name, the host to speak to, and the terms it shares with its siblings."""

    target: str
    host: str
    terms: Terms

    @property
    def id(self) -> str:
        """`VANTAGE/TARGET/PROBE/PORT`, no port: `-`, then `/NAME` when it has a name."""
        terms = self.terms
        name = f"/{terms.name}" if terms.name else ""
        return f"{terms.vantage}/{self.target}/{self.label}{name}"

    @property
    def label(self) -> str:
        """`PROBE/PORT`, as the table shows it."""
        terms = self.terms
        return f"{terms.probe}/{'-' if terms.port is None else terms.port}"
