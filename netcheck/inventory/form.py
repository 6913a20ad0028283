"""The form of a whole inventory, from the root down. What a key means is the sentence beside it."""

from __future__ import annotations

from typing import Any

from netcheck.inventory.checks import OWN, CheckItem, schema_of_check
from netcheck.inventory.keys import COMMON, CONTACT, FLOW, all_options
from netcheck.inventory.problems import WAYS, Report
from netcheck.inventory.shapes import NAME, Fields, Key, Leaf, Many, Record, Table, key
from netcheck.inventory.tree import Node
from netcheck.inventory.values import Host, Hosts, Secret, Version
from probes.settings import Choice, Network, Text, Whole

PASSWORD = Secret()
PRIVATE_KEY = Secret(WAYS)
WAY = Text(
    "`[USER@]HOST[:PORT]`", r"([^@\s/]+@)?(\[[0-9A-Fa-f:.]+\]|[^@\s/:]+)(:\d{1,5})?", "netcheck@10.1.0.9"
)
SCHEDULER = Text("a scheduler's address", r"[a-z]+://[^\s/@]+(:\d{1,5})?/?", "tls://scheduler.example:8786")
SIDES = Choice(("customer", "vendor"), "a side")


def _secret(kind: Secret, doc: str) -> Key:
    return key(kind, doc)._replace(secret=kind.words)


def _with_secret(fields: Fields, node: Node, report: Report) -> Fields:
    if not node.keys.keys() & {"password", "private_key"} and fields.keys() >= node.keys.keys():
        report.add(node, "a credential needs `password` or `private_key`")
    return fields


def _with_hosts(fields: Fields, node: Node, report: Report) -> Fields:
    given = node.keys.keys() & {"host", "hosts"}
    if len(given) == 2:
        report.add(node.keys["hosts"], "a target has `host` or `hosts`, not both")
    elif not given and fields.keys() >= node.keys.keys():
        report.add(node, "a target needs `host` or `hosts`")
    if "hosts" in fields and fields["hosts"].node.value == []:
        report.add(fields["hosts"].node, "the list is empty")
    return fields


# Of the probes' options those that tell of a place, and not of a target.
OF_A_PLACE = ("proxy",)


def _of_a_place() -> dict[str, Key]:
    return {name: all_options()[name] for name in OF_A_PLACE}


VANTAGE = Record(
    "a vantage",
    {
        "ssh": key(WAY, "reached by ssh: USER@HOST"),
        "cluster": key(SCHEDULER, "reached through a scheduler: tls://HOST:PORT"),
        "site": key(Text(), "the site, where a scheduler has several"),
        "stands_for": key(Many(Leaf(FLOW)), "the flows that really start here"),
    },
    _of_a_place,
    empty=True,
)
CREDENTIAL = Record(
    "a credential",
    {
        "username": key(Text(), "who logs in", required=True),
        "password": _secret(PASSWORD, "where the password is kept"),
        "private_key": _secret(PRIVATE_KEY, "where the private key is kept"),
        "passphrase": _secret(PASSWORD, "where the private key's passphrase is kept"),
    },
    make=_with_secret,
)
# What a level above the checks may say besides COMMON and the probes' options.
ABOVE: dict[str, Key] = {
    "profile": key(NAME, "a named set of checks (not available yet: its checks are planned as `skip`)"),
    "checks": key(Many(CheckItem()), "the checks; they add up over the levels"),
}


def _elsewhere(name: str) -> str:
    if name in ("host", "hosts", "groups"):
        return "; it belongs to a target"
    return "; it belongs to a check" if name in OWN else ""


def _of_the_defaults(name: str) -> str:
    above = name in COMMON or name in ABOVE or name in all_options()
    return "; it belongs in `defaults`, a group, a target or a check" if above else ""


DEFAULTS = Record(
    "`defaults`",
    {
        **COMMON,
        **ABOVE,
        "concurrency": key(Whole(1, 100_000), "checks in flight at once"),
        "rate": key(Whole(1, 1_000_000), "new connections a second"),
    },
    all_options,
    hint=_elsewhere,
    empty=True,
)
GROUP = Record("a group", {**COMMON, **ABOVE}, all_options, hint=_elsewhere, empty=True)
TARGET = Record(
    "a target",
    {
        "host": key(Host(), "one host: a name or an address"),
        "hosts": key(Many(Leaf(Hosts())), "several: ranges `web[01-12]` and networks `10.20.0.0/28`"),
        "groups": key(Many(Leaf(NAME)), "the groups it inherits from, the last one nearest"),
        **COMMON,
        **ABOVE,
    },
    all_options,
    make=_with_hosts,
    hint=_elsewhere,
)
ROOT = Record(
    "an inventory",
    {
        "netcheck": key(Version(), "the format's version: 1", required=True),
        "name": key(Text(), "what this inventory is for"),
        "customer": key(Text(), "whose network it is"),
        "contacts": key(Many(CONTACT), "whom to turn to"),
        "networks": key(
            Table(Many(Leaf(Network())), "networks", SIDES), "who owns a hop: customer or vendor"
        ),
        "vantages": key(Table(VANTAGE, "vantages"), "the places to check from; `local` always exists"),
        "credentials": key(Table(CREDENTIAL, "credentials"), "references to secrets, never secrets"),
        "defaults": key(DEFAULTS, "values for every check; the furthest level"),
        "groups": key(Table(GROUP, "groups"), "values that targets share"),
        "targets": key(Table(TARGET, "targets"), "what is checked", required=True),
    },
    hint=_of_the_defaults,
)
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The inventory's JSON Schema (draft 2020-12), for editors and for other programs."""
    root = ROOT.schema()
    one_or_several = [{"required": ["host"]}, {"required": ["hosts"]}]
    root["properties"]["targets"]["additionalProperties"]["oneOf"] = one_or_several
    return {
        "$schema": DIALECT,
        "$id": "https://netcheck.invalid/schema/inventory-1.json",
        "title": "netcheck inventory",
        **root,
        "$defs": {"check": schema_of_check()},
    }
