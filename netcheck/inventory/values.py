"""The kinds of value that only an inventory has: hosts, dates, references to secrets, places."""

from __future__ import annotations

import datetime
import re
import shlex
from dataclasses import dataclass
from typing import Any

from netcheck.inventory.hosts import HostSet, One, read_hosts
from netcheck.inventory.model import SecretRef
from probes.codes import ALL_CODES
from probes.settings import BadValue, shown


class Host:
    """One host: a name or an address."""

    def read(self, value: Any) -> HostSet:
        if not isinstance(value, str) or not value:
            raise BadValue(f"{shown(value)} is not a host name or address; quote it")
        hosts = read_hosts(value)
        if not isinstance(hosts, One):
            raise BadValue(
                f"{shown(value)} is several hosts; `host` takes one, `hosts` takes ranges and networks"
            )
        return hosts

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


class Hosts:
    """A host, a range `web[01-12]` or a network `10.20.0.0/28`."""

    def read(self, value: Any) -> HostSet:
        if not isinstance(value, str) or not value:
            raise BadValue(f"{shown(value)} is not a host, range or network; quote it")
        return read_hosts(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


class Date:
    """A day, `2026-12-31` (ISO 8601)."""

    def read(self, value: Any) -> datetime.date:
        try:
            if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                raise ValueError
            return datetime.date.fromisoformat(value)
        except ValueError:
            raise BadValue(f"{shown(value)} is not a date (for example `2026-12-31`)") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date", "pattern": r"^\d{4}-\d\d-\d\d$"}


class Cause:
    """A cause code; `x-NAME.code` of a third party's probe is taken as it is."""

    def read(self, value: Any) -> str:
        if isinstance(value, str) and (value in ALL_CODES or re.fullmatch(r"x-[\w-]+\.\w+", value)):
            return value
        raise BadValue(f"{shown(value)} is not a cause code (`netcheck explain` lists them)", words=ALL_CODES)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(ALL_CODES)}, {"type": "string", "pattern": r"^x-[\w-]+\.\w+$"}]}


class Version:
    """The format's version; there is one."""

    def read(self, value: Any) -> int:
        if value != 1 or isinstance(value, bool):
            raise BadValue(f"{shown(value)} is not a format version this netcheck reads; write `netcheck: 1`")
        return 1

    def schema(self) -> dict[str, Any]:
        return {"const": 1}


MEANING = {
    "env": "an environment variable's name",
    "file": "a file's path",
    "keyring": "SERVICE/NAME in the keyring",
    "command": "a command that prints it",
    "prompt": "`true`: ask on the terminal",
    "agent": "the comment or SHA256:… of a key held by ssh-agent",
}


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is kept: `{env: NAME}` or another of the ways, exactly one."""

    ways: tuple[str, ...] = tuple(way for way in MEANING if way != "agent")

    @property
    def words(self) -> str:
        """The ways as a message lists them."""
        forms = [f"{{{way}: {'true' if way == 'prompt' else '…'}}}" for way in self.ways]
        return f"{', '.join(forms[:-1])} or {forms[-1]}"

    def read(self, value: Any) -> SecretRef:
        if not isinstance(value, dict) or len(value) != 1:
            raise BadValue(f"a secret is one reference: {self.words}")
        (way, where), *_ = value.items()
        if way not in self.ways:
            raise BadValue(f"{shown(way)} is no way to a secret: {self.words}", (way,), self.ways)
        try:
            return SecretRef(way, _where(way, where))
        except BadValue as error:
            raise error.under(way) from None

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "minLength": 1}
        forms: dict[str, Any] = {way: {**text, "description": MEANING[way]} for way in self.ways}
        forms["prompt"] = {"const": True, "description": MEANING["prompt"]}
        forms["keyring"] = {**forms["keyring"], "pattern": "^[^/]+/.+$"}
        words = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        forms["command"] = {"anyOf": [text, words], "description": MEANING["command"]}
        return {
            "type": "object",
            "properties": forms,
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }


def _where(way: str, where: Any) -> str | tuple[str, ...]:
    if way == "prompt":
        if where is not True:
            raise BadValue("`prompt` takes `true`")
        return ""
    if way == "command":
        return _command(where)
    if not isinstance(where, str) or not where.strip():
        raise BadValue(f"`{way}` takes {MEANING[way]}")
    if way == "env" and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", where):
        raise BadValue(f"`env` takes {MEANING[way]}: letters, digits and `_`")
    if way == "keyring" and not re.fullmatch(r"[^/]+/.+", where):
        raise BadValue(f"`keyring` takes {MEANING[way]}")
    return where


def _command(where: Any) -> tuple[str, ...]:
    """The words of a command line; no shell reads it."""
    try:
        words = shlex.split(where) if isinstance(where, str) else where
    except ValueError as error:
        raise BadValue(f"`command` is not a command line: {error}") from None
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise BadValue("`command` takes a command line or a list of its words")
    return tuple(words)
