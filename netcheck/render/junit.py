"""JUnit XML for build servers: a testsuite a target, a testcase a check (the Ant and Jenkins schema)."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from netcheck.codec import iso
from netcheck.record import CheckRecord, RunRecord
from netcheck.render import Options, text
from probes.contract import Verdict

OUTCOMES = {Verdict.FAIL: "failure", Verdict.ERROR: "error", Verdict.SKIP: "skipped"}


def render(run: RunRecord, options: Options) -> Iterator[str]:
    """The document of `--format junit` and `-o x.xml`. A `warn` is a passed testcase with its text in
    system-out; an accepted failure stays a failure, and says so."""
    suites: dict[str, list[CheckRecord]] = {}
    for check in run.shown:
        suites.setdefault(check.target, []).append(check)
    everything = [check for checks in suites.values() for check in checks]
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    totals = _totals(everything)
    del totals["skipped"]  # the schema has it for a suite only
    yield f"<testsuites{_attributes(name=text.title(run.head), **totals)}>\n"
    for target, checks in suites.items():
        yield from _suite(run, target, checks)
    yield "</testsuites>\n"


def _totals(checks: list[CheckRecord]) -> dict[str, str]:
    """Of the testcases listed here, which `--failed` makes fewer than the run's."""
    verdicts = [check.verdict for check in checks]
    return {
        "tests": str(len(checks)),
        "failures": str(verdicts.count(Verdict.FAIL)),
        "errors": str(verdicts.count(Verdict.ERROR)),
        "skipped": str(verdicts.count(Verdict.SKIP)),
        "time": f"{sum(check.duration or 0.0 for check in checks):.3f}",
    }


def _suite(run: RunRecord, target: str, checks: list[CheckRecord]) -> Iterator[str]:
    began = min((check.started for check in checks if check.started), default=run.head.started)
    stamp = (iso(began) or "")[:19]  # the schema's pattern has neither fraction nor zone
    attributes = _attributes(name=target, hostname=run.head.host, timestamp=stamp, **_totals(checks))
    yield f"  <testsuite{attributes}>\n"
    for check in checks:
        yield from _case(check)
    yield "  </testsuite>\n"


def _case(check: CheckRecord) -> Iterator[str]:
    time = f"{check.duration or 0.0:.3f}"
    attributes = _attributes(name=check.id, classname=check.flow, time=time)
    outcome = OUTCOMES.get(check.verdict)
    if outcome is None and check.verdict is Verdict.PASS:
        yield f"    <testcase{attributes}/>\n"
        return
    yield f"    <testcase{attributes}>\n"
    if outcome is None:
        yield f"      <system-out>{escape(_body(check))}</system-out>\n"
    elif outcome == "skipped":
        yield f"      <skipped{_attributes(message=text.reason(check))}/>\n"
    else:
        what = _attributes(type=check.cause or str(check.verdict), message=_message(check))
        yield f"      <{outcome}{what}>{escape(_body(check))}</{outcome}>\n"
    yield "    </testcase>\n"


def _message(check: CheckRecord) -> str:
    accepted = check.accepted
    known = f" (accepted until {accepted.until}: {accepted.reason})" if accepted else ""
    return f"{check.summary}{known}"


def _body(check: CheckRecord) -> str:
    """The reason, the evidence, the advice, who acts; a line each."""
    acts = f"responsible: {check.responsible}" if check.responsible else None
    lines = [text.reason(check), *text.proofs(check), check.advice, acts]
    return "\n".join(text.safe(line) for line in lines if line)


def _attributes(**values: str) -> str:
    """What XML 1.0 (2.2 Char) forbids is not printable, so `safe` has escaped it."""
    return "".join(f" {name}={quoteattr(text.safe(value))}" for name, value in values.items())
