"""YAML as a tree whose every value knows where it stands.

Built from the parser's events, not from its objects: so nothing is constructed that the file names, an
alias is one shared value however often it is written out, and the size is known before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from netcheck.inventory import scalars
from netcheck.inventory.problems import SECRET_KEY, WAYS, Place, Placed, Report, secret_in_url
from netcheck.inventory.source import Source
from probes.settings import shown

PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is some ten times faster
MOST_VALUES = 2_000_000  # with every alias written out
DEEPEST = 50

Value = scalars.Scalar | list["Node"] | dict[str, "Node"]


# Shared by all that is no mapping, and never written to: there may be a million of them.
NO_KEYS: dict[str, Node] = {}


@dataclass(slots=True)
class Node:
    """A value and its place. `keys` of a mapping: where each key stands; `size` with aliases written out."""

    value: Value
    line: int
    column: int
    width: int = 1
    size: int = 1
    keys: dict[str, Node] = field(default_factory=lambda: NO_KEYS)

    def plain(self) -> Any:
        """The value as ordinary lists, dictionaries and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def at(self, path: tuple[int | str, ...]) -> Node:
        """The part that a path leads to, or the last part on the way that there is."""
        node = self
        for key in path:
            if not isinstance(node.value, (dict, list)):
                break
            inner: Any = node.value
            try:
                node = inner[key]
            except (KeyError, IndexError):
                break
        return node


class Stop(Exception):
    """The rest of the file would make no sense."""

    def __init__(self, place: Placed, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


@dataclass(slots=True)
class Frame:
    """A collection that is still open. `key`: a mapping's key that waits for its value."""

    node: Node
    anchor: str | None
    key: Node | None = None


def read_tree(source: Source, report: Report) -> Node:
    """The one document of the file. Raises InventoryError where there is none that could be read on."""
    builder = Builder(report)
    try:
        for event in yaml.parse(source.text, Loader=PARSER):
            builder.take(event)
        if builder.root is None:
            raise Stop(Place(), "the inventory is empty; `netcheck init` writes one to start from")
    except Stop as stop:
        report.add(stop.place, stop.message)
        raise report.error() from None
    except yaml.MarkedYAMLError as error:
        report.add(*_explained(error, source))
        raise report.error() from None
    return builder.root


class Builder:
    """Takes the parser's events one by one; `root` is the document."""

    def __init__(self, report: Report) -> None:
        self.root: Node | None = None
        self._report = report
        self._open: list[Frame] = []
        self._anchors: dict[str, Node | None] = {}  # None: still open
        self._takers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: Any) -> None:
        taker = self._takers.get(type(event))
        if taker is not None:
            taker(event)

    def _document(self, event: Any) -> None:
        if self.root is not None:
            raise Stop(_place(event), "a second document starts here; an inventory is one document")

    def _scalar(self, event: Any) -> None:
        place = _place(event)
        self._no_tag(event, place)
        value = scalars.resolve(event.value) if event.implicit[0] else event.value
        node = Node(value, place.line, place.column, place.width)
        self._remember(event.anchor, node)
        self._put(node, event.end_mark.line + 1)

    def _alias(self, event: Any) -> None:
        place = _place(event)
        if event.anchor not in self._anchors:
            raise Stop(
                place, f"`*{event.anchor}` stands for nothing: there is no `&{event.anchor}` before it"
            )
        node = self._anchors[event.anchor]
        if node is None:
            raise Stop(place, f"`*{event.anchor}` stands inside what it stands for")
        self._put(node, place.line)

    def _mapping(self, event: Any) -> None:
        self._start(event, {})

    def _sequence(self, event: Any) -> None:
        self._start(event, [])

    def _start(self, event: Any, value: Value) -> None:
        place = _place(event)
        self._no_tag(event, place)
        if len(self._open) >= DEEPEST:
            raise Stop(place, f"nested more than {DEEPEST} deep")
        if event.anchor:
            self._anchors[event.anchor] = None
        keys = NO_KEYS if isinstance(value, list) else {}
        self._open.append(Frame(Node(value, place.line, place.column, keys=keys), event.anchor))

    def _end(self, event: Any) -> None:
        frame = self._open.pop()
        self._remember(frame.anchor, frame.node)
        self._put(frame.node, event.end_mark.line + 1)

    def _put(self, node: Node, last_line: int) -> None:
        """The value goes to where it belongs: the root, a list, a key, or it is a key itself."""
        if not self._open:
            self.root = node
            return
        frame = self._open[-1]
        self._grow(frame.node, node)
        if isinstance(frame.node.value, list):
            frame.node.value.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            self._pair(frame.node, frame.key, node, last_line)
            frame.key = None
        self._refuse_secret_url(node, last_line)

    def _grow(self, outer: Node, node: Node) -> None:
        outer.size += node.size
        if outer.size > MOST_VALUES:
            raise Stop(outer, f"more than {MOST_VALUES:,} values (aliases count each time they are used)")

    def _pair(self, mapping: Node, key: Node, node: Node, last_line: int) -> None:
        name = self._name(key)
        if name is None:
            return
        if SECRET_KEY.fullmatch(name) and not (isinstance(node.value, dict) and node.value.keys() <= {*WAYS}):
            self._report.hide(node, last_line)
        if name in mapping.keys:
            first = mapping.keys[name].line
            self._report.add(key, f"{shown(name)} stands twice here; the first is on line {first}")
            return
        assert isinstance(mapping.value, dict)
        mapping.value[name] = node
        mapping.keys[name] = key

    def _name(self, key: Node) -> str | None:
        if key.value == "<<":
            self._report.add(key, "`<<` is not YAML 1.2; what several targets share belongs in `groups`")
            return None
        if isinstance(key.value, str):
            return key.value
        if isinstance(key.value, (list, dict)):
            self._report.add(key, "a key is one word, not a list or mapping")
        else:
            self._report.add(key, f"the key {shown(key.plain())} is not text; quote it")
        return None

    def _refuse_secret_url(self, node: Node, last_line: int) -> None:
        if isinstance(node.value, str) and (message := secret_in_url(node.value)):
            self._report.leak(node, last_line, message)

    def _no_tag(self, event: Any, place: Placed) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._report.add(place, f"{shown(tag)} is a tag; tags mean nothing here, leave it out")

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor:
            self._anchors[anchor] = node


def _place(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Place(start.line + 1, start.column + 1, max(1, width))


# The parser's words for the mistakes that people make, in words that say what to do.
WORDS = (
    ("mapping values are not allowed", "a second `: ` on this line; quote the text that holds it"),
    ("unexpected end of stream", "this quote is never closed"),
    ("expected ',' or ']'", "this `[` is never closed, or a `,` is missing in it"),
    ("expected ',' or '}'", "this `{` is never closed, or a `,` is missing in it"),
    ("could not find expected ':'", "this line has no `:` after its key"),
    ("expected '-' indicator", "this line is not indented like the list it stands in"),
    ("expected key", "this does not belong here; is the indentation right, or a quote missing?"),
    ("expected alphabetic or numeric", "text can't begin with `*` or `&`; quote it"),
    ("cannot start any token", "text can't begin with this character; quote it"),
    ("sequence entries are not allowed", "a list can't begin here; start it on the next line or write [ ]"),
    ("unknown escape character", "no such escape in double quotes; use single quotes"),
)
CONTINUED = (
    "this line is read as the end of the one before: is it indented too far, or does that lack a `: `?"
)
AT_THE_START = ("unexpected end of stream", "expected ',' or", "could not find expected ':'")


def _explained(error: yaml.MarkedYAMLError, source: Source) -> tuple[Place, str]:
    problem = error.problem or ""
    mark: Any = error.problem_mark or error.context_mark
    if error.context_mark is not None and any(words in problem for words in AT_THE_START):
        mark = error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place()
    line = source.lines[place.line - 1] if place.line <= len(source.lines) else ""
    if line[place.column - 1 : place.column] == "\t":
        return place, "not YAML: a tab; indent with spaces"
    if "mapping values" in problem and ": " not in line[: place.column - 1]:
        return place, f"not YAML: {CONTINUED}"
    meaning = next((meaning for words, meaning in WORDS if words in problem), problem)
    return place, f"not YAML: {meaning}"
