"""The record of a run: the JSON contract as values. Counts are made once, here.

A record is a stream: a head, checks as they end, a summary. What needs them all (findings) is in the
summary. Times are Unix times, durations seconds; the JSON form is made by `netcheck.codec`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from netcheck.check import Contact
from probes.contract import NOTHING, Confidence, Layer, Step, Verdict
from probes.net.base import Source
from probes.path.route import Hop as Hop
from probes.words import few

SKEWED = 30.0  # seconds that a clock may be wrong (TOTP: RFC 6238 5.2)
COPIES = 3  # addresses that show one host key; two may be a pair
MOST_SHARED = 3  # such keys that are named
RESPONSIBLE = ("customer", "vendor", "operator", "undetermined")


class Place(NamedTuple):
    """Where a flow ends: `at` the address that signed the rejection, or `after` the last that answered.

    `before` is the next hop seen on a sibling flow. `cycle`: of a routing loop those who send the packets
    round, in their order, as far as they are known; `address` is the first of them.
    """

    relation: str
    address: str
    before: str | None = None
    cycle: tuple[str, ...] = ()


class Warned(NamedTuple):
    """A remark beside the verdict; `cause` is a code or None."""

    cause: str | None
    summary: str


class Accepted(NamedTuple):
    """Why a failure does not count, and until which day (ISO 8601)."""

    until: str
    reason: str
    by: str


class AddressRecord(NamedTuple):
    """How one address of several fared. `verdict` skip: not tried, `summary` says why."""

    address: str
    verdict: Verdict
    cause: str | None
    layer: Layer | None
    summary: str
    duration: float | None
    steps: tuple[Step, ...] = ()


class Control(NamedTuple):
    """A control experiment: what was varied, to which value, and how that ended, in words too.

    `cause`: the code of what it met, where it met an answer that shows no service of the target's:
    `tcp.refused`, or `path.middlebox_answers` where a port opens that nobody uses.
    """

    varied: str
    value: Any
    verdict: Verdict
    summary: str = ""
    cause: str | None = None

    @property
    def served(self) -> bool:
        """Whether another port of the same host answered, one that is known to be its own."""
        return self.varied == "port" and self.verdict is Verdict.PASS and self.cause is None


class Trace(NamedTuple):
    """The route of a flow. `method` is `tcp-ttl`, or `sibling` where another flow's place stands for it;
    `ecmp`: hops differ with the source port, so there is more than one path. `owners` says of each hop
    whose it is by the inventory's `networks` (None: not declared); empty where none is declared. `address`:
    where the flow went, which of several addresses need not be the check's own."""

    method: str | None
    hops: tuple[Hop, ...] = ()
    ecmp: bool = False
    owners: tuple[str | None, ...] = ()
    address: str | None = None


class CheckRecord(NamedTuple):
    """One finished check: every key of the JSON contract's `checks`."""

    id: str
    name: str | None
    vantage: str
    origin: str
    flow: str
    target: str
    groups: tuple[str, ...]
    tags: tuple[str, ...]
    owner: Contact | None
    host: str
    address: str | None
    source: Source | None
    probe: str
    port: int | None
    expect: str
    verdict: Verdict
    cause: str | None
    layer: Layer | None
    confidence: Confidence
    responsible: str | None
    summary: str
    evidence: tuple[str, ...]
    advice: str | None
    warnings: tuple[Warned, ...]
    accepted: Accepted | None
    started: float | None
    duration: float | None
    attempts: int
    steps: tuple[Step, ...]
    addresses: tuple[AddressRecord, ...] = ()
    controls: tuple[Control, ...] = ()
    samples: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = NOTHING
    facts: Mapping[str, Any] = NOTHING
    trace: Trace | None = None
    where: Place | None = None  # not a key of its own: in `trace`, and in the findings

    @property
    def label(self) -> str:
        """`PROBE/PORT`, or `PROBE` alone where there is no port."""
        return self.probe if self.port is None else f"{self.probe}/{self.port}"


class Finding(NamedTuple):
    """Failures that share a cause and a place, said once.

    `advice` says in its first line what to do; each further line has the flows to open of one owner. `ask`:
    `owners` of the targets, or the `network` team where the fault is on the way to them.
    """

    cause: str
    responsible: str
    where: Place | None
    summary: str
    advice: str
    owners: tuple[Contact, ...]
    checks: tuple[str, ...]
    confidence: Confidence = Confidence.CERTAIN  # the weakest of its checks; for the screen
    ask: str = "owners"


class VantageRecord(NamedTuple):
    """From where it was seen. `clock_offset` in seconds, None: not measured."""

    host: str
    stands_for: tuple[str, ...] = ()
    clock_offset: float | None = None


class RunHead(NamedTuple):
    """What is known before the first check. `inventory` None: `netcheck check URL`."""

    id: str
    version: str
    inventory: str | None
    inventory_sha256: str | None
    started: float
    host: str
    platform: str
    privileged: bool
    vantages: Mapping[str, VantageRecord]
    name: str | None = None
    customer: str | None = None
    contacts: tuple[Contact, ...] = ()


@dataclass(slots=True)
class Summary:
    """What is known after the last check; `add` counts as checks end."""

    checks: int = 0
    verdicts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    accepted: int = 0
    responsible: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RESPONSIBLE, 0))
    finished: float | None = None
    interrupted: bool = False
    findings: tuple[Finding, ...] = ()
    planned: int | None = None  # None: not known, as of a run that an older netcheck recorded

    def add(self, check: CheckRecord) -> None:
        """Count one finished check. `responsible` counts what is not a pass."""
        self.checks += 1
        self.verdicts[check.verdict] += 1
        if check.accepted:
            self.accepted += 1
        if check.responsible:
            self.responsible[check.responsible] += 1


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run. `checks` can be iterated again and again, in the order of the inventory.

    `only_failed` narrows what is shown, not what is counted.
    """

    head: RunHead
    # Not in the repr: asyncio makes one of a task's result when it puts the signal handlers back.
    checks: Iterable[CheckRecord] = field(repr=False)
    summary: Summary
    only_failed: bool = False

    @property
    def shown(self) -> Iterator[CheckRecord]:
        """The checks that a renderer lists: all, or those that are not `pass`."""
        return (check for check in self.checks if not self.only_failed or check.verdict is not Verdict.PASS)

    @property
    def vantages(self) -> Mapping[str, VantageRecord]:
        """The vantages that a check was sent from; all of the head's where nothing was checked."""
        used = dict.fromkeys(check.vantage for check in self.checks)
        known = self.head.vantages
        return {name: known.get(name, VantageRecord(name)) for name in used or known}

    @property
    def notices(self) -> tuple[str, ...]:
        """What to know before trusting a verdict: undeclared places, a clock, host keys that repeat."""
        assumed: dict[tuple[str, bool], None] = {}
        keys: dict[str, dict[str, None]] = {}
        for check in self.checks:
            if check.origin == "assumed":
                assumed[check.vantage, check.flow.startswith("user-")] = None
            if (key := check.facts.get("host_key")) and check.address:
                keys.setdefault(key["fingerprint"], {})[check.address] = None
        shared = [list(addresses) for addresses in keys.values() if len(addresses) >= COPIES]
        vantages = self.vantages
        return (
            *(
                f"seen from {vantages[name].host}, which nobody declared to be {_side(users)}"
                for name, users in assumed
            ),
            *(
                f"the clock of {seen.host} is {abs(seen.clock_offset):.0f} s"
                f" {'behind' if seen.clock_offset > 0 else 'ahead of'} those of several targets: set it first"
                for seen in vantages.values()
                if seen.clock_offset is not None and abs(seen.clock_offset) > SKEWED
            ),
            *(
                f"one SSH host key is shown by {few(addresses)}: one host, copies of one image, or something"
                " that answers for them"
                for addresses in shared[:MOST_SHARED]
            ),
        )


def _side(users: bool) -> str:
    return "a user's side" if users else "the vault's side"
