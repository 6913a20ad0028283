"""`netcheck report RUN`: a saved run in any format. Exit status 0 once the report is written, whatever
the run found: the run itself has said that already."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from netcheck import exitcodes
from netcheck.cli import output
from netcheck.history import saved


def arguments(parser: ArgumentParser) -> None:
    """RUN and the options of output."""
    parser.add_argument("run", metavar="RUN", help=saved.WHAT_A_RUN_IS)
    output.add_arguments(parser)


def run(arguments: Namespace) -> int:
    """Load the run and write it. With `-o` and no `--format` nothing goes to stdout."""
    if arguments.files and arguments.format is None:
        arguments.quiet = True
    outputs = output.Outputs(arguments)
    outputs.prepare()
    outputs.write(saved.load(saved.find(arguments.run)), saved=arguments.run == "last")
    return exitcodes.OK
