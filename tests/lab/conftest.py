"""One lab for the whole session, and one run of netcheck in it a kind of user."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.lab import inventory, oracle, scenes
from tests.lab.lab import Lab, NoLab

# The same ports and states again: NETCHECK_LAB_SEED=… make test
SEED = int(os.environ.get("NETCHECK_LAB_SEED") or random.SystemRandom().randrange(1_000_000))
NETCHECK = (sys.executable, "-m", "netcheck")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to draw the same ports again."""
    terminalreporter.write_line(f"lab: ports drawn with NETCHECK_LAB_SEED={SEED}")


@pytest.fixture(scope="session")
def seed() -> int:
    return SEED


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The running lab; the tests are skipped where the machine can't have one."""
    try:
        with Lab(SEED) as running:
            yield running
    except NoLab as error:
        if os.environ.get("NETCHECK_LAB") == "required":
            raise
        pytest.skip(f"no lab: {error}")


@pytest.fixture(scope="session")
def found(lab: Lab) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """The runs of all scenes by kind of user, both under way at once, for they mostly wait."""
    with ThreadPoolExecutor(2) as pool:
        yield {
            "root": pool.submit(_scenes_found, plain=False),
            "plain_user": pool.submit(_scenes_found, plain=True),
        }


@pytest.fixture(scope="session")
def found_by_root(found: dict[str, Future[dict[str, Any]]]) -> dict[str, Any]:
    """Every scene's check as root found it, by target."""
    return found["root"].result()


@pytest.fixture(scope="session")
def found_by_plain_user(found: dict[str, Future[dict[str, Any]]]) -> dict[str, Any]:
    """Every scene's check as a user without any privilege found it, by target."""
    return found["plain_user"].result()


@pytest.fixture(scope="session")
def drawn(lab: Lab) -> dict[tuple[str, int], Any]:
    """Every drawn port's check, by address and port; without traces, of which nmap makes none either."""
    found = _run(lab, "oracle", inventory.of_pairs(oracle.draw(SEED)), "--no-trace", plain=True)
    return {(check["host"], check["port"]): check for check in found["checks"]}


def by_target(found: dict[str, Any]) -> dict[str, Any]:
    return {check["target"]: check for check in found["checks"]}


def _scenes_found(*, plain: bool) -> dict[str, Any]:
    """The checks of all scenes in a lab of their own, by target.

    In two runs: of routers that are short of answers a run asks only so many again, and a customer's run has
    few such flows beside those that end at a service.
    """
    found: dict[str, Any] = {}
    with Lab(SEED) as lab:
        words = inventory.words(lab.folder)
        for name, on_the_way in (("ways", True), ("services", False)):
            chosen = [scene for scene in scenes.load() if scene.is_on_the_way is on_the_way]
            found |= by_target(_run(lab, name, inventory.of_scenes(chosen, words), plain=plain))
    return found


def _run(lab: Lab, name: str, text: str, *options: str, plain: bool) -> dict[str, Any]:
    home = lab.folder / f"{name}-{'plain' if plain else 'root'}"
    home.mkdir()
    home.chmod(0o777)
    written, result = home / "inventory.yml", home / "result.json"
    written.write_text(text)
    environment = inventory.environment(lab.folder) | {"HOME": str(home), "XDG_STATE_HOME": str(home)}
    argv = (*NETCHECK, "run", str(written), "-o", str(result), "--quiet", *options)
    done = lab.run(*argv, plain=plain, environment=environment, timeout=300)
    if not result.exists():
        pytest.fail(f"netcheck run ended with {done.returncode}: {last_words(done)}")
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr or done.stdout)[-2000:]


@pytest.fixture
def checkout() -> Path:
    return Path(__file__).parent.parent.parent
