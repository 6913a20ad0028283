"""What the README and the pages show is what the program does."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

import pytest

from netcheck import exitcodes
from netcheck.cli import COMMANDS, running
from netcheck.inventory import load
from netcheck.plan import plan

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "docs/inventory.md", "docs/between.md")
INVENTORIES = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"```yaml\n(netcheck: 1\n.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    )
]


def rows(heading: str) -> list[str]:
    """The first cells of the table that follows this text."""
    table = README.partition(heading)[2].partition("\n\n|")[2].partition("\n\n")[0]
    return [line.split("|")[1].strip() for line in f"|{table}".splitlines()[2:]]


@pytest.mark.parametrize("text", INVENTORIES)
def test_every_inventory_shown_is_valid(text: str, tmp_path: Path) -> None:
    """Each YAML block loads and gives checks."""
    path = tmp_path / "inventory.yml"
    path.write_text(text, encoding="utf-8")
    assert len(plan(load(path), only=[], timeout=None)) > 0


def test_there_are_inventories_shown() -> None:
    """The pattern above still finds the blocks."""
    assert len(INVENTORIES) >= 6


def test_the_worked_example_of_levels_holds(tmp_path: Path) -> None:
    """docs/inventory.md, Levels: each row of the table is what the plan has."""
    section = (ROOT / "docs" / "inventory.md").read_text(encoding="utf-8").partition("## Levels")[2]
    path = tmp_path / "inventory.yml"
    path.write_text(section.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    planned = {
        f"{check.target}/{check.label}": (check.terms.timing.timeout, check.terms.tags)
        for check in plan(load(path), only=[], timeout=None)
    }
    shown = re.findall(r"^\| `(web[^`]+)` \| (\d+) s \| [^|]+ \| ([^|]+) \|$", section, re.MULTILINE)
    assert planned == {
        name: (float(seconds), tuple(tags.strip().split(", "))) for name, seconds, tags in shown
    }


def test_the_table_of_commands_is_complete() -> None:
    """Every command that is there is in the table, and none else."""
    shown = {cell.strip("`").split()[0] for cell in rows("## Commands")}
    assert shown == {name for name, command in COMMANDS.items() if command.module}


def test_the_commands_that_are_missing_are_named() -> None:
    """Every command that is not available yet is listed as such."""
    later = README.partition("## Not available yet")[2].partition("; the formats")[0]
    shown = set(re.findall(r"`([a-z]+)`", later))
    assert shown == {name for name, command in COMMANDS.items() if not command.module}


def test_the_table_of_options_is_complete() -> None:
    """Every option of `run` is in the table, and none else."""
    parser = argparse.ArgumentParser(add_help=False)
    running.add_arguments(parser)
    options = {word for action in parser._actions for word in action.option_strings}
    shown = {word for cell in rows("shows the options") for word in re.findall(r"--?[a-z][a-z-]*", cell)}
    assert shown == options


def test_the_table_of_statuses_is_complete() -> None:
    """Each exit status has its row."""
    shown = {int(cell) for cell in rows("Exit statuses")}
    named = {value for name, value in vars(exitcodes).items() if name.isupper()}
    assert shown == named


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.module])
def test_every_command_is_there(name: str) -> None:
    """The module of each command has its two functions."""
    module = importlib.import_module(f"netcheck.cli.{COMMANDS[name].module}")
    assert callable(module.arguments)
    assert callable(module.run)


def test_links_lead_somewhere() -> None:
    """Every relative link in the pages is a file of the project."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"
