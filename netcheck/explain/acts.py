"""Who acts, explained: the table of rules for the terminal, a code's part of it, and its Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from netcheck.diagnosis.acts import HERE, OURS, THERE, UNKNOWN, Rule, table
from netcheck.diagnosis.catalogue import Entry, all_entries
from netcheck.explain.layout import columns, section, wrapped
from netcheck.inventory.model import FLOWS
from probes.codes import ALL_CODES

WORD = "who-acts"

LEGEND = (
    "The first line that holds decides. HOP is where the flow ends and NEXT the hop behind it, NETWORK and"
    " NEXT_NETWORK are what `networks` in the inventory has of them."
)

INTRODUCTION = (
    "Every check that is not a pass names who has to act, `responsible`: the customer, the vendor, the"
    " operator (who runs netcheck) or, without evidence, nobody yet: undetermined. The last sentence of"
    " the check's evidence says why.",
    "The split is the one that the vendor publishes. The customer answers for connectivity between the"
    " vault and its targets, for its users' network configuration and for its security policies; the"
    " vendor for its environment's health, and for availability on its own side of the connection only.",
    "Whose a hop is, says `networks` in the inventory: the longest prefix that holds its address decides."
    " A hop that no network holds, or that both sides declare, is nobody's: of unknown owner.",
    "The place where a flow ends is `at` the hop that signed a rejection, or `after` the last hop that"
    " answered. That hop may be the one that drops the flow, for a router looks at a packet's time to"
    " live before its firewall rules: so a place `after` a hop points to that hop or what follows it.",
    LEGEND,
)

# As the sentences of the rules name what a record has.
NAMES = {name: name.upper() for name in ("hop", "network", "next", "next_network")}
LOOP = "in a loop, each at "
HOPS = {"customer": "a customer's hop", "vendor": "a vendor's hop", UNKNOWN: "a hop of unknown owner"}


class Row(NamedTuple):
    """One rule in words."""

    condition: str
    who: str
    why: str


class Part(NamedTuple):
    """The rules that hold for some flows, in order; the first whose condition holds decides."""

    flows: str
    rows: tuple[Row, ...]


def page() -> str:
    """The whole table, for a terminal."""
    chapters = [
        section(title, f"{wrapped(', '.join(codes), 2)}\n{_body(parts)}")
        for title, codes, parts in _chapters()
    ]
    return "\n\n".join(("Who acts", *map(wrapped, INTRODUCTION), *chapters))


def of_code(found: Entry) -> str:
    """The part of the table that a code has, for a terminal."""
    hint = f"{LEGEND} More: netcheck explain {WORD}"
    return section("Who acts", f"{wrapped(hint, 2)}\n{_body(of([found], table().rules))}")


def markdown() -> str:
    """The whole table as a chapter of the manual."""
    chapters = [
        "\n\n".join((f"### {title}", f"For {_set(codes)}.", *map(_table, parts)))
        for title, codes, parts in _chapters()
    ]
    return "\n\n".join(("## Who acts", *INTRODUCTION, *chapters))


def of(entries: Sequence[Entry], rules: Iterable[Rule]) -> list[Part]:
    """Those of the rules that may decide on one of the codes; flows with the same rules together."""
    rules = list(rules)
    grouped: dict[tuple[Row, ...], list[str]] = {}
    for flow in FLOWS:
        mine = [rule for rule in rules if any(rule.concerns(found, flow) for found in entries)]
        grouped.setdefault(_rows(mine, several=len(entries) > 1), []).append(flow)
    return [Part(_flows(flows), rows) for rows, flows in grouped.items()]


def _chapters() -> list[tuple[str, list[str], list[Part]]]:
    """What holds for every code, then each family: a title, its codes and its rules."""
    first = [rule for rule in table().rules if not rule.of]
    rest = [rule for rule in table().rules if rule.of]
    chapters = [("Whatever the cause", ["every code"], of(all_entries(), first))]
    for family, title in table().families.items():
        entries = [found for found in all_entries() if found.family == family]
        if entries:  # third parties' codes are known to themselves only
            chapters.append((title, [found.code for found in entries], of(entries, rest)))
    return chapters


def _flows(flows: list[str]) -> str:
    return "every flow" if len(flows) == len(FLOWS) else ", ".join(flows)


def _rows(rules: Iterable[Rule], several: bool) -> tuple[Row, ...]:
    """The rules in words, down to the first that fits whatever the evidence.

    Where the rows are those of several codes, a rule for some of them names these.
    """
    rows = []
    for rule in rules:
        codes = [word for word in rule.of if word in ALL_CODES] if several else []
        condition = ", ".join([*codes, *_conditions(rule)])
        rows.append(Row(condition or "otherwise", rule.who, rule.why.format(**NAMES)))
        if not condition:
            break
    return tuple(rows)


def _conditions(rule: Rule) -> list[str]:
    """What the evidence has to be, in words; nothing where any will do."""
    parts = [f"the finding is {rule.confidence}"] if rule.confidence else []
    if rule.place == HERE:
        parts.append("this host itself says so, or is alone with it")
    elif rule.place == OURS:
        parts.append("through a proxy it works")
    elif rule.place == THERE:
        parts.append("the other end says so itself, or is alone with it")
    elif rule.place or rule.hop:
        relation = {"at": "at ", "after": "after ", "loop": LOOP, None: "at or after "}[rule.place]
        parts.append(relation + HOPS.get(rule.hop or "", "any hop"))
    if rule.next:
        parts.append(f"before {HOPS[rule.next]}")
    return parts


def _body(parts: Iterable[Part]) -> str:
    blocks = (
        section(
            wrapped(part.flows, 2),
            columns(((row.who, f"{row.condition}: {row.why}") for row in part.rows), 4),
        )
        for part in parts
    )
    return "\n".join(blocks)


def _set(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" if code in ALL_CODES else code for code in codes)


def _table(part: Part) -> str:
    rows = "\n".join(f"| {row.condition} | **{row.who}** | {row.why} |" for row in part.rows)
    return f"{part.flows.capitalize()}:\n\n| evidence | who acts | because |\n|---|---|---|\n{rows}"
