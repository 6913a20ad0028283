"""No two entries may make one check.

Networks are compared as intervals, never written out; names only where two entries have names of one
shape (`web01` and `web[01-12]` are both `web#`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from netcheck.inventory.entries import slot_of, twins
from netcheck.inventory.hosts import HostSet, Network, One, address_of
from netcheck.inventory.model import Entry
from netcheck.inventory.problems import Report

NUMBERS = re.compile(r"(?:\d|\[\d+-\d+\])+")
Overlap = tuple[Entry, Entry, str]  # the earlier entry, the later one, a target that both have
Interval = tuple[int, int, int]  # first and last address, the entry's index


def refuse_twins(entries: Sequence[Entry], report: Report) -> None:
    """Report each entry that makes a check which an earlier one makes already."""
    for first, second, target in _overlaps(entries):
        if first is second:
            report.add(second.place, f"`{target}` is twice in the `hosts` of `{second.name}`")
            continue
        slots = {slot_of(service.terms) for service in first.services}
        for service in second.services:
            if slot_of(service.terms) in slots:
                report.add(second.place, twins(target, service.terms, first.place.line))
                break


def _overlaps(entries: Sequence[Entry]) -> Iterator[Overlap]:
    """Each pair of entries that have a target in common, once; an entry that has one twice is a pair."""
    told: set[tuple[int, int]] = set()
    for one, other, target in (*_same_names(entries), *_same_addresses(entries)):
        pair = (min(one, other), max(one, other))
        if pair not in told:
            told.add(pair)
            yield entries[pair[0]], entries[pair[1]], target


def _parts(entries: Sequence[Entry]) -> Iterator[tuple[int, HostSet]]:
    """Every set of targets' names, with its entry's index."""
    for index, entry in enumerate(entries):
        yield from ((index, hosts) for hosts in (entry.hosts if entry.several else (One(entry.name),)))


def _same_names(entries: Sequence[Entry]) -> Iterator[tuple[int, int, str]]:
    shapes: dict[str, list[tuple[int, HostSet]]] = defaultdict(list)
    for index, hosts in _parts(entries):
        if not isinstance(hosts, Network):
            shapes[NUMBERS.sub("#", str(hosts))].append((index, hosts))
    for alike in shapes.values():
        if len(alike) > 1:
            yield from _same_in(alike)


def _same_in(alike: Iterable[tuple[int, HostSet]]) -> Iterator[tuple[int, int, str]]:
    seen: dict[str, int] = {}
    for index, hosts in alike:
        for name in hosts:
            if name in seen:
                yield seen[name], index, name
            else:
                seen[name] = index


def _same_addresses(entries: Sequence[Entry]) -> Iterator[tuple[int, int, str]]:
    """Overlaps of networks with networks and with single addresses: one sweep over the intervals."""
    intervals: dict[int, list[Interval]] = {4: [], 6: []}
    for index, hosts in _parts(entries):
        for network in _networks(hosts):
            intervals[network.version].append((network.first, network.last, index))
    for version, found in intervals.items():
        yield from _sweep(sorted(found), version)


def _networks(hosts: HostSet) -> Iterator[Network]:
    if isinstance(hosts, Network):
        yield hosts
    elif address_of(next(iter(hosts))):
        for address in filter(None, map(address_of, hosts)):
            if "%" not in str(address):  # a zone makes one address several (RFC 4007)
                yield Network(int(address), int(address), address.version)


def _sweep(intervals: Iterable[Interval], version: int) -> Iterator[tuple[int, int, str]]:
    """Each interval with those before it that reach into it."""
    open_: list[Interval] = []
    for first, last, index in intervals:
        open_ = [known for known in open_ if known[1] >= first]
        for known in open_:
            yield known[2], index, next(iter(Network(first, first, version)))
        open_.append((first, last, index))
