"""What the answers of name servers mean beside each other and beside what was expected. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

from probes.codes import Failed
from probes.contract import Confidence, Layer
from probes.ladder import Ladder, is_address
from probes.net import dnswire
from probes.net.dnswire import Answer
from probes.net.nowhere import is_nowhere, is_unusual

UNUSUAL = "such addresses are seldom another host's; what is meant so is declared by `addresses`"
CONCLUSIVE = ("found", "nxdomain", "no_address")
# Networks that the Internet does not route. Those for documentation are no such: where they are used they
# stand for public ones.
PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
NEAR = {4: 24, 6: 64}  # prefixes of networks in which a pool stands


class Alike(NamedTuple):
    """Who else gets the very answer of the name. `beside`: a name drawn by chance in its zone, or `by_suffix`
    under the search suffix by which it was found; `elsewhere`: one where its owner has nothing."""

    beside: Answer | None = None
    by_suffix: bool = False
    elsewhere: Answer | None = None

    @property
    def zone(self) -> str:
        return self.beside.name.partition(".")[2] if self.beside else ""


class Said(NamedTuple):
    """What one server said.

    `invented`: its answers for names that can't exist, where it has any; `by_tcp`: for our name over TCP.
    """

    answer: Answer
    invented: tuple[Answer, ...] = ()
    by_tcp: Answer | None = None
    alike: Alike = Alike()


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
    before = set(found[: found.index(good[0])]) if good else set()
    if bad and (named or first not in good):
        worst = dnswire.decisive(bad) if named or first is None else first
        if good and worst.status in CONCLUSIVE:
            raise Failed("dns.split", f"{worst.text}, but {good[0].text}", evidence=evidence)
        raise Failed(f"dns.{worst.status}", worst.text, evidence=evidence)
    for answer in bad:
        if answer.status in CONCLUSIVE:
            ladder.caution("dns.split", f"{answer.text}, but {good[0].text}", Layer.RESOLVE)
        elif answer.status == "timeout" and answer in before:
            words = f"{answer.text}: each lookup waits for it before the next server is asked"
            ladder.caution("dns.timeout", words, Layer.RESOLVE)
        else:
            ladder.caution(None, answer.text, Layer.RESOLVE)
    for answer in good:
        ladder.prove(answer.text)
        _without(ladder, answer)
        _compare(ladder, answer, expected)
    if expected is None:
        _split(ladder, good, named)
    ladder.facts["records"] = list(good[0].records)


def _without(ladder: Ladder, answer: Answer) -> None:
    """Of one type there is no answer. Some servers know A only, and say so wrongly, which harms nobody."""
    for kind, failure in answer.without:
        if failure.status == "timeout":
            words = f"{failure.text} of type {kind}: each lookup waits for it"
            ladder.caution("dns.timeout", words, Layer.RESOLVE)
        elif kind == "A":
            words = f"of type A {failure.text}: only IPv6 is left"
            ladder.caution(f"dns.{failure.status}", words, Layer.RESOLVE)


def beside(ladder: Ladder, said: Sequence[Said], expected: tuple[str, ...] | None) -> None:
    """Raises Failed where an answer is one that the server gives for anything.

    A wildcard record of the zone's owner answers for each name in it: that says nothing against this one.
    """
    for answer, invented, _, alike in said:
        others = [*invented, alike.elsewhere] if alike.elsewhere is not None else [*invented]
        others = [other for other in others if other.status == "found"]
        for other in others:
            _given_for_anything(ladder, answer, other, said, expected)
        _tell_of_inventions(ladder, answer, others, expected)
        if alike.beside is not None and alike.by_suffix:
            ladder.facts.update(misled_by=alike.zone, astray=list(answer.records))
            raise Failed(
                "dns.hijacked",
                f"only found as {answer.name} by the search list, and any name under {alike.zone} is "
                + " ".join(answer.records),
                evidence=(answer.text, alike.beside.text),
                confidence=Confidence.LIKELY,
            )
        if alike.beside is not None:
            told = alike.elsewhere is not None and alike.elsewhere.status in CONCLUSIVE
            unless = "" if told else ", unless the server invents answers"
            ladder.prove(f"any name under {alike.zone} gets the same answer, by a wildcard record{unless}")
    _tell_of_tcp(ladder, said)


def _given_for_anything(
    ladder: Ladder, answer: Answer, other: Answer, said: Sequence[Said], expected: tuple[str, ...] | None
) -> None:
    """Raises Failed where a name that does not exist has our name's answer, and that is none of its own."""
    where = dnswire.address(answer.server)
    if not set(answer.records) & set(other.records):
        return
    if _is_meant(answer, expected):
        ladder.prove(f"{other.text} too, which does not exist: its own address is given for anything")
        return
    ladder.facts.update(misled_by=where, astray=list(answer.records))
    raise Failed(
        "dns.hijacked",
        f"{where} answers {' '.join(answer.records)}, as it does for names that do not exist",
        evidence=(*(each.answer.text for each in said), other.text),
    )


def _tell_of_inventions(
    ladder: Ladder, answer: Answer, invented: Sequence[Answer], expected: tuple[str, ...] | None
) -> None:
    """Names that do not exist have other answers than ours. Raises Failed where each of them has another one
    of the very network of ours: then it is most probably made up as they are."""
    other = next((one for one in invented if not set(one.records) & set(answer.records)), None)
    if other is None:
        return
    drawn = {record for one in invented for record in one.records}
    rotates = len(invented) > 1 and set(invented[0].records) != set(invented[1].records)
    ours = answer.status == "found" and not _is_meant(answer, expected)
    if rotates and ours and _networks(answer.records) <= _networks(sorted(drawn)):
        where = dnswire.address(answer.server)
        ladder.facts.update(misled_by=where, astray=list(answer.records))
        raise Failed(
            "dns.hijacked",
            f"{answer.text}, and gives each name that does not exist another address of that network",
            evidence=(answer.text, *(one.text for one in invented)),
            confidence=Confidence.LIKELY,
        )
    ladder.caution(None, f"{other.text}, which does not exist: it invents answers", Layer.RESOLVE)


def _tell_of_tcp(ladder: Ladder, said: Sequence[Said]) -> None:
    """Large answers need TCP; where only TCP is answered, UDP is blocked on the way."""
    for answer, _, stream, _ in said:
        if stream is None:
            continue
        if answer.status == "timeout" and stream.status in CONCLUSIVE:
            ladder.prove(
                f"{dnswire.address(answer.server)} answers over TCP: UDP is blocked on the way there or back"
            )
        elif answer.status == "found" and stream.status in ("timeout", "refused"):
            ladder.caution(None, f"{stream.text}, which large answers need", Layer.RESOLVE)


def sinkholes(
    ladder: Ladder,
    host: str,
    found: Sequence[Answer],
    expected: tuple[str, ...] | None,
    listed: Sequence[str],
) -> None:
    """Raises Failed for an answer that is no other host's: filters answer so for names that they block.

    Beside an address of a host it is a warning: programs that take it first get nowhere, or to this host.
    What is meant so is `listed` in the hosts file, or expected.
    """
    if host.rstrip(".").rpartition(".")[2] == "localhost":
        return
    meant = {*(expected or ()), *listed}
    for answer in found:
        astray = [one for one in answer.records if one not in meant and is_nowhere(one)]
        if not astray:
            continue
        if len(astray) < len(answer.records) or all(map(is_unusual, astray)):
            few = len(astray) < len(answer.records)
            what = f"of these {' '.join(astray)} can't be another host's"
            words = f"{answer.text}: {what if few else UNUSUAL}"
            ladder.caution("dns.hijacked", words, Layer.RESOLVE)
            continue
        ladder.facts.update(misled_by=dnswire.address(answer.server), astray=astray)
        raise Failed(
            "dns.hijacked",
            f"{answer.text}, which leads to no other host: a filter answers so for names that it blocks",
            evidence=tuple(each.text for each in found),
            confidence=Confidence.LIKELY,
        )


def own(
    ladder: Ladder,
    found: Sequence[Answer],
    system: tuple[str, ...],
    expected: tuple[str, ...] | None,
    listed: Sequence[str],
) -> None:
    """The system's own lookup beside DNS: a hosts file or nsswitch may say something else.

    Raises Failed where programs get what is not expected.
    """
    known = {record for answer in found for record in answer.records}
    other = [one for one in system if one not in known]
    if not other:
        return
    by_file = set(other) & set(listed)
    by = "its hosts file" if by_file else "its hosts file or nsswitch"
    words = f"programs of this host get {' '.join(system)}, by {by}"
    if expected is not None and (strange := [one for one in other if not _is_expected(one, expected)]):
        ladder.facts["astray"] = strange
        raise Failed("dns.mismatch", f"{words}; expected {', '.join(expected)}")
    if by_file or not (set(system) & known or _one_pool(system, sorted(known))):
        ladder.caution("dns.split", f"{words}; DNS says {' '.join(sorted(known))}", Layer.RESOLVE)


def _is_meant(answer: Answer, expected: tuple[str, ...] | None) -> bool:
    return expected is not None and all(_is_expected(one, expected) for one in answer.records)


def _is_expected(address: str, expected: Sequence[str]) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(text) for text in expected)


def _compare(ladder: Ladder, answer: Answer, expected: tuple[str, ...] | None) -> None:
    """Every address must be expected, and every single address expected must be there."""
    if expected is None:
        return
    networks = [ipaddress.ip_network(text) for text in expected]
    came = [ipaddress.ip_address(record) for record in answer.records]
    strange = [one for one in came if not any(one in network for network in networks)]
    missing = [network for network in networks if network.num_addresses == 1 and network[0] not in came]
    if not (strange or missing):
        return
    ladder.facts["astray"] = list(map(str, strange))
    due = {_is_private(network[0]) for network in networks}
    why = ""
    if strange and due == {True} and not any(map(_is_private, strange)):
        why = ": a public address where a private one is due, as from outside of a split name"
    elif strange and due == {False} and all(map(_is_private, strange)):
        why = ": a private address where a public one is due"
    raise Failed("dns.mismatch", f"{answer.text}; expected {', '.join(expected)}{why}")


def _split(ladder: Ladder, good: Sequence[Answer], named: bool) -> None:
    """Servers that say different things. Pools give each asker other addresses of theirs: no split."""
    usable = [answer for answer in good if all(map(is_address, answer.records))]
    for answer in usable[1:]:
        first = usable[0]
        if set(answer.records) & set(first.records) or _one_pool(first.records, answer.records):
            continue
        words = f"{first.text}, but {answer.text}"
        if named and _private_ones(first.records) != _private_ones(answer.records):
            raise Failed("dns.split", words, evidence=tuple(each.text for each in usable))
        ladder.caution("dns.split", words, Layer.RESOLVE)
        return


def _one_pool(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two sets without a common address may be of one pool: the Internet's are spread all over it,
    and private ones stand in the same networks."""
    if _private_ones(one) == _private_ones(other) == {False}:
        return True
    return bool(_networks(one) & _networks(other))


def _private_ones(records: Sequence[str]) -> set[bool]:
    return {_is_private(ipaddress.ip_address(record)) for record in records}


def _networks(records: Sequence[str]) -> set[str]:
    parsed = map(ipaddress.ip_address, records)
    return {str(ipaddress.ip_network(f"{one}/{NEAR[one.version]}", strict=False)) for one in parsed}


def _is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether the Internet does not route it.

    >>> _is_private(ipaddress.ip_address("10.1.2.3")), _is_private(ipaddress.ip_address("203.0.113.9"))
    (True, False)
    """
    return any(address in network for network in PRIVATE)
