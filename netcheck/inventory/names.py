"""The names an inventory defines, and whether each reference means one of them."""

from __future__ import annotations

from collections.abc import Iterator

from netcheck.inventory.model import LOCAL
from netcheck.inventory.problems import Report, nearest
from netcheck.inventory.shapes import Fields, Given
from probes.settings import shown

BUILT_IN = {"vantage": (LOCAL,)}


def check_references(root: Fields, report: Report) -> None:
    """Report each reference to a group, vantage or credential that is not defined.

    One that is defined with a mistake in it counts as defined: that mistake has been reported.
    """
    known = {kind: _defined(root, kind) for kind in ("group", "vantage", "credential")}
    for fields in _levels(root):
        for kind, given in _references(fields):
            if given.value not in known[kind]:
                near = nearest(given.value, known[kind]) or f"; `{kind}s` does not define it"
                report.add(given.node, f"unknown {kind} {shown(given.value)}{near}")


def _defined(root: Fields, kind: str) -> tuple[str, ...]:
    table = root.get(f"{kind}s")
    return (*(table.node.keys if table else ()), *BUILT_IN.get(kind, ()))


def _levels(root: Fields) -> Iterator[Fields]:
    """Every mapping that may refer to something: all levels and all checks."""
    if "defaults" in root:
        yield from _with_checks(root["defaults"].value)
    for table in ("groups", "targets"):
        for given in root[table].value.values() if table in root else ():
            yield from _with_checks(given.value)


def _with_checks(fields: Fields) -> Iterator[Fields]:
    yield fields
    for check in fields["checks"].value if "checks" in fields else ():
        yield check.value.fields


def _references(fields: Fields) -> Iterator[tuple[str, Given]]:
    for group in fields["groups"].value if "groups" in fields else ():
        yield "group", group
    for vantage in fields["from"].value if "from" in fields else ():
        yield "vantage", vantage
    if "credential" in fields:
        yield "credential", fields["credential"]
