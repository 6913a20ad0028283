"""`make bench`: netcheck beside the tools that set the pace, as ratios of one run, and what has a bound.

`python -m tests.bench speed` or `bounds` measures one of the two. As root the silent addresses, and a way of
many hops, are made in network namespaces of their own. The tables are printed and, with `--write`, recorded
in docs/benchmarks.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from tests.bench import bounds, page
from tests.bench.pairs import Command, cost, measure
from tests.bench.servers import acceptor, sshd

BIN = Path(sys.executable).parent
NETCHECK = str(BIN / "netcheck")
NETWORK = "127.0.32.0/19"  # 8,190 host addresses
SILENT = 410  # of them, 5 %
ONE_SECOND = ("--min-rtt-timeout", "1s", "--initial-rtt-timeout", "1s", "--max-rtt-timeout", "1s")
NAMESPACE = "netcheck-bench"
HEADERS = ("what", "netcheck", "beside it", "ratio", "bound")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, as text."""

    what: str
    ours: str
    theirs: str
    ratio: str
    bound: str


def main() -> None:
    asked = [word for word in sys.argv[1:] if word in page.SECTIONS] or list(page.SECTIONS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = name
        for section in asked:
            table = _speed(folder) if section == "speed" else _bounds(folder)
            print(table or f"{section}: needs root, ip, nft and sysctl")
            if table and "--write" in sys.argv[1:]:
                page.record(section, table)


def _speed(folder: Path) -> str:
    rows = [*_scan(folder), *_silent(folder), *_host_keys(folder), _start(), *_memory(folder)]
    return tabulate(
        [[row.what, row.ours, row.theirs, row.ratio, row.bound] for row in rows], HEADERS, "github"
    )


def _bounds(folder: Path) -> str:
    return tabulate([bound.cells for bound in bounds.measure(folder)], bounds.HEADERS, "github")


def _inventory(folder: Path, hosts: str, check: str) -> str:
    path = folder / f"{check.replace('/', '-')}.yml"
    path.write_text(f"netcheck: 1\ntargets:\n  net: {{hosts: {hosts}, checks: [{check}]}}\n")
    return str(path)


def _scan(folder: Path) -> Iterator[Row]:
    """8,190 addresses, one open port each."""
    if not shutil.which("nmap"):
        yield Row("8,190 open ports", "-", "nmap is not installed", "-", "3.0")
        return
    with acceptor() as port:
        ours = [NETCHECK, "run", _inventory(folder, NETWORK, f"tcp/{port}")]
        yield _against("8,190 open ports", ours, _nmap(port), "nmap -sT -T4", "3.0")


def _nmap(port: int, *more: str) -> list[str]:
    return ["nmap", "-sT", "-T4", "-n", "-Pn", "-p", str(port), *more, NETWORK]


def _against(
    what: str, ours: Command, theirs: Command, name: str, bound: str, *, runs: int = 5, status: int = 0
) -> Row:
    pair = measure(ours, theirs, runs, expected=(status,))
    mine, other = pair.walls
    return Row(what, f"{mine:.2f} s", f"{name} {other:.2f} s", f"{pair.ratio:.2f}", bound)


def _silent(folder: Path) -> Iterator[Row]:
    """The same with 5 % of the addresses silent, nmap with 1 s × 3 tries."""
    what = "8,190 ports, 5 % silent"
    if os.geteuid() or not shutil.which("nft") or not shutil.which("nmap"):
        yield Row(what, "-", "needs root, nft and nmap", "-", "1.0")
        return
    with _silent_namespace() as inside, acceptor(inside) as port:
        path = Path(_inventory(folder, NETWORK, f"tcp/{port}"))
        path.write_text(path.read_text() + "defaults: {retries: 0}\n")
        ours = [*inside, NETCHECK, "run", str(path), "--timeout", "3"]
        theirs = [*inside, *_nmap(port, "--max-retries", "2", *ONE_SECOND)]
        yield _against(what, ours, theirs, "nmap, 1 s × 3", "1.0", runs=3, status=1)


@contextmanager
def _silent_namespace() -> Iterator[list[str]]:
    """A namespace whose loopback swallows SYNs to 410 of the addresses; gives the command's prefix."""
    silent = ",".join(f"127.0.{32 + number // 13}.{number % 13 * 19 + 1}" for number in range(SILENT))
    rules = (
        "table ip bench { chain in { type filter hook input priority 0;\n"
        f"ip daddr {{ {silent} }} tcp flags syn / syn,ack drop\n}}\n}}\n"
    )
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    inside = ["ip", "netns", "exec", NAMESPACE]
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        subprocess.run([*inside, "nft", "-f", "-"], input=rules, text=True, check=True)
        yield inside
    finally:
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=True)


def _host_keys(folder: Path) -> Iterator[Row]:
    """254 SSH host keys of one sshd."""
    what = "254 SSH host keys"
    with sshd(folder) as port:
        if port is None or not shutil.which("ssh-keyscan"):
            yield Row(what, "-", "OpenSSH is not installed", "-", "0.5")
            return
        addresses = folder / "addresses"
        addresses.write_text("".join(f"127.0.0.{number}\n" for number in range(1, 255)))
        ours = [NETCHECK, "run", _inventory(folder, "127.0.0.0/24", f"ssh/{port}")]
        theirs = ["ssh-keyscan", "-p", str(port), "-f", str(addresses)]
        yield _against(what, ours, theirs, "ssh-keyscan", "0.5", runs=3)


def _start() -> Row:
    """Starting up, against an interpreter that loads what any such tool needs."""
    theirs = [sys.executable, "-c", "import asyncio, ssl, argparse, json"]
    pair = measure([NETCHECK, "--version"], theirs, 15)
    mine, other = pair.walls
    return Row(
        "netcheck --version",
        f"{mine * 1000:.0f} ms",
        f"python, four imports {other * 1000:.0f} ms",
        f"{pair.ratio:.2f}",
        "1.5",
    )


def _memory(folder: Path) -> Iterator[Row]:
    """Peak memory a check, at 100,000 checks above that of 1,000."""
    with acceptor() as port:
        few = cost([NETCHECK, "run", _inventory(folder, "127.0.0.0/22", f"tcp/{port}")])
        path = _inventory(folder, '["127.0.0.0/16", "127.1.0.0/17", "127.1.128.0/19"]', f"tcp/{port}")
        many = cost([NETCHECK, "run", path])
    count = 65534 + 32766 + 8190
    each = (many.memory - few.memory) / (count - 1022)
    yield Row(
        f"peak memory, {count:,} checks",
        f"{many.memory / 2**20:.0f} MiB",
        f"1,022 checks {few.memory / 2**20:.0f} MiB",
        f"{each:.0f} bytes a check",
        "-",
    )


if __name__ == "__main__":
    main()
