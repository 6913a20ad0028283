"""The entries of an inventory: hosts and the terms of each check on them, inherited and validated."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netcheck.check import Check, Origin, Terms
from netcheck.inventory.checks import WantedCheck
from netcheck.inventory.hosts import MOST_ADDRESSES, HostSet
from netcheck.inventory.inherit import Heritage, Level, heritage, joined
from netcheck.inventory.keys import COMMON
from netcheck.inventory.model import FLOWS, Entry, Service, Vantage
from netcheck.inventory.options import Options
from netcheck.inventory.origin import stopped_at, vantages_for
from netcheck.inventory.problems import Place, Report
from netcheck.inventory.shapes import MISSING, Fields, Given
from netcheck.inventory.tree import Node
from probes.contract import Timing
from probes.settings import options_of

TIMEOUT = 5.0  # seconds
LOOK = 4  # a look's deadline, in timeouts
RETRIES = 1
EVERY_ADDRESS = "connector-to-saas"  # the flow whose every address must work
Slot = tuple[str, str, int | None, str | None]  # what tells the checks of one target apart


@dataclass(slots=True)
class Slots:
    """The checks of one target so far: of two with one id the nearer level's wins."""

    target: str
    report: Report
    services: dict[Slot, Service] = field(default_factory=dict)
    lines: dict[Slot, int] = field(default_factory=dict)  # of the level that is being added

    def add(self, service: Service, node: Node) -> None:
        slot = slot_of(service.terms)
        if slot in self.lines:
            self.report.add(node, twins(self.target, service.terms, self.lines[slot]))
            return
        self.lines[slot] = node.line
        self.services[slot] = service


def slot_of(terms: Terms) -> Slot:
    """What is left of a check's id without its target."""
    return terms.vantage, terms.probe, terms.port, terms.name


def twins(target: str, terms: Terms, line: int) -> str:
    """What is wrong with a second check of one id."""
    twin = Check(target, "", terms).id
    return f"a second check `{twin}`; the first is on line {line}; give one of them a `name`"


class Entries:
    """Makes the entries of one inventory from its levels."""

    def __init__(
        self,
        defaults: Fields,
        groups: Mapping[str, Given],
        vantages: Mapping[str, Vantage],
        options: Options,
        report: Report,
        flawed: Container[str],
    ) -> None:
        """`flawed` are the targets with a key that was refused."""
        self._flawed = flawed
        self._defaults = Level("defaults", defaults)
        self._groups = {name: Level(f"group {name}", given.value) for name, given in groups.items()}
        self._vantages = vantages
        self._options = options
        self._report = report

    def make(self, targets: Mapping[str, Given]) -> Iterator[Entry]:
        """Each target's entry, in order; those with mistakes are reported and left out."""
        for name, given in targets.items():
            hosts = _hosts(given.value)
            services = self._services(name, given)
            if hosts:
                yield Entry(name, "hosts" in given.value, hosts, services, _place(given.node))

    def _services(self, name: str, given: Given) -> tuple[Service, ...]:
        levels, groups = self._levels(name, given.value)
        shared = heritage(levels, groups)
        slots = Slots(name, self._report)
        for level in levels:
            slots.lines.clear()
            if "checks" in level.fields:
                for check in level.fields["checks"].value:
                    self._check(check.value, shared, slots)
        self._profile(shared, slots, given.node)
        if not slots.services and not any(map(_has_checks, levels)) and name not in self._flawed:
            self._report.add(given.node, f"target `{name}` has no checks (for example `checks: [ssh]`)")
        return tuple(slots.services.values())

    def _levels(self, name: str, fields: Fields) -> tuple[list[Level], tuple[str, ...]]:
        """The levels, furthest first, and the groups: listed, and that of a `hosts:` entry's own name.

        That last one is a label; it gives values only where `groups` defines it.
        """
        groups: tuple[str, ...] = ()
        if "groups" in fields:
            groups = tuple(part.value for part in fields["groups"].value)
        if "hosts" in fields:
            groups = joined(groups, (name,))
        known = [self._groups[group] for group in groups if group in self._groups]
        return [self._defaults, *known, Level("target", fields)], groups

    def _check(self, check: WantedCheck, shared: Heritage, slots: Slots) -> None:
        values = shared.within(check.fields)
        settings = self._options.settings(check.wanted, values.values, check.node)
        if settings is MISSING:
            return
        for vantage, origin in self._from(values):
            terms = self._terms(check, values, settings, vantage, origin)
            slots.add(Service(terms, check.wanted.host), check.node)

    def _from(self, values: Heritage) -> tuple[tuple[Vantage, str], ...]:
        named = tuple(part.value for part in values.get("from", ()))
        return vantages_for(values.get("flow", FLOWS[0]), named, self._vantages)

    def _terms(
        self, check: WantedCheck, values: Heritage, settings: object, vantage: Vantage, origin: str
    ) -> Terms:
        probe = check.wanted.probe
        flow = values.get("flow", FLOWS[0])
        timeout = values.get("timeout", TIMEOUT)
        return Terms(
            vantage=vantage.name,
            origin=origin,
            flow=flow,
            probe=probe.name,
            port=check.wanted.port,
            settings=settings,
            timing=Timing(timeout, LOOK * timeout),
            name=check.name,
            groups=values.groups,
            tags=values.tags,
            owner=values.get("owner"),
            expect=values.get("expect", "reachable"),
            retries=values.get("retries", RETRIES),
            every_address=values.get("every_address", flow == EVERY_ADDRESS),
            samples=values.get("samples"),
            credential=values.get("credential") if probe.authenticates else None,
            accept=tuple(part.value for part in values.get("accept", ())),
            stopped=stopped_at(vantage, flow) or _later(values),
            origins=_origins(values, probe.settings),
        )

    def _profile(self, shared: Heritage, slots: Slots, node: Node) -> None:
        """A profile's checks are not there yet: one that stands for them, from each vantage."""
        profile = shared.get("profile")
        if profile is None:
            return
        slots.lines.clear()
        why = ("probe.unsupported", f"profile `{profile}`: not available yet")
        flow = shared.get("flow", FLOWS[0])
        for vantage, origin in self._from(shared):
            terms = Terms(
                vantage=vantage.name,
                origin=origin,
                flow=flow,
                probe="profile",
                port=None,
                settings=None,
                timing=Timing(),
                name=profile,
                groups=shared.groups,
                tags=shared.tags,
                owner=shared.get("owner"),
                stopped=stopped_at(vantage, flow) or why,
                origins=_origins(shared, None),
            )
            slots.add(Service(terms), node)


def refuse_size(entries: Sequence[Entry], report: Report) -> bool:
    """Report an inventory with too many addresses, at the entry that has the most; whether it is one."""
    total = sum(entry.count for entry in entries)
    if total <= MOST_ADDRESSES:
        return False
    widest = max(entries, key=lambda entry: entry.count)
    report.add(
        widest.place,
        f"{total:,} addresses in one inventory, {widest.count:,} of them here; at most {MOST_ADDRESSES:,}",
    )
    return True


def _hosts(fields: Fields) -> tuple[HostSet, ...]:
    if "host" in fields:
        return (fields["host"].value,)
    return tuple(part.value for part in fields["hosts"].value) if "hosts" in fields else ()


def _place(node: Node) -> Place:
    return Place(node.line, node.column, node.width)


def _has_checks(level: Level) -> bool:
    return "checks" in level.fields and level.fields["checks"].node.value not in (None, [])


def _later(values: Heritage) -> tuple[str, str] | None:
    return ("probe.unsupported", "`idle`: not available yet") if "idle" in values.values else None


def _origins(values: Heritage, settings: type | None) -> dict[str, Origin]:
    """Where each value that this check has came from; a value that is not there is built in."""
    own = options_of(settings) if settings else {}
    return {name: valued.origin for name, valued in values.values.items() if name in COMMON or name in own}
