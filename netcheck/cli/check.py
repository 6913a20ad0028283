"""`netcheck check URL…`: the main job without an inventory."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from netcheck.cli import running
from netcheck.inventory.urls import from_urls
from netcheck.plan import choose


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("urls", metavar="URL", nargs="+", help="ssh://10.0.0.5 tcp://db1:5432 dns://db1")
    running.add_arguments(parser)


def run(arguments: Namespace) -> int:
    planned = choose(from_urls(arguments.urls), only=arguments.only, timeout=arguments.timeout)
    return running.perform(arguments, planned, None)
