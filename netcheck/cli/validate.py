"""`netcheck validate INVENTORY…`: reads and checks inventories; no traffic."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from netcheck import exitcodes
from netcheck.errors import UsageError
from netcheck.inventory import load
from netcheck.plan import plan
from netcheck.render.text import count


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("inventories", metavar="INVENTORY", nargs="+")


def run(arguments: Namespace) -> int:
    """Every file is reported, the good ones too."""
    return max([_validate(path) for path in arguments.inventories])


def _validate(path: str) -> int:
    try:
        planned = plan(load(path))
    except UsageError as error:
        print(error, file=sys.stderr)
        return exitcodes.USAGE
    print(f"{path}: {count(len(planned), 'check')} of {count(planned.targets, 'target')}, valid")
    return exitcodes.OK
