"""Two commands measured side by side, in turn: a ratio holds where one machine's seconds do not."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Cost:
    """One run of a command: wall seconds, and the peak memory of its largest process in bytes."""

    wall: float
    memory: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours and theirs, run by run."""

    ours: tuple[Cost, ...]
    theirs: tuple[Cost, ...]

    @property
    def ratio(self) -> float:
        """The median of the ratios ours/theirs of the wall times."""
        return statistics.median(one.wall / two.wall for one, two in zip(self.ours, self.theirs, strict=True))

    @property
    def walls(self) -> tuple[float, float]:
        """The median wall times, ours and theirs."""
        ours, theirs = ([cost.wall for cost in costs] for costs in (self.ours, self.theirs))
        return statistics.median(ours), statistics.median(theirs)


def cost(command: Command, expected: Sequence[int] = (0,)) -> Cost:
    """Run the command once; its output is thrown away. Raises where it ends as it should not."""
    with tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in expected:
            errors.seek(0)
            words = errors.read().decode(errors="replace")
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {words[-2000:]}")
    return Cost(wall, usage.ru_maxrss * 1024)


def measure(ours: Command, theirs: Command, runs: int = 5, expected: Sequence[int] = (0,)) -> Pair:
    """Both in turn, after one run each that is not counted."""
    cost(ours, expected)
    cost(theirs)
    costs = [(cost(ours, expected), cost(theirs)) for _ in range(runs)]
    return Pair(tuple(one for one, _ in costs), tuple(two for _, two in costs))
