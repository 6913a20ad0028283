"""Cause codes explained: a page for the terminal, lists by prefix, the manual's page in Markdown."""

from __future__ import annotations

from netcheck.diagnosis.catalogue import FOREIGN, Acts, Entry, all_entries, entry
from netcheck.explain.layout import columns, item, section, wrapped
from netcheck.inventory.model import FLOWS
from probes.causes import ALL_CODES, CODES, LAYERS, WARN_ONLY, verdict_of

# `explain` fills the advice with the names of the record's keys.
NAMES = {name: name.upper() for name in ("target", "host", "address", "port", "probe", "source")}

HEADINGS = {
    "vantage": "The vantage, netcheck's place to look from",
    "credential": "Secrets",
    "probe": "The probe itself",
    "dns": "Names",
    "tcp": "Connections",
    "path": "The way there",
    "udp": "UDP",
    "proxy": "Proxies",
    "tls": "TLS",
    "protocol": "The first words",
    "http": "HTTP",
    "ws": "WebSocket",
    "ssh": "SSH",
    "auth": "Logins",
    "clock": "Clocks",
    "policy": "What must be blocked",
}


def known(word: str) -> bool:
    """Whether the word is a code, ours or a third party's."""
    return word in ALL_CODES or FOREIGN.fullmatch(word) is not None


def listing(prefix: str) -> str:
    """The codes of a prefix with a sentence each."""
    rows = [(found.code, found.means) for found in _of(prefix)]
    return section(f"{HEADINGS[prefix]} ({prefix}.*)", columns(rows))


def page(code: str) -> str:
    """All about one code, for a terminal."""
    found = entry(code)
    alike = "\n".join(item(text) for text in found.look_alikes)
    parts = [
        section(f"{code}   ({_usual(code)})", wrapped(found.means)),
        section("How it is told apart", wrapped(found.told_apart, 2)),
        section("Do not take it for", alike) if alike else "",
        section("What to do", wrapped(_advice(found), 2)),
        section("Who acts", columns((flows, f"{one.who}: {one.why}") for flows, one in _acts(found))),
    ]
    return "\n\n".join(part for part in parts if part)


def markdown() -> str:
    """The manual's page of all codes."""
    parts = ["# Cause codes", INTRODUCTION]
    for prefix in CODES:
        parts.append(f"## {HEADINGS[prefix]} (`{prefix}.*`)")
        parts.extend(_markdown(found) for found in _of(prefix))
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """\
Every check that is not a `pass` has one of these codes as its `cause`. Scripts may match on them: a code is
never renamed. A third party's probe adds its own as `x-NAME.code`.

This page is made by `netcheck explain --markdown > docs/causes.md`."""


def _markdown(found: Entry) -> str:
    alike = "\n".join(f"- {_as_code(text)}" for text in found.look_alikes)
    who = "\n".join(f"- {flows}: **{one.who}**, as {one.why}" for flows, one in _acts(found))
    return (
        f"### `{found.code}`\n\n{found.means} ({_usual(found.code)})\n\n"
        f"**Told apart by:** {found.told_apart}\n\n**Do not take it for:**\n\n{alike}\n\n"
        f"**What to do:** {_advice(found)}\n\n**Who acts:**\n\n{who}"
    )


def _as_code(text: str) -> str:
    """A look-alike that begins with a code, the code set as such."""
    word, colon, rest = text.partition(":")
    return f"`{word}`:{rest}" if colon and word in ALL_CODES else text


def _usual(code: str) -> str:
    """The verdict and the layer that the code usually has."""
    layer = LAYERS.get(code.partition(".")[0])
    verdict = "warn" if code in WARN_ONLY else str(verdict_of(code))
    later = "; reserved: no check of this version claims it" if entry(code).later else ""
    return (f"{verdict}, layer {layer}" if layer else verdict) + later


def _advice(found: Entry) -> str:
    """What to do, with PORT, TARGET … where a record has the check's own."""
    return found.do.format(**NAMES)


def _acts(found: Entry) -> list[tuple[str, Acts]]:
    """Flows that share an answer, and the answer."""
    grouped: dict[Acts, list[str]] = {}
    for flow, answer in found.acts.items():
        grouped.setdefault(answer, []).append(flow)
    return [(_flows(flows), answer) for answer, flows in grouped.items()]


def _flows(flows: list[str]) -> str:
    return "every flow" if len(flows) == len(FLOWS) else ", ".join(flows)


def _of(prefix: str) -> list[Entry]:
    return [found for found in all_entries() if found.code.startswith(f"{prefix}.")]
