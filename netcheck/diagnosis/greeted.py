"""What a TLS handshake that fails depends on, told by handshakes that differ in one thing each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from netcheck.diagnosis.judgement import Judgement, also
from netcheck.diagnosis.varied import Varied, controls
from probes.contract import Ascent, Layer
from probes.variation import Variation

# Failures over what a ClientHello says or how large it is; others (a certificate) come after it.
CAUSES = frozenset(
    {
        "tls.timeout",
        "tls.reset",
        "tls.closed",
        "tls.handshake_refused",
        "tls.protocol_version",
        "tls.no_common_cipher",
    }
)
# What a server says itself. Where the handshake that failed got no such answer, this one arrived.
ANSWERS = frozenset(
    {
        "tls.handshake_refused",
        "tls.protocol_version",
        "tls.no_common_cipher",
        "tls.client_certificate_required",
    }
)
WORDS = {
    "tls_version": "with {} alone",
    "client_hello": "with a small ClientHello",
    "server_name": "with the name {}",
    "alpn": "with ALPN {}",
}
WITHOUT = {"server_name": "without a name (no SNI)", "alpn": "without ALPN"}


def may_be_greeted(main: Ascent) -> bool:
    """Whether the handshake itself failed with the target, and not with a proxy that leads to it."""
    return main.layer is Layer.TLS and main.cause in CAUSES and "proxy" not in main.facts


def varied(hellos: Sequence[Variation]) -> Varied:
    """These handshakes as an experiment."""
    works = sum(one.works for one in hellos)
    return Varied(partial(greeted, hellos=hellos), controls(hellos, _words), 0 < works < len(hellos))


def greeted(judgement: Judgement, hellos: Sequence[Variation]) -> Judgement:
    """The failure, and what it depends on where one variation tells; of what works, what came of each."""
    if judgement.verdict.works:
        return also(judgement, *map(_words, hellos))
    why = _why(hellos, judgement.cause not in ANSWERS)
    if why is None:
        return judgement
    return also(judgement, *map(_words, hellos))._replace(summary=f"{judgement.summary}; {why}")


def _words(one: Variation) -> str:
    return f"{_named(one)}: {one.summary}"


def _named(one: Variation) -> str:
    if one.value is None:
        return WITHOUT[one.varied]
    return WORDS[one.varied].format(one.value)


def _why(hellos: Sequence[Variation], unanswered: bool) -> str | None:
    """What it depends on; None where no variation works, or all do: then it was a matter of luck.

    `unanswered`: nothing came for the handshake that failed, so a refusal of another one is an answer too.
    """
    answered = [one for one in hellos if one.works or (unanswered and one.cause in ANSWERS)]
    works = {(one.varied, one.value) for one in answered}
    if not works or len(works) == len(hellos):
        return None
    names = [one for one in hellos if one.varied == "server_name"]
    if names and all(one in answered for one in names) and len(works) == len(names):
        return "without this name, or with another, the same address answers: what stops it goes by the name"
    versions = [one.value for one in answered if one.varied == "tls_version"]
    small = ("client_hello", "small") in works
    if small and "TLSv1.2" in versions:  # which is small by itself
        return "a small ClientHello is answered, a large one, with a post-quantum key share, is not"
    return f"{_named(answered[0])} it is answered" if len(works) == 1 and not small else None
