"""One item under `checks`: a word, a URL, a port, or a mapping with `probe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from netcheck import registry
from netcheck.inventory.keys import COMMON, all_options, options, probes
from netcheck.inventory.problems import Report
from netcheck.inventory.services import Wanted, find_probe, read_port, read_service, with_port
from netcheck.inventory.shapes import MISSING, NAME, Given, Key, Record, described, key, report_bad
from netcheck.inventory.tree import Node
from probes.contract import NOTHING, Probe
from probes.settings import PORT, BadValue, Choice

OWN: dict[str, Key] = {
    "probe": key(Choice(()), "the protocol that is spoken", required=True),
    "port": key(PORT, "the port, where it is not the protocol's own"),
    "name": key(NAME, "tells two checks of one service apart"),
}


class WantedCheck(NamedTuple):
    """A check as written: the service, its `name`, and the values given with it."""

    wanted: Wanted
    name: str | None
    node: Node
    fields: Mapping[str, Given] = NOTHING
    flawed: bool = False  # one of its keys was refused: what it lacks is no second mistake


class CheckItem:
    """The shape of an item under `checks`."""

    def collect(self, node: Node, report: Report) -> Any:
        try:
            if isinstance(node.value, dict):
                return self._mapping(node, report)
            return WantedCheck(_word(node), None, node)
        except BadValue as error:
            report_bad(report, node, error)
            return MISSING

    def _mapping(self, node: Node, report: Report) -> Any:
        probe = _probe(node, report)
        if probe is None:
            return MISSING
        fields = _record(probe).collect(node, report)
        flawed = fields.keys() < node.keys.keys()
        port = fields.pop("port", None)
        name = fields.pop("name", None)
        fields.pop("probe", None)
        if port is None and "port" in node.keys:
            return MISSING
        try:
            wanted = Wanted(probe, with_port(probe, port.value if port else None))
        except BadValue as error:
            if port or not flawed:
                report.add(node.keys["port"] if port else node, error.message)
            return MISSING
        return WantedCheck(wanted, name.value if name else None, node, fields, flawed)

    def schema(self) -> dict[str, Any]:
        return {"$ref": "#/$defs/check"}


def _word(node: Node) -> Wanted:
    match node.value:
        case str() if node.value:
            return read_service(node.value)
        case int() if not isinstance(node.value, bool):
            return Wanted(find_probe("tcp"), read_port(str(node.value)))
    raise BadValue(f"{described(node)} is not a check (for example `ssh`, `tcp/5432`, `https://h:8443/x`)")


def _probe(node: Node, report: Report) -> Probe | None:
    assert isinstance(node.value, dict)
    part = node.value.get("probe")
    if part is None:
        report.add(node, f"a check needs `probe`: {OWN['probe'].doc}" + _meant(node))
        return None
    if not isinstance(part.value, str) or not part.value:
        report.add(part, f"{described(part)} is not a probe's name")
        return None
    try:
        return find_probe(part.value)
    except BadValue as error:
        report_bad(report, part, error)
        return None


def _meant(node: Node) -> str:
    """`{ssh: 22}` and `- tcp: 5432` are what people write first."""
    first = next(iter(node.keys), "")
    return f"; write `probe: {first}`" if first in registry.names() else ""


def _record(probe: Probe) -> Record:
    own = {**OWN, "probe": key(Choice(registry.names()), OWN["probe"].doc, required=True)}
    return Record(f"a check by {probe.name}", {**own, **COMMON, **options(probe)}, hint=_foreign)


def _foreign(name: str) -> str:
    """A key that the record does not have, though a target or some other probe does."""
    if name in ("host", "hosts"):
        return "; it belongs to a target (a URL names a host of its own)"
    if name not in all_options():
        return ""
    others = [probe.name for probe in probes() if name in options(probe)]
    return f"; it is an option of {', '.join(others)}"


def schema_of_check() -> dict[str, Any]:
    """The JSON Schema of an item: a word, a port, or a mapping whose keys depend on its probe."""
    own = {**OWN, "probe": key(Choice(tuple(probe.name for probe in probes())), OWN["probe"].doc)}
    every = Record("a check", {**own, **COMMON, **all_options()}).schema()
    cases = [
        {
            "if": {"properties": {"probe": {"const": probe.name}}, "required": ["probe"]},
            "then": {"propertyNames": {"enum": [*OWN, *COMMON, *options(probe)]}},
        }
        for probe in probes()
    ]
    words = "|".join(probe.name for probe in probes())
    text = {
        "type": "string",
        "pattern": f"^({words})(/[0-9]+)?$|^({words})://",
        "description": "PROBE, PROBE/PORT or a URL",
        "examples": [probe.name for probe in probes()],
    }
    return {"anyOf": [text, PORT.schema(), {**every, "required": ["probe"], "allOf": cases}]}
