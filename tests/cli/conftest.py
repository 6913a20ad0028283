"""The installed command, as a user calls it."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

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


@pytest.fixture
def old_tls_port() -> Iterator[int]:
    """A port of loopback where TLS 1.2 is spoken, and no 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("a.example").configure_cert(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    raw, _ = listener.accept()
                except OSError:
                    return
                with raw, suppress(OSError), context.wrap_socket(raw, server_side=True) as secured:
                    secured.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
