"""The process that holds a lab: builds it, then runs commands in it until its input ends.

`python -m tests.lab.holder FOLDER SEED`, started by `tests.lab.lab` in namespaces of its own, as their
first process: when it ends, the kernel ends every server and removes every namespace. Input and
output are lines of JSON: first `{"ready": …}` or `{"failed": "why"}`, then an answer a command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.lab import oracle, rules, scenes, system, topology
from tests.lab.between import TIME
from tests.lab.pools import POOLS
from tests.lab.servers import Servers
from tests.lab.topology import INVENTING_RESOLVER, MUTE_RESOLVER, OTHER_RESOLVER, OUTSIDE_RESOLVER, RESOLVER


def build(folder: Path, seed: int) -> None:
    """The whole lab."""
    found = scenes.load()
    pairs = oracle.draw(seed)
    system.isolate(folder, [text for scene in found for text in scene.hosts])
    if not system.alone():
        system.open_up()
    topology.build()
    drawn = sorted({pair.address for pair in pairs})
    near = [scene.other for scene in found if not POOLS[scene.on].apart]
    topology.hold(
        "targets",
        [*near, *drawn, RESOLVER, OTHER_RESOLVER, MUTE_RESOLVER, INVENTING_RESOLVER, OUTSIDE_RESOLVER, TIME],
    )
    topology.hold("far", [scene.other for scene in found if scene.place == "far"])
    for place in ("targets", "stingy", "far"):
        topology.hold(place, [scene.address for scene in found if scene.place == place])
    mute = rules.line(MUTE_RESOLVER, "drop", "all")
    more = oracle.lines(pairs)
    rules.apply(found, {**more, "targets": [*more.get("targets", ()), mute]})
    servers = Servers(folder, found)
    listening = [(pair.address, pair.port) for pair in pairs if pair.state != "closed"]
    servers.start(listening)
    servers.wait(listening)


def answer(wanted: dict[str, Any]) -> dict[str, Any]:
    """Run one command in a place, as root or without privilege."""
    before = system.as_plain_user() if wanted["plain"] else ()
    argv = ("ip", "netns", "exec", wanted["place"], *before, *wanted["argv"])
    environment = {**os.environ, **wanted["environment"]}
    try:
        done = subprocess.run(
            argv, env=environment, capture_output=True, timeout=wanted["timeout"], check=False, text=True
        )
    except subprocess.TimeoutExpired as late:
        return {"status": -1, "stdout": str(late.stdout), "stderr": f"still running after {late.timeout} s"}
    return {"status": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def main() -> None:
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    try:
        build(folder, seed)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        print(json.dumps({"failed": str(error)}), flush=True)
        return
    print(json.dumps({"ready": True}), flush=True)
    for text in sys.stdin:
        print(json.dumps(answer(json.loads(text))), flush=True)


if __name__ == "__main__":
    main()
