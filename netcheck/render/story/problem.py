"""One problem of a target, told: what else was looked at, what follows, who acts, what to ask of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from netcheck.diagnosis.acts import SENTENCE
from netcheck.diagnosis.answered import CONNECTED
from netcheck.diagnosis.findings.signs import signed_here
from netcheck.record import CheckRecord, Control
from netcheck.render import text
from netcheck.render.story import words
from netcheck.render.story.checks import flow, named
from netcheck.render.story.layout import Line, listed, section
from netcheck.render.story.way import REPORTED, circling
from probes.contract import Confidence, Layer, Verdict

FIRST = (Verdict.FAIL, Verdict.ERROR, Verdict.WARN, Verdict.SKIP)
MOST_FLOWS = 5  # log lines in one text
# Causes of which some log knows more; of a certificate or a list of algorithms none does.
LOGGED = (
    "tcp.",
    "path.middlebox",
    "udp.",
    "policy.",
    "protocol.",
    "auth.",
    "tls.timeout",
    "tls.reset",
    "tls.closed",
)
DOUBT = {
    Confidence.LIKELY: "likely, not proved",
    Confidence.UNDETERMINED: "not settled by the evidence",
}
# Causes that a firewall's log can tell of.
ON_THE_WAY = ("tcp.filtered", "tcp.rejected", "tcp.reset_by_firewall", "path.", "udp.", "policy.")
# What a control varied, in words; another is named as it is.
VARIED = {
    "port": "same host, port {}",
    "address": "other address {}",
    "neighbour": "neighbour {}",
    "resolver": "resolver {}",
    "mss": "segments of at most {} bytes",
    "server_name": "server name {}",
    "vantage": "from {}",
}


def problems(checks: Iterable[CheckRecord]) -> list[list[CheckRecord]]:
    """What is not a pass, in groups that share one story: cause, place, address and who acts.

    What fails comes first, what was not tried last.
    """
    groups: dict[tuple[object, ...], list[CheckRecord]] = {}
    for check in checks:
        if check.verdict is not Verdict.PASS:
            key = (check.vantage, check.verdict, check.cause, check.address, check.where, check.responsible)
            groups.setdefault((*key, check.confidence, bool(check.accepted)), []).append(check)
    return sorted(groups.values(), key=lambda group: FIRST.index(group[0].verdict))


def told(group: Sequence[CheckRecord], target: Sequence[CheckRecord], width: int) -> Iterator[str]:
    """The sections of one problem; `target` has all checks of the target."""
    several = len({check.vantage for check in target}) > 1
    yield from section("Looked at", _looked_at(group, several), width)
    yield from section("So", _so(group, target, several), width)
    yield from section("Who", [text.safe(_who(group))], width)
    label = "Do" if _operators(group[0]) else "Ask"
    yield from section(label, [text.safe(_ask(group, target, several))], width)


def _looked_at(group: Sequence[CheckRecord], several: bool) -> Iterator[Line]:
    """The controls, what was varied beside how it ended; below them the proofs."""
    controls = dict.fromkeys(_control(control) for check in group for control in check.controls)
    column = max((len(varied) for varied, _ in controls if varied), default=0) + 2
    for varied, ended in controls:
        if varied:
            yield Line(text.safe(f"{varied:<{column}}{ended}"), hang=column)
        else:
            yield Line(text.safe(ended), hang=2)
    for proof, checks in _proofs(group).items():
        about = "" if len(checks) == len(group) else f"{listed(named(check, several) for check in checks)}: "
        yield Line(text.safe(f"· {about}{proof}"), hang=2)


def _proofs(group: Sequence[CheckRecord]) -> dict[str, list[CheckRecord]]:
    """Each proof once, with the checks that it is about; what stands above as a control is left out."""
    found: dict[str, list[CheckRecord]] = {}
    for check in group:
        for proof in check.evidence:
            if not proof.startswith(SENTENCE) and not any(_repeats(proof, one) for one in check.controls):
                found.setdefault(proof, []).append(check)
    return found


def _repeats(proof: str, control: Control) -> bool:
    """Whether the sentence says what stands above it as a control."""
    return bool(control.summary) and control.summary in proof and str(control.value) in proof


def _control(control: Control) -> tuple[str, str]:
    """What was varied, and how that ended; the latter alone, where it names the former itself."""
    if control.value is None or str(control.value) in control.summary:
        return "", control.summary
    known = VARIED.get(control.varied)
    varied = known.format(control.value) if known else f"{control.varied} {control.value}"
    return varied, control.summary or f"({control.verdict})"


def _so(group: Sequence[CheckRecord], target: Sequence[CheckRecord], several: bool) -> Iterator[Line]:
    """What happened and where, what works beside it, what it is not and how sure that is."""
    first = group[0]
    story = words.happened(first) if first.cause else first.summary
    if len(group) > 1:
        story += f" The same holds for {listed(named(check, several) for check in group[1:])}."
    for sentence in (story, _place(first), _beside(first, target, several), *_sure(first)):
        if sentence:
            yield Line(text.safe(sentence), hang=2)


def _place(check: CheckRecord) -> str:
    """Where the flow ends; no more than the trace claims."""
    where = check.where
    if where is None or signed_here(check):
        return ""
    if where.relation == "at" and where.address == check.address:
        return f"The rejection is signed with the target's own address, {where.address}."
    hop = _with_name(check, where.address)
    if circling(check):
        return (
            f"From {hop} on it is sent round by {listed(circling(check))}: none of them gets it any further."
        )
    if where.relation == "at":
        return f"{hop} reports it." if check.cause in REPORTED else f"{hop} signed the rejection."
    if check.cause == "tcp.reset_by_firewall":
        return f"{hop} is the last hop that lets it pass: the reset comes from there or from right behind it."
    if check.cause == CONNECTED:
        return (
            f"{hop} is the last hop before the answer: it comes from there, from further on or from the host."
        )
    lost = "the packets are lost there or further on, the target's own filter included."
    if where.before == check.address:
        lost = "the packets are lost there or at the target, which other flows show next."
    elif where.before:
        lost = f"the packets are lost there or on entering {where.before}, which other flows show next."
    return f"{hop} is the last hop that answers: {lost}"


def _with_name(check: CheckRecord, address: str) -> str:
    hops = check.trace.hops if check.trace else ()
    name = next((hop.name for hop in hops if hop.address == address and hop.name), None)
    return f"{address} ({name})" if name else address


def _beside(check: CheckRecord, target: Sequence[CheckRecord], several: bool) -> str:
    """What works at the same time: other services of this address, the same service from elsewhere."""
    works = [other for other in target if other.verdict.works and _spoke(other)]
    here = [other for other in works if (other.vantage, other.address) == (check.vantage, check.address)]
    there = [other for other in works if other.vantage != check.vantage and other.label == check.label]
    said = []
    dead = check.cause != "path.some_addresses_dead"  # there the address of the record is one that works
    if here and dead and check.verdict is Verdict.FAIL and check.layer is Layer.CONNECT:
        names = listed(named(other, several) for other in here)
        said.append(f"At the same address {names} {'works' if len(here) == 1 else 'work'}: the host is up.")
    if there:
        said.append(f"From {listed(other.vantage for other in there)} the same check passes.")
    return " ".join(said)


def _spoke(check: CheckRecord) -> bool:
    """Whether the target itself sent something: a bare connection may be anybody's."""
    return check.expect == "reachable" and any(
        step.layer in (Layer.TLS, Layer.PROTOCOL, Layer.AUTH) and step.verdict is Verdict.PASS
        for step in check.steps
    )


def _sure(check: CheckRecord) -> Iterator[str]:
    if check.verdict in (Verdict.SKIP, Verdict.ERROR):
        yield words.is_not(check)
        return
    if check.confidence is Confidence.CERTAIN:
        yield words.is_not(check)
        yield "This is certain."
        return
    others = " ".join(f"{other.rstrip('.')}." for other in words.alike(check))
    yield f"This is {DOUBT[check.confidence]}." + (
        f" Look-alikes, and how they differ: {others}" if others else ""
    )


def _operators(check: CheckRecord) -> bool:
    """Whether the next step is that of who runs netcheck: nobody else is asked then."""
    return check.responsible == "operator"


def _who(group: Sequence[CheckRecord]) -> str:
    """Who acts and why, in the record's own sentence; whom to turn to there."""
    sentences = [proof for check in group for proof in check.evidence if proof.startswith(SENTENCE)]
    responsible = group[0].responsible or "undetermined"
    said = sentences[0].removeprefix(SENTENCE) if sentences else responsible
    owners = dict.fromkeys(text.contact(check.owner) for check in group if check.owner)
    return said + (f" · owner of the target: {listed(owners)}" if owners else "")


def _ask(group: Sequence[CheckRecord], target: Sequence[CheckRecord], several: bool) -> str:
    """The text to forward: what is wanted, what was seen, which line of a log tells more."""
    first = group[0]
    advice = _once(first.advice or "Read the evidence above.", first.address)
    if _operators(first):
        return advice
    ports = dict.fromkeys(words.transport(check) for check in group if check.port is not None)
    others = [port for port in ports if port != words.transport(first)]
    same = f"The same for {listed(others)}." if others else ""
    beside = _beside(first, target, several)
    doubt = "" if first.confidence is Confidence.CERTAIN else f"This is {DOUBT[first.confidence]}."
    said = [f"Please {words.lowered(advice)}", same, _seen(first), beside, doubt, *_log_lines(group)]
    return f"“{' '.join(filter(None, said))}”"


def _once(advice: str, address: str | None) -> str:
    """The advice without the target's name where that is its address, which is named already."""
    return advice.replace(f"{address} ({address})", address) if address else advice


def _seen(check: CheckRecord) -> str:
    """What the evidence is, for who reads nothing but the text."""
    source = check.source.address if check.source else check.vantage
    return f"Seen from {source}: {check.summary}{_seen_at(check)}."


def _seen_at(check: CheckRecord) -> str:
    where = check.where
    if where is None:
        return ""
    hop = _with_name(check, where.address)
    if circling(check):
        return f"; {listed(circling(check))} send it round"
    if where.relation == "after":
        return f"; the last hop that answered was {hop}"
    known = hop == where.address and where.address in check.summary
    return "" if known else f"; it was signed by {hop}"


def _log_lines(group: Sequence[CheckRecord]) -> Iterator[str]:
    """Where to look: the flow as logs have it. Behind a translation only the destination stays."""
    cause = group[0].cause or ""
    lines = [line for check in group[:MOST_FLOWS] if (line := flow(check))]
    if lines and cause.startswith(LOGGED):
        logs = "firewall logs" if cause.startswith(ON_THE_WAY) else "logs"
        yield f"In the {logs}, look for {listed(lines)}."
        yield f"If the source is translated on the way, look for {group[0].address} at that time."
