"""The command line: one module a command, imported only when it is called.

A command module has `arguments(parser)` and `run(arguments) -> exit status`; its name, group and
sentence stand in `COMMANDS`, so that help and a wrong word cost no imports.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TextIO

from netcheck import __version__, exitcodes
from netcheck.errors import NotAvailableYet, UsageError

if TYPE_CHECKING:
    import argparse


class Command(NamedTuple):
    """One command as `--help` lists it. `module` None: not available yet."""

    group: str
    does: str
    example: str
    module: str | None


COMMANDS: dict[str, Command] = {
    "run": Command(
        "check", "check everything the inventory asks for", "netcheck run inventory.yml --failed", "run"
    ),
    "check": Command(
        "check", "the same without an inventory", "netcheck check ssh://10.0.0.5 tcp://db1:5432", "check"
    ),
    "diagnose": Command("check", "one target in depth", "netcheck diagnose inventory.yml db01", "diagnose"),
    "init": Command(
        "inventory", "write a commented starter inventory", "netcheck init inventory.yml", "init"
    ),
    "import": Command("inventory", "other lists of devices → inventory", "netcheck import devices.csv", None),
    "export": Command("inventory", "the other way", "netcheck export inventory.yml", None),
    "validate": Command(
        "inventory", "read and check inventories, no traffic", "netcheck validate inventory.yml", "validate"
    ),
    "plan": Command(
        "inventory",
        "the checks that `run` would make, no traffic",
        "netcheck plan inventory.yml --only group:dmz",
        "plan",
    ),
    "rules": Command("inventory", "the firewall change request", "netcheck rules inventory.yml", None),
    "schema": Command(
        "inventory", "the inventory's JSON Schema", "netcheck schema > netcheck.schema.json", "schema"
    ),
    "report": Command(
        "results", "a saved run in any format", "netcheck report last --format markdown", "report"
    ),
    "ticket": Command("results", "a saved run, ready to attach", "netcheck ticket last", None),
    "diff": Command("results", "what changed between two runs", "netcheck diff last~1 last", None),
    "history": Command("results", "past runs", "netcheck history inventory.yml", None),
    "watch": Command("continuous", "repeat and show changes", "netcheck watch inventory.yml", None),
    "serve": Command("continuous", "page, JSON, metrics", "netcheck serve inventory.yml", None),
    "explain": Command(
        "learn", "what a cause code or a probe means", "netcheck explain tcp.filtered", "explain"
    ),
    "doctor": Command("learn", "what this machine can do", "netcheck doctor", "doctor"),
    "demo": Command("learn", "an embedded lab with devices broken on purpose", "netcheck demo", "demo"),
}


def main(argv: list[str] | None = None) -> int:
    """The `netcheck` command; returns the exit status."""
    words = sys.argv[1:] if argv is None else argv
    _open_streams()
    if words in (["--version"], ["-V"]):
        print(f"netcheck {__version__}")
        return exitcodes.OK
    # A run makes many values and no rubbish: looking for cycles as often as Python does costs a fifth.
    gc.set_threshold(100_000, 50, 100)
    atexit.register(gc.freeze)  # nor does the interpreter need to look through it all before it ends
    try:
        status = _command(words)
        sys.stdout.flush()  # while a reader that has left can still be met
        return status
    except UsageError as error:
        _complain(error)
        return exitcodes.USAGE
    except BrokenPipeError:  # `netcheck plan … | head`
        give_up(sys.stdout)
        return exitcodes.OK
    except KeyboardInterrupt:  # while reading or writing; a run has its own way to end early
        return exitcodes.INTERRUPTED


def _open_streams() -> None:
    """A stream that was closed from the start (`netcheck … >&-`) goes nowhere."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open for the whole run
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as above


def give_up(stream: TextIO) -> None:
    """Nobody reads the stream any more: what its buffer still holds goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _complain(error: UsageError) -> None:
    try:
        print(error, file=sys.stderr)
    except BrokenPipeError:  # `netcheck rnu 2>&1 | head -0`
        give_up(sys.stderr)


def _command(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return exitcodes.OK if words else exitcodes.USAGE
    command = COMMANDS.get(words[0])
    if command is None:
        raise UsageError(_unknown(words[0]))
    if command.module is None:
        raise NotAvailableYet(f"netcheck {words[0]}")
    return _run(words[0], command, words[1:])


def _run(name: str, command: Command, words: list[str]) -> int:
    import importlib

    module = importlib.import_module(f"netcheck.cli.{command.module}")
    parser = _parser(name, command)
    module.arguments(parser)
    status: int = module.run(parser.parse_args(words))
    return status


def _parser(name: str, command: Command) -> argparse.ArgumentParser:
    import argparse

    class Parser(argparse.ArgumentParser):
        """Says what is wrong in one line, as everything else here does."""

        def error(self, message: str) -> NoReturn:
            raise UsageError(f"{self.prog}: {message} ({self.prog} --help shows its options)")

    return Parser(
        prog=f"netcheck {name}",
        description=f"{command.does[0].upper()}{command.does[1:]}.",
        epilog=f"example: {command.example}",
        allow_abbrev=False,
    )


def _overview() -> str:
    lines = ["usage: netcheck COMMAND …        netcheck COMMAND --help shows an example", ""]
    group = ""
    for name, command in COMMANDS.items():
        if command.group != group:
            group = command.group
            lines.append(f"{group}:")
        later = "" if command.module else "  (not available yet)"
        lines.append(f"  {name:<10}{command.does}{later}")
    return "\n".join([*lines, "", "netcheck --version"])


def _unknown(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, 1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return f"netcheck: unknown command `{word}`{hint} (netcheck --help lists them)"
