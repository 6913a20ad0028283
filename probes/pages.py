"""Pages that something on the way answers in the service's name: whose they are, by headers and words.

Read from `pages.toml`; a sign alone proves that a device wrote the answer, not why.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

# Who handled a message on the way, or wrote it (RFC 9110 7.6.3, 10.2.4; the rest are products' own).
TELLING = ("server", "via", "x-squid-error", "proxy-agent", "x-cache", "proxy-status", "proxy-authenticate")


class Product(NamedTuple):
    """A device that writes pages. `header` is looked for in `NAME: value` lines, `body` in the page."""

    name: str
    header: re.Pattern[str] | None
    body: re.Pattern[str] | None


def signs(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The headers that tell who answered, a sentence each."""
    return tuple(f"its header {name}: {headers[name]}" for name in TELLING if headers.get(name))


def product_of(headers: Mapping[str, str], body: str = "") -> str | None:
    """Whose page it is; None where nothing tells."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    for product in _products():
        if product.header is not None and any(map(product.header.search, lines)):
            return product.name
        if product.body is not None and product.body.search(body):
            return product.name
    return None


@functools.cache
def _products() -> tuple[Product, ...]:
    import tomllib
    from importlib.resources import files

    data = tomllib.loads(files("probes").joinpath("pages.toml").read_text(encoding="utf-8"))
    return tuple(
        Product(one["name"], _pattern(one, "header"), _pattern(one, "body")) for one in data["product"]
    )


def _pattern(table: Mapping[str, str], key: str) -> re.Pattern[str] | None:
    return re.compile(table[key], re.IGNORECASE) if key in table else None
