"""The way hop by hop: one drawing for all flows that agree, with the hop where each of them ends.

A trace claims *rejected at X* or *lost after X*, never more; and so does the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from netcheck.diagnosis.answered import CONNECTED, FIRST
from netcheck.diagnosis.ascents import handshake
from netcheck.diagnosis.findings.signs import signed_here
from netcheck.diagnosis.ways import sent_round
from netcheck.record import CheckRecord
from netcheck.render import text
from netcheck.render.story.checks import SIGNS, named
from netcheck.render.story.layout import Line, listed
from probes.contract import Confidence, Layer, Verdict

# How a flow ends that got an answer, to follow "is".
ENDS = {
    "tcp.refused": "refused at the target",
    "tcp.reset_by_firewall": "reset by a device that is nearer than the target",
    "path.middlebox_answers": "answered in the target's place",
    "path.mtu_blackhole": "connected; its large packets are lost somewhere on this way",
    "path.idle_dropped": "connected; once idle it does not last",
}
REPORTED = ("tcp.host_down", "tcp.no_route")  # an ICMP error that is no rejection
BEFORE_ALL = -1  # in the place of a TTL: what ends before the first hop
ABOVE = (Layer.TLS, Layer.PROTOCOL, Layer.AUTH, Layer.POLICY)  # these need a connection


class Seen(NamedTuple):
    """Who answered at one TTL, and for which flows. Seconds."""

    address: str
    name: str | None
    owner: str | None
    rtt: float | None
    flows: tuple[CheckRecord, ...]


@dataclass(slots=True)
class Drawing:
    """Flows from one vantage to one address whose hops agree wherever both were seen."""

    flows: list[CheckRecord]
    hops: dict[int, Seen] = field(default_factory=dict)  # by TTL

    @property
    def address(self) -> str | None:
        return _traced(self.flows[0])

    def agrees(self, check: CheckRecord) -> bool:
        """Whether the check's hops fit: same ends, and no TTL at which another address answered."""
        first = self.flows[0]
        if (first.vantage, _traced(first)) != (check.vantage, _traced(check)):
            return False
        return all(
            ttl not in self.hops or self.hops[ttl].address == seen.address for ttl, seen in _answered(check)
        )

    def add(self, check: CheckRecord) -> None:
        """Draw one more flow that agrees."""
        self.flows.append(check)
        for ttl, seen in _answered(check):
            known = self.hops.get(ttl)
            self.hops[ttl] = known._replace(flows=(*known.flows, check)) if known else seen


def _traced(check: CheckRecord) -> str | None:
    """Where the traced flow went: of several addresses one that failed."""
    return (check.trace and check.trace.address) or check.address


def _answered(check: CheckRecord) -> Iterator[tuple[int, Seen]]:
    """The hops of the check's trace that answered, by TTL."""
    if check.trace is None:
        return
    for hop, owner in zip_longest(check.trace.hops, check.trace.owners):
        if hop.address:
            yield hop.ttl, Seen(hop.address, hop.name, owner, hop.rtt, (check,))


def drawings(checks: Iterable[CheckRecord]) -> list[Drawing]:
    """The drawings that show all traced checks."""
    found: list[Drawing] = []
    for check in checks:
        if check.trace is None:
            continue
        drawing = next((one for one in found if one.agrees(check)), None)
        if drawing is None:
            drawing = Drawing([])
            found.append(drawing)
        drawing.add(check)
    return found


def lines(drawing: Drawing, several: bool) -> Iterator[Line]:
    """The drawing: a head, a row a TTL, the ends of the flows below the hop that they belong to."""
    yield Line(_head(drawing, several), hang=2)
    ends = _ends(drawing, several)
    column = 6 + max((len(hop.address) for hop in drawing.hops.values()), default=1)
    if not drawing.hops and not _signers(drawing) and ends.keys() != {BEFORE_ALL}:
        yield Line("no hop answered: where it ends is not known", indent=2)
    yield from _marks(ends.pop(BEFORE_ALL, ()))
    last, loops = _last(drawing)
    for ttl in range(1, last + 1):
        yield _row(ttl, drawing, column, several)
        yield from _marks(ends.pop(ttl, ()))
    if loops:
        yield Line(f"  …  the same hops by turns, up to TTL {max(drawing.hops)}: a routing loop", hang=5)
    yield from _rest(drawing, several)
    yield from _marks(mark for marks in ends.values() for mark in marks)
    if any(check.trace and check.trace.ecmp for check in drawing.flows):
        yield Line("ecmp: there is more than one way; which one a flow takes depends on its ports", 2)


def _head(drawing: Drawing, several: bool) -> str:
    sources = (check.source.address for check in drawing.flows if check.source)
    v6 = ":" in (drawing.address or "")
    source = next((address for address in sources if (":" in address) is v6), None)
    flows = [f"{named(check, several)} {SIGNS[check.verdict]}" for check in drawing.flows]
    borrowed = [check for check in drawing.flows if check.trace and check.trace.method == "sibling"]
    as_another = f" ({_names(borrowed, several)}: as traced for another flow)" if borrowed else ""
    ends = text.safe(" → ".join(filter(None, [source, drawing.address])))
    return f"{ends}: {listed(flows)}{as_another}"


def _last(drawing: Drawing) -> tuple[int, bool]:
    """The last TTL to draw, and whether the hops after it go round in circles.

    An address that answers again after another one has is the sign of a loop.
    """
    last = max(drawing.hops, default=0)
    known: dict[str, int] = {}
    for ttl in sorted(drawing.hops):
        address = drawing.hops[ttl].address
        if known.get(address, ttl) < ttl - 1:
            return ttl - 1, True
        known[address] = ttl
    return last, False


def _row(ttl: int, drawing: Drawing, column: int, several: bool) -> Line:
    hop = drawing.hops.get(ttl)
    if hop is None:
        return Line(f"{ttl:>3}  ?".ljust(column + 11) + "no answer", hang=column + 11)
    passing = [check for check in drawing.flows if check in hop.flows or _met_beyond(check, ttl, hop.address)]
    only = f"{_names(passing, several)} only" if len(passing) < len(drawing.flows) else ""
    place = "the target" if hop.address == drawing.address else ""
    words = " · ".join(filter(None, [place, hop.name, hop.owner, only]))
    start = f"{ttl:>3}  {hop.address}".ljust(column) + f"  {text.took(hop.rtt):>7}  "
    return Line(text.safe(start + words).rstrip(), hang=column + 11)


def _met_beyond(check: CheckRecord, ttl: int, address: str) -> bool:
    """Whether the flow got there though this hop said nothing to it: routers send few answers."""
    further = check.trace is not None and any(hop.ttl > ttl and hop.address for hop in check.trace.hops)
    return further or (check.where is not None and check.where.address == address)


def _marks(marks: Iterable[str]) -> Iterator[Line]:
    return (Line(mark, hang=7, indent=5) for mark in marks)


def _rest(drawing: Drawing, several: bool) -> Iterator[Line]:
    """What is known beyond the last hop that answered: a next hop of other flows, a target that answers."""
    drawn = {hop.address for hop in drawing.hops.values()}
    following = {check.where.before for check in drawing.flows if check.where and check.where.before}
    for address in sorted(following - drawn):
        what = "the target: another flow gets there" if address == drawing.address else "seen on another flow"
        yield Line(text.safe(f"  –  {address}  {what}"), hang=5)
    for address, checks in _signers(drawing).items():
        words = f"signed the answer to {_names(checks, several)}; how far away was not seen"
        place = "the target, " if address == drawing.address else ""
        yield Line(text.safe(f"  …  {address}  {place}{words}"), hang=5)
    reached = [check for check in drawing.flows if _reaches(check)]
    if reached and drawing.address not in drawn:
        answer = f"the target answers {_names(reached, several)}; its place on the way was not seen"
        yield Line(text.safe(f"  …  {drawing.address}  {answer}"), hang=5)


def _signers(drawing: Drawing) -> dict[str, list[CheckRecord]]:
    """Who signed a rejection and is not among the hops, with the flows: of those that said nothing."""
    drawn = {hop.address for hop in drawing.hops.values()}
    found: dict[str, list[CheckRecord]] = {}
    for check in drawing.flows:
        if signed_here(check):
            continue
        if check.where and check.where.relation == "at" and check.where.address not in drawn:
            found.setdefault(check.where.address, []).append(check)
    return found


def circling(check: CheckRecord) -> tuple[str, ...]:
    """Who sends this flow round in a routing loop, as its trace shows; nobody where it ends otherwise."""
    lost = check.cause == "tcp.no_route" and check.trace is not None
    return sent_round(check.trace) if lost and check.trace is not None else ()


def _reaches(check: CheckRecord) -> bool:
    """Whether something answered for the target itself."""
    elsewhere = _traced(check) != check.address  # what was seen of one address is not drawn for another
    if check.where is not None or elsewhere or check.cause == "path.middlebox_answers":
        return False
    return handshake(check.steps) is not None


def _ends(drawing: Drawing, several: bool) -> dict[int, tuple[str, ...]]:
    """What to write below each TTL; 0: the hop of the place is not in the drawing, BEFORE_ALL: above them."""
    found: dict[tuple[int, str], list[CheckRecord]] = {}
    for check in drawing.flows:
        if check.verdict is Verdict.FAIL and (words := _end(check)):
            found.setdefault((_ttl(check, drawing), words), []).append(check)
    marks: dict[int, tuple[str, ...]] = {}
    for (ttl, words), checks in found.items():
        verb = "is" if len(checks) == 1 else "are"
        mark = text.safe(f"✗ {_names(checks, several)} {verb} {words}")
        marks[ttl] = (*marks.get(ttl, ()), mark)
    return marks


def _end(check: CheckRecord) -> str:
    """How the flow ends, to follow "is": only what the record claims."""
    where = check.where
    if circling(check):
        return f"sent round in circles by {' and '.join(circling(check))}: a routing loop"
    if where is not None and where.relation == "at":
        by = "the target's own address" if where.address == check.address else where.address
        by = "this very host" if signed_here(check) else by
        return f"{'reported unreachable' if check.cause in REPORTED else 'rejected'} by {by}"
    if where is not None and check.cause == "tcp.reset_by_firewall":
        return f"reset after {where.address}, nearer than the target"
    doubt = "" if check.confidence is Confidence.CERTAIN else "probably "
    if where is not None and check.cause == CONNECTED:
        return f"{doubt}{ENDS[CONNECTED]} after {where.address}"
    if where is not None:
        return f"lost after {where.address}: nothing further on answered"
    if check.cause in ENDS:
        near = " at the first hop or before it" if FIRST in check.evidence else ""
        return f"{doubt}{ENDS[check.cause]}{near}"
    return f"connected, and fails above that: {check.cause}" if check.layer in ABOVE else ""


def _ttl(check: CheckRecord, drawing: Drawing) -> int:
    """The TTL below which the end is marked."""
    if FIRST in check.evidence:
        return BEFORE_ALL
    address = check.where.address if check.where else check.address
    return next((ttl for ttl, hop in drawing.hops.items() if hop.address == address), 0)


def _names(checks: Iterable[CheckRecord], several: bool) -> str:
    return listed(named(check, several) for check in checks)
