"""What is written is what the published schema says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from netcheck.record import RunRecord
from netcheck.render import Options, by_name

FILE = Path(__file__).parents[3] / "docs" / "schema" / "run.schema.json"
SCHEMA: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def _validator(part: str | None = None) -> Draft202012Validator:
    if part is None:
        return Draft202012Validator(SCHEMA)
    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": SCHEMA["$defs"]})


@pytest.fixture
def document(run_record: RunRecord) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads("".join(by_name("json").render(run_record, Options())))
    return parsed


@pytest.fixture
def lines(run_record: RunRecord) -> list[dict[str, Any]]:
    return [json.loads(line) for line in by_name("jsonl").render(run_record, Options())]


def test_the_schema_is_one() -> None:
    """The published file is a valid schema of draft 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


def test_a_document_is_valid(document: dict[str, Any]) -> None:
    """A run with every peculiarity is valid."""
    _validator().validate(document)


def test_every_key_is_described_and_none_is_missing(document: dict[str, Any]) -> None:
    """The keys of a run, a check, a finding and a step are those of the schema, in its order."""
    definitions = SCHEMA["$defs"]
    assert list(document) == list(SCHEMA["properties"])
    assert list(document["run"]) == list(definitions["run"]["properties"])
    assert list(document["findings"][0]) == list(definitions["finding"]["properties"])
    for check in document["checks"]:
        assert list(check) == list(definitions["check"]["properties"])
        for step in check["steps"]:
            assert list(step) == list(definitions["step"]["properties"])


@pytest.mark.parametrize("key", ["cause", "trace", "name", "warnings"])
def test_a_missing_key_is_not_valid(document: dict[str, Any], key: str) -> None:
    """The schema demands each key, so that a forgotten one is seen."""
    del document["checks"][0][key]
    with pytest.raises(ValidationError, match=f"'{key}' is a required property"):
        _validator().validate(document)


def test_lines_are_valid(lines: list[dict[str, Any]]) -> None:
    """Head, checks and summary are each the line that the schema names, in this order."""
    kinds = [line["record"] for line in lines]
    assert kinds == ["run", *["check"] * (len(lines) - 2), "summary"]
    for line in lines:
        _validator("line").validate(line)


def test_a_line_has_no_other_kind(lines: list[dict[str, Any]]) -> None:
    """A line that is none of the three is refused."""
    with pytest.raises(ValidationError):
        _validator("line").validate({**lines[1], "record": "surprise"})
