"""CSV, JUnit and Markdown, read back by those who know the formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from netcheck.record import CheckRecord, Finding, Place, RunRecord
from netcheck.render import Options, by_name

Check = Callable[..., CheckRecord]
Run = Callable[..., RunRecord]


def table_of(run: RunRecord) -> list[dict[str, str]]:
    text = "".join(by_name("csv").render(run, Options()))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def suites_of(run: RunRecord) -> ElementTree.Element:
    return ElementTree.fromstring("".join(by_name("junit").render(run, Options())))


def test_csv_has_one_row_a_check(run_record: RunRecord) -> None:
    """In the order of the inventory, under the record's names; what does not apply is empty."""
    rows = table_of(run_record)
    assert [row["id"] for row in rows] == [check.id for check in run_record.checks]
    assert (rows[2]["port"], rows[2]["duration_ms"], rows[2]["cause"]) == ("", "4.2", "")


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1+1"])
def test_csv_holds_no_formula(hostile: str, a_check: Check, a_run: Run) -> None:
    """A spreadsheet shows what a server sent, and does not run it."""
    [row] = table_of(a_run(a_check(summary=hostile)))
    assert row["summary"] == f"'{hostile}"


def test_junit_totals_are_right(run_record: RunRecord) -> None:
    """Each suite counts its cases, the whole counts all, and they agree with what is there."""
    root = suites_of(run_record)
    kinds = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for element in [root, *root.findall("testsuite")]:
        for attribute, tag in kinds.items():
            if (element.tag, attribute) != ("testsuites", "skipped"):  # the schema has none there
                assert int(element.attrib[attribute]) == len(list(element.iter(tag)))


def test_junit_names_targets_checks_and_causes(run_record: RunRecord) -> None:
    """A testsuite a target, a testcase a check, the flow as its class, the code as the failure's type."""
    root = suites_of(run_record)
    assert [suite.attrib["name"] for suite in root].count("db01") == 1
    cases = list(root.iter("testcase"))
    assert {case.attrib["name"] for case in cases} == {check.id for check in run_record.checks}
    assert {case.attrib["classname"] for case in cases} == {check.flow for check in run_record.checks}
    assert [failure.attrib["type"] for failure in root.iter("failure")] == [
        "tcp.filtered",
        "tcp.filtered",
        "protocol.mismatch",
    ]
    assert [error.attrib["type"] for error in root.iter("error")] == ["probe.crashed"]


def test_junit_survives_every_character(a_check: Check, a_run: Run) -> None:
    """What XML forbids is escaped before it gets there."""
    every = "".join(map(chr, range(0x300))) + "\ud800\udfff\ufffe\uffff]]>&<\"'"
    run = a_run(a_check(verdict="fail", cause="tcp.refused", summary=every, evidence=(every,)))
    failure = suites_of(run).find(".//failure")
    assert failure is not None
    assert failure.attrib["message"].endswith("]]>&<\"'")


@pytest.mark.parametrize(
    ("hostile", "escaped"),
    [
        ("a|b", "a\\|b"),
        ("[x](http://evil)", "\\[x\\](http\\://evil)"),
        ("![x](y)", "\\!\\[x\\](y)"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("`code` *b* _i_", "\\`code\\` \\*b\\* \\_i\\_"),
        ("# head", "\\# head"),
        ("&amp;", "\\&amp;"),
    ],
)
def test_markdown_holds_no_markup_of_a_server(hostile: str, escaped: str, a_check: Check, a_run: Run) -> None:
    """Every mark is escaped, so that a page shows the characters and a row keeps its cells."""
    run = a_run(a_check(verdict="fail", cause="tcp.refused", summary=hostile))
    row = "".join(by_name("markdown").render(run, Options())).splitlines()[-1]
    assert row.endswith(f"| tcp.refused: {escaped} |")


def test_markdown_lists_the_flows_of_a_finding(a_run: Run) -> None:
    """A point for each owner, under what to do; an asterisk in a name makes nothing bold."""
    flows = ("tcp/5432 from 10.9.0.7 to 10.20.0.11-39 (Unix team)", "tcp/22 from 10.9.0.7 to *.example")
    finding = Finding(
        cause="tcp.filtered",
        responsible="customer",
        where=Place("after", "10.1.0.1"),
        summary="tcp/5432 to 40 hosts is lost after 10.1.0.1",
        advice="\n".join(["Open the flows below.", *flows]),
        owners=(),
        checks=("local/db01/tcp/5432",),
    )
    page = "".join(by_name("markdown").render(a_run(findings=(finding,)), Options()))
    assert page.partition("## What to do\n\n")[2].partition("\n\n")[0].split("\n") == [
        "1. **customer**: Open the flows below.",
        "   - tcp/5432 from 10.9.0.7 to 10.20.0.11-39 (Unix team)",
        "   - tcp/22 from 10.9.0.7 to \\*.example",
        "   - tcp.filtered: tcp/5432 to 40 hosts is lost after 10.1.0.1 (certain)",
    ]
