"""The installed command, as a user calls it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).parent / "netcheck")

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a state folder of its own and no colours."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path), "PYTHONUTF8": "1"}


@pytest.fixture
def netcheck(tmp_path: Path, environment: dict[str, str]) -> Callable[..., Done]:
    """Calls `netcheck` in a folder of the test's own."""

    def call(*words: str) -> Done:
        return subprocess.run(
            [COMMAND, *words], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment
        )

    return call


@pytest.fixture
def inventory(tmp_path: Path) -> Callable[[str], str]:
    """Writes an inventory with these targets; gives its name."""

    def write(targets: str, more: str = "") -> str:
        (tmp_path / "inventory.yml").write_text(f"netcheck: 1\n{more}\ntargets:\n{targets}\n")
        return "inventory.yml"

    return write


@pytest.fixture
def open_port() -> Iterator[int]:
    """A port on loopback that completes handshakes and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port
