"""`python -m tests.lab [COMMAND…]`: bring the lab up and open a shell, or run a command, in the vault.

The lab goes when the shell ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab import scenes
from tests.lab.lab import PATH, NoLab, way_in
from tests.lab.system import CHECKOUT


def main() -> int:
    try:
        spaces = way_in()
    except NoLab as error:
        print(f"no lab: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="netcheck-lab-") as folder:
        Path(folder).chmod(0o755)
        argv = (*spaces, sys.executable, "-m", "tests.lab.shell", folder, *sys.argv[1:])
        for scene in scenes.load():
            print(f"{scene.name:<44} {scene.host:<24} {scene.says}", file=sys.stderr)
        environment = {**os.environ, "PATH": PATH}
        return subprocess.run(argv, cwd=CHECKOUT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
