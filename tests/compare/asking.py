"""Asks many questions side by side, inside the lab: `python -m tests.compare.asking`.

Reads JSON, a list of commands, and prints JSON, what each of them said on both outputs. blackbox_exporter
listens on loopback meanwhile.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.compare.tools import CONFIGURATION, EXPORTER

AT_ONCE = 4
LONGEST = 20.0  # seconds of one command


@contextmanager
def exporter(folder: Path) -> Iterator[None]:
    """blackbox_exporter, once it answers."""
    configuration = folder / "blackbox.yml"
    configuration.write_text(CONFIGURATION)
    argv = (
        "prometheus-blackbox-exporter",
        f"--config.file={configuration}",
        f"--web.listen-address={EXPORTER}",
    )
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        try:
            for _ in range(100):
                if said(["curl", "-sS", "-f", f"http://{EXPORTER}/-/healthy"]).startswith("Healthy"):
                    break
                time.sleep(0.1)
            else:
                raise RuntimeError("blackbox_exporter does not start")
            yield
        finally:
            started.kill()


def said(command: list[str]) -> str:
    """What a command printed."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        return f"still running after {LONGEST:.0f} s"
    return f"{done.stdout}\n{done.stderr}"


def main() -> None:
    commands: list[list[str]] = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, exporter(Path(folder)), ThreadPoolExecutor(AT_ONCE) as pool:
        print(json.dumps(list(pool.map(said, commands))))


if __name__ == "__main__":
    main()
