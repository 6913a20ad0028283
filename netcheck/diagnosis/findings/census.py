"""What was tried and what passed, counted by what checks share: the contrast to a failure. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from netcheck.diagnosis.facts import known_publicly
from netcheck.diagnosis.findings.signs import answered, host_of, is_decrypted, network, passed, unsent
from netcheck.record import CheckRecord
from probes.urls import asked_name


class By(IntEnum):
    """What several checks of one vantage may share, narrowest first."""

    HOST = 1
    NETWORK_LABEL = 2  # a service in a network
    GROUP_LABEL = 3  # a service of a group
    NETWORK = 4
    GROUP = 5
    LABEL = 6  # a service anywhere


class Key(NamedTuple):
    """One shared thing: `value` is a host, network or group, `label` the service where it counts."""

    vantage: str
    by: By
    value: str
    label: str = ""


# What counts of a check here: vantage, label, network, groups. Thousands of checks share a cell, so that the
# keys are made once a cell. A plain tuple, for it is made for every check of a run in which anything fails.
Cell = tuple[str, str, str, tuple[str, ...]]


def cell_of(check: CheckRecord) -> Cell:
    """The cell of a check."""
    return check.vantage, check.label, network(check), check.groups


def keys(cell: Cell) -> tuple[Key, ...]:
    """Every thing, but its host, that a check in the cell may share with others."""
    vantage, label, subnet, groups = cell
    return (
        Key(vantage, By.NETWORK_LABEL, subnet, label),
        Key(vantage, By.NETWORK, subnet),
        Key(vantage, By.LABEL, "", label),
        *(Key(vantage, By.GROUP_LABEL, group, label) for group in groups),
        *(Key(vantage, By.GROUP, group) for group in groups),
    )


class Passing(NamedTuple):
    """How many pass, and the target of the first."""

    number: int
    target: str


class Census:
    """The counts of a run in which something failed.

    `passing` counts what passes on hosts where nothing fails; `services` are those that pass on a host where
    something fails; `elsewhere` are the vantages from which a failing service passes; `answering` has the
    networks in which anything answered; `exempt` the public names that nobody decrypts. All is by vantage.
    """

    def __init__(self, failed: Sequence[CheckRecord], checks: Iterable[CheckRecord]) -> None:
        self._tried: Counter[Key] = Counter()
        self._tried_on: Counter[tuple[str, str]] = Counter()
        self.passing: dict[Key, Passing] = {}
        self.services: dict[tuple[str, str], dict[str, None]] = {}
        self.elsewhere: dict[tuple[str, str], dict[str, None]] = {}
        self._failing_hosts = {(check.vantage, host_of(check)) for check in failed}
        self._failing_services = {(host_of(check), check.label) for check in failed}
        tried: Counter[Cell] = Counter()
        passing: dict[Cell, Passing] = {}
        answering: set[Cell] = set()
        self.exempt: dict[str, dict[str, None]] = {}
        decrypted = {
            (check.vantage, asked_name(check.settings, check.host)) for check in failed if is_decrypted(check)
        }
        for check in checks:
            if check.facts and known_publicly(check.facts):
                name = asked_name(check.settings, check.host)
                if (check.vantage, name) not in decrypted:
                    self.exempt.setdefault(check.vantage, {})[name] = None
            cell = cell_of(check)
            if cell not in answering and answered(check):
                answering.add(cell)
            if unsent(check):
                continue
            tried[cell] += 1
            healthy = self._beside_failures(check)
            if healthy and passed(check):
                known = passing.get(cell)
                passing[cell] = Passing(known.number + 1, known.target) if known else Passing(1, check.target)
        self.answering = {(vantage, subnet) for vantage, _, subnet, _ in answering}
        self._add_up(tried, passing)

    def tried(self, key: Key) -> int:
        """How many checks were sent to what the key names; of hosts, to one where something fails."""
        return self._tried_on[key.vantage, key.value] if key.by is By.HOST else self._tried[key]

    def has_answered(self, check: CheckRecord) -> bool:
        """Whether another service of the same host passes, so that the host is up."""
        return (check.vantage, host_of(check)) in self.services

    def _beside_failures(self, check: CheckRecord) -> bool:
        """Keep what passes beside a failure; whether nothing fails on the host from there."""
        host, works = host_of(check), passed(check)
        if works and (host, check.label) in self._failing_services:
            self.elsewhere.setdefault((host, check.label), {})[check.vantage] = None
        if (check.vantage, host) not in self._failing_hosts:
            return True
        self._tried_on[check.vantage, host] += 1
        if works:
            self.services.setdefault((check.vantage, host), {})[check.label] = None
        return False

    def _add_up(self, tried: Counter[Cell], passing: dict[Cell, Passing]) -> None:
        for cell, number in tried.items():
            of_cell = passing.get(cell)
            for key in keys(cell):
                self._tried[key] += number
                if of_cell:
                    known = self.passing.get(key)
                    total = of_cell.number + (known.number if known else 0)
                    self.passing[key] = Passing(total, (known or of_cell).target)
