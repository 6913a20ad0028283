"""The exit statuses: named and computed here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netcheck.record import Summary

OK = 0
FAILED = 1
USAGE = 2  # usage or inventory error, nothing selected: nothing was checked
INCOMPLETE = 3  # nothing failed, but a check is `skip` or `error`
INTERRUPTED = 130


def of_run(summary: Summary, fail_on: str = "fail") -> int:
    """The status of a finished run. `fail_on` is the verdict, `fail` or `warn`, from which 1 follows."""
    from probes.contract import Verdict  # there already where there was a run; `--version` does without

    count = summary.verdicts
    if summary.interrupted:
        return INTERRUPTED
    if not summary.checks:
        return USAGE
    if count[Verdict.FAIL] > summary.accepted or (fail_on == "warn" and count[Verdict.WARN]):
        return FAILED
    if count[Verdict.SKIP] or count[Verdict.ERROR]:
        return INCOMPLETE
    return OK


def of_doctor(missing: bool) -> int:
    """The status of `doctor`. `missing`: something that checks need is not there, so not all can be made."""
    return INCOMPLETE if missing else OK
