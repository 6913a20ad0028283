"""`netcheck diagnose INVENTORY TARGET`, `diagnose URL…`: one target in depth, told on one page."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace

from netcheck.cli import choosing, running
from netcheck.errors import UsageError
from netcheck.inventory import load
from netcheck.inventory.model import Entry, Inventory
from netcheck.inventory.target import pick
from netcheck.inventory.urls import from_urls
from netcheck.plan import choose
from probes.words import span_words


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("what", metavar="INVENTORY|URL", help="inventory.yml, or ssh://10.0.0.5")
    parser.add_argument(
        "more", metavar="TARGET|URL", nargs="*", help="a target's name, host or address; or more URLs of one"
    )
    parser.add_argument(
        "--idle",
        metavar="DURATION",
        type=choosing.seconds,
        help="also find out how long the way lets connections be idle, up to so long (30m)",
    )
    running.add_arguments(parser, usual="the page")


def run(arguments: Namespace) -> int:
    """Check all of the target and print its page. Exit status as of `run`."""
    inventory, entries = _asked(arguments.what, arguments.more)
    if arguments.idle:
        entries = tuple(_left_idle(entry, arguments.idle) for entry in entries)
        if not arguments.quiet:
            print(
                f"netcheck: leaves connections idle for up to {span_words(arguments.idle)}", file=sys.stderr
            )
    planned = choose(entries, only=arguments.only, timeout=arguments.timeout)
    return running.perform(arguments, planned, inventory, page="story", everyone=True)


def _asked(what: str, more: Sequence[str]) -> tuple[Inventory | None, tuple[Entry, ...]]:
    """The inventory, if there is one, and the entries that are the target. Raises UsageError."""
    if "://" in what:
        return None, _of_one_host(tuple(from_urls([what, *more])))
    inventory = load(what)
    if len(more) != 1:
        named = f"{what} has {', '.join(_some(inventory))}"
        raise UsageError(f"netcheck diagnose: it takes an inventory and one target of it; {named}")
    return inventory, pick(inventory.entries, more[0])


def _left_idle(entry: Entry, longest: float) -> Entry:
    """The entry with connections left idle beside every check, `longest` seconds at most."""
    services = (
        service._replace(terms=service.terms._replace(idle=longest, bracket=True))
        for service in entry.services
    )
    return replace(entry, services=tuple(services))


def _some(inventory: Inventory) -> list[str]:
    """A few of the targets, for who has named none."""
    names = [next(entry.targets())[0] for entry in inventory.entries[:3]]
    return [*names, "…"] if sum(entry.count for entry in inventory.entries) > len(names) else names


def _of_one_host(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    hosts = dict.fromkeys(entry.name for entry in entries)
    if len(hosts) > 1:
        raise UsageError(f"netcheck diagnose: it looks at one host at a time, not at {', '.join(hosts)}")
    return entries
