"""The plan: inventory and selection in, checks out. Pure: nothing is sent, nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from netcheck import registry
from netcheck.check import Check, Origin, Terms
from netcheck.inventory.hosts import address_of
from netcheck.inventory.model import Entry, Inventory, Service, timing
from netcheck.inventory.select import Selection, selection
from probes.contract import Layer


class Plan:
    """The chosen checks in the inventory's order, made anew at each iteration; `len` counts them."""

    def __init__(self, entries: Iterable[Entry], chosen: Selection) -> None:
        self._entries = tuple(entries)
        self._chosen = chosen
        self._length: int | None = None

    def __iter__(self) -> Iterator[Check]:
        checks = (check for entry in self._entries for check in _checks(entry))
        return filter(self._chosen, checks) if self._chosen.terms else checks

    def __len__(self) -> int:
        if self._length is None:
            self._length = self._count()
        return self._length

    def _count(self) -> int:
        if self._chosen.terms:
            return sum(1 for _ in self)
        return sum(entry.count * len(entry.services) for entry in self._entries)

    @property
    def targets(self) -> int:
        """How many targets there are, whether chosen or not."""
        return sum(entry.count for entry in self._entries)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the targets that have one of their own, whether chosen or not."""
        return tuple(entry.name for entry in self._entries if not entry.several)

    @property
    def groups(self) -> frozenset[str]:
        """The names of the groups that have checks, whether chosen or not."""
        return frozenset(
            name for entry in self._entries for service in entry.services for name in service.terms.groups
        )

    @property
    def credentials(self) -> tuple[str, ...]:
        """The names of the credentials that the chosen checks use, each once."""
        used = (check.terms.credential for check in self._samples() if not check.terms.stopped)
        return tuple(dict.fromkeys(name for name in used if name))

    def _samples(self) -> Iterator[Check]:
        """At least one check with each of the terms that are among the chosen."""
        if self._chosen.terms:
            return iter(self)
        return (Check(entry.name, "", service.terms) for entry in self._entries for service in entry.services)


def plan(inventory: Inventory, *, only: Iterable[str] = (), timeout: float | None = None) -> Plan:
    """The checks that a run would make. Raises UsageError where the selection matches nothing."""
    return choose(inventory.entries, only=only, timeout=timeout)


def choose(entries: Iterable[Entry], *, only: Iterable[str] = (), timeout: float | None = None) -> Plan:
    """A plan of entries, wherever they come from. `timeout` in seconds overrides every check's."""
    chosen = selection(only)
    made = Plan(entries if timeout is None else (_hurried(entry, timeout) for entry in entries), chosen)
    if chosen.terms and next(iter(made), None) is None:
        raise chosen.refuse_nothing(made.names, made.groups)
    return made


def _checks(entry: Entry) -> Iterator[Check]:
    """Every check of an entry, target by target; those on one target share nothing but their terms."""
    services = [(service.terms, service.host, _looks_up(service.terms)) for service in entry.services]
    for target, host in entry.targets():
        for terms, other, looks_up in services:
            asked = other or host
            yield Check(target, asked, _without_name(terms, asked) if looks_up else terms)


def _looks_up(terms: Terms) -> bool:
    """Whether the probe asks for the host's name, so that it needs one."""
    return terms.stopped is None and registry.get(terms.probe).layers[:1] == (Layer.RESOLVE,)


def _without_name(terms: Terms, host: str) -> Terms:
    if address_of(host) is None:
        return terms
    why = f"{host} is an address: there is no name to look up"
    return terms._replace(stopped=("probe.unsupported", why))


def _hurried(entry: Entry, timeout: float) -> Entry:
    """The entry with another timeout; its origin is then the command line."""
    services = (Service(_with_timeout(service.terms, timeout), service.host) for service in entry.services)
    return replace(entry, services=tuple(services))


def _with_timeout(terms: Terms, timeout: float) -> Terms:
    origins = {**terms.origins, "timeout": Origin("--timeout")}
    return terms._replace(timing=timing(timeout), origins=origins)
