"""Servers for the ssh probe: OpenSSH's own, paramiko's in this process, and raw sockets that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from probes import ssh
from probes.contract import Ascent, Secret, Target, Timing
from probes.net.real import SystemNetwork

SSHD = "/usr/sbin/sshd"

Handler = Callable[[socket.socket], None]


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Every thread that a test's probe started has ended soon after it."""
    before = set(threading.enumerate())
    yield
    limit = time.monotonic() + 3
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < limit, f"threads left behind: {left}"
        next(iter(left)).join(0.05)


@dataclass
class OneSecret:
    """A credential without a queue; remembers by whom it was refused."""

    secret: Secret
    refused: list[str] = field(default_factory=list)
    tried: int = 0

    def pipeline(self) -> contextlib.AbstractAsyncContextManager[None]:
        return contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def attempt(self) -> AsyncIterator[OneSecret]:
        self.tried += 1
        yield self

    def failed(self, by: str) -> None:
        self.refused.append(by)


@pytest.fixture
def credential() -> type[OneSecret]:
    return OneSecret


async def _climb(
    port: int, timeout: float, credential: Any = None, settings: dict[str, Any] | None = None
) -> Ascent:
    target, timing = Target("127.0.0.1", port), Timing(timeout, 4 * timeout)
    outcome = await ssh.run(target, ssh.Settings(**settings or {}), timing, SystemNetwork(), credential)
    return outcome.ascents[0]


@pytest.fixture
def climb_on() -> Callable[..., Awaitable[Ascent]]:
    """climb_on(port, timeout): the climb as a coroutine."""
    return _climb


@pytest.fixture
def look() -> Callable[..., Ascent]:
    """look(port, timeout=…, credential=…, **settings): the probe's climb on 127.0.0.1."""

    def climb(port: int, timeout: float = 5.0, credential: Any = None, **settings: Any) -> Ascent:
        return asyncio.run(_climb(port, timeout, credential, settings))

    return climb


@contextlib.contextmanager
def serving(handler: Handler) -> Iterator[int]:
    """A server on 127.0.0.1 that does with each connection as the handler says; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):  # shut down at the end
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    handler(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


@pytest.fixture
def listening() -> Callable[[Handler], contextlib.AbstractContextManager[int]]:
    """listening(handler): a context in which such a server runs; gives its port."""
    return serving


@pytest.fixture
def look_at_server(look: Callable[..., Ascent]) -> Callable[..., Ascent]:
    """look_at_server(handler, …): the climb on a server that does as the handler (a socket) says."""

    def climb(handler: Handler, **options: Any) -> Ascent:
        with serving(handler) as port:
            return look(port, **options)

    return climb


@dataclass
class Sshd:
    """A running sshd. `keys` are its public host keys by type (`ssh-ed25519` …), as lines."""

    port: int
    keys: dict[str, str]
    user_key: Path

    def fingerprint(self, kind: str = "ssh-ed25519") -> str:
        listing = subprocess.run(
            ["ssh-keygen", "-lf", "-"], input=self.keys[kind], capture_output=True, text=True, check=True
        )
        return listing.stdout.split()[1]


def make_key(path: Path, *options: str) -> str:
    """Make a key pair; returns its public line."""
    subprocess.run(["ssh-keygen", "-q", "-f", str(path), *options], check=True)
    return path.with_suffix(".pub").read_text().strip()


@pytest.fixture
def keygen() -> Callable[..., str]:
    """keygen(path, *options of ssh-keygen): the public line of a new key pair."""
    return make_key


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with key pairs: host_ed25519, host_ecdsa, host_rsa, and a user's."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH's ssh-keygen is not installed (Debian: openssh-client)")
    folder = tmp_path_factory.mktemp("keys")
    for kind in ("ed25519", "ecdsa", "rsa"):
        make_key(folder / f"host_{kind}", "-t", kind, "-N", "")
    make_key(folder / "user", "-t", "ed25519", "-N", "")
    return folder


@pytest.fixture
def sshd(keys: Path, tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """sshd(*config lines, host_keys=…): an OpenSSH server on 127.0.0.1, ended with the test."""
    if not Path(SSHD).exists():
        pytest.skip(f"OpenSSH's server is not installed: no {SSHD} (Debian: openssh-server)")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    running: list[subprocess.Popen[str]] = []

    def start(*lines: str, host_keys: tuple[str, ...] = ("ed25519",)) -> Sshd:
        port = free_port()
        config = tmp_path / f"sshd_{port}"
        (tmp_path / "authorized").write_text((keys / "user.pub").read_text())
        given = [f"Port {port}", "ListenAddress 127.0.0.1", "PidFile none", "UsePAM no", "StrictModes no"]
        given += [
            f"AuthorizedKeysFile {tmp_path}/authorized",
            f"AllowUsers {pwd.getpwuid(os.getuid()).pw_name}",
        ]
        given += [f"HostKey {keys}/host_{kind}" for kind in host_keys]
        config.write_text("\n".join([*lines, *given]) + "\n")
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stderr is not None
        for line in process.stderr:
            if "Server listening" in line:
                break
        else:
            pytest.fail(f"sshd did not start: {config.read_text()}")
        public = [(keys / f"host_{kind}.pub").read_text() for kind in host_keys]
        return Sshd(port, {line.split()[0]: line for line in public}, keys / "user")

    yield start
    for process in running:
        process.terminate()
        process.communicate()
