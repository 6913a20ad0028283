"""What has a bound: how soon a flow is placed, what the second look adds, how little a trace sends."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import way

PLACED = 1.5  # seconds, where hops answer
RUNS = 20
TIMEOUTS = (2, 3, 5)
ADDED = 1.5  # timeouts
SYNS, HANDSHAKES = 30, 1
# What is asked for a trace: a command, and the ports of the target. `check` traces only what fails.
TRACES = {
    "blocked": ("diagnose", (way.DROPPED,)),
    "rejected": ("diagnose", (way.REJECTED,)),
    "refused": ("diagnose", (way.CLOSED,)),
    "open": ("diagnose", (way.OPEN,)),
    "blocked, another port open": ("check", (way.DROPPED, way.OPEN)),
    "refused, another port open": ("check", (way.CLOSED, way.OPEN)),
}
LIMITED = ", hops with Linux's ICMP limit"
HEADERS = ("what", "measured", "bound", "holds")


@dataclass(frozen=True, slots=True)
class Bound:
    """One line of the table."""

    what: str
    measured: str
    bound: str
    holds: bool

    @property
    def cells(self) -> tuple[str, str, str, str]:
        return self.what, self.measured, self.bound, "yes" if self.holds else "**no**"


def measure(folder: Path) -> Iterator[Bound]:
    """Every bound, on hops that answer always and on hops with Linux's limit. Nothing without root."""
    if not way.possible():
        return
    with way.way():
        yield placed()
        for name, (command, ports) in TRACES.items():
            yield sent(name, spent(command, *ports))
        yield from (added(timeout, folder, "") for timeout in TIMEOUTS)
    with way.way(limited=True):
        command, ports = TRACES["blocked"]
        yield sent(f"blocked{LIMITED}", spent(command, *ports))
        yield from (added(timeout, folder, LIMITED) for timeout in TIMEOUTS)


def placed() -> Bound:
    """How long it takes to know the last hop of a blocked flow."""
    found = traces(way.DROPPED, RUNS)
    if {last for _, last in found} != {way.LAST}:
        raise RuntimeError(f"a blocked flow was placed elsewhere: {found}")
    seconds = [each for each, _ in found]
    measured = f"median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s of {RUNS}"
    return Bound(
        f"a blocked flow is placed, {way.HOPS} hops", measured, f"{PLACED} s", max(seconds) <= PLACED
    )


def traces(port: int, runs: int) -> list[tuple[float, str | None]]:
    """The seconds of so many traces of one port of the target, and the last hop that each met."""
    argv = [*_in_vault("-m", "tests.bench.placing"), way.TARGET, str(port), str(runs)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return [(seconds, last) for seconds, last in json.loads(done.stdout)]


def spent(command: str, *ports: int) -> way.Counted:
    """What is sent to the target for a trace and what it compares with, on the wire, beyond the looks."""
    way.counted()
    _look(command, *ports, trace=False)
    looks = way.counted()
    _look(command, *ports)
    return way.counted().beyond(looks)


def sent(name: str, found: way.Counted) -> Bound:
    """The line of one kind of flow."""
    holds = found.syns <= SYNS and found.handshakes <= HANDSHAKES
    measured = f"{found.syns} SYNs, {found.handshakes} handshakes"
    return Bound(f"trace of a flow: {name}", measured, f"{SYNS} SYNs, {HANDSHAKES} handshake", holds)


def added(timeout: int, folder: Path, hop: str) -> Bound:
    """What the second look of 400 silent hosts adds to the first pass."""
    first = _run(timeout, folder, "defaults: {retries: 0}", "--no-trace")
    both = _run(timeout, folder, "")
    limit = ADDED * timeout
    what = f"second look of 400 silent hosts, timeout {timeout} s{hop}"
    measured = f"adds {both - first:.1f} s to {first:.1f} s"
    return Bound(what, measured, f"{limit:.1f} s", both - first <= limit)


def _look(command: str, *ports: int, trace: bool = True) -> None:
    """One netcheck of these ports of the target, in the vault."""
    urls = [f"tcp://{way.TARGET}:{port}" for port in ports]
    options = ["--timeout", "2", "--no-history", "--quiet", *(() if trace else ["--no-trace"])]
    argv = [*_in_vault("-m", "netcheck", command), *urls, *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr[-2000:]}")


def _run(timeout: int, folder: Path, defaults: str, *more: str) -> float:
    """The seconds of a run over the silent hosts."""
    inventory, result = folder / "silent.yml", folder / "silent.json"
    one, other = way.SILENT
    targets = f"one: {{hosts: '{one}', checks: [tcp/22]}}, other: {{hosts: '{other}', checks: [tcp/22]}}"
    inventory.write_text(f"netcheck: 1\n{defaults}\ntargets: {{{targets}}}\n")
    argv = [*_in_vault("-m", "netcheck", "run"), str(inventory), "--timeout", str(timeout), "--no-history"]
    done = subprocess.run(
        [*argv, "--quiet", "-o", str(result), *more], capture_output=True, text=True, check=False
    )
    if done.returncode != 1:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr[-2000:]}")
    seconds: float = json.loads(result.read_text())["run"]["duration_s"]
    return seconds


def _in_vault(*words: str) -> list[str]:
    return [*way.inside("vault"), sys.executable, *words]
