"""The inventory as values: already validated, inherited and ready to be planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from netcheck.check import Contact, Terms
from netcheck.inventory.hosts import HostSet
from netcheck.inventory.problems import START, Place
from probes.contract import NOTHING, Timing

FLOWS = ("vault-to-target", "user-to-saas", "connector-to-saas", "vault-to-service", "user-to-target")
LOCAL = "local"
TIMEOUT = 5.0  # seconds
LOOK = 4  # a look's deadline, in timeouts


def timing(timeout: float) -> Timing:
    """The bounds that follow from a timeout in seconds."""
    return Timing(timeout, LOOK * timeout)


class SecretRef(NamedTuple):
    """Where a secret is kept, never the secret itself.

    `kind` and what `value` is: `env` a variable's name · `file` an absolute path · `keyring`
    `SERVICE/NAME` · `command` the words of a command line, a tuple · `prompt` nothing (`""`) ·
    `agent` the comment or `SHA256:…` of a key held by ssh-agent (private keys only).
    """

    kind: str
    value: str | tuple[str, ...]

    def __str__(self) -> str:
        """As a message names it: `env NAME`."""
        words = self.value if isinstance(self.value, str) else " ".join(self.value)
        return f"{self.kind} {words}".rstrip()


class CredentialRef(NamedTuple):
    """A credential by reference: who logs in, and where each secret is kept."""

    name: str
    username: str
    password: SecretRef | None = None
    private_key: SecretRef | None = None
    passphrase: SecretRef | None = None


class Vantage(NamedTuple):
    """A place to check from. `ssh` and `cluster` say how a remote one is reached; `local` has neither."""

    name: str
    stands_for: tuple[str, ...] = ()
    ssh: str | None = None
    cluster: str | None = None
    site: str | None = None

    @property
    def way(self) -> str | None:
        """How it is reached: `ssh`, `cluster`, or None for this host."""
        return "ssh" if self.ssh else "cluster" if self.cluster else None


class Service(NamedTuple):
    """One check of an entry, seen from one vantage: its terms. `host` only where a URL names another."""

    terms: Terms
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry under `targets`: the hosts it means, and the services checked on each of them.

    `name` names the target; with `several` (`hosts:`) each target is named by its host instead.
    """

    name: str
    several: bool
    hosts: tuple[HostSet, ...]
    services: tuple[Service, ...]
    place: Place = START

    @property
    def count(self) -> int:
        """How many targets the entry means; counted, not expanded."""
        return sum(hosts.count for hosts in self.hosts)

    def targets(self) -> Iterator[tuple[str, str]]:
        """(target's name, host), in order."""
        for hosts in self.hosts:
            for host in hosts:
                yield (host if self.several else self.name), host


class Inventory(NamedTuple):
    """A whole inventory. `path` as the user wrote it; `concurrency` and `rate` None: not given."""

    path: Path
    sha256: str
    entries: tuple[Entry, ...]
    vantages: Mapping[str, Vantage]
    name: str | None = None
    customer: str | None = None
    contacts: tuple[Contact, ...] = ()
    networks: Mapping[str, tuple[str, ...]] = NOTHING
    credentials: Mapping[str, CredentialRef] = NOTHING
    concurrency: int | None = None
    rate: float | None = None
