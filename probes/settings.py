"""What may be asked of a probe: every option with its kind, default and one sentence.

A kind reads a plain value (as YAML or JSON gives it) and refuses a wrong one with `BadValue`, whose
`path` leads to the part that is wrong; it also describes itself as JSON Schema (draft 2020-12).
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST = 36500 * UNITS["d"]
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")


class BadValue(ValueError):
    """A value that can't be: `message` for the user, `path` to the part, the valid `words` if few."""

    def __init__(self, message: str, path: tuple[int | str, ...] = (), words: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.words = tuple(words)

    def under(self, key: int | str) -> BadValue:
        """The same error, seen from one level further out."""
        return BadValue(self.message, (key, *self.path), self.words)


class Kind(Protocol):
    """What a value may be."""

    def read(self, value: Any) -> Any: ...

    def schema(self) -> dict[str, Any]: ...


def shown(value: Any) -> str:
    """The value as a message names it: quoted, short, on one line."""
    if value is None or isinstance(value, (list, Mapping)):
        return "nothing" if value is None else "a list" if isinstance(value, list) else "a mapping"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = "".join(char if char.isprintable() else " " for char in text)  # no terminal control
    text = " ".join(text.split())
    return f"`{text[:40]}…`" if len(text) > 41 else f"`{text}`"


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `pattern` must match it whole, `what` names it in messages."""

    what: str = "text"
    pattern: str | None = None
    example: str | None = None

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            fix = "" if value is None or isinstance(value, (list, Mapping)) else "; quote it"
            raise BadValue(f"{shown(value)} is not {self.what}{fix}" + self._hint())
        if not value or (self.pattern and not re.fullmatch(self.pattern, value)):
            raise BadValue(f"{shown(value)} is not {self.what}" + self._hint())
        return value

    def _hint(self) -> str:
        return f" (for example `{self.example}`)" if self.example else ""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", **({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    least: int = 0
    most: int | None = None
    what: str = "a whole number"

    def read(self, value: Any) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < self.least or (self.most is not None and value > self.most):
            upper = "or more" if self.most is None else f"to {self.most}"
            quoted = "; leave the quotes out" if isinstance(value, str) and value.isdecimal() else ""
            raise BadValue(f"{shown(value)} is not {self.what}: {self.least} {upper}{quoted}")
        return int(value)

    def schema(self) -> dict[str, Any]:
        most = {} if self.most is None else {"maximum": self.most}
        return {"type": "integer", "minimum": self.least, **most}


PORT = Whole(1, 65535, "a port")


class File:
    """A file's path. Whoever reads the settings makes it absolute and sees that the file is there."""

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or not value or "\0" in value:
            raise BadValue(f"{shown(value)} is not a file's path")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}

    def is_file(self, value: str) -> bool:
        """Whether this value is a path: always."""
        return True


@dataclass(frozen=True, slots=True)
class NamedOrFile(File):
    """One of the names, or the path of a file: what has a slash or a dot."""

    names: tuple[str, ...]
    what: str

    def read(self, value: Any) -> str:
        text = value if isinstance(value, str) else ""
        if text in self.names or not re.search(r"[/.~]", text):
            return Choice(self.names, f"{self.what}, or a file's path").read(value)
        return File.read(self, value)

    def is_file(self, value: str) -> bool:
        """Whether this value is a path, and no name."""
        return value not in self.names


class Flag:
    """`true` or `false`."""

    def read(self, value: Any) -> bool:
        if value in ("true", "false"):
            raise BadValue(f"{shown(value)} is text; write {value} without quotes")
        if not isinstance(value, bool):
            raise BadValue(f"{shown(value)} is neither `true` nor `false`", words=("true", "false"))
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    what: str = "a known word"

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            known = ", ".join(f"`{word}`" for word in self.words)
            raise BadValue(f"{shown(value)} is not {self.what}: {known}", words=self.words)
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Duration:
    """A time: `5s`, `500ms`, `10m`, `2h`, `30d`, or a number of seconds. Gives seconds.

    >>> Duration().read("2m")
    120.0
    """

    least: float = 0.0

    def read(self, value: Any) -> float:
        found = None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = float(value)
        else:
            found = DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
            if found is None:
                raise BadValue(f"{shown(value)} is not a duration (for example `5s`, `500ms`, `2m`)")
            seconds = float(found[1]) * UNITS[found[2] or "s"]
        if not self.least <= seconds <= LONGEST:  # also refuses nan and inf
            bound = "100 years at most" if seconds > LONGEST else f"{self.least:g} s or more"
            raise BadValue(f"{shown(value)} is not a duration: {bound}")
        return seconds

    def schema(self) -> dict[str, Any]:
        pattern = r"^\d+(\.\d+)?\s*(ms|s|m|h|d)?$"
        return {"anyOf": [{"type": "string", "pattern": pattern}, {"type": "number", "minimum": 0}]}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of one kind; a single value stands for a list of one. Gives a tuple."""

    item: Kind
    least: int = 1

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            return (self.item.read(value),)
        if len(value) < self.least:
            raise BadValue("the list is empty")
        items = []
        for index, part in enumerate(value):
            try:
                items.append(self.item.read(part))
            except BadValue as error:
                raise error.under(index) from None
        return tuple(items)

    def schema(self) -> dict[str, Any]:
        item = self.item.schema()
        return {"anyOf": [item, {"type": "array", "items": item, "minItems": self.least}]}


class TextMap:
    """Names with a text each (HTTP headers)."""

    def read(self, value: Any) -> dict[str, str]:
        if not isinstance(value, Mapping):
            raise BadValue(f"{shown(value)} is not a mapping of names to texts")
        for key, part in value.items():
            if not isinstance(part, str):
                raise BadValue(f"{shown(part)} is not text; quote it", (key,))
        return dict(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "string"}}


class Network:
    """An IP address or network in CIDR form, as text in its normal form."""

    def read(self, value: Any) -> str:
        try:
            if not isinstance(value, str):
                raise ValueError
            if "/" in value:
                return str(ipaddress.ip_network(value))
            return str(ipaddress.ip_address(value))
        except ValueError as error:
            if "host bits" in str(error):
                network = ipaddress.ip_network(value, strict=False)
                raise BadValue(f"{shown(value)} has host bits set; write `{network}`") from None
            raise BadValue(f"{shown(value)} is not an address or network") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^[0-9A-Fa-f.:]+(/\d+)?$"}


class Server:
    """A resolver: `ADDRESS`, `ADDRESS:PORT` or `[IPV6]:PORT`. Gives (address, port), port 53."""

    def read(self, value: Any) -> tuple[str, int]:
        text = value if isinstance(value, str) else ""
        found = re.fullmatch(r"\[([^]]+)\](?::(\d+))?|([^:]+):(\d+)|(.+)", text)
        try:
            if found is None:
                raise ValueError
            address = ipaddress.ip_address(found[1] or found[3] or found[5])
            return str(address), PORT.read(int(found[2] or found[4] or 53))
        except ValueError as error:
            why = error.message if isinstance(error, BadValue) else "use `ADDRESS` or `ADDRESS:PORT`"
            raise BadValue(f"{shown(value)} is not a resolver: {why}") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^[0-9A-Fa-f.:\[\]]+$"}


def option(kind: Kind, default: Any, doc: str) -> Any:
    """A field of a probe's settings. `default` is what `kind.read` would have given."""
    return dataclasses.field(default=default, metadata={"kind": kind, "doc": doc})


class Option(NamedTuple):
    """One option of a probe, as `options_of` lists it."""

    name: str
    kind: Kind
    default: Any
    doc: str


@functools.cache
def options_of(settings: type) -> Mapping[str, Option]:
    """The options that a settings class declares, by name, in order."""
    return {
        field.name: Option(field.name, field.metadata["kind"], field.default, field.metadata["doc"])
        for field in dataclasses.fields(settings)
    }
