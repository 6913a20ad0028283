"""`netcheck check URL…`: what is to be checked, without an inventory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from netcheck.check import Terms
from netcheck.errors import UsageError
from netcheck.inventory.hosts import One
from netcheck.inventory.model import FLOWS, LOCAL, TIMEOUT, Entry, Service, timing
from netcheck.inventory.origin import ASSUMED
from netcheck.inventory.services import Wanted, read_url
from probes.settings import BadValue


def from_urls(urls: Iterable[str]) -> Iterator[Entry]:
    """One entry a URL, seen from this host; a URL given twice is checked once. Raises UsageError.

    Where two differ in their path only, the check of the second is named `2`, and so on.
    """
    seen: Counter[tuple[str, str, int | None]] = Counter()
    for wanted in map(_wanted, dict.fromkeys(urls)):
        host = wanted.host or ""
        slot = (host, wanted.probe.name, wanted.port)
        seen[slot] += 1
        terms = _terms(wanted, str(seen[slot]) if seen[slot] > 1 else None)
        yield Entry(host, False, (One(host),), (Service(terms),))


def _wanted(url: str) -> Wanted:
    try:
        return read_url(url)
    except BadValue as error:
        raise UsageError(f"netcheck: {error.message}\nnothing was checked") from None


def _terms(wanted: Wanted, name: str | None) -> Terms:
    return Terms(
        vantage=LOCAL,
        origin=ASSUMED,
        flow=FLOWS[0],
        probe=wanted.probe.name,
        port=wanted.port,
        settings=wanted.probe.settings(**wanted.settings),
        timing=timing(TIMEOUT),
        name=name,
    )
