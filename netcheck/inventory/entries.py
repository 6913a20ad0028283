"""The entries of an inventory: hosts and the terms of each check on them, inherited and validated."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from netcheck.check import TO_SAAS, Check, Origin, Terms
from netcheck.inventory.checks import WantedCheck
from netcheck.inventory.hosts import MOST_ADDRESSES, HostSet
from netcheck.inventory.inherit import DEFAULTS, Heritage, Level, heritage, joined
from netcheck.inventory.keys import COMMON
from netcheck.inventory.model import FLOWS, TIMEOUT, Entry, Service, Vantage, timing
from netcheck.inventory.options import Options
from netcheck.inventory.origin import stopped_at, vantages_for
from netcheck.inventory.problems import Place, Report, nearest
from netcheck.inventory.shapes import MISSING, Fields, Given
from netcheck.inventory.tree import Node

RETRIES = 1
EVERY_ADDRESS = "connector-to-saas"  # the flow whose every address must work
Slot = tuple[str, str, int | None, str | None]  # what tells the checks of one target apart


class Asked(NamedTuple):
    """What is asked of a target. `stopped`: (cause, why) where it can't be done yet."""

    probe: str
    port: int | None
    name: str | None
    settings: Any
    authenticates: bool
    stopped: tuple[str, str] | None


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
        places: Mapping[str, Fields],
        options: Options,
        report: Report,
        flawed: Container[str],
    ) -> None:
        """`places` are what each vantage gives the checks that are made from it, `flawed` the targets with a
        key that was refused."""
        self._flawed = flawed
        self._defaults = Level(DEFAULTS, defaults)
        self._places = {name: Level(f"vantage {name}", fields) for name, fields in places.items()}
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
        asked = any(map(_has_checks, levels)) or shared.get("profile")
        if not asked and name not in self._flawed:
            self._report.add(given.node, f"target `{name}` has no checks (for example `checks: [ssh]`)")
        if "accept" in given.value and asked and not shared.get("profile"):
            self._refuse_idle(name, levels)
        return tuple(slots.services.values())

    def _refuse_idle(self, name: str, levels: Sequence[Level]) -> None:
        """Report an acceptance written on a target whose `check` is none of the target's."""
        checks = [level.fields["checks"] for level in levels if "checks" in level.fields]
        if any(len(given.value) < _length(given.node) for given in checks):
            return  # one was refused, and may be the one that is meant
        known = sorted({word for given in checks for check in given.value for word in _words(check.value)})
        for part in levels[-1].fields["accept"].value:
            word = part.value.check
            if word is not None and word not in known:
                near = nearest(word, known) or f"; it has {', '.join(known)}"
                self._report.add(part.node.at(("check",)), f"target `{name}` has no check `{word}`{near}")

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
        """The check from each of its vantages."""
        probe = check.wanted.probe
        asked = Asked(probe.name, check.wanted.port, check.name, None, probe.authenticates, None)
        values = shared.within(check.fields)
        for vantage, origin in self._from(values):
            here = values.seen_from(self._places[vantage.name])
            settings = self._options.settings(check, here.values)
            if settings is MISSING:
                return
            terms = _terms(asked._replace(settings=settings), here, vantage, origin)
            slots.add(Service(terms, check.wanted.host), check.node)

    def _profile(self, shared: Heritage, slots: Slots, node: Node) -> None:
        """A profile's checks are not there yet: one that stands for them, from each vantage."""
        profile = shared.get("profile")
        if profile is not None:
            slots.lines.clear()
            why = ("probe.unsupported", f"profile `{profile}`: not available yet")
            asked = Asked("profile", None, profile, None, False, why)
            for vantage, origin in self._from(shared):
                slots.add(Service(_terms(asked, shared, vantage, origin)), node)

    def _from(self, values: Heritage) -> tuple[tuple[Vantage, str], ...]:
        named = tuple(part.value for part in values.get("from", ()))
        return vantages_for(values.get("flow", FLOWS[0]), named, self._vantages)


def _terms(asked: Asked, values: Heritage, vantage: Vantage, origin: str) -> Terms:
    flow = values.get("flow", FLOWS[0])
    return Terms(
        vantage=vantage.name,
        origin=origin,
        flow=flow,
        probe=asked.probe,
        port=asked.port,
        settings=_for_flow(asked.settings, flow, values),
        timing=timing(values.get("timeout", TIMEOUT)),
        name=asked.name,
        groups=values.groups,
        tags=values.tags,
        owner=values.get("owner"),
        expect=values.get("expect", "reachable"),
        retries=values.get("retries", RETRIES),
        every_address=values.get("every_address", flow == EVERY_ADDRESS),
        samples=values.get("samples"),
        idle=values.get("idle"),
        credential=values.get("credential") if asked.authenticates else None,
        accept=tuple(part.value for part in values.get("accept", ())),
        stopped=stopped_at(vantage, flow) or asked.stopped,
        origins=_origins(values, asked.settings, flow),
    )


def _for_flow(settings: Any, flow: str, values: Heritage) -> Any:
    """A service's name is public: its vendor has no other CA than the public's, unless one is declared.

    One in `defaults` is the company's own, for its targets: no vendor's is declared there.
    """
    names = getattr(settings, "__dataclass_fields__", ())
    if "public" not in names or "public" in values.values or flow not in TO_SAAS:
        return settings
    declared = values.values.get("ca_file")
    private = settings.ca_file and (declared is None or declared.level != DEFAULTS)
    return settings if private else replace(settings, public=True)


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


def _length(node: Node) -> int:
    return len(node.value) if isinstance(node.value, list) else 1


def _words(check: WantedCheck) -> tuple[str, ...]:
    """By what an acceptance may name a check."""
    probe, port = check.wanted.probe.name, check.wanted.port
    return (probe,) if port is None else (probe, f"{probe}/{port}")


def _place(node: Node) -> Place:
    return Place(node.line, node.column, node.width)


def _has_checks(level: Level) -> bool:
    return "checks" in level.fields and level.fields["checks"].node.value not in (None, [])


def _origins(values: Heritage, settings: object, flow: str) -> dict[str, Origin]:
    """Where each value that this check has came from; a value that is not there is built in."""
    own = getattr(settings, "__dataclass_fields__", ())
    found = {name: valued.origin for name, valued in values.values.items() if name in COMMON or name in own}
    if "public" in own and "public" not in found and flow in TO_SAAS:
        found["public"] = Origin(f"flow {flow}", found["flow"].line if "flow" in found else None)
    if "every_address" not in found and flow == EVERY_ADDRESS:
        found["every_address"] = Origin(f"flow {flow}", found["flow"].line)
    return found
