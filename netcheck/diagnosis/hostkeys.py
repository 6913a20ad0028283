"""SSH host keys beside those of other targets: a twin's, or one that stands for many. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.judgement import Judgement, also
from netcheck.diagnosis.networks import quick_network_of
from netcheck.diagnosis.others import Others
from netcheck.record import COPIES, Warned
from probes.contract import NOTHING, Layer, Verdict
from probes.words import few

UNKNOWN_KEY = "ssh.host_key_unknown"


def met_before(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """The key that came in place of the expected one: another target's, or that of many?"""
    key = facts.host_key(judgement.main)
    if key is None:
        return judgement
    twins = [target for target in others.declared_for(key) if target != check.target]
    if twins:
        judgement = also(
            judgement, f"it is the key declared for {few(twins)}: its twin of a pair answers, perhaps"
        )
    shown = others.shown_by(key)
    return also(judgement, _repeats(shown)) if _unrelated(shown) else judgement


def unverified(judgement: Judgement, others: Others) -> Judgement:
    """A host key that works and is compared with nothing: whoever decrypts SSH shows one for all hosts.

    A pair may share its key, and so may a cluster in its one network.
    """
    key = facts.unverified_key(judgement.main)
    shown = others.shown_by(key) if key is not None else NOTHING
    if not _of_several(shown.values()) or not _unrelated(shown):
        return judgement
    words = _repeats(shown)
    if judgement.verdict is not Verdict.PASS:
        return also(judgement, words)._replace(warnings=(*judgement.warnings, Warned(UNKNOWN_KEY, words)))
    summary = f"nothing says whether the host key is the right one, and {words}"
    steps = tuple(
        step._replace(verdict=Verdict.WARN, cause=UNKNOWN_KEY) if step.layer is Layer.PROTOCOL else step
        for step in judgement.steps
    )
    return also(judgement, words)._replace(
        verdict=Verdict.WARN,
        cause=UNKNOWN_KEY,
        layer=Layer.PROTOCOL,
        summary=summary,
        steps=steps,
        warnings=(*judgement.warnings, Warned(UNKNOWN_KEY, summary)),
    )


def _repeats(shown: Iterable[str]) -> str:
    named = few(list(shown))
    return f"the same key is shown by {named}: something answers for them, or they are copies of one image"


def _unrelated(shown: Iterable[str]) -> bool:
    """Whether these addresses lie in several networks of one family, and not on this very host."""
    first: dict[bool, str] = {}  # by family
    for address in shown:
        if not _is_loopback(address):
            network = quick_network_of(address)
            if first.setdefault(":" in address, network) != network:
                return True
    return False


def _is_loopback(address: str) -> bool:
    """RFC 1122 3.2.1.3, RFC 4291 2.5.3; told quickly, for one key may be shown by thousands."""
    return address.startswith("127.") or address == "::1"


def _of_several(hosts: Iterable[str]) -> bool:
    """Whether these are so many different hosts; no more of them are looked at than need be."""
    known = set[str]()
    for host in hosts:
        known.add(host)
        if len(known) >= COPIES:
            return True
    return False
