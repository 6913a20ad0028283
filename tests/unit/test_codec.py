"""The record's JSON form reads back as the same values."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import pytest

from netcheck import codec
from netcheck.record import CheckRecord, Control, Place, RunRecord, Trace
from probes.contract import Secret, Verdict


def _again(check: CheckRecord) -> CheckRecord:
    return codec.check_from_json(json.loads(codec.dumps(codec.check_to_json(check))))


def test_a_run_reads_back_as_itself(run_record: RunRecord) -> None:
    """Nothing is lost: head, every check, summary, findings."""
    again = codec.run_from_json(json.loads(codec.dumps(codec.run_to_json(run_record))))
    assert again.head == run_record.head
    assert list(again.checks) == list(run_record.checks)
    assert again.summary == run_record.summary


def test_lines_read_back_as_themselves(run_record: RunRecord) -> None:
    """Head and summary survive as lines."""
    head = codec.head_from_json(json.loads(codec.dumps(codec.head_to_json(run_record.head))))
    line = json.loads(codec.dumps(codec.summary_to_json(run_record.summary, run_record.head.started)))
    assert head == run_record.head
    assert codec.summary_from_json(line) == run_record.summary


LOOP = Place("at", "10.1.0.1", cycle=("10.1.0.1", "10.1.0.2"))


@pytest.mark.parametrize(
    "where", [None, Place("at", "10.1.0.1"), Place("after", "10.1.0.1", "10.2.0.1"), LOOP]
)
@pytest.mark.parametrize("trace", [None, Trace("tcp-ttl"), Trace("sibling", ecmp=True)])
def test_a_place_needs_no_trace(
    a_check: Callable[..., CheckRecord], where: Place | None, trace: Trace | None
) -> None:
    """A place with or without a trace, and neither, all survive."""
    check = a_check(where=where, trace=trace)
    assert _again(check) == check


@pytest.mark.parametrize("cause", [None, "tcp.refused"])
def test_a_control_says_what_it_met(a_check: Callable[..., CheckRecord], cause: str | None) -> None:
    """With a cause or without one."""
    check = a_check(controls=(Control("port", 41873, Verdict.FAIL, "in words", cause),))
    assert _again(check) == check


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1795467600.0, "2026-11-23T21:00:00.000Z"),
        (1795467600.1239, "2026-11-23T21:00:00.124Z"),
        (1795467599.9996, "2026-11-23T21:00:00.000Z"),
        (None, None),
    ],
)
def test_times_are_utc_with_milliseconds(moment: float | None, text: str | None) -> None:
    """Times are rounded to the millisecond, and carry into the second."""
    assert codec.iso(moment) == text


def test_durations_have_one_decimal(a_check: Callable[..., CheckRecord]) -> None:
    """5.00214 seconds are 5002.1 ms."""
    assert codec.check_to_json(a_check(duration=5.00214))["duration_ms"] == 5002.1


@pytest.mark.parametrize("hostile", ["\x7f", "\x9b2J", "\u202ereversed", "\ud800", "\x1b[2J", "\u2028"])
def test_no_control_character_is_written_raw(hostile: str) -> None:
    """Whatever a server sent is escaped, encodes as UTF-8 and reads back."""
    text = codec.dumps({"banner": f"Ünïcode {hostile}"})
    assert hostile not in text
    assert "Ünïcode" in text
    assert json.loads(text.encode("utf-8")) == {"banner": f"Ünïcode {hostile}"}


def test_values_that_json_does_not_know_become_plain() -> None:
    """Read-only mappings, sets and strangers are written as objects, lists and text."""
    value = {
        "mapping": MappingProxyType({"a": 1}),
        "set": {2, 1},
        "named": Place("at", "::1"),
        "other": Place,
    }
    plain = {"mapping": {"a": 1}, "set": [1, 2], "named": ["at", "::1", None, []], "other": str(Place)}
    assert json.loads(codec.dumps(value)) == plain


@pytest.mark.parametrize(
    ("value", "text"),
    [({1: 2**64}, '{"1":18446744073709551616}'), ({"name": "\udcff"}, r'{"name":"\udcff"}')],
)
def test_what_the_quick_encoder_refuses_is_written_all_the_same(value: object, text: str) -> None:
    """Numbers of more than 64 bits, keys that are not text and lone surrogates."""
    assert codec.dumps(value) == text


def test_a_dataclass_is_written_as_its_repr_shows_it() -> None:
    """What a repr hides does not get into a record by way of its fields."""
    assert "hunter2" not in codec.dumps({"secret": Secret("svc", password="hunter2")})


def test_another_schema_is_refused(run_record: RunRecord) -> None:
    """A record of another format says which it is and which is read."""
    line = {**codec.head_to_json(run_record.head), "schema": "netcheck/run/9"}
    with pytest.raises(
        ValueError, match=r"its schema is 'netcheck/run/9', this netcheck reads 'netcheck/run/1'"
    ):
        codec.head_from_json(line)


def test_only_failed_leaves_the_counts_alone(run_record: RunRecord) -> None:
    """A narrowed run lists what is not pass and still counts everything."""
    document = codec.run_to_json(replace(run_record, only_failed=True))
    assert "pass" not in {check["verdict"] for check in document["checks"]}
    assert document["summary"]["pass"] == 4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("summary", 5),
        ("target", ["db01"]),
        ("evidence", [None, 7]),
        ("owner", {"name": 1, "email": None, "role": None}),
        ("started", 0),
        ("duration_ms", "5"),
        ("verdict", "great"),
        ("layer", "moon"),
        ("steps", [{}]),
    ],
)
def test_a_value_of_another_kind_is_refused(
    a_check: Callable[..., CheckRecord], key: str, value: object
) -> None:
    """A file made or changed by hand is refused when it is read, not when it is shown."""
    item = {**codec.check_to_json(a_check()), key: value}
    with pytest.raises((KeyError, TypeError, ValueError)):
        codec.check_from_json(item)
