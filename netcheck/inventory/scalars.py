"""What a plain scalar means: YAML 1.2's core schema (10.3.2), and nothing of YAML 1.1's.

`yes`, `no`, `on`, dates and `1:30` are text; `010` is ten; whatever is quoted is text.
"""

from __future__ import annotations

import re

WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
OTHER_BASE = re.compile(r"0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

Scalar = None | bool | int | float | str


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar.

    >>> [resolve(text) for text in ("yes", "0o17", "010", "1e3", "2026-12-31", "~")]
    ['yes', 15, 10, 1000.0, '2026-12-31', None]
    """
    if text in WORDS:
        return WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if INTEGER.fullmatch(text):
        return int(text)
    if OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if FLOAT.fullmatch(text):
        return float(text)
    infinite = INFINITE.fullmatch(text)
    return float(text.replace(".", "", 1)) if infinite else text
