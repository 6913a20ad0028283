"""The lab's private view of this machine: its own /run, resolver, hosts file and lookup order.

All of it happens in the lab's mount namespace, so nothing of the machine changes.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.lab.topology import RESOLVER, run

NOBODY = 65534
CHECKOUT = Path(__file__).parent.parent.parent


def isolate(folder: Path, hosts: Iterable[str]) -> None:
    """Hide the machine's /run (resolver sockets, other namespaces) and replace the lookup files."""
    run("mount", "-t", "tmpfs", "-o", "mode=755", "lab", "/run")
    os.mkdir("/run/netns")
    _replace(folder, "/etc/resolv.conf", f"nameserver {RESOLVER}\n")
    _replace(folder, "/etc/hosts", "\n".join(("127.0.0.1 localhost", "::1 localhost", *hosts)) + "\n")
    if os.path.exists("/etc/nsswitch.conf"):
        _replace(folder, "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")


def alone() -> bool:
    """Whether this user namespace knows one user only, as where /etc/subuid names nobody."""
    rows = Path("/proc/self/uid_map").read_text().splitlines()
    return sum(int(row.split()[2]) for row in rows) == 1


def as_plain_user() -> tuple[str, ...]:
    """The words before a command that take every privilege from it.

    As root: another user, who owns nothing. Where there is no second user to become, the command keeps
    its user but no capability, now or after any exec: that is what raw sockets, low ports and routes ask.
    """
    nothing = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
    user = () if alone() else (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    return ("setpriv", *user, *nothing, "--")


def open_up() -> None:
    """Let other users reach the checkout and the interpreter where a folder above them forbids it.

    A checkout under /root (mode 0700) is common as root. The forbidding folder is covered by an empty
    one that everybody may pass, with only what is needed bound back in at its old place.
    """
    wanted = [Path(path).resolve() for path in (CHECKOUT, sys.prefix, sys.base_prefix)]
    kept: list[tuple[Path, Path]] = []
    for number, path in enumerate(wanted):
        if _forbidding(path):
            hold = Path(f"/run/kept-{number}")
            hold.mkdir()
            run("mount", "--bind", str(path), str(hold))
            kept.append((hold, path))
    while above := next((each for path in wanted if (each := _forbidding(path))), None):
        run("mount", "-t", "tmpfs", "-o", "mode=755", "lab", str(above))
        for hold, path in kept:
            if path.is_relative_to(above):
                path.mkdir(parents=True, exist_ok=True)
                run("mount", "--bind", str(hold), str(path))
    os.chdir(CHECKOUT)


def _forbidding(path: Path) -> Path | None:
    """The highest folder above the path that other users may not pass."""
    above = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001]
    return above[0] if above else None


def _replace(folder: Path, path: str, text: str) -> None:
    target = os.path.realpath(path)
    copy = folder / Path(path).name
    copy.write_text(text)
    copy.chmod(0o644)
    if target.startswith("/run/"):  # /run is ours and empty by now
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(copy, target)
    else:
        run("mount", "--bind", str(copy), target)
