"""Each check with its ladder: what passed, where it stopped, and what came back."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from netcheck.diagnosis.ascents import handshake
from netcheck.record import AddressRecord, CheckRecord
from netcheck.render import text
from netcheck.render.story.layout import Line
from probes.contract import Confidence, Layer, Step, Verdict

SIGNS = {Verdict.PASS: "✓", Verdict.WARN: "!", Verdict.FAIL: "✗", Verdict.SKIP: "–", Verdict.ERROR: "✗"}
# Here the flow in the record is one that works.
WORKED = ("path.some_addresses_dead", "path.idle_dropped", "path.unstable")
# What a step's detail may hold that is worth a word beside it.
LEARNED = {Layer.TLS: "version", Layer.PROTOCOL: "status", Layer.AUTH: "method"}


def named(check: CheckRecord, several: bool) -> str:
    """The check as the page names it; where it was seen from more than one place, with the place."""
    return text.label(check) + (f" from {text.safe(check.vantage)}" if several else "")


def lines(checks: Sequence[CheckRecord], several: bool) -> Iterator[Line]:
    """Every check: verdict and cause, the ladder, the flow as a firewall's log shows it."""
    column = min(max(len(named(check, several)) for check in checks), 28) + 2
    for check in checks:
        start = f"{named(check, several):<{column - 2}}  "
        yield Line(start + _verdict(check), hang=column)
        below: list[str | None] = [ladder(check.steps, check), *_addresses(check), *_remarks(check)]
        below += [f"· {text.safe(proof)}" for proof in check.evidence if check.verdict is Verdict.PASS]
        below.append(flow(check))
        yield from (Line(line, hang=column + 2, indent=column) for line in below if line)


def _verdict(check: CheckRecord) -> str:
    """`✗ fail  tcp.filtered, likely: no answer to 3 SYNs in 5.0 s`."""
    start = f"{SIGNS[check.verdict]} {text.verdict(check)}"
    if check.verdict is Verdict.PASS and check.expect == "reachable":
        return f"{start}  {text.took(check.duration)}"
    sure = "" if check.confidence is Confidence.CERTAIN else f"{check.confidence}"
    cause = ", ".join(filter(None, [check.cause, sure]))
    return f"{start}  {text.safe(': '.join(filter(None, [cause, check.summary])))}"


def ladder(steps: Sequence[Step], check: CheckRecord) -> str:
    """`resolve ✓ 2 ms   connect ✓ 1 ms   tls –`."""
    return "   ".join(_step(step, check) for step in steps)


def _step(step: Step, check: CheckRecord) -> str:
    words = [step.layer, SIGNS[step.verdict], text.took(step.duration)]
    if step.verdict.works:
        words.append(_learned(step, check))
    return text.safe(" ".join(word for word in words if word))


def _learned(step: Step, check: CheckRecord) -> str:
    """What the step brought to light: a TLS version, an HTTP status, an SSH identification."""
    found = step.detail.get(LEARNED.get(step.layer, ""))
    if found is None and step.layer is Layer.PROTOCOL:
        found = check.facts.get("identification")
    return "" if found is None else str(found)


def _addresses(check: CheckRecord) -> Iterator[str]:
    """How each of several addresses fared."""
    for one in check.addresses:
        steps = ladder(one.steps, check) if one.verdict is not Verdict.PASS else ""
        words = [f"{SIGNS[one.verdict]} {one.address}", steps, _fared(one)]
        yield text.safe("  ".join(filter(None, words)))


def _fared(one: AddressRecord) -> str:
    if one.cause is None:
        return one.summary or text.took(one.duration)
    return f"{one.cause}: {one.summary}"


def _remarks(check: CheckRecord) -> Iterator[str]:
    """What is to be known beside the verdict; the cause's own remark has been said."""
    for warned in check.warnings:
        if warned.summary != check.summary:
            yield text.safe("! " + (f"{warned.cause}: " if warned.cause else "") + warned.summary)
    if check.accepted:
        accepted = check.accepted
        yield text.safe(f"accepted until {accepted.until} by {accepted.by}: {accepted.reason}")


def flow(check: CheckRecord) -> str | None:
    """`10.1.0.9:51234 → 10.20.0.15:5432 at 2026-11-23 21:04:11.201 UTC`, as logs have what failed.

    None where no flow failed, or the record's flow is one that works (the good one of several addresses).
    """
    if check.verdict not in (Verdict.FAIL, Verdict.ERROR) or _worked(check):
        return None
    if check.address is None or check.port is None or check.source is None or check.started is None:
        return None
    source = text.endpoint(check.source.address, check.source.port)
    to = text.endpoint(check.address, check.port)
    return text.safe(f"{source} → {to} at {moment(check.started)}")


def _worked(check: CheckRecord) -> bool:
    """Whether the record's flow is one that works; it failed where nothing but the trace opened."""
    failed = check.cause == "path.unstable" and check.samples is None and handshake(check.steps) is None
    return check.cause in WORKED and not failed


def moment(unix: float) -> str:
    """A time as a firewall's log has it, in UTC with milliseconds."""
    then = datetime.datetime.fromtimestamp(unix, datetime.UTC)
    return f"{then:%Y-%m-%d %H:%M:%S}.{then.microsecond // 1000:03} UTC"
