"""One target among an inventory's entries, as `diagnose` is asked for it: by name, host name or address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from netcheck.errors import UsageError
from netcheck.inventory.hosts import One, read_host
from netcheck.inventory.model import Entry
from netcheck.inventory.problems import nearest
from probes.settings import BadValue

SHOWN = 3  # hosts named in a message
NEAR = 20_000  # names among which the nearest is looked for


def pick(entries: Iterable[Entry], word: str) -> tuple[Entry, ...]:
    """The entries that the word means, each narrowed to that one target. Raises UsageError.

    A target's name comes first; then a host, whatever its targets are called. Where a target is named by
    its host, targets with another name on the same host are meant too. An entry's name that stands for
    several hosts is no single target.
    """
    known = tuple(entries)
    wanted = _normal(word)
    named = [one for entry in known if (one := _by_name(entry, wanted))]
    if not named:
        _refuse_several(known, wanted)
    hosts = {host.lower() for entry in named for _, host in entry.targets()}
    if named and hosts != {wanted}:
        return tuple(named)
    found = tuple(one for entry in known if (one := _by_host(entry, wanted)))
    if not found:
        raise UsageError(f"netcheck: there is no target `{word}`{_hint(known, word)}")
    return found


def _normal(word: str) -> str:
    """A host in its normal form, so that any way to write an IPv6 address will do; else the word."""
    try:
        return read_host(word).lower()
    except BadValue:
        return word.lower()


def _by_name(entry: Entry, wanted: str) -> Entry | None:
    if entry.name.lower() == wanted and (entry.count == 1 or not entry.several):
        return entry
    return _by_host(entry, wanted) if entry.several else None


def _by_host(entry: Entry, wanted: str) -> Entry | None:
    """The entry with this host alone; None where it is not among its hosts."""
    host = next((host for hosts in entry.hosts for host in hosts if host.lower() == wanted), None)
    return None if host is None else replace(entry, hosts=(One(host),))


def _refuse_several(entries: Sequence[Entry], wanted: str) -> None:
    """Raise UsageError where the word names an entry of several hosts."""
    for entry in entries:
        if entry.several and entry.name.lower() == wanted:
            names = [name for name, _ in islice(entry.targets(), SHOWN)]
            more = ", …" if entry.count > SHOWN else ""
            raise UsageError(
                f"netcheck: `{entry.name}` is {entry.count:,} targets; diagnose one of them: "
                f"{', '.join(names)}{more}"
            )


def _hint(entries: Sequence[Entry], word: str) -> str:
    near = nearest(word, islice(_words(entries), NEAR))
    if near:
        return near
    some = list(islice(dict.fromkeys(islice(_words(entries), NEAR)), SHOWN))
    return f"; there are {', '.join(some)} …" if some else ""


def _words(entries: Iterable[Entry]) -> Iterator[str]:
    """What could have been meant: every target's name, and its host."""
    for entry in entries:
        for name, host in entry.targets():
            yield from dict.fromkeys((name, host))
