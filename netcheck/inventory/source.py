"""The file: its bytes read once, its text, its digest. What can't be text is refused here."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

from netcheck.inventory.problems import START, InventoryError, Place, Placed, Report

LARGEST = 16 * 1024 * 1024
BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what the YAML reader counts as the end of a line
# Everything but YAML 1.2's printable characters (5.1); the other way round it would compile for 4 ms.
UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


class Source(NamedTuple):
    """An inventory's text. `path` is what the user wrote; `sha256` is of the bytes read."""

    path: str
    text: str
    sha256: str
    lines: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """What relative paths in the inventory are relative to."""
        return Path(self.path).absolute().parent


def read_source(path: str | Path) -> Source:
    """The file as text. Raises InventoryError."""
    name = str(path)
    content = _bytes(name)
    text = _text(name, content)
    source = Source(name, text, hashlib.sha256(content).hexdigest(), _lines(text))
    _printable(source)
    return source


def _bytes(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            content = _limited(file)
    except (OSError, ValueError) as error:
        raise _refused(name, _why(error)) from None
    if len(content) > LARGEST:
        raise _refused(name, "more than 16 MB; an inventory names hosts by ranges and networks")
    return content


def _limited(file: BinaryIO) -> bytes:
    """The content, or a little more than LARGEST of it; a device has no size to ask for."""
    content = bytearray()
    while len(content) <= LARGEST and (chunk := file.read(65536)):
        content += chunk
    return bytes(content)


def _why(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "no such file; `netcheck init` writes an inventory to start from"
        case IsADirectoryError():
            return "a directory; name the inventory file in it"
        case OSError():
            return f"can't be read: {error.strerror}"
    return f"can't be read: {error}"


def _text(name: str, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(name, "UTF-16 text; save the file as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = _lines(content[: error.start].decode("utf-8-sig", "replace"))
        place = Place(len(before), len(before[-1]) + 1)
        message = f"byte 0x{content[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
        raise _refused(name, message, place, _lines(content.decode("utf-8-sig", "replace"))) from None


def _lines(text: str) -> tuple[str, ...]:
    return tuple(BREAK.split(text))


def _printable(source: Source) -> None:
    found = UNPRINTABLE.search(source.text)
    if found:
        before = _lines(source.text[: found.start()])
        place = Place(len(before), len(before[-1]) + 1)
        message = f"character U+{ord(found[0]):04X} can't stand in YAML; is this a text file?"
        raise _refused(source.path, message, place, source.lines)


def _refused(name: str, message: str, place: Placed = START, lines: tuple[str, ...] = ()) -> InventoryError:
    report = Report(name, lines)
    report.add(place, message)
    return report.error()
