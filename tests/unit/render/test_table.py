"""The table: folding, width, colours; nothing that a server sent reaches the terminal raw."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from netcheck.check import Contact
from netcheck.record import CheckRecord, Finding, Place, RunRecord, Summary, VantageRecord
from netcheck.render import NAMES, Options, by_name
from probes.contract import Verdict

Check = Callable[..., CheckRecord]
Run = Callable[..., RunRecord]


def shown(run: RunRecord, name: str = "table", **options: object) -> str:
    return "".join(by_name(name).render(run, Options(**options)))  # type: ignore[arg-type]


def rows(text: str) -> list[str]:
    """The lines between the rule under the headers and the empty line before the counts."""
    return text.partition("\n---")[2].partition("\n\n")[0].splitlines()[1:]


@pytest.fixture
def many(a_check: Check) -> list[CheckRecord]:
    """Fifty targets of one group, one of which fails, and one target without a group."""
    web = [
        a_check(
            target=f"web{number:02}.dmz.example",
            groups=("web",),
            duration=number / 1000,
            **({"verdict": Verdict.FAIL, "cause": "tcp.refused"} if number == 7 else {}),
        )
        for number in range(1, 51)
    ]
    return [*web, a_check(target="alone", groups=())]


def test_a_terminal_folds_passes_of_one_group(many: list[CheckRecord], a_run: Run) -> None:
    """Past forty rows the passes of a group are one row; the failure keeps its own."""
    folded = rows(shown(a_run(*many), width=120))
    assert [re.split(" {2,}", row) for row in folded] == [
        ["web[01-06,08-50].dmz.example", "ssh/22", "49 hosts", "50 ms", "pass"],
        ["web07.dmz.example", "ssh/22", "10.20.0.15", "7 ms", "fail", "tcp.refused: passed in 81 ms"],
        ["alone", "ssh/22", "10.20.0.15", "81 ms", "pass"],
    ]


def test_files_and_pipes_get_every_row(many: list[CheckRecord], a_run: Run) -> None:
    """Nothing is folded where nobody looks at a screen."""
    assert len(rows(shown(a_run(*many)))) == 51


def test_an_empty_cell_keeps_its_line(a_check: Check, a_run: Run) -> None:
    """Causes and times stand beside their checks, however many empty cells come before and after them."""
    untried = {"verdict": Verdict.SKIP, "address": None, "cause": "credential.missing", "summary": ""}
    lines = rows(shown(a_run(a_check(), a_check(**untried), a_check(duration=1.5), a_check())))
    assert [re.split(" {2,}", line)[2:] for line in lines] == [
        ["10.20.0.15", "81 ms", "pass"],
        ["skip", "credential.missing"],
        ["10.20.0.15", "1.50 s", "pass"],
        ["10.20.0.15", "81 ms", "pass"],
    ]
    assert lines[0].index("ms  pass") == lines[2].index(" s  pass")  # right under each other


def test_forty_rows_are_not_folded(many: list[CheckRecord], a_run: Run) -> None:
    """Up to forty rows a terminal shows them all."""
    assert len(rows(shown(a_run(*many[:40]), width=120))) == 40


def test_wide_folds_nothing(many: list[CheckRecord], a_run: Run) -> None:
    """`--format wide` shows all, on a terminal too."""
    assert len(rows(shown(a_run(*many), "wide", width=80))) == 51


def test_names_without_a_common_range_fold_under_their_group(a_check: Check, a_run: Run) -> None:
    """Forty-five names that differ in more than a number are counted."""
    names = [f"{chr(97 + number % 26)}{number}" for number in range(45)]
    run = a_run(*(a_check(target=name, groups=("linux", "dmz")) for name in names))
    assert [row.split("  ")[0] for row in rows(shown(run, width=120))] == ["linux: 45 targets"]


def a_finding(*flows: str) -> Finding:
    """Forty hosts behind one hop, with these lines of flows."""
    return Finding(
        cause="tcp.filtered",
        responsible="customer",
        where=Place("after", "10.1.0.1"),
        summary="tcp/5432 to 40 hosts in 10.20.0.0/24 is lost after 10.1.0.1; tcp/22 of the same passes",
        advice="\n".join(["Open the flows below on 10.1.0.1 or what follows it.", *flows]),
        owners=(Contact("Unix team", "unix@acme.example"),),
        checks=("local/db01/tcp/5432",),
    )


def to_do(run: Run, finding: Finding, **options: object) -> list[str]:
    """The lines under `What to do`."""
    return (
        shown(run(findings=(finding,)), **options).partition("What to do\n")[2].split("\n\n")[0].split("\n")
    )


def test_flows_stand_under_the_finding(a_run: Run) -> None:
    """Who and what to do, the sentence with its place said once, then a line an owner."""
    flows = ("tcp/5432 from 10.9.0.7 to 10.20.0.11-39 (Unix team)", "tcp/22 from 10.9.0.7 to 10.20.0.40")
    assert to_do(a_run, a_finding(*flows)) == [
        " 1  customer, Unix team <unix@acme.example>: Open the flows below on 10.1.0.1 or what follows it.",
        "    tcp.filtered: tcp/5432 to 40 hosts in 10.20.0.0/24 is lost after 10.1.0.1; "
        "tcp/22 of the same passes · certain",
        *(f"    {flow}" for flow in flows),
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_long_lists_of_flows_are_cut_on_a_terminal(width: int, a_run: Run) -> None:
    """At a comma, and the owner stays; five owners at most. A file has all of it."""
    addresses = ", ".join(f"10.20.{n}.7" for n in range(60))
    finding = a_finding(*(f"tcp/22 from 10.9.0.7 to {addresses} (team {n})" for n in range(7)))
    lines = to_do(a_run, finding, width=width)
    assert max(map(len, lines)) <= width
    assert lines[-1] == "    and the flows of 2 more owners"
    cut = [line.partition("… ")[2] for line in lines if "…" in line]
    assert cut == [f"(team {number})" for number in range(5)]
    assert len(lines) <= 4 + 5 * 3 + 1
    whole = to_do(a_run, finding)
    assert len(whole) == 2 + 7
    assert whole[-1] == f"    tcp/22 from 10.9.0.7 to {addresses} (team 6)"


@pytest.mark.parametrize("width", [96, 100, 140])
def test_lines_fit_the_terminal(width: int, run_record: RunRecord) -> None:
    """Cells are cut with an ellipsis; what to do is wrapped."""
    text = shown(run_record, width=width).partition("from  ")[2]
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" in text


def test_nothing_is_cut_in_a_file(run_record: RunRecord) -> None:
    """However long a reason is."""
    assert "…" not in shown(run_record)


def test_a_width_that_is_enough_cuts_nothing(run_record: RunRecord) -> None:
    """A wide terminal shows what a file gets."""
    assert shown(run_record, width=400) == shown(run_record)


def test_colours_change_nothing_but_colour(run_record: RunRecord) -> None:
    """Without its colour codes the table is the plain one, and every verdict has one."""
    colored = shown(run_record, color=True)
    assert re.sub("\x1b\\[[0-9]*m", "", colored) == shown(run_record)
    assert re.findall("\x1b\\[3([0-9])m([a-z]+)\x1b\\[0m", colored) == [
        *[("2", "pass")] * 4,
        *[("1", "fail")] * 3,
        ("3", "warn"),
        ("6", "skip"),
        ("5", "error"),
    ]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("prometheus", "nagios")])
def test_no_control_character_reaches_the_reader(name: str, run_record: RunRecord) -> None:
    """In every format, what is not printable is escaped: no line but ours is broken."""
    text = shown(run_record, name)
    lines = text.replace("\r\n", "\n").split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    text.encode("utf-8")


def test_one_vantage_has_no_column(a_run: Run, a_check: Check) -> None:
    """`from` is a column only where it tells rows apart, even if the inventory has more vantages."""
    run = a_run(a_check())
    assert "dc-connector (10.1.0.9, stands for" in shown(run)
    assert "jump01" not in shown(run)
    assert rows(shown(run)) == ["db01      ssh/22   10.20.0.15   81 ms  pass"]


@pytest.mark.parametrize(
    ("flow", "side"), [("vault-to-target", "the vault's side"), ("user-to-saas", "a user's side")]
)
def test_an_undeclared_place_is_said(flow: str, side: str, a_run: Run, a_check: Check) -> None:
    """The head says from which host, and what nobody declared it to be, even if only failures are shown."""
    run = a_run(
        a_check(flow=flow, origin="assumed", vantage="local"), vantages={"local": VantageRecord("pc7")}
    )
    for name in ("table", "wide", "markdown"):
        assert f"seen from pc7, which nobody declared to be {side}" in shown(
            replace(run, only_failed=True), name
        )


@pytest.mark.parametrize(("addresses", "said"), [(2, False), (3, True), (9, True)])
def test_a_host_key_of_many_is_said(addresses: int, said: bool, a_run: Run, a_check: Check) -> None:
    """Two may be a pair; of more one host, or one image, answers, or something in their name."""
    facts = {"host_key": {"fingerprint": "SHA256:x"}}
    checks = [a_check(address=f"10.{n}.0.5", facts=facts) for n in range(addresses)]
    words = "one SSH host key is shown by 10.0.0.5, 10.1.0.5, 10.2.0.5"
    for name in ("table", "wide", "markdown"):
        assert (words in shown(a_run(*checks), name)) is said
    assert "host key is shown" not in shown(a_run(*(check._replace(facts={}) for check in checks)))


def test_a_remark_of_a_pass_is_shown(a_run: Run, a_check: Check, run_record: RunRecord) -> None:
    """What was left out is said, though the check passed."""
    warning = next(check for check in run_record.checks if check.warnings).warnings[1]
    [row] = rows(shown(a_run(a_check(warnings=(warning,)))))
    assert re.split(" {2,}", row)[-2:] == ["pass", "2 addresses were not tried"]


def test_an_interrupted_run_says_so(run_record: RunRecord) -> None:
    """The counts are of what was finished; a crashed run has no end."""
    run_record.summary.interrupted = True
    run_record.summary.finished = None
    assert "\ninterrupted: 4 pass, 1 warn, 3 fail (1 accepted), 1 skip, 1 error · run 01K" in shown(
        run_record
    )


def test_an_empty_run_is_a_table_without_rows(a_run: Run) -> None:
    """Interrupted at once: no check, no crash, in any format."""
    run = replace(a_run(), summary=Summary(interrupted=True))
    assert "interrupted: no check was finished · run" in shown(run)
    for name in ("wide", "json", "jsonl", "csv", "junit", "markdown"):
        assert shown(run, name)
    assert shown(run, width=80)


def test_no_failure_is_no_table(a_run: Run, a_check: Check) -> None:
    """`--failed` of a run that passed has no headers over nothing."""
    assert "\n\nnothing to show\n\n1 pass in 5.60 s" in shown(replace(a_run(a_check()), only_failed=True))


def test_what_was_not_tried_took_no_time(a_run: Run, a_check: Check) -> None:
    """A skip that sent nothing has no time; one that came as far as the secret has."""
    untried = a_check(
        target="edge", verdict=Verdict.SKIP, cause="probe.unsupported", address=None, duration=0.0
    )
    stopped = a_check(target="db02", verdict=Verdict.SKIP, cause="credential.suspended")
    first, second = rows(shown(a_run(untried, stopped)))
    assert " ms " not in first
    assert " 81 ms " in second
