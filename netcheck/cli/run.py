"""`netcheck run INVENTORY`: checks everything the inventory asks for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from netcheck.cli import running
from netcheck.inventory import load
from netcheck.plan import plan


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("inventory", metavar="INVENTORY")
    running.add_arguments(parser)


def run(arguments: Namespace) -> int:
    inventory = load(arguments.inventory)
    planned = plan(inventory, only=arguments.only, timeout=arguments.timeout)
    return running.perform(arguments, planned, inventory)
