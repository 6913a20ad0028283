"""What the answers of name servers mean beside each other and beside what was expected. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from probes.codes import Failed
from probes.contract import Confidence, Layer
from probes.ladder import Ladder, is_address
from probes.net import dnswire
from probes.net.dnswire import Answer, Server

CONCLUSIVE = ("found", "nxdomain", "no_address")


class Beside(NamedTuple):
    """What was asked beside the name.

    `invented`: servers that answer for a name that can't exist; `suffixed`: those that answer for any name
    under the search suffix by which ours was found; `by_tcp`: the same name over TCP; `system`: the addresses
    that programs of this host get.
    """

    invented: Mapping[Server, Answer]
    suffixed: Mapping[Server, Answer]
    by_tcp: Mapping[Server, Answer]
    system: tuple[str, ...] = ()


def answers(
    ladder: Ladder, found: Sequence[Answer], expected: tuple[str, ...] | None, *, named: bool
) -> None:
    """Raises Failed unless the answers are as asked for; servers passed over are a remark.

    `named`: each server must answer. Of the system's the first that knows decides, as for programs.
    """
    if not found:
        raise Failed("dns.timeout", "this system has no DNS server configured (resolv.conf)")
    evidence = tuple(answer.text for answer in found)
    good = [answer for answer in found if answer.status == "found"]
    bad = [answer for answer in found if answer.status != "found"]
    first = next((answer for answer in found if answer.status in CONCLUSIVE), None)
    if bad and (named or first not in good):
        worst = dnswire.decisive(bad) if named or first is None else first
        if good and worst.status in CONCLUSIVE:
            raise Failed("dns.split", f"{worst.text}, but {good[0].text}", evidence=evidence)
        raise Failed(f"dns.{worst.status}", worst.text, evidence=evidence)
    for answer in bad:
        if answer.status in CONCLUSIVE:
            ladder.caution("dns.split", f"{answer.text}, but {good[0].text}", Layer.RESOLVE)
        else:
            ladder.caution(None, answer.text, Layer.RESOLVE)
    for answer in good:
        ladder.prove(answer.text)
        _compare(answer, expected)
    if expected is None:
        _split(ladder, good, named)
    ladder.facts["records"] = list(good[0].records)


def beside(ladder: Ladder, found: Sequence[Answer], asked: Beside) -> None:
    """Raises Failed where an answer is one that the server gives for anything."""
    for answer in found:
        invented = asked.invented.get(answer.server)
        if invented is not None and set(answer.records) & set(invented.records):
            where = dnswire.address(answer.server)
            raise Failed(
                "dns.hijacked",
                f"{where} answers {' '.join(answer.records)}, as it does for names that can't exist",
                evidence=(answer.text, invented.text),
            )
        if invented is not None:
            ladder.caution(None, f"{invented.text}, which can't exist: it invents answers", Layer.RESOLVE)
        suffixed = asked.suffixed.get(answer.server)
        if suffixed is not None and set(answer.records) == set(suffixed.records):
            suffix = answer.name.partition(".")[2]
            raise Failed(
                "dns.hijacked",
                f"only found as {answer.name} by the search list, and any name under {suffix} is "
                + " ".join(answer.records),
                evidence=(answer.text, suffixed.text),
                confidence=Confidence.LIKELY,
            )
    _tell_of_tcp(ladder, found, asked)


def _tell_of_tcp(ladder: Ladder, found: Sequence[Answer], asked: Beside) -> None:
    """Large answers need TCP; where only TCP is answered, UDP is blocked on the way."""
    for answer in found:
        stream = asked.by_tcp.get(answer.server)
        if stream is None:
            continue
        if answer.status == "timeout" and stream.status in CONCLUSIVE:
            ladder.prove(f"{dnswire.address(answer.server)} answers over TCP: its UDP is blocked")
        elif answer.status == "found" and stream.status == "timeout":
            words = f"{dnswire.address(answer.server)} does not answer over TCP, which large answers need"
            ladder.caution(None, words, Layer.RESOLVE)


def own(ladder: Ladder, found: Sequence[Answer], asked: Beside, expected: tuple[str, ...] | None) -> None:
    """The system's own lookup beside DNS: a hosts file or nsswitch may say something else.

    Raises Failed where programs get what is not expected.
    """
    known = {record for answer in found for record in answer.records}
    if not asked.system or set(asked.system) & known:
        return
    words = f"programs of this host get {' '.join(asked.system)}, by its hosts file or nsswitch"
    if expected is not None and not all(_is_expected(one, expected) for one in asked.system):
        raise Failed("dns.mismatch", f"{words}; expected {', '.join(expected)}")
    ladder.caution("dns.split", f"{words}; DNS says {' '.join(sorted(known))}", Layer.RESOLVE)


def _is_expected(address: str, expected: Sequence[str]) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(text) for text in expected)


def _compare(answer: Answer, expected: tuple[str, ...] | None) -> None:
    """Every address must be expected, and every single address expected must be there."""
    if expected is None:
        return
    networks = [ipaddress.ip_network(text) for text in expected]
    came = [ipaddress.ip_address(record) for record in answer.records]
    strange = [one for one in came if not any(one in network for network in networks)]
    missing = [network for network in networks if network.num_addresses == 1 and network[0] not in came]
    if not (strange or missing):
        return
    why = ""
    if strange and all(one.is_global for one in strange) and all(not each.is_global for each in networks):
        why = ": a public address where a private one is due, as from outside of a split name"
    elif strange and not any(one.is_global for one in strange) and all(each.is_global for each in networks):
        why = ": a private address where a public one is due"
    raise Failed("dns.mismatch", f"{answer.text}; expected {', '.join(expected)}{why}")


def _split(ladder: Ladder, good: Sequence[Answer], named: bool) -> None:
    """Servers that say different things. Pools give each asker other addresses of one kind: no split."""
    kinds = [(_kind(answer), answer) for answer in good if all(map(is_address, answer.records))]
    for kind, answer in kinds[1:]:
        if kind != kinds[0][0] and not set(answer.records) & set(kinds[0][1].records):
            words = f"{kinds[0][1].text}, but {answer.text}"
            if named:
                raise Failed("dns.split", words, evidence=tuple(each.text for _, each in kinds))
            ladder.caution("dns.split", words, Layer.RESOLVE)
            return


def _kind(answer: Answer) -> bool:
    """Whether its addresses are the Internet's."""
    return all(ipaddress.ip_address(record).is_global for record in answer.records)
