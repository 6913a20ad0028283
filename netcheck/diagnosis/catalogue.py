"""The catalogue of cause codes: what each means, how it is told apart, what to do, who acts.

The texts are data (`catalogue.toml`); `netcheck explain`, the manual and the advice in a record all
read them here. Every code of `probes.codes` has its entry, and a test keeps it so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from netcheck.inventory.model import FLOWS
from probes.codes import ALL_CODES

# A third party's probe claims `x-NAME.code`; its own evidence is all that netcheck knows of it.
FOREIGN = re.compile(r"x-[\w-]+\.\w+")


class Acts(NamedTuple):
    """Who usually acts (`customer`, `vendor`, `operator`, `undetermined`), and the sentence why."""

    who: str
    why: str


class Entry(NamedTuple):
    """One cause code. `do` has placeholders, `acts` an answer for every flow.

    `look_alikes` are the codes and situations that could be taken for it, a sentence each; `later` says
    that no check of this version claims it.
    """

    code: str
    means: str
    told_apart: str
    look_alikes: tuple[str, ...]
    do: str
    acts: Mapping[str, Acts]
    later: bool = False

    def advice(
        self,
        *,
        target: str,
        host: str,
        address: str | None,
        port: int | str | None,
        probe: str,
        source: str | None,
    ) -> str:
        """What to do next, about this check; of several checks each value may name several.

        >>> entry("tcp.refused").advice(
        ...     target="db01", host="db01", address="10.0.0.5", port=5432, probe="tcp", source=None)
        'Start the service on tcp/5432 of db01, or correct the port in the inventory.'
        """
        return self.do.format(
            target=target,
            host=host,
            address=address or host,
            port="-" if port is None else port,
            probe=probe,
            source=source or "this host",
        )


def entry(code: str) -> Entry:
    """The entry of a code; a general one for what is not ours, such as a third party's `x-NAME.code`."""
    return _catalogue().get(code) or _foreign(code)


def all_entries() -> tuple[Entry, ...]:
    """Every entry, in the order of the codes."""
    return tuple(_catalogue()[code] for code in ALL_CODES)


@functools.cache
def _catalogue() -> dict[str, Entry]:
    import tomllib  # not needed by a run where all is well
    from importlib.resources import files

    text = files("netcheck.diagnosis").joinpath("catalogue.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    rules = {name: _rule(rule) for name, rule in data.pop("acts").items()}
    return {found.code: found for found in _entries(data, rules)}


def _entries(data: Mapping[str, Any], rules: Mapping[str, Mapping[str, Acts]]) -> Iterator[Entry]:
    for prefix, codes in data.items():
        for name, raw in codes.items():
            yield Entry(
                code=f"{prefix}.{name}",
                means=_folded(raw["means"]),
                told_apart=_folded(raw["told_apart"]),
                look_alikes=tuple(_folded(text) for text in raw["look_alikes"]),
                do=_folded(raw["do"]),
                acts=rules[raw["acts"]],
                later=raw.get("later", False),
            )


def _rule(raw: Mapping[str, Mapping[str, str]]) -> dict[str, Acts]:
    """One rule as a mapping of every flow; `any` stands for the flows that it does not name."""
    chosen = {flow: raw.get(flow) or raw["any"] for flow in FLOWS}
    return {flow: Acts(who=found["who"], why=_folded(found["why"])) for flow, found in chosen.items()}


def _folded(text: str) -> str:
    """The text on one line, however the file wraps it."""
    return " ".join(text.split())


def _foreign(code: str) -> Entry:
    name = code.partition(".")[0].removeprefix("x-")
    why = "netcheck knows nothing of this code; the check's evidence is all there is"
    return Entry(
        code=code,
        means=f"A finding of the third-party probe package `{name}`.",
        told_apart="Its own evidence, in the record of the check.",
        look_alikes=(),
        do="Read the evidence of {probe} on {target}, and the manual of its probe package.",
        acts=dict.fromkeys(FLOWS, Acts("undetermined", why)),
    )
