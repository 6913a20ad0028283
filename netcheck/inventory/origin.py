"""From where a flow is checked, and whether that place may speak for it."""

from __future__ import annotations

from collections.abc import Mapping

from netcheck.inventory.model import LOCAL, Vantage

DECLARED = "declared"
ASSUMED = "assumed"
Stopped = tuple[str, str]  # (cause, why)


def vantages_for(
    flow: str, named: tuple[str, ...], vantages: Mapping[str, Vantage]
) -> tuple[tuple[Vantage, str], ...]:
    """Each vantage to check from, with its origin: those named, or that stand for the flow, or `local`."""
    if named:
        return tuple((vantages[name], DECLARED) for name in dict.fromkeys(named) if name in vantages)
    standing = tuple((vantage, DECLARED) for vantage in vantages.values() if flow in vantage.stands_for)
    return standing or ((vantages[LOCAL], ASSUMED),)


def stopped_at(vantage: Vantage, flow: str) -> Stopped | None:
    """Why nothing may be sent from there for this flow, if so."""
    if vantage.stands_for and flow not in vantage.stands_for:
        others = ", ".join(vantage.stands_for)
        return "vantage.not_the_origin", f"vantage `{vantage.name}` stands for {others}, not for {flow}"
    if vantage.way:
        how = "by ssh" if vantage.way == "ssh" else "through a cluster"
        return "probe.unsupported", f"vantage `{vantage.name}` is reached {how}: not available yet"
    return None
