"""`netcheck demo`: the real main job over the embedded lab."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from netcheck import exitcodes
from netcheck.cli import running
from netcheck.demo.lab import Lab
from netcheck.demo.watcher import Watcher
from netcheck.errors import UsageError
from netcheck.history import journal
from netcheck.inventory import load
from netcheck.plan import plan

NEXT = """
The inventory of this demo: {inventory}

What to try next
  {netcheck} explain ssh.no_common_algorithm
      what a cause means, how it is proved, what to do, who acts
  {netcheck} plan --origins {inventory}
      what was asked of each device, and where each value is from
  {netcheck} report last --format markdown
      this run again, as text for a page or a ticket
  {netcheck} demo --keep
      keeps the lab's servers up, to edit and run its inventory
  {netcheck} init
      an inventory of your own to start from"""

KEPT = "\nThe lab runs until Ctrl-C. In another terminal: {netcheck} run {inventory}"


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--keep", action="store_true", help="keep the lab running until Ctrl-C")
    running.add_arguments(parser)


def run(arguments: Namespace) -> int:
    """Status 0 when every device of the lab showed what it was built to show."""
    with _started(_folder()) as lab:
        inventory = load(lab.inventory)
        planned = plan(inventory, only=arguments.only, timeout=arguments.timeout)
        watcher = Watcher(lab.intended())
        status = running.perform(arguments, planned, inventory, observers=[watcher])
        if status == exitcodes.INTERRUPTED:
            return status
        _say(arguments, NEXT.format(inventory=lab.inventory, netcheck=_command()))
        if arguments.keep:
            _say(arguments, KEPT.format(inventory=lab.inventory, netcheck=_command()))
            _wait()
    for surprise in watcher.surprises():
        print(f"netcheck demo: {surprise}", file=sys.stderr)
    return exitcodes.FAILED if watcher.surprises() else exitcodes.OK


def _started(folder: Path) -> Lab:
    try:
        return Lab(folder)
    except OSError as error:
        raise UsageError(f"netcheck demo: the lab can't start: {error}") from None


def _folder() -> Path:
    """Where the inventory stays for the user to look at; a temporary folder where there is no home."""
    try:
        folder = journal.folder().parent / "demo"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError):
        return Path(tempfile.mkdtemp(prefix="netcheck-demo-"))
    return folder


def _command() -> str:
    """How this user calls netcheck: by its name where the shell finds it, else as it was called now."""
    called = sys.argv[0]
    return called if not shutil.which("netcheck") and Path(called).name == "netcheck" else "netcheck"


def _say(arguments: Namespace, text: str) -> None:
    """Below the table; beside a format that a program reads, to stderr."""
    if not arguments.quiet:
        beside = arguments.format not in (None, "table", "wide")
        print(text, file=sys.stderr if beside else sys.stdout, flush=True)


def _wait() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
