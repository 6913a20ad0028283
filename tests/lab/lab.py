"""The lab as tests see it: start it, run commands in its places, stop it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.lab.system import CHECKOUT

NEEDED = (
    "ip",
    "ss",
    "nft",
    "sysctl",
    "unshare",
    "setpriv",
    "sshd",
    "nginx",
    "unbound",
    "dnsmasq",
    "squid",
    "danted",
    "chronyd",
)
# A plain user's PATH often lacks the folders of the tools for administrators.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
SPACES = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
# As a plain user we become root of a user namespace; with every user of /etc/subuid, or alone.
USERS = (("--user", "--map-root-user", "--map-auto"), ("--user", "--map-root-user"))


class NoLab(Exception):
    """The lab can't be had on this machine; the text says why."""


class Lab:
    """A running lab. Leaving the `with` block, or the death of this process, removes all of it."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.folder = Path(tempfile.mkdtemp(prefix="netcheck-lab-"))

    def __enter__(self) -> Lab:
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.folder.chmod(0o755)
            log = undo.enter_context((self.folder / "holder.err").open("wb"))
            self._holder = undo.enter_context(self._start(log))
            # At once, also in the middle of a command; what it started dies with it.
            undo.callback(self._holder.kill)
            first = self._read()
            if "failed" in first:
                raise NoLab(first["failed"])
            self._undo = undo.pop_all()
        return self

    def _start(self, log: IO[bytes]) -> subprocess.Popen[str]:
        argv = (*way_in(), sys.executable, "-m", "tests.lab.holder", str(self.folder), str(self.seed))
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=CHECKOUT,
            env={**os.environ, "PATH": PATH},
            start_new_session=True,  # Ctrl-C is for the tests; they then stop the lab in order
        )

    def run(
        self,
        *argv: str,
        place: str = "vault",
        plain: bool = False,
        environment: dict[str, str] | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a place of the lab; `plain`: without any privilege."""
        wanted = {
            "argv": argv,
            "place": place,
            "plain": plain,
            "environment": environment or {},
            "timeout": timeout,
        }
        assert self._holder.stdin
        self._holder.stdin.write(json.dumps(wanted) + "\n")
        self._holder.stdin.flush()
        found = self._read()
        return subprocess.CompletedProcess(argv, found["status"], found["stdout"], found["stderr"])

    def _read(self) -> dict[str, Any]:
        assert self._holder.stdout
        text = self._holder.stdout.readline()
        if not text:
            self._holder.wait()
            raise NoLab(f"the lab ended: {(self.folder / 'holder.err').read_text()[-2000:]}")
        found: dict[str, Any] = json.loads(text)
        return found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()


def way_in() -> tuple[str, ...]:
    """The words before a command that give it the lab's namespaces. Raises NoLab with the reason."""
    missing = [name for name in NEEDED if not shutil.which(name, path=PATH)]
    if missing:
        raise NoLab(f"missing on this machine: {', '.join(missing)} (see tests/lab/prepare.sh)")
    reasons = []
    for users in ((),) if os.geteuid() == 0 else USERS:
        tried = subprocess.run(
            ("unshare", *users, *SPACES, "true"), capture_output=True, text=True, check=False
        )
        if tried.returncode == 0:
            return ("unshare", *users, *SPACES)
        reasons.append(tried.stderr.strip())
    raise NoLab(f"no namespaces of our own: {'; '.join(reasons)}")
