"""The probes there are, by name: the entry-point group `netcheck.probes`, loaded on first need.

Built-in probes come in by the same door as strangers'. A probe that can't be loaded fails alone.
"""

from __future__ import annotations

import functools
from importlib.metadata import EntryPoint, entry_points

from probes.contract import Probe

GROUP = "netcheck.probes"


class BrokenProbe(Exception):
    """The entry point is there and can't be loaded; the message says why."""


@functools.cache
def _registered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> tuple[str, ...]:
    """The names of all probes, sorted; none is imported."""
    return tuple(sorted(_registered()))


@functools.cache
def get(name: str) -> Probe:
    """The probe of that name. Raises KeyError if there is none, BrokenProbe if it can't be loaded."""
    point = _registered()[name]
    try:
        probe = point.load()
    except Exception as error:
        raise BrokenProbe(f"probe `{name}` ({point.value}) can't be loaded: {error!r}") from error
    if not isinstance(probe, Probe):
        raise BrokenProbe(f"probe `{name}` ({point.value}) is not a probes.contract.Probe")
    return probe
