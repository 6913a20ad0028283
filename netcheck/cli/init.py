"""`netcheck init [FILE]`: writes a commented starter inventory, and the schema that editors check it by."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from importlib import resources
from pathlib import Path

from netcheck import exitcodes
from netcheck.cli import schema
from netcheck.errors import UsageError

SCHEMA = "netcheck.schema.json"
TITLE = '"title": "netcheck inventory"'  # by this an earlier schema of ours is known


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        default="inventory.yml",
        type=Path,
        help="default: inventory.yml; `-` is stdout",
    )


def run(arguments: Namespace) -> int:
    """Writes both files or none; an inventory that is there stays as it is."""
    path: Path = arguments.file
    if str(path) == "-":
        print(starter(), end="")
        return exitcodes.OK
    beside = path.parent / SCHEMA
    try:
        _refuse(path, beside)
        _write(path, beside)
    except FileExistsError:
        raise UsageError(f"netcheck init: {path} is there already; name another file") from None
    except OSError as error:
        raise UsageError(f"netcheck init: {path} can't be written: {error.strerror}") from None
    print(f"{path}: an inventory to start from (beside it {SCHEMA}, for your editor)")
    print(f"edit it, then: netcheck validate {path}")
    return exitcodes.OK


def starter() -> str:
    """The starter inventory's text."""
    return resources.files("netcheck.inventory").joinpath("starter.yml").read_text("utf-8")


def _refuse(path: Path, beside: Path) -> None:
    """What may not be overwritten is found out before anything is written."""
    if os.path.lexists(path):
        raise FileExistsError
    if beside.exists() and TITLE not in beside.read_text("utf-8", "replace"):
        raise UsageError(f"netcheck init: {beside} is there already, and it is not netcheck's; move it away")


def _write(path: Path, beside: Path) -> None:
    draft = path.parent / f".{SCHEMA}.{os.getpid()}"
    try:
        _new(draft, schema.text())
        _new(path, starter())
        draft.replace(beside)
    finally:
        draft.unlink(missing_ok=True)


def _new(path: Path, text: str) -> None:
    """A new file with that text, whole or not at all."""
    with open(path, "x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink()
            raise
