"""Saved runs: found by file, id or `last`, and loaded whole from JSON or JSON Lines."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netcheck import codec
from netcheck.errors import UsageError
from netcheck.history import journal
from netcheck.history.ulid import ULID
from netcheck.record import CheckRecord, RunHead, RunRecord, Summary

WHAT_A_RUN_IS = "a run is a file written by `-o x.json` or `-o x.jsonl`, an id, `last` or `last~1`"

# What reading JSON of another shape raises.
WRONG_SHAPE = (KeyError, TypeError, ValueError, AttributeError, RecursionError)


class NotARun(UsageError):
    """A file that is not a saved run; the message names it and says what is wrong."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: not a saved run: {why}")


def runs() -> list[Path]:
    """The journals of this user's runs, newest first."""
    try:
        found = [path for path in journal.folder().iterdir() if _is_journal(path)]
    except (OSError, RuntimeError):  # RuntimeError: this user has no home
        return []
    return sorted(found, reverse=True)


def _is_journal(path: Path) -> bool:
    return path.suffix == ".jsonl" and ULID.fullmatch(path.stem) is not None


def find(reference: str) -> Path:
    """The file of a run: a path, an id or the beginning of one, `last`, `last~N`. Raises UsageError."""
    if found := re.fullmatch(r"last(?:~(\d+))?", reference):
        return _last(int(found[1] or 0))
    path = Path(reference)
    if os.path.exists(path) or "/" in reference or path.suffix in (".json", ".jsonl"):
        return path
    return _by_id(reference)


def _last(back: int) -> Path:
    """The newest run, or the one that many runs of the same inventory before it."""
    kept = ((path, head) for path in runs() if (head := _head_or_none(path)))
    newest = next(kept, None)
    if newest is None:
        raise UsageError(f"no run is kept in {journal.folder()}: `netcheck run INVENTORY` keeps one")
    same = [newest[0]]
    for path, head in kept if back else ():
        if head.inventory == newest[1].inventory and head.name == newest[1].name:
            same.append(path)
        if len(same) > back:
            break
    if len(same) <= back:
        what = newest[1].inventory or "netcheck check"
        raise UsageError(f"`last~{back}`: only {len(same)} run(s) of {what} are kept in {journal.folder()}")
    return same[back]


def _by_id(reference: str) -> Path:
    wanted = reference.upper()
    found = [path for path in runs() if wanted and path.stem.startswith(wanted)]
    if not found:
        raise UsageError(f"no run `{reference}`: {WHAT_A_RUN_IS}")
    if len(found) > 1:
        few = ", ".join(path.stem for path in found[:3]) + (", …" if len(found) > 3 else "")
        raise UsageError(f"`{reference}` begins the ids of {len(found)} runs: {few}")
    return found[0]


def load(path: Path) -> RunRecord:
    """The run in a file, JSON or JSON Lines. A journal without its end counts as interrupted."""
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
            line = _parsed(first)
            if isinstance(line, dict) and "record" in line:
                return _from_lines(path, line, file)
            return _from_document(path, first + file.read())
    except UnicodeDecodeError:
        raise NotARun(path, "it is not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def head(path: Path) -> RunHead:
    """The head of a journal, without reading its checks."""
    try:
        with path.open(encoding="utf-8") as file:
            return codec.head_from_json(json.loads(file.readline()))
    except (OSError, *WRONG_SHAPE) as error:
        raise NotARun(path, _reason(error)) from None


def _head_or_none(path: Path) -> RunHead | None:
    try:
        return head(path)
    except NotARun:
        return None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _from_document(path: Path, text: str) -> RunRecord:
    if not text.strip():
        raise NotARun(path, "it is empty")
    try:
        return codec.run_from_json(json.loads(text))
    except json.JSONDecodeError as error:
        raise NotARun(path, f"line {error.lineno}: no JSON: {error.msg}") from None
    except WRONG_SHAPE as error:
        raise NotARun(path, _reason(error)) from None


def _from_lines(path: Path, first: dict[str, Any], lines: Iterator[str]) -> RunRecord:
    checks: list[tuple[int, CheckRecord]] = []
    summary: Summary | None = None
    number = 1
    try:
        run_head = codec.head_from_json(first)
        for number, text in enumerate(lines, 2):
            if not text.endswith("\n") and _parsed(text) is None:
                break  # cut off: netcheck was killed in the middle of a write
            line = json.loads(text)
            if line["record"] == "check":
                checks.append((line.get("number", number), codec.check_from_json(line)))
            elif line["record"] == "summary":
                summary = codec.summary_from_json(line)
    except WRONG_SHAPE as error:
        raise NotARun(path, f"line {number}: {_reason(error)}") from None
    checks.sort(key=lambda pair: pair[0])
    ordered = [check for _, check in checks]
    return RunRecord(run_head, ordered, summary or _interrupted(run_head, ordered))


def _interrupted(head: RunHead, checks: list[CheckRecord]) -> Summary:
    """The summary that a killed run did not come to write."""
    from netcheck.diagnosis.findings import findings  # a crash is rare, and its rules take long to load

    summary = Summary(interrupted=True, findings=findings(checks, head.vantages))
    for check in checks:
        summary.add(check)
    return summary


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the key {error} is missing".replace("'", "`")
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error.msg}"
    return str(error) if isinstance(error, (ValueError, OSError)) else "it has JSON of another shape"
