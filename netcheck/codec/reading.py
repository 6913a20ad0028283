"""JSON → values. What is not the JSON of a run raises KeyError, TypeError or ValueError."""

from __future__ import annotations

import datetime
from typing import Any

from netcheck.check import Contact
from netcheck.codec.writing import SCHEMA, Json
from netcheck.record import (
    Accepted,
    AddressRecord,
    CheckRecord,
    Control,
    Finding,
    Place,
    RunHead,
    RunRecord,
    Summary,
    Trace,
    VantageRecord,
    Warned,
)
from probes.contract import Confidence, Layer, Step, Verdict
from probes.net.base import Source
from probes.path.route import Hop

HEAD_TEXTS = ("id", "netcheck", "inventory", "inventory_sha256", "host", "platform", "name", "customer")
FINDING_TEXTS = ("cause", "responsible", "summary", "advice")
CHECK_TEXTS = (
    "id",
    "name",
    "vantage",
    "origin",
    "flow",
    "target",
    "host",
    "address",
    "probe",
    "expect",
    "cause",
    "responsible",
    "summary",
    "advice",
)


def _only_text(*values: Any) -> None:
    """A file may say anything; what is shown as text must be text or null. Raises TypeError."""
    "".join([value for value in values if value is not None])


def run_from_json(document: Json) -> RunRecord:
    """The run of a document. Raises KeyError, TypeError, ValueError where it is not one."""
    run, findings = document["run"], document["findings"]
    head = head_from_json({**document, **run})
    summary = summary_from_json({**document["summary"], **run, "findings": findings})
    return RunRecord(head, [check_from_json(check) for check in document["checks"]], summary)


def head_from_json(line: Json) -> RunHead:
    """The head of a run from the first line of a journal."""
    if line["schema"] != SCHEMA:
        raise ValueError(f"its schema is {line['schema']!r}, this netcheck reads {SCHEMA!r}")
    _only_text(*(line[key] for key in HEAD_TEXTS))
    return RunHead(
        id=line["id"],
        version=line["netcheck"],
        inventory=line["inventory"],
        inventory_sha256=line["inventory_sha256"],
        started=_time(line["started"]),
        host=line["host"],
        platform=line["platform"],
        privileged=line["privileged"],
        vantages={
            name: VantageRecord(item["host"], tuple(item["stands_for"]), item["clock_offset_s"])
            for name, item in line["vantages"].items()
        },
        name=line["name"],
        customer=line["customer"],
        contacts=_contacts(line["contacts"]),
    )


def _time(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def summary_from_json(line: Json) -> Summary:
    """The summary of a run from the last line of a journal."""
    return Summary(
        checks=line["checks"],
        verdicts={verdict: line[verdict] for verdict in Verdict},
        accepted=line["accepted"],
        responsible=dict(line["responsible"]),
        finished=_unix(line["finished"]),
        interrupted=line["interrupted"],
        findings=tuple(finding_from_json(finding) for finding in line["findings"]),
        planned=line.get("planned"),
    )


def finding_from_json(item: Json) -> Finding:
    """One finding of a document or a summary line."""
    _only_text(*(item[key] for key in FINDING_TEXTS), *item["checks"])
    return Finding(
        cause=item["cause"],
        responsible=item["responsible"],
        where=_place(item["where"]),
        summary=item["summary"],
        advice=item["advice"],
        owners=_contacts(item["owners"]),
        checks=tuple(item["checks"]),
        confidence=Confidence(item.get("confidence", Confidence.CERTAIN)),
        ask=item.get("ask", "owners"),
    )


def check_from_json(item: Json) -> CheckRecord:
    """One check of a document or a journal's line."""
    source, accepted, owner, trace = item["source"], item["accepted"], item["owner"], item["trace"]
    _only_text(*(item[key] for key in CHECK_TEXTS), *item["groups"], *item["tags"], *item["evidence"])
    return CheckRecord(
        id=item["id"],
        name=item["name"],
        vantage=item["vantage"],
        origin=item["origin"],
        flow=item["flow"],
        target=item["target"],
        groups=tuple(item["groups"]),
        tags=tuple(item["tags"]),
        owner=owner and _contact(owner),
        host=item["host"],
        address=item["address"],
        source=source and Source(source["address"], source["port"]),
        probe=item["probe"],
        port=item["port"],
        expect=item["expect"],
        verdict=Verdict(item["verdict"]),
        cause=item["cause"],
        layer=item["layer"] and Layer(item["layer"]),
        confidence=Confidence(item["confidence"]),
        responsible=item["responsible"],
        summary=item["summary"],
        evidence=tuple(item["evidence"]),
        advice=item["advice"],
        warnings=tuple(Warned(warned["cause"], warned["summary"]) for warned in item["warnings"]),
        accepted=accepted and Accepted(accepted["until"], accepted["reason"], accepted["by"]),
        started=_unix(item["started"]),
        duration=_seconds(item["duration_ms"]),
        attempts=item["attempts"],
        steps=_steps(item["steps"]),
        addresses=tuple(_address(address) for address in item["addresses"]),
        controls=tuple(
            Control(
                control["varied"],
                control["value"],
                Verdict(control["verdict"]),
                control.get("summary", ""),
                control.get("cause"),
            )
            for control in item["controls"]
        ),
        samples=item["samples"],
        settings=item["settings"],
        facts=item["facts"],
        trace=_trace(trace),
        where=_place(trace["where"]) if trace else None,
    )


def _steps(items: list[Json]) -> tuple[Step, ...]:
    return tuple(
        Step(
            Layer(item["step"]),
            Verdict(item["verdict"]),
            item["cause"],
            _seconds(item["duration_ms"]),
            item["detail"],
        )
        for item in items
    )


def _address(item: Json) -> AddressRecord:
    return AddressRecord(
        address=item["address"],
        verdict=Verdict(item["verdict"]),
        cause=item["cause"],
        layer=item["layer"] and Layer(item["layer"]),
        summary=item["summary"],
        duration=_seconds(item["duration_ms"]),
        steps=_steps(item["steps"]),
    )


def _trace(item: Json | None) -> Trace | None:
    if item is None or item["method"] is None:
        return None
    hops = tuple(
        Hop(hop["ttl"], hop["address"], hop.get("name"), _seconds(hop["rtt_ms"])) for hop in item["hops"]
    )
    owners = tuple(hop.get("owner") for hop in item["hops"])
    whose = owners if any(owners) else ()
    return Trace(item["method"], hops, item.get("ecmp", False), whose, item.get("address"))


def _place(item: Json | None) -> Place | None:
    if item is None:
        return None
    cycle = tuple(item.get("cycle", ()))
    _only_text(item["relation"], item["address"], item["before"], *cycle)
    return Place(item["relation"], item["address"], item["before"], cycle)


def _contacts(items: list[Json]) -> tuple[Contact, ...]:
    return tuple(_contact(item) for item in items)


def _contact(item: Json) -> Contact:
    _only_text(item["name"], item["email"], item["role"])
    return Contact(item["name"], item["email"], item["role"])


def _unix(text: str | None) -> float | None:
    return None if text is None else datetime.datetime.fromisoformat(text).timestamp()


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else round(ms / 1000, 4)
