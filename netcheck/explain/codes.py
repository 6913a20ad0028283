"""Cause codes explained: a page for the terminal, and lists by prefix."""

from __future__ import annotations

from netcheck.diagnosis.catalogue import FOREIGN, Entry, all_entries, entry
from netcheck.diagnosis.judge import PASSING
from netcheck.explain import acts
from netcheck.explain.layout import columns, item, section, wrapped
from probes.codes import ALL_CODES, LAYERS, WARN_ONLY, verdict_of
from probes.contract import Verdict

# `explain` fills the advice with the names of the record's keys.
NAMES = {name: name.upper() for name in ("target", "host", "address", "port", "probe", "source", "name")}
NAMES["signer"] = "the device that decrypts"
NAMES["services"] = "HOST:PORT"
NAMES["where"] = " on the device where it ends"
NAMES["up"] = ", and make sure that the host is up"

INHERITED = "where not this check but others like it (same cause, network and port) were looked at again"

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
    rows = [(found.code, found.means) for found in of(prefix)]
    return section(f"{HEADINGS[prefix]} ({prefix}.*)", columns(rows))


def page(code: str) -> str:
    """All about one code, for a terminal."""
    found = entry(code)
    alike = "\n".join(item(text) for text in found.look_alikes)
    parts = [
        section(wrapped(f"{code} ({usual(code)})"), wrapped(found.means)),
        section("How it is told apart", wrapped(found.told_apart, 2)),
        section("How sure it is", wrapped(certainty(found), 2)),
        section("Do not take it for", alike) if alike else "",
        section("What to do", wrapped(advice(found), 2)),
        acts.of_code(found),
    ]
    return "\n\n".join(part for part in parts if part)


def usual(code: str) -> str:
    """The verdict and the layer that the code usually has."""
    found, layer = entry(code), LAYERS.get(code.partition(".")[0])
    verdict = "warn" if code in WARN_ONLY else str(verdict_of(code))
    by_prefix = f"{verdict}, layer {layer}" if layer else verdict
    later = "; reserved: no check of this version claims it" if found.later else ""
    return (found.usual or by_prefix) + later


def advice(found: Entry) -> str:
    """What to do, with PORT, TARGET … where a record has the check's own."""
    return found.do.format(**NAMES)


def certainty(found: Entry) -> str:
    """When a check's `confidence` is certain and when likely, with this cause.

    What is not looked at again stands by itself: a login, and what could not be checked.
    """
    if found.sure:
        return found.sure
    if found.code in PASSING:
        return f"Certain when two looks agree. Likely after one, or {INHERITED}."
    once = found.code in WARN_ONLY or found.code.partition(".")[0] in ("auth", "policy")
    repeated = verdict_of(found.code) is Verdict.FAIL and not once
    return f"Certain. Likely {INHERITED}." if repeated else "Certain."


def of(prefix: str) -> list[Entry]:
    """The entries of a prefix."""
    return [found for found in all_entries() if found.code.startswith(f"{prefix}.")]
