"""What `run`, `check` and `demo` share: their options, and a run with its signals, journal and outputs."""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from netcheck import api, exitcodes
from netcheck.cli import choosing, output, progress
from netcheck.credentials import Vault
from netcheck.engine import Depth
from netcheck.events import Observer
from netcheck.history.keeper import Keeper
from netcheck.inventory.model import Inventory
from netcheck.plan import Plan


def add_arguments(parser: ArgumentParser, usual: str = "table") -> None:
    """The options of a command that checks. `usual` is what stdout gets without `--format`, in words."""
    choosing.add_arguments(parser)
    parser.add_argument("--concurrency", metavar="N", type=_count, help="connections in flight at most")
    parser.add_argument("--rate", metavar="N", type=_count, help="new connections a second at most")
    parser.add_argument("--no-trace", action="store_true", help="skip the route trace after a failure")
    parser.add_argument(
        "--fail-on",
        choices=("fail", "warn"),
        default="fail",
        help="the verdict from which the exit status is 1 (default: fail)",
    )
    parser.add_argument("--no-history", action="store_true", help="do not record the run")
    output.add_arguments(parser, usual, captures=True)


def _count(text: str) -> int:
    from argparse import ArgumentTypeError

    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise ArgumentTypeError(f"`{text}` is not a whole number from 1")
    return int(text)


def perform(
    arguments: Namespace,
    plan: Plan,
    inventory: Inventory | None,
    *,
    observers: Sequence[Observer] = (),
    page: str = "table",
    everyone: bool = False,
) -> int:
    """Run the plan, write every output, return the exit status. Nothing is sent before all is ready.

    `page` is the format for people, of stdout and of `-o x.txt`; `everyone`: each check is looked into by
    itself, those that pass too.
    """
    outputs = output.Outputs(arguments, page)
    outputs.prepare()
    vault = Vault(inventory.credentials if inventory else {})
    vault.prompt(plan.credentials)
    keeper = None if arguments.no_history else Keeper()
    own = [observer for observer in (keeper, _bar(arguments)) if observer]
    record = asyncio.run(
        api.run(
            plan,
            api.head_of(inventory),
            total=len(plan),
            networks=inventory.networks if inventory else {},
            limits=api.limits(inventory, arguments.concurrency, arguments.rate),
            depth=Depth(trace=not arguments.no_trace, everyone=everyone),
            credential=vault.get,
            redact=vault.redact,
            observers=[*own, *observers],
            interruptible=_on_signals,
            capture=outputs.capture,
        )
    )
    outputs.write(record, saved=keeper is not None and keeper.saved)
    return exitcodes.of_run(record.summary, arguments.fail_on)


def _bar(arguments: Namespace) -> Observer | None:
    return progress.Progress() if progress.wanted(arguments.quiet) else None


def _on_signals(interrupt: Callable[[], None]) -> None:
    """Ctrl-C and SIGTERM end the run early; what is finished is printed and saved."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
