"""Silence beside rejections: routers send few ICMP errors, so of one rule few flows hear. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from netcheck.diagnosis.judgement import Judgement, with_cause
from netcheck.diagnosis.networks import network_of
from netcheck.record import Place
from probes.contract import Confidence
from probes.path.route import Route

# What a router says of a whole network or port. Of a single host that is down it says nothing of others.
SAID = frozenset({"tcp.rejected", "tcp.no_route"})
LEAST = 2  # flows of one network and port that heard it

Line = tuple[str, str, int | None]  # vantage, destination network, port; None: all of that network


class Said(NamedTuple):
    """What one flow heard: the cause, who signed it, in words, and the hops of its trace, if it had one."""

    line: Line
    cause: str
    signer: str
    summary: str
    hops: frozenset[str]


class Rejection(NamedTuple):
    """What several `flows` of one line heard, all of them the same. `way`: the hops up to who signed it."""

    cause: str
    signer: str
    summary: str
    flows: int
    way: frozenset[str]


def line_of(vantage: str, address: str, port: int | None, cause: str | None = None) -> Line:
    """What flows share of which one rule probably disposes. A route is missing for every port alike."""
    return vantage, network_of(address), None if cause == "tcp.no_route" else port


def said_of(
    found: Mapping[Line, Rejection], vantage: str, address: str | None, port: int | None
) -> Rejection | None:
    """What others heard of this port there, or of the whole network."""
    if address is None:
        return None
    vantage, network, port = line_of(vantage, address, port)
    return found.get((vantage, network, port)) or found.get((vantage, network, None))


def rejections(said: Iterable[Said]) -> dict[Line, Rejection]:
    """By line, where all that was heard on it is one thing, by one signer."""
    found: dict[Line, list[Said]] = {}
    for one in said:
        if one.cause in SAID:
            found.setdefault(one.line, []).append(one)
    return {
        line: Rejection(
            heard[0].cause,
            heard[0].signer,
            heard[0].summary,
            len(heard),
            frozenset().union({heard[0].signer}, *(one.hops for one in heard)),
        )
        for line, heard in found.items()
        if len(heard) >= LEAST and len({(one.cause, one.signer) for one in heard}) == 1
    }


def as_heard_by_others(judgement: Judgement, where: Place | None, said: Rejection) -> Judgement | None:
    """The silence as that rejection, likely; None where the flow was seen to get further than its signer."""
    if where is not None and where.address not in said.way:
        return None
    of_what = "network" if said.cause == "tcp.no_route" else "network and port"
    words = (
        f"{said.flows} others of this {of_what} hear it from {said.signer}; routers send few such"
        f" errors, and nothing beyond {said.signer} answers this one"
    )
    summary = f"probably {said.summary}, as others of its network hear"
    return with_cause(judgement, said.cause, summary, Confidence.LIKELY, words)


def hops_of(route: Route | None) -> frozenset[str]:
    """The hops that answered a trace."""
    return frozenset(hop.address for hop in route.hops if hop.address) if route is not None else frozenset()
