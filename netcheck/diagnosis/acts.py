"""Who acts: the customer, the vendor, who runs netcheck, or nobody yet; and the sentence why. Pure.

The rules are data (`acts.toml`), one table in order, of which the first that fits decides. The records,
`netcheck explain` and the manual all read it here. Whose a hop is, says the inventory's `networks`.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from netcheck.diagnosis.catalogue import Entry, folded
from netcheck.record import Place
from probes.contract import NOTHING, Confidence

UNKNOWN = "unknown"
HERE = "here"  # the place of what this very host says, with no hop's word
THERE = "there"  # of what the target says, or is known to be alone with
OURS = "ours"  # of what is something on this side's way, though no hop says so
SIDES = ("customer", "vendor", UNKNOWN)
SENTENCE = "who acts: "  # how the sentence in a check's evidence begins, for whoever looks for it

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Acts(NamedTuple):
    """Who acts (`customer`, `vendor`, `operator`, `undetermined`), and why, to follow a "because"."""

    who: str
    why: str

    @property
    def sentence(self) -> str:
        """
        >>> Acts("operator", "the secret is not there").sentence
        'who acts: operator, because the secret is not there'
        """
        named = "nobody can be named yet" if self.who == "undetermined" else self.who
        return f"{SENTENCE}{named}, because {self.why}"


class Owned(NamedTuple):
    """Whose an address is (one of SIDES), and the declared network that says so."""

    side: str = UNKNOWN
    network: str = ""


class Owners:
    """The inventory's `networks`: whose a hop is.

    >>> Owners({"customer": ("10.0.0.0/8",), "vendor": ("10.9.0.0/16",)}).of("10.9.0.1")
    Owned(side='vendor', network='10.9.0.0/16')
    """

    def __init__(self, networks: Mapping[str, tuple[str, ...]] = NOTHING) -> None:
        found = [(ipaddress.ip_network(text), side) for side, texts in networks.items() for text in texts]
        self._longest_first = sorted(found, key=lambda pair: -pair[0].prefixlen)

    def of(self, address: str) -> Owned:
        """Whose the address is: the longest prefix says so, unless both sides declare it."""
        parsed = ipaddress.ip_address(address.partition("%")[0])
        holding = [pair for pair in self._longest_first if parsed in pair[0]]
        longest = [pair for pair in holding if pair[0] == holding[0][0]]
        if len({side for _, side in longest}) != 1:
            return Owned()
        network, side = longest[0]
        return Owned(side, str(network))

    def side(self, address: str) -> str | None:
        """Whose the address is, None where nobody says."""
        found = self.of(address).side
        return None if found == UNKNOWN else found


class Case(NamedTuple):
    """What a rule looks at. `place`: none, here, ours, there, at, after or loop; `hop`, `next`: among SIDES.

    `hop` is None where there is no place, `next` where the place is not `after`.
    """

    flow: str
    confidence: Confidence = Confidence.CERTAIN
    place: str = "none"
    hop: str | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table; what is None (or empty) fits any case."""

    who: str
    why: str
    of: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    confidence: str | None = None
    place: str | None = None
    hop: str | None = None
    next: str | None = None

    def concerns(self, entry: Entry, flow: str) -> bool:
        """Whether it may decide on this code in this flow, whatever the evidence."""
        named = not self.of or entry.code in self.of or entry.family in self.of
        return named and (not self.flows or flow in self.flows)

    def fits(self, case: Case) -> bool:
        """Whether the evidence is as the rule wants it; that it `concerns` the case is known."""
        wanted = (self.confidence, self.place, self.hop, self.next)
        found = (case.confidence, case.place, case.hop, case.next)
        return all(want is None or want == have for want, have in zip(wanted, found, strict=True))


@functools.lru_cache(maxsize=4096)  # many checks share cause and place, and then the text as well
def acts(entry: Entry, flow: str, confidence: Confidence, where: Place | None, owners: Owners) -> Acts:
    """Who acts on a code in a flow that ends there, so far as is known.

    >>> from netcheck.diagnosis.catalogue import entry
    >>> owners = Owners({"vendor": ("203.0.113.0/24",)})
    >>> place = Place("at", "203.0.113.1")
    >>> acts(entry("tcp.rejected"), "user-to-saas", Confidence.CERTAIN, place, owners).sentence
    'who acts: vendor, because 203.0.113.1 signed the rejection, and 203.0.113.0/24 is in `networks: vendor`'
    """
    if where is None or where.relation in (HERE, THERE, OURS):
        place = where.relation if where is not None else "none"
        return _said(deciding(entry, Case(flow, confidence, place)), "", "", "", "")
    if where.cycle:
        side, networks = _together(where.cycle, owners)
        rule = deciding(entry, Case(flow, confidence, "loop", side))
        return _said(rule, " and ".join(where.cycle), networks, "", "")
    hop = owners.of(where.address)
    following = owners.of(where.before) if where.before else Owned()
    after = following.side if where.relation == "after" else None
    case = Case(flow, confidence, where.relation, hop.side, after)
    return _said(deciding(entry, case), where.address, hop.network, where.before or "", following.network)


def _together(cycle: tuple[str, ...], owners: Owners) -> tuple[str, str]:
    """Whose all of these are, and the networks that say so. One alone says nothing of the rest."""
    found = [owners.of(address) for address in cycle]
    sides = {owned.side for owned in found}
    side = sides.pop() if len(cycle) > 1 and len(sides) == 1 else UNKNOWN
    return side, ", ".join(dict.fromkeys(owned.network for owned in found))


@functools.cache
def deciding(entry: Entry, case: Case) -> Rule:
    """The rule that decides: the first that fits. Every case has one."""
    return next(rule for rule in rules_for(entry, case.flow) if rule.fits(case))


def _said(rule: Rule, hop: str, network: str, following: str, next_network: str) -> Acts:
    why = rule.why.format(hop=hop, network=network, next=following, next_network=next_network)
    return Acts(rule.who, why)


def rules_for(entry: Entry, flow: str) -> tuple[Rule, ...]:
    """The rules that may decide on this code in this flow, in their order."""
    return tuple(rule for rule in table().rules if rule.concerns(entry, flow))


class Table(NamedTuple):
    """The whole table: the families of codes with a title each, and the rules in order."""

    families: Mapping[str, str]
    rules: tuple[Rule, ...]


@functools.cache
def table() -> Table:
    """The table as `acts.toml` has it."""
    import tomllib  # not needed by a run where all is well
    from importlib.resources import files

    text = files("netcheck.diagnosis").joinpath("acts.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return Table(data["families"], tuple(_rule(**raw) for raw in data["rules"]))


def _rule(*, why: str, of: tuple[str, ...] = (), flows: tuple[str, ...] = (), **rest: Any) -> Rule:
    return Rule(why=folded(why), of=tuple(of), flows=tuple(flows), **rest)
