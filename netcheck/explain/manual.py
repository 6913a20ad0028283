"""The manual's pages that the program makes, in Markdown: docs/causes.md and docs/probes.md."""

from __future__ import annotations

import re
from collections.abc import Iterable

from netcheck import registry
from netcheck.diagnosis.acts import table
from netcheck.diagnosis.catalogue import Entry
from netcheck.explain import acts, codes, probe
from probes.codes import ALL_CODES, CODES
from probes.contract import Probe

CAUSES = """\
# Cause codes

Every check that is not a `pass` has one of these codes as its `cause`. Scripts may match on them: a code is
never renamed. A third party's probe adds its own as `x-NAME.code`.

This page is made by `netcheck explain --markdown causes > docs/causes.md`."""

PROBES = """\
# Probes

A probe checks one service by a ladder of steps on one connection; the first step that does not pass gives the
check its cause. Options stand in a check, or above it in a target, a group or `defaults`; `proxy` also in a
vantage.

This page is made by `netcheck explain --markdown probes > docs/probes.md`."""


def causes() -> str:
    """Every code, by prefix."""
    parts = [CAUSES, acts.markdown()]
    for prefix in CODES:
        parts.append(f"## {codes.HEADINGS[prefix]} (`{prefix}.*`)")
        parts.extend(_cause(found) for found in codes.of(prefix))
    return _page(parts)


def probes() -> str:
    """Every probe, and the options that all have."""
    parts = [PROBES, *(_probe(registry.get(name)) for name in registry.names())]
    return _page([*parts, "## Options of every probe", _table(probe.common())])


PAGES = {"causes": causes, "probes": probes}


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _cause(found: Entry) -> str:
    alike = "\n".join(f"- {_with_code(text)}" for text in found.look_alikes)
    return (
        f"### `{found.code}`\n\n{found.means} ({codes.usual(found.code)})\n\n"
        f"**Told apart by:** {found.told_apart}\n\n**How sure:** {codes.certainty(found)}\n\n"
        f"**Do not take it for:**\n\n{alike}\n\n"
        f"**What to do:** {codes.advice(found)}\n\n**Who acts:** {_who(found)}"
    )


def _who(found: Entry) -> str:
    """The family's chapter, and the answer for each flow where nothing more is known."""
    parts = acts.of([found], table().rules)
    usual = "; ".join(f"{part.flows}: {part.rows[-1].who}" for part in parts)
    title = table().families[found.family]
    anchor = re.sub(r"[^a-z ]", "", title.lower()).replace(" ", "-")
    more = ", unless more is known: see there" if any(len(part.rows) > 2 for part in parts) else ""
    return f"[{title}](#{anchor}): {usual}{more}."


def _with_code(text: str) -> str:
    """A look-alike that begins with a code, the code set as such."""
    word, colon, rest = text.partition(":")
    return f"`{word}`:{rest}" if colon and word in ALL_CODES else text


def _probe(found: Probe) -> str:
    return "\n\n".join(
        (
            f"## `{found.name}`: {found.summary}",
            f"Ladder: {probe.ladder(found)}. Port: {probe.port(found)}.",
            f"    checks: [{probe.example(found)}]\n    netcheck check {probe.url(found)}",
            _table(probe.options(found)) or "No options of its own.",
        )
    )


def _table(rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    body = "\n".join(f"| `{name}` | {text.replace('|', chr(92) + '|')} |" for name, text in rows)
    return f"| option | meaning |\n|---|---|\n{body}"
