"""`netcheck check URL…`: a plan without an inventory."""

from __future__ import annotations

from collections.abc import Iterable

from netcheck.check import Terms
from netcheck.errors import UsageError
from netcheck.inventory.hosts import One
from netcheck.inventory.model import FLOWS, LOCAL, Entry, Service
from netcheck.inventory.origin import ASSUMED
from netcheck.inventory.services import Wanted, read_url
from netcheck.plan import LOOK, Plan, choose
from probes.contract import Timing
from probes.settings import BadValue

TIMEOUT = 5.0


def from_urls(urls: Iterable[str], *, only: Iterable[str] = (), timeout: float | None = None) -> Plan:
    """The plan of these URLs, seen from this host; a URL given twice is checked once. Raises UsageError."""
    return choose([_entry(url) for url in dict.fromkeys(urls)], only=only, timeout=timeout)


def _entry(url: str) -> Entry:
    try:
        wanted = read_url(url)
        settings = wanted.probe.settings(**wanted.settings)
    except BadValue as error:
        raise UsageError(f"netcheck: {error.message}; nothing was checked") from None
    assert wanted.host is not None
    return Entry(wanted.host, False, (One(wanted.host),), (Service(_terms(wanted, settings)),))


def _terms(wanted: Wanted, settings: object) -> Terms:
    return Terms(
        vantage=LOCAL,
        origin=ASSUMED,
        flow=FLOWS[0],
        probe=wanted.probe.name,
        port=wanted.port,
        settings=settings,
        timing=Timing(TIMEOUT, LOOK * TIMEOUT),
    )
