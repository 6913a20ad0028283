"""Inheritance: defaults < vantage < groups as listed < target < check, and where each value came from.

Single values: the nearest wins. `tags` add up. `checks` add up too; of two with one id the nearer wins.
A worked example:

    defaults: {timeout: 5s, tags: [golive]}
    groups:   {dmz: {timeout: 8s, tags: [dmz], checks: [ssh]}}
    targets:  {web: {host: web.example, groups: [dmz], checks: [tcp/80, {probe: ssh, timeout: 2s}]}}

makes `ssh/22` with 2 s (check; it replaces the group's) and `tcp/80` with 8 s (group dmz), both tagged
golive and dmz. What a vantage gives (`proxy`) counts for more than `defaults`, and for less than a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from netcheck.check import Origin
from netcheck.inventory.shapes import Fields
from netcheck.inventory.tree import Node

DEFAULTS = "defaults"  # the level furthest from a check


class Level(NamedTuple):
    """One level: its name as origins show it, and the values it gives."""

    name: str
    fields: Fields


class Valued(NamedTuple):
    """An inherited value and the level that gave it."""

    value: Any
    level: str
    node: Node

    @property
    def origin(self) -> Origin:
        return Origin(self.level, self.node.line)


Values = Mapping[str, Valued]


class Heritage(NamedTuple):
    """What a target's checks have in common: values, tags and groups."""

    values: Values
    tags: tuple[str, ...]
    groups: tuple[str, ...]

    def within(self, check: Fields) -> Heritage:
        """The same, with the values of a check, which are nearer."""
        if not check:
            return self
        nearer = {name: Valued(given.value, "check", given.node) for name, given in check.items()}
        tags = nearer["tags"].value if "tags" in nearer else ()
        return Heritage({**self.values, **nearer}, joined(self.tags, tags), self.groups)

    def seen_from(self, vantage: Level) -> Heritage:
        """The same, with what a vantage gives: nearer than the defaults, and than nothing else."""
        given = {
            name: Valued(given.value, vantage.name, given.node)
            for name, given in vantage.fields.items()
            if name not in self.values or self.values[name].level == DEFAULTS
        }
        return Heritage({**self.values, **given}, self.tags, self.groups) if given else self

    def get(self, name: str, default: Any = None) -> Any:
        found = self.values.get(name)
        return default if found is None else found.value


def heritage(levels: Iterable[Level], groups: tuple[str, ...]) -> Heritage:
    """What the levels, furthest first, give together."""
    values: dict[str, Valued] = {}
    tags: tuple[str, ...] = ()
    for level in levels:
        for name, given in level.fields.items():
            values[name] = Valued(given.value, level.name, given.node)
        if "tags" in level.fields:
            tags = joined(tags, level.fields["tags"].value)
    return Heritage(values, tags, groups)


def joined(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
