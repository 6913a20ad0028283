"""The lab itself: what it promises to the scenes, and that nothing of it remains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import scenes
from tests.lab.lab import Lab
from tests.lab.pools import OTHER, POOLS
from tests.lab.topology import HOPS

CAPABILITIES = "grep CapEff /proc/self/status"


def test_a_plain_user_has_no_capability(lab: Lab) -> None:
    """The plain user's runs prove that netcheck needs no privilege."""
    assert lab.run("sh", "-c", CAPABILITIES, plain=True).stdout.split() == ["CapEff:", "0" * 16]
    assert lab.run("sh", "-c", CAPABILITIES).stdout.split() != ["CapEff:", "0" * 16]


def test_a_plain_user_can_read_the_checkout(lab: Lab) -> None:
    """Also where the checkout or the interpreter lies in a folder that is closed to others."""
    done = lab.run(sys.executable, "-c", "import netcheck; print(netcheck.__version__)", plain=True)
    assert done.returncode == 0, done.stderr


def test_the_ways_are_as_drawn(lab: Lab) -> None:
    """The vault reaches the targets over both firewalls, and nothing else."""
    routes = lab.run("ip", "route", "get", "10.20.0.2").stdout
    assert "via 10.9.0.1" in routes
    assert lab.run("ip", "-o", "link").stdout.count("\n") == 2  # lo and the one link


@pytest.mark.parametrize(("family", "number"), [(4, 0), (6, 1)])
def test_the_long_way_has_five_hops(lab: Lab, family: int, number: int) -> None:
    """Each router shows itself at its own distance, and then the host that the way leads to."""
    far = POOLS["far"].address(family, OTHER, 1)
    hops = [HOPS[name][number] for name in ("fw1-in", "fw2-in", "left-in", "fw3-in")]
    shown = json.loads(lab.run(sys.executable, "-m", "tests.lab.walk", far, "9", plain=True).stdout)
    assert shown[0][:4] == [f"expired {hop}" for hop in hops]


def test_the_machine_is_untouched(lab: Lab) -> None:
    """Neither its namespaces nor its lookup files are the lab's."""
    assert "10.20.0.53" in lab.run("cat", "/etc/resolv.conf").stdout
    assert "10.20.0.53" not in Path("/etc/resolv.conf").read_text()
    assert not Path("/run/netns/fw1").exists()


def ssh(lab: Lab, scene: str, *options: str) -> str:
    """What OpenSSH's client says of a scene's server, without a key to log in with."""
    (address,) = (each.address for each in scenes.load() if each.name == scene)
    fixed = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", *options)
    words = [word for option in fixed for word in ("-o", option)]
    return lab.run("ssh", "-F", "none", *words, f"somebody@{address}", "true").stderr


@pytest.mark.parametrize(
    ("scene", "option", "words"),
    [
        ("ssh-full", "Ciphers=aes256-ctr", "closed by"),
        ("ssh-full-alike-1", "Ciphers=aes256-ctr", "Permission denied"),
        ("ssh-refused", "KexAlgorithms=curve25519-sha256", "closed by"),
        ("ssh-refused", "KexAlgorithms=ecdh-sha2-nistp256", "Permission denied"),
        ("ssh-refused-alike-4", "KexAlgorithms=ecdh-sha2-nistp256", "closed by"),
    ],
)
def test_ssh_servers_are_as_told(lab: Lab, scene: str, option: str, words: str) -> None:
    """OpenSSH's own client finds the same: full, and closed at one algorithm."""
    assert words in ssh(lab, scene, option)


def test_nothing_remains_when_the_tests_are_killed(lab: Lab, checkout: Path, tmp_path: Path) -> None:
    """A killed test run takes its lab along: servers, namespaces and all."""
    program = (
        "import time; from tests.lab.lab import Lab\nwith Lab(): print('up', flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    argv = (sys.executable, "-c", program)
    with subprocess.Popen(argv, cwd=checkout, env=environment, stdout=subprocess.PIPE) as started:
        assert started.stdout
        assert started.stdout.readline() == b"up\n"
        assert len(servers_below(tmp_path)) > 5
        started.kill()
    for _ in range(50):
        if not servers_below(tmp_path):
            return
        time.sleep(0.1)
    raise AssertionError(f"still running after 5 s: {servers_below(tmp_path)}")


def servers_below(folder: Path) -> list[str]:
    """The command lines of this machine's processes that name the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found
