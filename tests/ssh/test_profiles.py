"""A vault's algorithms from what a program prints of itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from probes.settings import BadValue
from probes.ssh import PROBE
from probes.ssh.algorithms import printed, profile

CONFIG = """port 22
kexalgorithms curve25519-sha256,diffie-hellman-group14-sha256
hostkeyalgorithms ssh-ed25519,rsa-sha2-512
ciphers aes256-ctr
macs hmac-sha2-256
"""


def test_what_ssh_says_of_its_configuration(tmp_path: Path) -> None:
    """A line a kind, in its order."""
    path = tmp_path / "vault.txt"
    path.write_text(CONFIG)
    found = profile(str(path))
    assert found.kex == ("curve25519-sha256", "diffie-hellman-group14-sha256")
    assert found.cipher_to_server == found.cipher_to_client == ("aes256-ctr",)


def test_what_ssh_lists() -> None:
    """`ssh -Q` prints a line an algorithm, without saying of which kind."""
    names = "\n".join(["mlkem768x25519-sha256", "aes128-ctr", "umac-64@openssh.com", "ecdsa-sha2-nistp256"])
    assert printed(names) == {
        "kex": ("mlkem768x25519-sha256",),
        "host_key": ("ecdsa-sha2-nistp256",),
        "cipher": ("aes128-ctr",),
        "mac": ("umac-64@openssh.com",),
    }


def test_the_client_that_is_installed() -> None:
    """Each algorithm that it lists is of the kind by which it was asked for."""
    for asked, kind in (
        ("kex", "kex"),
        ("cipher", "cipher"),
        ("mac", "mac"),
        ("HostKeyAlgorithms", "host_key"),
    ):
        command = ("ssh", "-Q", asked)
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert set(printed(shown)[kind]) == set(shown.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [("nothing of the kind", "names no kex and no host_key"), (None, "can't be read")],
)
def test_a_file_of_something_else(tmp_path: Path, text: str | None, words: str) -> None:
    """Said before anything is checked."""
    path = tmp_path / "other.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadValue, match=words):
        PROBE.settings(ssh_profile=str(path))
