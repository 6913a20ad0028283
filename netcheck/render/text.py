"""Words that the text formats share: foreign text made harmless, durations, names, who acts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from netcheck.check import Contact
from netcheck.record import CheckRecord, Finding, Place, RunHead, RunRecord
from probes.contract import Confidence, Verdict


def safe(text: str) -> str:
    r"""The text with all that is not printable escaped: a banner must not drive the reader's terminal.

    >>> safe("SSH-2.0-x\x1b[2J")
    'SSH-2.0-x\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def took(seconds: float | None) -> str:
    """A duration as people read it: `0.3 ms`, `81 ms`, `5.00 s`; nothing for None."""
    if seconds is None:
        return ""
    if seconds >= 0.9995:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.00095 else f"{seconds * 1000:.1f} ms"


def time(check: CheckRecord) -> str:
    """How long the check took; nothing where nothing was tried."""
    untried = check.verdict is Verdict.SKIP and check.address is None
    return "" if untried else took(check.duration)


def count(number: int, noun: str) -> str:
    """`1 check`, `8,190 checks`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def label(check: CheckRecord) -> str:
    """The check within its target: `ssh/2222`, `https/443 health`, `tcp/3389 blocked`."""
    words = [check.label, check.name, "blocked" if check.expect == "blocked" else None]
    return safe(" ".join(filter(None, words)))


def address(check: CheckRecord) -> str:
    """The address that gave the verdict, and how many more the name has."""
    more = len({tried.address for tried in check.addresses} - {check.address})
    return safe(check.address or "") + (f" +{more}" if check.address and more else "")


def verdict(check: CheckRecord) -> str:
    """The verdict; an accepted failure says so."""
    if check.accepted is None:
        return str(check.verdict)
    return safe(f"{check.verdict} (accepted until {check.accepted.until})")


def place(where: Place) -> str:
    """Where the flow ends: `at 10.1.0.1`, `after 10.1.0.1, before 10.2.0.1`."""
    before = f", before {where.before}" if where.before else ""
    return safe(f"{where.relation} {where.address}{before}")


def reason(check: CheckRecord) -> str:
    """The cause, the place and what came back: `tcp.filtered after 10.1.0.1: no answer to 3 SYNs`.

    A plain pass has remarks at most. What is only likely says so.
    """
    doubt = ", likely" if check.confidence is Confidence.LIKELY else ""
    if check.cause is None:
        plain = check.verdict is Verdict.PASS and check.expect == "reachable"
        remarks = [warned.summary for warned in check.warnings]
        words = "; ".join(filter(None, remarks if plain else [check.summary, *remarks]))
        return safe(words + doubt) if words else ""
    where = f" {place(check.where)}" if check.where else ""
    return safe(f"{check.cause}{where}{doubt}" + (f": {check.summary}" if check.summary else ""))


def proofs(check: CheckRecord) -> list[str]:
    """The evidence and the warnings, a sentence each."""
    warned = [f"{w.cause}: {w.summary}" if w.cause else w.summary for w in check.warnings]
    return [*check.evidence, *warned]


def contact(person: Contact) -> str:
    """`Unix team <unix@acme.example>`."""
    return safe(f"{person.name} <{person.email}>" if person.email else person.name)


def who(finding: Finding, contacts: Sequence[Contact] = ()) -> str:
    """Who has to act: `customer, Unix team <unix@acme.example>`.

    Of the way to a target its owners know nothing: the inventory's contacts are asked, focal points first.
    Nobody but the operator is asked for what the operator does.
    """
    if finding.responsible == "operator":
        return "operator"
    first = safe(finding.responsible)
    if finding.responsible == "undetermined":
        first = "who has to act is not determined"
    people = finding.owners
    if finding.ask == "network":
        focal = [person for person in contacts if "focal" in (person.role or "").lower()]
        people = tuple(focal or contacts)
    return ", ".join([first, *map(contact, people)])


def advice(finding: Finding) -> tuple[str, tuple[str, ...]]:
    """What to do, and the flows that it lists, one line an owner."""
    first, *flows = finding.advice.split("\n")
    return safe(first), tuple(map(safe, flows))


def proof(finding: Finding) -> str:
    """`tcp.filtered: tcp/5432 to 40 hosts … is lost after 10.1.0.1`, the place once."""
    where = finding.where
    unsaid = f", {place(where)}" if where and where.address not in finding.summary else ""
    return safe(f"{finding.cause}{unsaid}: {finding.summary}")


def services(finding: Finding, most: int = 50) -> str:
    """The checks of a finding as `db01 tcp/5432`; past `most` only their number."""
    shown = [_service(check_id) for check_id in finding.checks[:most]]
    rest = len(finding.checks) - most
    return ", ".join(dict.fromkeys(shown)) + (f" and {rest:,} more" if rest > 0 else "")


def _service(check_id: str) -> str:
    if check_id.count("/") < 3:  # not of our making
        return safe(check_id)
    _, target, probe, port, *name = check_id.split("/", 4)
    return safe(" ".join([target, probe if port == "-" else f"{probe}/{port}", *name]))


def title(head: RunHead) -> str:
    """What was checked: the inventory's name, or its file."""
    return safe(head.name or head.inventory or "netcheck check")


def vantages(run: RunRecord) -> str:
    """From where: `dc-connector (10.1.0.9, stands for vault-to-target) and local (db9)`."""
    places = []
    for name, seen in run.vantages.items():
        flows = f", stands for {', '.join(seen.stands_for)}" if seen.stands_for else ""
        places.append(safe(f"{name} ({seen.host}{flows})"))
    return " and ".join([", ".join(places[:-1]), places[-1]] if len(places) > 1 else places)


def outcome(run: RunRecord) -> str:
    """`37 pass, 1 warn, 2 fail (1 accepted) in 5.60 s`; verdicts that no check has are left out."""
    summary = run.summary
    parts = []
    for known in Verdict:
        number = summary.verdicts[known]
        accepted = f" ({summary.accepted:,} accepted)" if known is Verdict.FAIL and summary.accepted else ""
        if number:
            parts.append(f"{number:,} {known}{accepted}")
    if summary.planned is not None and summary.planned > summary.checks:
        parts.append(f"{summary.planned - summary.checks:,} not checked")
    interrupted = "interrupted: " if summary.interrupted else ""
    duration = "" if summary.finished is None else f" in {took(summary.finished - run.head.started)}"
    return interrupted + (", ".join(parts) or "no check was finished") + duration


def span(names: Iterable[str]) -> str | None:
    """Names that differ in one number as one: `web[01-04,06].example`; None where they do not.

    >>> span(["web01.example", "web02.example", "web04.example"])
    'web[01-02,04].example'
    """
    split = [re.split(r"([0-9]+)", name) for name in dict.fromkeys(names)]
    first = split[0]
    differ = {
        index for parts in split for index, part in enumerate(parts[: len(first)]) if part != first[index]
    }
    if len(differ) != 1 or any(len(parts) != len(first) for parts in split):
        return None
    index = differ.pop()
    if index % 2 == 0:  # the words are at even places, the numbers between them
        return None
    ranges = _ranges(sorted((parts[index] for parts in split), key=int))
    return "".join([*first[:index], f"[{ranges}]", *first[index + 1 :]])


def _ranges(numbers: list[str]) -> str:
    runs: list[list[str]] = []
    for number in numbers:
        if runs and int(number) == int(runs[-1][-1]) + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def endpoint(host: str, port: int) -> str:
    """`10.9.0.7:51234`, `[2001:db8::7]:51234`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
