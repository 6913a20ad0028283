"""Values → JSON. The writers run for every check of a run: they build plain dictionaries and nothing else."""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from netcheck.check import Contact
from netcheck.record import (
    AddressRecord,
    CheckRecord,
    Finding,
    Place,
    RunHead,
    RunRecord,
    Summary,
    Trace,
    VantageRecord,
)
from probes.contract import Step, Verdict

SCHEMA = "netcheck/run/1"

Json = dict[str, Any]

# Legal in JSON, but not wanted in a file or on a terminal: DEL and the C1 controls (some terminals obey
# them), the marks that turn the direction of text, and the lone surrogates that UTF-8 can't carry.
_UNWANTED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON text; any text a server sent comes out as valid UTF-8 without a control character."""
    text = _line(value) if indent is None else _encoder(indent).encode(value)
    if text.isascii() and "\x7f" not in text:  # nearly always: spare the search
        return text
    return _UNWANTED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _line(value: Any) -> str:
    """On one line, by orjson: ten times as fast as `json`, which does what orjson refuses (lone surrogates,
    numbers of more than 64 bits, keys that are not text)."""
    try:
        # A dataclass is shown as its text, as `json` has it: its repr knows what to hide.
        return orjson.dumps(value, _plain, orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except TypeError:
        return _encoder(None).encode(value)


@functools.cache
def _encoder(indent: int | None) -> json.JSONEncoder:
    separators = (",", ":") if indent is None else None
    return json.JSONEncoder(ensure_ascii=False, indent=indent, separators=separators, default=_plain)


def _plain(value: Any) -> Any:
    """What encoders do not know: read-only mappings, named tuples, sets; anything else as its text."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)


def iso(time: float | None) -> str | None:
    """A Unix time as `2026-11-23T21:00:00.000Z`."""
    if time is None:
        return None
    seconds, milliseconds = divmod(round(time * 1000), 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}Z"


@functools.lru_cache(maxsize=64)  # the checks of a run share few seconds
def _to_the_second(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def run_to_json(run: RunRecord) -> Json:
    """The whole document: `--format json` and `-o x.json`."""
    return {**document_head(run), "checks": [check_to_json(check) for check in run.shown]}


def document_head(run: RunRecord) -> Json:
    """All of the document but its last key, `checks`."""
    head, summary = run.head, run.summary
    return {
        "schema": SCHEMA,
        "netcheck": head.version,
        "run": _run_to_json(head, summary, run.notices),
        "name": head.name,
        "customer": head.customer,
        "contacts": [_contact_to_json(contact) for contact in head.contacts],
        "summary": _counts_to_json(summary),
        "findings": [finding_to_json(finding) for finding in summary.findings],
    }


def head_to_json(head: RunHead, notices: Iterable[str] = ()) -> Json:
    """The first line of JSON Lines; what only the end knows is null or false."""
    return {
        "record": "run",
        "schema": SCHEMA,
        "netcheck": head.version,
        **_run_to_json(head, Summary(), notices),
        "name": head.name,
        "customer": head.customer,
        "contacts": [_contact_to_json(contact) for contact in head.contacts],
    }


def summary_to_json(summary: Summary, started: float) -> Json:
    """The last line of JSON Lines."""
    return {
        "record": "summary",
        **_counts_to_json(summary),
        **_end_to_json(summary, started),
        "findings": [finding_to_json(finding) for finding in summary.findings],
    }


def _run_to_json(head: RunHead, summary: Summary, notices: Iterable[str]) -> Json:
    end = _end_to_json(summary, head.started)
    return {
        "id": head.id,
        "inventory": head.inventory,
        "inventory_sha256": head.inventory_sha256,
        "started": iso(head.started),
        "finished": end["finished"],
        "duration_s": end["duration_s"],
        "host": head.host,
        "platform": head.platform,
        "privileged": head.privileged,
        "interrupted": end["interrupted"],
        "vantages": {name: _vantage_to_json(vantage) for name, vantage in head.vantages.items()},
        "notices": list(notices),
    }


def _end_to_json(summary: Summary, started: float) -> Json:
    finished = summary.finished
    return {
        "finished": iso(finished),
        "duration_s": None if finished is None else round(max(finished - started, 0.0), 3),
        "interrupted": summary.interrupted,
    }


def _counts_to_json(summary: Summary) -> Json:
    return {
        "checks": summary.checks,
        "planned": summary.planned,
        **{str(verdict): summary.verdicts[verdict] for verdict in Verdict},
        "accepted": summary.accepted,
        "responsible": dict(summary.responsible),
    }


def _vantage_to_json(vantage: VantageRecord) -> Json:
    return {
        "host": vantage.host,
        "stands_for": list(vantage.stands_for),
        "clock_offset_s": vantage.clock_offset,
    }


def _contact_to_json(contact: Contact | None) -> Json | None:
    if contact is None:
        return None
    return {"name": contact.name, "email": contact.email, "role": contact.role}


def _place_to_json(place: Place | None) -> Json | None:
    if place is None:
        return None
    cycle = {"cycle": list(place.cycle)} if place.cycle else {}  # of a loop alone
    return {"relation": place.relation, "address": place.address, "before": place.before, **cycle}


def finding_to_json(finding: Finding) -> Json:
    """One finding; `confidence` is the weakest of its checks."""
    return {
        "cause": finding.cause,
        "responsible": finding.responsible,
        "where": _place_to_json(finding.where),
        "summary": finding.summary,
        "advice": finding.advice,
        "owners": [_contact_to_json(owner) for owner in finding.owners],
        "checks": list(finding.checks),
        "confidence": finding.confidence,
        "ask": finding.ask,
    }


def check_to_json(check: CheckRecord) -> Json:
    """One finished check, every key."""
    source, accepted = check.source, check.accepted
    return {
        "id": check.id,
        "name": check.name,
        "vantage": check.vantage,
        "origin": check.origin,
        "flow": check.flow,
        "target": check.target,
        "groups": check.groups,
        "tags": check.tags,
        "owner": _contact_to_json(check.owner),
        "host": check.host,
        "address": check.address,
        "source": source and {"address": source.address, "port": source.port},
        "probe": check.probe,
        "port": check.port,
        "expect": check.expect,
        "verdict": check.verdict,
        "cause": check.cause,
        "layer": check.layer,
        "confidence": check.confidence,
        "responsible": check.responsible,
        "summary": check.summary,
        "evidence": check.evidence,
        "advice": check.advice,
        "warnings": [{"cause": warned.cause, "summary": warned.summary} for warned in check.warnings],
        "accepted": accepted and {"until": accepted.until, "reason": accepted.reason, "by": accepted.by},
        "started": iso(check.started),
        "duration_ms": _ms(check.duration),
        "attempts": check.attempts,
        "steps": _steps_to_json(check.steps),
        "addresses": [_address_to_json(address) for address in check.addresses],
        "controls": [
            {
                "varied": control.varied,
                "value": control.value,
                "verdict": control.verdict,
                "summary": control.summary,
                **({"cause": control.cause} if control.cause else {}),
            }
            for control in check.controls
        ],
        "samples": check.samples,
        "settings": dict(check.settings),
        "facts": dict(check.facts),
        "trace": _trace_to_json(check),
    }


def _steps_to_json(steps: Iterable[Step]) -> list[Json]:
    return [
        {
            "step": step.layer,
            "verdict": step.verdict,
            "cause": step.cause,
            "duration_ms": _ms(step.duration),
            "detail": dict(step.detail),
        }
        for step in steps
    ]


def _address_to_json(address: AddressRecord) -> Json:
    return {
        "address": address.address,
        "verdict": address.verdict,
        "cause": address.cause,
        "layer": address.layer,
        "summary": address.summary,
        "duration_ms": _ms(address.duration),
        "steps": _steps_to_json(address.steps),
    }


def _trace_to_json(check: CheckRecord) -> Json | None:
    """The trace and the place it proves. A place known without a trace (an ICMP message is signed by
    its sender) stands in a trace without method and hops."""
    if check.trace is None and check.where is None:
        return None
    method, hops, ecmp, owners, address = check.trace or Trace(None)
    return {
        "method": method,
        "address": address,
        "hops": [
            {
                "ttl": hop.ttl,
                "address": hop.address,
                "name": hop.name,
                "owner": owner,
                "rtt_ms": _ms(hop.rtt),
            }
            for hop, owner in zip(hops, owners or (None,) * len(hops), strict=True)
        ],
        "ecmp": ecmp,
        "where": _place_to_json(check.where),
    }
