"""The vault's algorithms, and what they and the target's have in common (RFC 4253 7.1).

A profile is a list of the algorithms that a vault offers, shipped as data. The target is compared with
that list, never with what our own library happens to know.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass, fields, replace
from importlib import resources
from pathlib import Path

from probes.codes import Failed
from probes.ssh.hostkeys import key_type
from probes.ssh.wire import Algorithms

PROFILES = resources.files("probes.ssh") / "profiles"

KINDS = {
    "kex": "key exchange",
    "host_key": "host key",
    "cipher_to_server": "cipher to the target",
    "cipher_to_client": "cipher from the target",
    "mac_to_server": "MAC to the target",
    "mac_to_client": "MAC from the target",
    "compression_to_server": "compression to the target",
    "compression_to_client": "compression from the target",
}

# Ciphers that authenticate what they encrypt: the MAC is not used (RFC 5647, OpenSSH PROTOCOL 1.6).
AEAD = frozenset({"chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"})

# RFC 9142 3 (key exchange), RFC 8332 (ssh-rsa signs with SHA-1), RFC 8758 (RC4), RFC 6151 (MD5).
WEAK = re.compile(
    r"diffie-hellman-.*-sha1|ssh-rsa|ssh-dss|.*-cbc(@.*)?|arcfour.*|hmac-md5.*|hmac-.*-96|hmac-ripemd.*"
)


@functools.cache
def profile_names() -> tuple[str, ...]:
    """The profiles there are, the default first."""
    names = sorted(entry.name.removesuffix(".toml") for entry in PROFILES.iterdir())
    return ("openssh", *(name for name in names if name != "openssh"))


# How `ssh -G` and `sshd -T` call them (ssh_config(5), sshd_config(5)), and by what each kind is known.
CALLED = {
    "kexalgorithms": "kex",
    "hostkeyalgorithms": "host_key",
    "ciphers": "cipher",
    "macs": "mac",
}
KNOWN_BY = (
    ("kex", re.compile(r"diffie-hellman-|ecdh-|curve25519-|curve448-|sntrup|mlkem|kex")),
    ("mac", re.compile(r"hmac-|umac-")),
    ("host_key", re.compile(r"ssh-|ecdsa-|rsa-sha2-|sk-|webauthn-")),
    ("cipher", re.compile(r"aes\d|3des|chacha20|arcfour|blowfish|cast128|rijndael|twofish")),
)


def about(name: str) -> str:
    """What one of the shipped lists stands for, in a sentence."""
    return str(tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))["about"])


@functools.cache
def profile(name: str) -> Algorithms:
    """The vault's list of that name, or in that file. Raises Failed where the file is none."""
    if name not in profile_names():
        return _from_file(name)
    data = tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))
    offer = {key: tuple(value) for key, value in data.items() if key != "about"}
    twice = (offer["cipher"], offer["cipher"], offer["mac"], offer["mac"])
    return Algorithms(offer["kex"], offer["host_key"], *twice, offer["compression"], offer["compression"])


def _from_file(path: str) -> Algorithms:
    """The algorithms that a program printed of itself."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Failed("probe.unsupported", f"the file {path} can't be read: {error.strerror}") from None
    offer = printed(text)
    if missing := [kind for kind in ("kex", "host_key", "cipher", "mac") if not offer[kind]]:
        words = (
            f"the file {path} names no {' and no '.join(missing)} algorithm: it takes the output of `ssh -G`"
        )
        raise Failed("probe.unsupported", words)
    twice = (offer["cipher"], offer["cipher"], offer["mac"], offer["mac"])
    none = ("none", "zlib@openssh.com", "zlib")
    return Algorithms(offer["kex"], offer["host_key"], *twice, none, none)


def printed(text: str) -> dict[str, tuple[str, ...]]:
    """The algorithms in the output of `ssh -G`, `sshd -T` (a line a kind) or `ssh -Q` (a line an algorithm).

    >>> printed("ciphers aes256-ctr,aes128-ctr\\nport 22")["cipher"]
    ('aes256-ctr', 'aes128-ctr')
    """
    found: dict[str, dict[str, None]] = {"kex": {}, "host_key": {}, "cipher": {}, "mac": {}}
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        kind = CALLED.get(word.lower())
        if kind is not None:
            found[kind] |= dict.fromkeys(filter(None, rest.strip().split(",")))
        elif word and not rest:
            known = next((kind for kind, pattern in KNOWN_BY if pattern.match(word)), None)
            if known is not None:
                found[known][word] = None
    return {kind: tuple(names) for kind, names in found.items()}


def known_first(offer: Algorithms, types: frozenset[str]) -> Algorithms:
    """The offer with the host keys ahead that are known of a host, as OpenSSH does it.

    So a host with several keys shows the one that it can be compared by.
    """
    names = sorted(offer.host_key, key=lambda name: key_type(name) not in types)
    return replace(offer, host_key=tuple(names))


def of_type(offer: Algorithms, kind: str) -> Algorithms:
    """The offer with host keys of one type only."""
    return replace(offer, host_key=tuple(name for name in offer.host_key if key_type(name) == kind))


def key_types(client: Algorithms, server: Algorithms) -> tuple[str, ...]:
    """The types of host key that both have, each once."""
    common = (key_type(name) for name in client.host_key if name in server.host_key)
    return tuple(dict.fromkeys(common))


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two lists come to: of each kind the client's first name that the server has too.

    `missing` are the kinds without one. A MAC is not missing where the cipher needs none: it is then
    not among the `chosen` either.
    """

    chosen: dict[str, str]
    missing: tuple[str, ...]


def agree(client: Algorithms, server: Algorithms) -> Agreement:
    """Negotiate as both sides would."""
    chosen: dict[str, str] = {}
    missing: list[str] = []
    for kind in KINDS:
        if kind.startswith("mac") and chosen.get(kind.replace("mac", "cipher")) in AEAD:
            continue
        theirs = frozenset(getattr(server, kind))
        common = next((name for name in getattr(client, kind) if name in theirs), None)
        if common is None:
            missing.append(kind)
        else:
            chosen[kind] = common
    return Agreement(chosen, tuple(missing))


def weaknesses(agreement: Agreement) -> list[str]:
    """What would be negotiated and should not be any more, in words, both directions as one."""
    weak = [(KINDS[kind], name) for kind, name in agreement.chosen.items() if WEAK.fullmatch(name)]
    return list(dict.fromkeys(f"{re.sub(' (to|from) the target', '', kind)} {name}" for kind, name in weak))


def as_lists(algorithms: Algorithms) -> dict[str, list[str]]:
    """Plain data, for the facts."""
    return {field.name: list(getattr(algorithms, field.name)) for field in fields(algorithms)}
