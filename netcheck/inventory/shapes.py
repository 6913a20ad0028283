"""The shapes of an inventory: records, named tables and lists, down to the kinds of their values.

One description serves three: the reader (every mistake reported at its place), the nearest-word hints
and the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from netcheck.inventory.problems import SECRET_KEY, Report, nearest
from netcheck.inventory.tree import Node
from probes.settings import BadValue, Kind, Listing, Text, shown

NAME = Text("a name (letters, digits, `.`, `_`, `-`)", r"[A-Za-z0-9._-]+")
SECRETS = ("password", "passphrase", "private_key", "secret", "token")  # a key near them may hold one
MISSING = object()  # what a shape gives where there is no good value; the problem has been reported


class Shape(Protocol):
    """What a part of the tree may be. `collect` reports what is wrong and gives MISSING for it."""

    def collect(self, node: Node, report: Report) -> Any: ...

    def schema(self) -> dict[str, Any]: ...


class Given(NamedTuple):
    """A value that the inventory gives, and where."""

    value: Any
    node: Node


Fields = Mapping[str, Given]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a kind."""

    kind: Kind

    def collect(self, node: Node, report: Report) -> Any:
        if node.value is None:
            report.add(node, "a value is missing here")
            return MISSING
        if isinstance(self.kind, Listing) and isinstance(node.value, list) and len(node.value) > 1:
            return self._each(Leaf(self.kind.item), node.value, report)
        try:
            return self.kind.read(node.plain())
        except BadValue as error:
            report_bad(report, node, error)
            return MISSING

    @staticmethod
    def _each(item: Leaf, parts: list[Node], report: Report) -> Any:
        """Every item of a list, so that every wrong one is reported."""
        values = tuple(item.collect(part, report) for part in parts)
        return MISSING if MISSING in values else values

    def schema(self) -> dict[str, Any]:
        return self.kind.schema()


def report_bad(report: Report, node: Node, error: BadValue) -> None:
    """The refusal of a kind, at the part of the value that is wrong."""
    part = node.at(error.path)
    hint = nearest(str(part.value), error.words) if isinstance(part.value, str) else ""
    report.add(part, error.message + hint)


@dataclass(frozen=True, slots=True)
class Many:
    """A list of one shape; a single value stands for a list of one. Gives a tuple of Given."""

    item: Shape

    def collect(self, node: Node, report: Report) -> tuple[Given, ...]:
        parts = node.value if isinstance(node.value, list) else [node]
        values = [Given(self.item.collect(part, report), part) for part in parts]
        return tuple(given for given in values if given.value is not MISSING)

    def schema(self) -> dict[str, Any]:
        item = self.item.schema()
        return {"anyOf": [item, {"type": "array", "items": item}]}


@dataclass(frozen=True, slots=True)
class Table:
    """Names, each with one shape: `groups`, `targets` … Gives {name: Given}; `None` is an empty table."""

    item: Shape
    what: str
    name: Kind = NAME

    def collect(self, node: Node, report: Report) -> dict[str, Given]:
        if node.value is None:
            return {}
        if not isinstance(node.value, dict):
            report.add(node, f"{described(node)} stands where {self.what} by name belong")
            return {}
        found = {}
        for key, part in node.value.items():
            value = self.item.collect(part, report)
            if self._named(key, node.keys[key], report) and value is not MISSING:
                found[key] = Given(value, node.keys[key])
        return found

    def _named(self, key: str, place: Node, report: Report) -> bool:
        try:
            self.name.read(key)
        except BadValue as error:
            report.add(place, error.message + nearest(key, error.words))
            return False
        return True

    def schema(self) -> dict[str, Any]:
        names = self.name.schema()
        return {
            "type": ["object", "null"],
            "propertyNames": names,
            "additionalProperties": self.item.schema(),
        }


class Key(NamedTuple):
    """One key of a record: its shape and a sentence for editors."""

    shape: Shape
    doc: str
    required: bool = False
    secret: str = ""  # what to write instead of a secret in clear text


def key(kind: Kind | Shape, doc: str, *, required: bool = False) -> Key:
    """A key whose value is of that kind or shape."""
    return Key(kind if hasattr(kind, "collect") else Leaf(kind), doc, required)  # type: ignore[arg-type]


def no_more() -> Mapping[str, Key]:
    """No keys but those of the record itself."""
    return {}


def no_hint(name: str) -> str:
    """Nothing is known of the name."""
    return ""


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys. `more` gives further ones, asked only when they are needed.

    Gives Fields: the keys with a good value; `make` turns them into something else, where given. `hint`
    says what an unknown key is, where the record knows better than the nearest word.
    """

    what: str
    keys: Mapping[str, Key]
    more: Callable[[], Mapping[str, Key]] = no_more
    make: Callable[[Fields, Node, Report], Any] | None = None
    hint: Callable[[str], str] = no_hint
    empty: bool = False  # may be left empty: `local:`

    def collect(self, node: Node, report: Report) -> Any:
        if node.value is None and self.empty:
            node = Node({}, node.line, node.column)
        if not isinstance(node.value, dict):
            report.add(node, f"{described(node)} stands where {self.what} belongs; its keys: {self._known()}")
            return MISSING
        fields = {name: self._field(name, node, report) for name in node.value}
        self._require(node, fields, report)
        good = {name: given for name, given in fields.items() if given is not None}
        return self.make(good, node, report) if self.make else good

    def _field(self, name: str, node: Node, report: Report) -> Given | None:
        assert isinstance(node.value, dict)
        known = self.keys.get(name) or self.more().get(name)
        part = node.value[name]
        if SECRET_KEY.fullmatch(name) and part.value is not None and not isinstance(part.value, (dict, list)):
            report.add(node.keys[name], clear_text(name, known))
            return None
        if known is None:
            if self._may_be_secret(name):
                report.hide(part, part.line)
            report.add(node.keys[name], self._unknown(name))
            return None
        value = known.shape.collect(part, report)
        return None if value is MISSING else Given(value, part)

    def _may_be_secret(self, name: str) -> bool:
        """An unknown key is often a known one misspelt (`pasword: …`); among secrets, any may be one."""
        plain = [key for key, known in self.keys.items() if not known.secret]
        return not nearest(name, plain) if len(plain) < len(self.keys) else bool(nearest(name, SECRETS))

    def _unknown(self, name: str) -> str:
        near = self.hint(name) or nearest(name, [*self.keys, *self.more()])
        return f"{self.what} has no key {shown(name)}" + (near or f"; its keys: {self._known()}")

    def _known(self) -> str:
        names = [f"`{name}`" for name in self.keys]
        return ", ".join(names if len(names) <= 10 else [*names[:8], "… (`netcheck schema` has them all)"])

    def _require(self, node: Node, fields: Mapping[str, Given | None], report: Report) -> None:
        """A required key that is misspelt has been reported already."""
        misspelt = [nearest(name, self.keys) for name in fields if name not in self.keys]
        for name, known in self.keys.items():
            if known.required and name not in fields and not any(f"`{name}`" in near for near in misspelt):
                report.add(node, f"{self.what} needs `{name}`: {known.doc}")

    def schema(self) -> dict[str, Any]:
        keys = {**self.keys, **self.more()}
        required = [name for name, known in keys.items() if known.required]
        return {
            "type": ["object", "null"] if self.empty else "object",
            "properties": {
                name: {**known.shape.schema(), "description": known.doc} for name, known in keys.items()
            },
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }


def clear_text(name: str, known: Key | None) -> str:
    """What to do instead of writing a secret down."""
    if known is None or not known.secret:
        return f"secret in clear text: `{name}` belongs in `credentials`, as {{env: …}} or another reference"
    return f"secret in clear text: `{name}` takes {known.secret}"


def described(node: Node) -> str:
    """The value as a message names it."""
    match node.value:
        case None:
            return "nothing"
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return shown(node.value)
