"""Host keys: fingerprints, pins, known_hosts files, and whether a key is the expected one.

known_hosts as sshd(8) describes it: several names a line, `*`, `?`, `!`, `[host]:port`, hashed names,
`@revoked`; a host may have several keys, of one type too (the two machines of a pair).
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from probes.settings import BadValue, shown

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
ELIDED = "SHA256:…"  # as manuals print it: a fingerprint still to be filled in, which no key has
CERTIFICATE = "-cert-v01@openssh.com"


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public host key as it goes over the wire (RFC 4253 6.6). `bits` None: not looked at."""

    type: str
    blob: bytes
    bits: int | None = None

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: `SHA256:` and base64 without padding."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return "SHA256:" + digest.rstrip("=")


def public_key(words: list[str]) -> HostKey | None:
    """The key from `TYPE BASE64 …`, or None where that is no key."""
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (IndexError, ValueError):  # also for what is not ASCII
        return None
    named = blob[4 : 4 + int.from_bytes(blob[:4], "big")]
    return HostKey(words[0], blob) if named == words[0].encode() and named else None


@dataclass(frozen=True, slots=True)
class Pin:
    """A kind of value: a fingerprint `SHA256:…` or a public key line, in its shortest form."""

    def read(self, value: Any) -> str:
        if isinstance(value, str):
            text = value.strip()
            if FINGERPRINT.fullmatch(text) or text == ELIDED:
                return text.rstrip("=")
            if key := public_key(text.split()):
                return f"{key.type} {base64.b64encode(key.blob).decode()}"
        hint = "use `SHA256:…` (43 characters, as `ssh-keygen -lf` prints it) or a line `ssh-ed25519 AAAA…`"
        raise BadValue(f"{shown(value)} is not a host key: {hint}")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^(SHA256:([A-Za-z0-9+/]{43}=?|…)|\S+ [A-Za-z0-9+/]+=*( .*)?)$"}


class Standing(StrEnum):
    """What a host key is to us."""

    VERIFIED = "verified"
    OTHER = "other"  # another key is expected
    REVOKED = "revoked"
    UNKNOWN = "unknown"  # nothing known of this host, or of this type of key
    NOT_COMPARED = "not compared"  # nothing was given to compare with


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is known of a host's keys. `pins` are fingerprints and key lines from the settings."""

    pins: tuple[str, ...] = ()
    keys: tuple[HostKey, ...] = ()
    revoked: tuple[HostKey, ...] = ()
    known_hosts: str | None = None
    elided: bool = False  # `host_key` is still `SHA256:…`

    def standing(self, key: HostKey) -> Standing:
        """How the key that the host proved compares."""
        if any(key.blob == each.blob for each in self.revoked):
            return Standing.REVOKED
        if key.fingerprint in self.fingerprints:
            return Standing.VERIFIED
        if self.pins or key.type in self.types:
            return Standing.OTHER
        return Standing.UNKNOWN if self.known_hosts or self.elided else Standing.NOT_COMPARED

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return tuple(each.fingerprint if isinstance(each, HostKey) else each for each in self._all())

    @property
    def types(self) -> frozenset[str]:
        """The types of the keys that are known as a whole."""
        return frozenset(each.type for each in self._all() if isinstance(each, HostKey))

    @property
    def untyped(self) -> bool:
        """Whether a bare fingerprint is among them: it does not tell the type of its key."""
        return any(isinstance(each, str) for each in self._all())

    def _all(self) -> Iterator[HostKey | str]:
        for pin in self.pins:
            yield public_key(pin.split()) or pin
        yield from self.keys


def key_type(algorithm: str) -> str:
    """The type of key that a host key algorithm signs with (RFC 8332 3).

    >>> key_type("rsa-sha2-512")
    'ssh-rsa'
    """
    plain = algorithm.removesuffix(CERTIFICATE)
    return "ssh-rsa" if plain.startswith("rsa-sha2-") else plain


def expected(pins: tuple[str, ...], path: str | None, host: str, address: str, port: int) -> Expectation:
    """What the settings and the known_hosts file say of the host."""
    elided = ELIDED in pins
    pins = tuple(pin for pin in pins if pin != ELIDED)
    if path is None:
        return Expectation(pins, elided=elided)
    entries = _load(os.path.expanduser(path)).of(host, address, port)
    keys = tuple(entry.key for entry in entries if entry.marker is None)
    revoked = tuple(entry.key for entry in entries if entry.marker == "@revoked")
    return Expectation(pins, keys, revoked, path, elided)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a known_hosts file. `marker` `@revoked`, `@cert-authority` or None."""

    marker: str | None
    names: tuple[str, ...]
    key: HostKey

    def means(self, name: str) -> bool:
        """Whether the line is for that name (`host` or `[host]:port`)."""
        if any(each[:1] == "!" and _matches(each[1:], name) for each in self.names):
            return False
        return any(_matches(each, name) for each in self.names)


def _matches(pattern: str, name: str) -> bool:
    wild = re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, name) is not None


def _hashed(name: str) -> tuple[bytes, bytes] | None:
    """Salt and digest of `|1|SALT|HMAC-SHA1(SALT, name)`, both in base64; None where it is none."""
    try:
        salt, digest = (base64.b64decode(part) for part in name.removeprefix("|1|").split("|"))
    except ValueError:
        return None
    return salt, digest


class KnownHosts:
    """The entries of a known_hosts file: plain names are found without a search."""

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._plain: dict[str, list[Entry]] = {}
        self._wild: list[Entry] = []
        self._hashed: list[tuple[bytes, bytes, Entry]] = []  # a line has one hashed name at most
        for entry in entries:
            if entry.names[0].startswith("|1|"):
                if parts := _hashed(entry.names[0]):
                    self._hashed.append((*parts, entry))
            elif any(character in name for name in entry.names for character in "!*?"):
                self._wild.append(entry)
            else:
                for name in entry.names:
                    self._plain.setdefault(name.lower(), []).append(entry)

    def of(self, host: str, address: str, port: int) -> tuple[Entry, ...]:
        """The entries for the host: by its name with the port, its name alone, or its address so."""
        for name in dict.fromkeys((host.lower().rstrip("."), address)):
            for form in (f"[{name}]:{port}", name) if port != 22 else (name,):
                if found := self._of_name(form):
                    return found
        return ()

    def _of_name(self, name: str) -> tuple[Entry, ...]:
        wild = (entry for entry in self._wild if entry.means(name))
        text = name.encode()
        hashed = (entry for salt, digest, entry in self._hashed if hmac.digest(salt, text, "sha1") == digest)
        return (*self._plain.get(name, ()), *wild, *hashed)


def parse(text: str) -> Iterator[Entry]:
    """The lines that hold a key; others are passed over, as OpenSSH does."""
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else None
        key = public_key(words[1:])
        names = tuple(name for name in words[0].split(",") if name) if key else ()
        if key and names:
            yield Entry(marker, names, key)


def _load(path: str) -> KnownHosts:
    """The file's entries; none where it can't be read, as OpenSSH does it."""
    try:
        status = os.stat(path)
        return _parsed(path, status.st_mtime_ns, status.st_size)
    except OSError:
        return KnownHosts(iter(()))


@functools.lru_cache(8)
def _parsed(path: str, changed: int, size: int) -> KnownHosts:
    with open(path, encoding="utf-8", errors="replace") as file:
        return KnownHosts(parse(file.read()))
