"""The JSON Schema: valid as a schema, true of the examples, false of what the loader refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from netcheck import registry
from netcheck.cli import main
from netcheck.inventory.form import schema
from netcheck.inventory.problems import InventoryError, Report
from netcheck.inventory.source import read_source
from netcheck.inventory.tree import read_tree
from probes.settings import options_of

ROOT = Path(__file__).parents[3]
GOOD = [*sorted((ROOT / "inventories").glob("*.yml")), ROOT / "netcheck/inventory/starter.yml"]
# What no schema can know: what the YAML reader refuses, names that are defined elsewhere in the file,
# twins, sizes, hosts, files.
REFUSED = [
    "accept-date",
    "accept-without-until",
    "check-a-flag",
    "check-name",
    "clear-text-elsewhere",
    "clear-text-number",
    "clear-text-password",
    "contact-email",
    "credential-no-user",
    "duration-negative",
    "expect",
    "flag-yes",
    "foreign-option",
    "groups-in-group",
    "host-and-hosts",
    "no-host",
    "http-status",
    "list-for-a-text",
    "misspelt-option",
    "no-probe",
    "no-targets",
    "no-version",
    "port-zero",
    "secret-agent-password",
    "secret-odd-mapping",
    "secret-prompt",
    "secret-two-ways",
    "target-a-word",
    "target-name",
    "targets-a-list",
    "text-is-a-number",
    "tls-verify",
    "unknown-flow",
    "unknown-key",
    "unknown-key-in-target",
    "unknown-probe",
    "unknown-probe-in-mapping",
    "value-missing",
    "wrong-version",
]


def document(path: Path) -> Any:
    source = read_source(path)
    return read_tree(source, Report(str(path), source.lines)).plain()


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def test_is_a_schema() -> None:
    """It is valid by the metaschema of draft 2020-12."""
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good(validator: Draft202012Validator, path: Path) -> None:
    """The examples and the starter are valid."""
    assert [error.message for error in validator.iter_errors(document(path))] == []


@pytest.mark.parametrize("case", REFUSED)
def test_bad(validator: Draft202012Validator, case: str) -> None:
    """Mistakes of form are refused by the schema too."""
    assert not validator.is_valid(document(ROOT / f"tests/inventories/bad/{case}.yml"))


@pytest.mark.parametrize("name", registry.names())
def test_options_are_in_it(name: str) -> None:
    """Every option of every probe is completed, with its sentence."""
    _text, _port, mapping = schema()["$defs"]["check"]["anyOf"]
    for option in options_of(registry.get(name).settings):
        assert name in mapping["properties"][option]["description"]


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`netcheck schema` prints it."""
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


def test_reader_refuses_before_the_schema() -> None:
    """What is no document has no schema error: the reader's own error comes first."""
    with pytest.raises(InventoryError):
        document(ROOT / "tests/inventories/bad/tab.yml")
