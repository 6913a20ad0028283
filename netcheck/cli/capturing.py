"""`-o x.pcap`: the packets of failing flows as a file. Whether they can be had is found out beforehand."""

from __future__ import annotations

from pathlib import Path

from netcheck.cli.files import WholeFile, write_bytes
from netcheck.errors import UsageError
from netcheck.render.text import count
from probes.path.capture import Capture, Result, missing

SUFFIX = ".pcap"


class CaptureFile(WholeFile):
    """A capture as a file of this user alone: it shows who talks to whom."""

    def __init__(self, path: Path, capture: Capture) -> None:
        super().__init__(path, private=True)
        self._capture = capture

    def prepare(self) -> None:
        """Find out whether packets can be captured here, and the file be written. Raises UsageError."""
        if why := missing():
            raise UsageError(f"-o {self.path}: {why}")
        super().prepare()

    def write(self) -> str | None:
        """Write the file; the message where that fails, or where there is no capture after all."""
        if self._capture.problem:
            return f"-o {self.path}: no capture: {self._capture.problem}"
        return self.put(lambda path: write_bytes(path, self._capture.result().file()))

    def notice(self) -> str:
        """What the file holds, in a line."""
        return f"netcheck: {self.path}: {_held(self._capture.result())}"


def _held(result: Result) -> str:
    if not result.packets:
        return "no packets, for no connection failed that was looked at again"
    packets, flows = count(len(result.packets), "packet"), count(result.flows, "failing connection")
    missed = f"; up to {result.missed:,} more were missed" if result.missed else ""
    return f"{packets}, headers only, of {flows}{missed}"
