"""`netcheck schema`: the inventory's JSON Schema (draft 2020-12), for editors and other programs."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from netcheck import exitcodes


def arguments(parser: ArgumentParser) -> None:
    """None."""


def run(arguments: Namespace) -> int:
    print(text(), end="")
    return exitcodes.OK


def text() -> str:
    """The schema as a file's content."""
    from netcheck.inventory.form import schema

    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
