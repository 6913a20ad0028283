"""The inner half of `python -m tests.lab`: builds the lab and hands the terminal to the vault."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.lab import topology
from tests.lab.holder import build


def main() -> int:
    folder = Path(sys.argv[1])
    build(folder, 0)
    command = sys.argv[2:] or [os.environ.get("SHELL", "/bin/sh")]
    print(f"another place: ip netns exec PLACE COMMAND, with {', '.join(topology.PLACES)}", file=sys.stderr)
    print(f"configurations and logs: {folder}; leave with exit or Ctrl-D", file=sys.stderr)
    return subprocess.run(("ip", "netns", "exec", "vault", *command), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
