"""A probe's settings from inherited values, each read with the probe's own kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netcheck.inventory.checks import WantedCheck
from netcheck.inventory.inherit import Values
from netcheck.inventory.problems import Report
from netcheck.inventory.shapes import MISSING, report_bad
from netcheck.inventory.tree import Node
from probes.settings import BadValue, File, Kind, options_of, shown


class Options:
    """Reads options; relative paths are relative to `folder`. A shared value is read once a kind."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._folder = folder
        self._report = report
        self._read: dict[tuple[int, int], Any] = {}

    def settings(self, check: WantedCheck, values: Values) -> Any:
        """The probe's settings, or MISSING where a value does not fit; what a URL says is nearest."""
        wanted = check.wanted
        found = dict(wanted.settings)
        for name, option in options_of(wanted.probe.settings).items():
            if name in values and name not in found:
                found[name] = self._value(option.kind, values[name].node)
        if MISSING in found.values():
            return MISSING
        try:
            return wanted.probe.settings(**found)
        except BadValue as error:
            if not check.flawed:
                self._report.add(check.node, error.message)
            return MISSING

    def _value(self, kind: Kind, node: Node) -> Any:
        known = (id(node), id(kind))
        if known not in self._read:
            self._read[known] = self._fresh(kind, node)
        return self._read[known]

    def _fresh(self, kind: Kind, node: Node) -> Any:
        try:
            value = kind.read(node.plain())
            return self._file(value) if isinstance(kind, File) and kind.is_file(value) else value
        except BadValue as error:
            report_bad(self._report, node, error)
            return MISSING

    def _file(self, value: str) -> str:
        path = absolute(value, self._folder)
        if not path.exists() or path.is_dir():  # /dev/null is as good a file as any
            where = "" if Path(value).is_absolute() else f" in {self._folder.name}/, the inventory's folder"
            raise BadValue(f"there is no file {shown(value)}{where}")
        return str(path)


def absolute(value: str, folder: Path) -> Path:
    """The path as an inventory means it: `~` is the user's home, relative is to the inventory's folder."""
    try:
        return folder / Path(value).expanduser()
    except RuntimeError:  # `~nobody/…`
        raise BadValue(f"there is no home folder for {shown(value)}") from None
