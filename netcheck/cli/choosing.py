"""The options that say which checks, and how long each may take: the same for a run and its plan."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError

from probes.settings import BadValue, Duration


def add_arguments(parser: ArgumentParser) -> None:
    """`--only` and `--timeout`."""
    parser.add_argument(
        "--only",
        metavar="SELECTOR",
        action="append",
        default=[],
        help="name, glob*, group:g, tag:t, probe:p, flow:f, vantage:v, owner:o; `,` is and, `!` not",
    )
    parser.add_argument("--timeout", metavar="S", type=seconds, help="seconds for one step (default: 5)")


def seconds(text: str) -> float:
    """A duration, as in the inventory; argparse turns the error into its usage message."""
    try:
        found = Duration().read(text)
    except BadValue as error:
        raise ArgumentTypeError(error.message) from None
    if found <= 0:
        raise ArgumentTypeError(f"`{text}` is too short: more than 0 s")
    return found
