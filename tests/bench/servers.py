"""The servers that are measured against: an acceptor on every loopback address, and an sshd."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def acceptor(inside: Sequence[str] = ()) -> Iterator[int]:
    """A process that accepts and closes on every loopback address; gives its port.

    `inside` is a command's prefix, such as that of a network namespace.
    """
    command = [*inside, sys.executable, "-m", "tests.bench.accept"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextmanager
def sshd(folder: Path) -> Iterator[int | None]:
    """An OpenSSH server on every loopback address that never turns a newcomer away; None without it."""
    binary = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if binary is None:
        yield None
        return
    for kind in ("ed25519", "ecdsa", "rsa"):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(folder / kind)], check=True)
    port = free_port()
    config = folder / "sshd_config"
    keys = "".join(f"HostKey {folder / kind}\n" for kind in ("ed25519", "ecdsa", "rsa"))
    config.write_text(f"ListenAddress 0.0.0.0\nPort {port}\n{keys}MaxStartups 2000\nPidFile none\n")
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen([binary, "-D", "-q", "-f", str(config)])
    try:
        wait_for(port)
        yield port
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server(("0.0.0.0", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Returns when the port accepts on loopback; raises after ten seconds."""
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
