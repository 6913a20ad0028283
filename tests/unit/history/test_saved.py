"""A saved run is found by file, id or `last`, and what is not one says why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from netcheck import codec
from netcheck.errors import UsageError
from netcheck.history import saved
from netcheck.history.journal import Journal, folder
from netcheck.record import RunRecord
from netcheck.render import Options, by_name

IDS = ("01KAS0XW3D8GQ4ZB7TN5RMVYH0", "01KAS0XW3D8GQ4ZB7TN5RMVYH1", "01KAT0XW3D8GQ4ZB7TN5RMVYH2")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder, which is also the working directory."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def keep(a_run: Callable[..., RunRecord]) -> Callable[..., Path]:
    """Keeps an empty run of that id."""

    def keep(run_id: str, **head: object) -> Path:
        run = a_run(id=run_id, **head)
        kept = Journal(run.head)
        kept.close(run.summary)
        assert kept.path is not None
        return kept.path

    return keep


@pytest.fixture
def file(run_record: RunRecord, tmp_path: Path) -> Callable[[str], Path]:
    """Writes the sample run in that format."""

    def write(name: str) -> Path:
        path = tmp_path / f"run.{name}"
        path.write_text("".join(by_name(name).render(run_record, Options())), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_both_forms_load(name: str, file: Callable[[str], Path], run_record: RunRecord) -> None:
    """A document and JSON Lines give the same run."""
    again = saved.load(file(name))
    assert (again.head, list(again.checks)) == (run_record.head, list(run_record.checks))
    assert again.summary == run_record.summary


def test_the_suffix_does_not_matter(file: Callable[[str], Path], run_record: RunRecord) -> None:
    """The content tells the form: a pipe has no suffix."""
    renamed = file("jsonl").rename("whatever")
    assert saved.load(renamed).head == run_record.head


def test_a_journal_cut_off_in_a_line_is_interrupted(file: Callable[[str], Path]) -> None:
    """After a crash what is there loads, and counts as interrupted."""
    path = file("jsonl")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:6]) + lines[6][:200], encoding="utf-8")
    run = saved.load(path)
    assert run.summary.interrupted
    assert (run.summary.checks, len(list(run.checks))) == (5, 5)
    assert (run.summary.verdicts["pass"], run.summary.verdicts["fail"]) == (4, 1)
    assert [finding.cause for finding in run.summary.findings] == ["tcp.filtered"]


def test_runs_are_listed_newest_first(keep: Callable[..., Path], state: Path) -> None:
    """Foreign files in the folder are no runs."""
    kept = [keep(run_id) for run_id in IDS]
    (folder() / "notes.jsonl").write_text("{}")
    assert saved.runs() == kept[::-1]


def test_no_folder_is_no_runs() -> None:
    """Before the first run there are none."""
    assert saved.runs() == []


def test_last_is_the_newest(keep: Callable[..., Path]) -> None:
    """`last` whatever its inventory; `last~1` the one before of the same inventory."""
    same = keep(IDS[0])
    keep(IDS[1], inventory="other.yml")
    newest = keep(IDS[2])
    assert saved.find("last") == newest
    assert saved.find("last~0") == newest
    assert saved.find("last~1") == same


def test_last_passes_over_what_is_broken(keep: Callable[..., Path]) -> None:
    """A file without a head (the disk was full) is no run."""
    good = keep(IDS[0])
    keep(IDS[1]).write_text("")
    assert saved.find("last") == good


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("last", "no run is kept in {folder}: `netcheck run INVENTORY` keeps one"),
        (
            "01KZ",
            "no run `01KZ`: a run is a file written by `-o x.json` or `-o x.jsonl`, an id, `last` or ",
        ),
    ],
)
def test_what_is_not_there_is_said(reference: str, message: str) -> None:
    """The message says what a run is, or how to get one."""
    with pytest.raises(UsageError, match=re.escape(message.format(folder=folder()))):
        saved.find(reference)


def test_too_far_back_is_said(keep: Callable[..., Path]) -> None:
    """The message counts the runs of the same inventory."""
    keep(IDS[0])
    message = f"`last~1`: only 1 run(s) of inventory.yml are kept in {folder()}"
    with pytest.raises(UsageError, match=re.escape(message)):
        saved.find("last~1")


def test_an_id_may_be_shortened(keep: Callable[..., Path]) -> None:
    """A unique beginning is enough, in either case."""
    keep(IDS[0])
    wanted = keep(IDS[2])
    assert saved.find(IDS[2]) == wanted
    assert saved.find("01kat") == wanted


def test_an_ambiguous_id_names_the_runs(keep: Callable[..., Path]) -> None:
    """Which one is meant is the user's to say."""
    keep(IDS[0])
    keep(IDS[1])
    message = f"`01KAS` begins the ids of 2 runs: {IDS[1]}, {IDS[0]}"
    with pytest.raises(UsageError, match=re.escape(message)):
        saved.find("01KAS")


def test_a_word_of_any_length_is_no_traceback() -> None:
    """Longer than a file's name can be."""
    with pytest.raises(UsageError, match=r"^no run `xxx"):
        saved.find("x" * 5000)


def test_a_path_wins(state: Path) -> None:
    """A file of that name, or what looks like a path, is a path."""
    (state / "mine").write_text("")
    assert saved.find("mine") == Path("mine")
    assert saved.find("there/x") == Path("there/x")
    assert saved.find("x.json") == Path("x.json")


def _without(key: str) -> Callable[[dict[str, object]], object]:
    return lambda document: {name: value for name, value in document.items() if name != key}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda document: "", "it is empty"),
        (lambda document: "netcheck: 1\n", "line 1: no JSON: Expecting value"),
        (lambda document: "[" * 100_000, "it has JSON of another shape"),
        (lambda document: [1], "it has JSON of another shape"),
        (lambda document: {}, "the key `run` is missing"),
        (_without("schema"), "the key `schema` is missing"),
        (_without("checks"), "the key `checks` is missing"),
        (
            lambda document: {**document, "schema": "netcheck/run/2"},
            "its schema is 'netcheck/run/2', this netcheck reads 'netcheck/run/1'",
        ),
        (lambda document: {**document, "checks": [{"id": 1}]}, "the key `source` is missing"),
        (lambda document: {**document, "checks": 7}, "it has JSON of another shape"),
    ],
)
def test_what_is_not_a_run_says_why(
    spoil: Callable[[dict[str, object]], object], why: str, run_record: RunRecord
) -> None:
    """One clear message with the file and what is wrong."""
    spoiled = spoil(json.loads(codec.dumps(codec.run_to_json(run_record))))
    path = Path("x.json")
    path.write_text(spoiled if isinstance(spoiled, str) else json.dumps(spoiled))
    with pytest.raises(UsageError) as caught:
        saved.load(path)
    assert str(caught.value) == f"x.json: not a saved run: {why}"


def test_a_broken_line_is_named(file: Callable[[str], Path]) -> None:
    """Only the last line may be cut off; another is an error with its number."""
    path = file("jsonl")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "{oops\n", *lines[3:]]), encoding="utf-8")
    with pytest.raises(UsageError, match=r"run.jsonl: not a saved run: line 3: no JSON: "):
        saved.load(path)


def test_binary_is_no_run() -> None:
    """A picture is refused as what it is not."""
    Path("x.json").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UsageError, match=r"^x\.json: not a saved run: it is not UTF-8 text$"):
        saved.load(Path("x.json"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nope.json", "No such file or directory"),
        (".", "Is a directory"),
        ("x" * 300 + ".json", "File name too long"),
    ],
)
def test_a_file_that_can_not_be_read_says_why(name: str, why: str) -> None:
    """The system's reason, after the name."""
    with pytest.raises(UsageError) as caught:
        saved.load(Path(name))
    assert str(caught.value) == f"{name}: {why}"
