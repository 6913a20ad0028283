"""docs/benchmarks.md: a section of each kind of measure, replaced when it is measured anew."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HEAD = "# Benchmarks\n\nMade by `make bench`.\n"
# By the section's name: its heading, what stands above its table, and below.
SECTIONS = {
    "speed": (
        "Speed",
        "Machines are noisy, so what counts is the ratio: both commands run in turn, and the median of the\n"
        "ratios run by run is shown. Times are medians of whole processes, from start to exit.",
        "What is measured: `netcheck run` with its table and its journal, as a user runs it; every address\n"
        "is on loopback. In the silent scene nmap gets 1 s × 3 tries, netcheck `--timeout 3`, `retries: 0`.",
    ),
    "bounds": (
        "Bounds",
        "How soon a flow is placed, what the second look adds, and how little of a trace is on the wire.",
        "The way has twelve routers, each a namespace; the last drops one port and rejects another.\n"
        "SYNs are those that leave the vault for the target in `diagnose`, less those of `--no-trace`: the\n"
        "ladder and all that it is compared with. The kernel's repeats are not counted; a handshake is\n"
        "one that the vault completed. The silent hosts are two /24 networks behind one hop; what is added\n"
        "is the run's time less that of a run without second look and trace. Linux's ICMP limit: six errors\n"
        "at once, then one a second.",
    ),
}


def record(name: str, table: str) -> None:
    """Replace one section of the page; the other stays as it was measured."""
    known = PAGE.read_text(encoding="utf-8")
    parts = {section: _section(known, section) for section in SECTIONS} | {name: _made(name, table)}
    PAGE.write_text("\n".join([HEAD, *(part for part in parts.values() if part)]), encoding="utf-8")


def _section(text: str, name: str) -> str:
    """The section as it stands in the page; empty where it is not there yet."""
    found = re.search(rf"^## {SECTIONS[name][0]}$.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return f"{found[0].rstrip()}\n" if found else ""


def _made(name: str, table: str) -> str:
    title, above, below = SECTIONS[name]
    machine = f"{os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}"
    return f"## {title}\n\n{above}\nMeasured on {machine}.\n\n{table}\n\n{below}\n"
