"""`netcheck doctor`: what this machine can do, and what follows for the checks."""

from __future__ import annotations

import platform
import shutil
import sys
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from netcheck import __version__, codec, exitcodes
from netcheck.cli import output
from netcheck.doctor import examine
from netcheck.doctor.ability import Ability, State
from netcheck.render.text import safe

COLORS = {State.YES: 32, State.PARTLY: 33, State.NO: 36}
NARROW, WIDE = 60, 110  # columns


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")


def run(arguments: Namespace) -> int:
    """Print what there is. Exit status 3 where something is missing that checks need."""
    abilities = list(examine())
    if arguments.format == "json":
        page = _document(abilities)
    else:
        page = _page(abilities, output.wants_color("auto"))
    output.put(page)
    return exitcodes.of_doctor(missing=any(ability.missing for ability in abilities))


def _page(abilities: Sequence[Ability], color: bool) -> str:
    terminal = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    width = min(max(terminal, NARROW), WIDE)
    column = max(len(ability.name) for ability in abilities)
    blocks = [_block(ability, column, width) for ability in abilities]
    if color:
        blocks = [_painted(block, one.state, column) for block, one in zip(blocks, abilities, strict=True)]
    head = f"netcheck {__version__} on {safe(platform.node())}: what this machine can do\n\n"
    return head + "".join(blocks) + "\n" + _end(abilities)


def _block(ability: Ability, column: int, width: int) -> str:
    """The ability with what was found, below it what follows and how to get it."""
    start = f"{ability.name:<{column}}  {ability.state:<6}  "
    lines = [safe(ability.found), f"→ {ability.means}"]
    if ability.remedy:
        lines.append(f"→ to get it: {ability.remedy}")
    room = width - len(start)
    wrapped = [part for line in lines for part in textwrap.wrap(line, room, subsequent_indent="  ")]
    return start + f"\n{' ' * len(start)}".join(wrapped) + "\n"


def _painted(block: str, state: State, column: int) -> str:
    before, word, after = (
        block[: column + 2],
        block[column + 2 :][: len(state)],
        block[column + 2 + len(state) :],
    )
    return f"{before}\x1b[{COLORS[state]}m{word}\x1b[0m{after}"


def _end(abilities: Sequence[Ability]) -> str:
    missing = [ability.name for ability in abilities if ability.missing]
    if missing:
        return f"Not every check can be made here: {', '.join(missing)}\n"
    return "Every check can be made here; what is `no` or `partly` makes some results weaker or slower.\n"


def _document(abilities: Sequence[Ability]) -> str:
    document = {
        "schema": "netcheck/doctor/1",
        "netcheck": __version__,
        "host": platform.node(),
        "platform": sys.platform,
        "abilities": [ability._asdict() for ability in abilities],
    }
    return codec.dumps(document) + "\n"
