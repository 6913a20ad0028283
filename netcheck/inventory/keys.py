"""The keys that may stand at any level: in `defaults`, a group, a target or a check.

With `netcheck.inventory.form` the one table for the reader, the hints and the JSON Schema.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from netcheck import registry
from netcheck.check import Accept, Contact
from netcheck.inventory.model import FLOWS
from netcheck.inventory.problems import Report
from netcheck.inventory.shapes import MISSING, NAME, Fields, Key, Leaf, Many, Record, key
from netcheck.inventory.tree import Node
from netcheck.inventory.values import Cause, Date
from probes.contract import Probe
from probes.settings import BadValue, Choice, Duration, Flag, Kind, Listing, Text, Whole, options_of

FLOW = Choice(FLOWS, "a flow")
EMAIL = Text("an email address", r"[^@\s]+@[^@\s]+", "netops@acme.example")


def _contact(fields: Fields, node: Node, report: Report) -> Any:
    if "name" not in fields:
        return MISSING
    return Contact(**{name: given.value for name, given in fields.items()})


def _accept(fields: Fields, node: Node, report: Report) -> Any:
    if not {"until", "reason", "by"} <= fields.keys():
        return MISSING
    return Accept(**{name: given.value for name, given in fields.items()})


CONTACT = Record(
    "a contact",
    {
        "name": key(Text(), "the person or team", required=True),
        "email": key(EMAIL, "where to write"),
        "role": key(Text(), "what they answer for"),
    },
    make=_contact,
)
ACCEPT = Record(
    "an accepted failure",
    {
        "until": key(Date(), "the last day on which it is accepted", required=True),
        "reason": key(Text(), "why, with the change's number", required=True),
        "by": key(Text(), "who accepted it", required=True),
        "cause": key(Cause(), "only this cause; any without it"),
        "check": key(
            Text("`PROBE` or `PROBE/PORT`", r"[A-Za-z0-9_-]+(/\d+)?"), "only this check: PROBE/PORT"
        ),
    },
    make=_accept,
)
COMMON: dict[str, Key] = {
    "flow": key(FLOW, "who needs it: from where to where the traffic goes (vault-to-target)"),
    "from": key(Many(Leaf(NAME)), "the vantages to check from; without it those that stand for the flow"),
    "expect": key(
        Choice(("reachable", "blocked"), "an expectation"),
        "`reachable`, or `blocked`: it must not get through",
    ),
    "timeout": key(Duration(0.001), "bounds one step on one address (5s)"),
    "retries": key(Whole(0, 10), "how often a failure is looked at again; 0: never (1)"),
    "credential": key(NAME, "logs in with this credential"),
    "tags": key(Listing(NAME), "words to select by; they add up over the levels"),
    "owner": key(CONTACT, "who acts when it fails"),
    "accept": key(Many(ACCEPT), "known failures, until a date"),
    "every_address": key(Flag(), "every address of the name must work (connector-to-saas: true)"),
    "samples": key(Whole(1, 10_000), "how many single handshakes are counted after the look"),
    "idle": key(Duration(0.001), "how long a connection is left idle after the look before it is used again"),
}


class AnyOf:
    """The kinds that an option's name has among the probes: the value must fit one of them."""

    def __init__(self, kinds: list[Kind]) -> None:
        self.kinds = kinds

    def read(self, value: Any) -> Any:
        """The plain value: each probe reads it with its own kind, later."""
        for kind in self.kinds[:-1]:
            try:
                kind.read(value)
            except BadValue:
                continue
            return value
        self.kinds[-1].read(value)
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [kind.schema() for kind in self.kinds]}


@functools.cache
def probes() -> tuple[Probe, ...]:
    """Every probe that can be loaded."""
    found = []
    for name in registry.names():
        try:
            found.append(registry.get(name))
        except registry.BrokenProbe:
            continue
    return tuple(found)


@functools.cache
def all_options() -> Mapping[str, Key]:
    """The options of all probes, as they may stand above a check."""
    names = dict.fromkeys(name for probe in probes() for name in options_of(probe.settings))
    return {name: _shared(name) for name in names}


def _shared(name: str) -> Key:
    """An option that one or more probes have; the sentence is the first one's."""
    having = {probe.name: options_of(probe.settings) for probe in probes()}
    found = {probe: options[name] for probe, options in having.items() if name in options}
    kinds: list[Kind] = []
    for option in found.values():
        if option.kind not in kinds:
            kinds.append(option.kind)
    doc = next(iter(found.values())).doc
    return key(kinds[0] if len(kinds) == 1 else AnyOf(kinds), f"{', '.join(found)}: {doc}")


@functools.cache
def options(probe: Probe) -> Mapping[str, Key]:
    """The options of one probe, as they may stand in its checks."""
    return {option.name: key(option.kind, option.doc) for option in options_of(probe.settings).values()}
