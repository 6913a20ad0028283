"""From a file to an inventory: read, check every word of it, inherit. Nothing is sent anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from netcheck.inventory.entries import Entries, refuse_size
from netcheck.inventory.form import OF_A_PLACE, ROOT
from netcheck.inventory.model import LOCAL, CredentialRef, Inventory, SecretRef, Vantage
from netcheck.inventory.names import check_references
from netcheck.inventory.options import Options, absolute
from netcheck.inventory.problems import Report
from netcheck.inventory.shapes import Fields, Given, report_bad
from netcheck.inventory.source import Source, read_source
from netcheck.inventory.tree import read_tree
from netcheck.inventory.unique import refuse_twins
from probes.settings import BadValue


def load(path: str | Path) -> Inventory:
    """The inventory in that file. Raises InventoryError, which holds every problem found."""
    source = read_source(path)
    report = Report(source.path, source.lines)
    root = ROOT.collect(read_tree(source, report), report)
    if not isinstance(root, dict):
        raise report.error()
    inventory = _inventory(root, source, report)
    report.finish()
    return inventory


def _inventory(root: Fields, source: Source, report: Report) -> Inventory:
    vantages = _vantages(root, report)
    places = _places(root, vantages)
    defaults = _of(root, "defaults", {})
    groups = _of(root, "groups", {})
    targets = _of(root, "targets", {})
    check_references(root, report)
    options = Options(source.folder, report)
    entries = Entries(defaults, groups, vantages, places, options, report, _flawed(root, "targets"))
    made = tuple(entries.make(targets))
    if "targets" in root and root["targets"].node.value in (None, {}) and root["targets"].node.size == 1:
        report.add(root["targets"].node, "`targets` is empty: there is nothing to check")
    if not refuse_size(made, report):
        refuse_twins(made, report)
    return Inventory(
        path=Path(source.path),
        sha256=source.sha256,
        entries=made,
        vantages=vantages,
        name=_of(root, "name"),
        customer=_of(root, "customer"),
        contacts=_values(_of(root, "contacts", ())),
        networks={side: _values(given.value) for side, given in _of(root, "networks", {}).items()},
        credentials=_credentials(_of(root, "credentials", {}), source.folder, report),
        concurrency=_of(defaults, "concurrency"),
        rate=_of(defaults, "rate"),
    )


def _of(fields: Fields, name: str, default: Any = None) -> Any:
    return fields[name].value if name in fields else default


def _values(parts: Iterable[Given]) -> tuple[Any, ...]:
    return tuple(part.value for part in parts)


def _flawed(root: Fields, table: str) -> set[str]:
    """The names in a table whose records have a key that was refused, and reported."""
    if table not in root:
        return set()
    written: Any = root[table].node.value or {}
    return {
        name for name, given in root[table].value.items() if written[name].keys.keys() - given.value.keys()
    }


def _vantages(root: Fields, report: Report) -> dict[str, Vantage]:
    """By name; `local` is always there, first where the inventory does not say otherwise."""
    table: Mapping[str, Given] = _of(root, "vantages", {})
    flawed = _flawed(root, "vantages")
    found = {} if LOCAL in table else {LOCAL: Vantage(LOCAL)}
    for name, given in table.items():
        fields: Fields = given.value
        ways = [way for way in ("ssh", "cluster") if way in fields]
        if name == LOCAL and ways:
            report.add(given.node, f"`local` is this host; a vantage with `{ways[0]}` needs another name")
        elif name != LOCAL and len(ways) != 1 and name not in flawed:
            report.add(given.node, f"vantage `{name}` needs one of `ssh` and `cluster`")
        values = {key: _of(fields, key) for key in ("ssh", "cluster", "site")}
        found[name] = Vantage(name, _values(_of(fields, "stands_for", ())), **values)
    return found


def _places(root: Fields, vantages: Iterable[str]) -> dict[str, Fields]:
    """What each vantage gives the checks that are made from it."""
    table: Mapping[str, Given] = _of(root, "vantages", {})
    written = {name: given.value for name, given in table.items()}
    return {
        name: {key: given for key, given in written.get(name, {}).items() if key in OF_A_PLACE}
        for name in vantages
    }


def _credentials(table: Mapping[str, Given], folder: Path, report: Report) -> dict[str, CredentialRef]:
    found = {}
    for name, given in table.items():
        fields: Fields = given.value
        if "username" in fields:
            secrets = {
                key: _located(part, folder, report) for key, part in fields.items() if key != "username"
            }
            found[name] = CredentialRef(name, fields["username"].value, **secrets)
    return found


def _located(given: Given, folder: Path, report: Report) -> SecretRef:
    """The reference; a file's path is made absolute here, whether it is there is found out at the run."""
    secret: SecretRef = given.value
    if secret.kind == "file" and isinstance(secret.value, str):
        try:
            return SecretRef("file", str(absolute(secret.value, folder)))
        except BadValue as error:
            report_bad(report, given.node, error)
    return secret
