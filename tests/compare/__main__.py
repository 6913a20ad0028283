"""`make compare`: the chosen scenes, as netcheck and other tools see them. `--write`: docs/comparison.md."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netcheck import __version__
from tests.compare import chosen, page, tools
from tests.compare.page import Answers
from tests.compare.tools import TOOLS, shortened
from tests.lab import inventory
from tests.lab.lab import PATH, Lab, NoLab
from tests.lab.scenes import Scene

PAGE = Path(__file__).parents[2] / "docs" / "comparison.md"
VERSIONS = (
    ("nmap", "--version"),
    ("dpkg-query", "-W", "-f", "netcat-openbsd ${Version}", "netcat-openbsd"),
    ("ssh", "-V"),
    ("curl", "--version"),
    ("prometheus-blackbox-exporter", "--version"),
)


def main() -> int:
    if missing := tools.missing():
        print(f"missing here: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 2
    try:
        with Lab() as lab:
            text = page.page(compare(lab, chosen.load()), versions(lab))
    except NoLab as error:
        print(f"no lab: {error}", file=sys.stderr)
        return 2
    if "--write" in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


def compare(lab: Lab, scenes: Sequence[Scene]) -> list[Answers]:
    """Every tool's answer about every scene."""
    columns = [by_netcheck(lab, scenes), *by_others(lab, scenes)]
    return [Answers(scene, tuple(words)) for scene, *words in zip(scenes, *columns, strict=True)]


def by_netcheck(lab: Lab, scenes: Sequence[Scene]) -> list[str]:
    """netcheck's answers, in one run of a plain user."""
    home = lab.folder / "compare"
    home.mkdir()
    home.chmod(0o777)
    written, result = home / "inventory.yml", home / "result.json"
    written.write_text(inventory.of_scenes(scenes, inventory.words(lab.folder)))
    argv = (
        sys.executable,
        "-m",
        "netcheck",
        "run",
        str(written),
        "-o",
        str(result),
        "--no-history",
        "--quiet",
    )
    done = lab.run(*argv, plain=True, environment=_environment(lab), timeout=300)
    if not result.exists():
        raise RuntimeError(f"netcheck ended with {done.returncode}: {done.stderr[-2000:]}")
    found = {check["target"]: check for check in json.loads(result.read_text())["checks"]}
    return [_told(found[scene.name]) for scene in scenes]


def _told(check: dict[str, Any]) -> str:
    """What the table and the page of a run say first: verdict, cause, place and who acts."""
    where = (check["trace"] or {}).get("where")
    place = f" {where['relation']} {where['address']}" if where else ""
    cause = f" {check['cause']}" if check["cause"] else ""
    sure = "" if check["confidence"] == "certain" else f", {check['confidence']}"
    who = f" · {check['responsible']}" if check["responsible"] else ""
    return shortened(f"{check['verdict']}{cause}{place}{sure}{who}")


def by_others(lab: Lab, scenes: Sequence[Scene]) -> list[list[str]]:
    """Each tool's answers; those with privilege after those without, for a scene may count packets."""
    found = {}
    for root in (False, True):
        asked = [(tool, scene) for tool in TOOLS if tool.root is root for scene in scenes]
        commands = json.dumps([tools.command(tool, scene) for tool, scene in asked])
        argv = (sys.executable, "-m", "tests.compare.asking", commands)
        done = lab.run(*argv, plain=not root, environment=_environment(lab), timeout=900)
        if done.returncode:
            raise RuntimeError(f"asking ended with {done.returncode}: {done.stderr[-2000:]}")
        for (tool, scene), said in zip(asked, json.loads(done.stdout), strict=True):
            found[tool, scene.name] = tools.answer(tool, said)
    return [[found[tool, scene.name] for scene in scenes] for tool in TOOLS]


def _environment(lab: Lab) -> dict[str, str]:
    """Trust in the lab's public root and nothing else, for OpenSSL, Go and curl; no home."""
    ours = inventory.environment(lab.folder)
    trust = {"CURL_CA_BUNDLE": ours["SSL_CERT_FILE"], "SSL_CERT_DIR": "/nonexistent"}
    return {**ours, **trust, "HOME": "/", "PATH": PATH}


def versions(lab: Lab) -> list[str]:
    """What was compared, each by its own first line."""
    lines = [f"netcheck {__version__}, Linux {platform.release()}, Python {platform.python_version()}"]
    for argv in VERSIONS:
        done = lab.run(*argv)
        lines.append(
            re.sub(
                r" \(branch.*| \( https.*| \(x86.*|, OpenSSL.*",
                "",
                (done.stdout or done.stderr).splitlines()[0],
            )
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
