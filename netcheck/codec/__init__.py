"""The record's JSON form, both ways: the contract key by key, in its order.

Times are UTC, ISO 8601 with milliseconds and `Z`; `…_ms` has one decimal. A key that does not apply is
null, never missing. What is written reads back as the same values, to the millisecond.
"""

from netcheck.codec.reading import (
    check_from_json,
    finding_from_json,
    head_from_json,
    run_from_json,
    summary_from_json,
)
from netcheck.codec.writing import (
    SCHEMA,
    check_to_json,
    document_head,
    dumps,
    finding_to_json,
    head_to_json,
    iso,
    run_to_json,
    summary_to_json,
)

__all__ = [
    "SCHEMA",
    "check_from_json",
    "check_to_json",
    "document_head",
    "dumps",
    "finding_from_json",
    "finding_to_json",
    "head_from_json",
    "head_to_json",
    "iso",
    "run_from_json",
    "run_to_json",
    "summary_from_json",
    "summary_to_json",
]
