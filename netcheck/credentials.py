"""Credentials: each is resolved once a run, and handed out for one attempt at a time.

A wrong directory password tried on hundreds of targets locks the account. So after the first refusal a
credential is suspended for the rest of the run, for those too that were waiting already.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from netcheck.inventory.model import CredentialRef, SecretRef
from netcheck.references import Missing, follow
from probes.contract import Secret, Withheld

# Ladders of one credential at once: enough that the one attempt need not wait for its ladder to climb,
# few enough that no server hangs up on a connection that waits for its turn.
PIPELINE = 4

# Shorter secrets are parts of ordinary words: hiding them would spoil every text.
LEAST_REDACTED = 4

PARTS = ("password", "private_key", "passphrase")


class Vault:
    """The credentials of a run, by name."""

    def __init__(self, references: Mapping[str, CredentialRef]) -> None:
        self._references = references
        self._guarded: dict[str, GuardedCredential] = {}

    def prompt(self, names: Iterable[str]) -> None:
        """Ask for what is to be typed in for these credentials; where there is no terminal it is missing."""
        if not sys.stdin.isatty():
            return
        for name in dict.fromkeys(names):
            self.get(name).ask()

    def get(self, name: str) -> GuardedCredential:
        """The credential of that name; KeyError if the inventory has none."""
        if name not in self._guarded:
            self._guarded[name] = GuardedCredential(self._references[name])
        return self._guarded[name]

    def redact(self, text: str) -> str:
        """The text without any secret that this run has seen."""
        secrets = {secret for guarded in self._guarded.values() for secret in guarded.seen()}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "****")
        return text


class GuardedCredential:
    """Implements `probes.contract.Credential`."""

    def __init__(self, reference: CredentialRef) -> None:
        self._reference = reference
        self._typed: dict[str, str] = {}
        self._resolved: Secret | Missing | None = None
        self._refused_by: str | None = None
        self._places = asyncio.Semaphore(PIPELINE)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def pipeline(self) -> AsyncIterator[None]:
        async with self._places:
            if self._usable:
                yield
                return
        yield  # nothing will be attempted: nobody need wait

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[GuardedAttempt]:
        async with self._turn:
            self._refuse_again()
            yield GuardedAttempt(await self._secret(), self)

    def ask(self) -> None:
        """Ask on the terminal for the parts that are prompts."""
        reference = self._reference
        for part, source in _sources(reference):
            if source.kind != "prompt" or part in self._typed:
                continue
            label = part.replace("_", " ")
            try:
                self._typed[part] = getpass.getpass(f"{label} of {reference.username} ({reference.name}): ")
            except EOFError:  # nothing typed: missing
                return

    def suspend(self, refused_by: str) -> None:
        """Never again in this run."""
        self._refused_by = self._refused_by or refused_by

    def seen(self) -> list[str]:
        """Every text that must not be shown; of a private key each line."""
        parts: list[str | None] = list(self._typed.values())
        if isinstance(self._resolved, Secret):
            secret = self._resolved
            parts += [secret.password, secret.passphrase, *(secret.private_key or "").splitlines()]
        return [part for part in parts if part and len(part) >= LEAST_REDACTED]

    @property
    def _usable(self) -> bool:
        return self._refused_by is None and not isinstance(self._resolved, Missing)

    def _refuse_again(self) -> None:
        if self._refused_by is not None:
            why = f"{self._reference.name} was refused by {self._refused_by}; not tried again in this run"
            raise Withheld("credential.suspended", why)

    async def _secret(self) -> Secret:
        """The secret, found at the first attempt; what can't be had is not looked for again."""
        if self._resolved is None:
            self._resolved = await asyncio.to_thread(self._resolve)
        if isinstance(self._resolved, Missing):
            raise Withheld("credential.missing", f"{self._reference.name} ({self._resolved})")
        return self._resolved

    def _resolve(self) -> Secret | Missing:
        parts: dict[str, str] = {}
        try:
            for part, source in _sources(self._reference):
                if source.kind == "agent":
                    parts["agent_key"] = str(source.value)
                else:
                    parts[part] = self._typed.get(part) or follow(source)
        except Missing as missing:
            return missing
        return Secret(self._reference.username, **parts)


@dataclass(frozen=True, slots=True)
class GuardedAttempt:
    """Implements `probes.contract.Attempt`."""

    secret: Secret
    _credential: GuardedCredential

    def failed(self, by: str) -> None:
        self._credential.suspend(by)


def _sources(reference: CredentialRef) -> list[tuple[str, SecretRef]]:
    """The parts of the credential that the inventory gives, each with where it is kept."""
    parts = ((part, getattr(reference, part)) for part in PARTS)
    return [(part, source) for part, source in parts if source is not None]
