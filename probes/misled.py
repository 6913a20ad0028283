"""Names that lead to a stranger: what is seen at an address that is not the target's.

A resolver that rewrites "no such name" (a provider's search page, a filter's block page, the login page of a
network) sends every check of such a name to one and the same host, whose answers are none of the target's.
"""

from __future__ import annotations

from probes.contract import Ascent, Caution, Confidence, Layer, Step, Verdict
from probes.net.base import Resolution

HIJACKED = "dns.hijacked"


def by_invention(host: str, found: Resolution, resolve: Step, ascent: Ascent) -> Ascent:
    """The climb, where its address is one that names get here which do not exist.

    Who proves to be the target, by its certificate or host key, is it all the same: a proxy by names.
    """
    invented = found.invented
    if ascent.address not in invented.addresses:
        return ascent
    words = f"{host} is {ascent.address} by {invented.servers}, and so are names that do not exist"
    if ascent.identified:
        caution = Caution(HIJACKED, f"{words}; who answers there is the target, as it proves", Layer.RESOLVE)
        return ascent._replace(cautions=(caution, *ascent.cautions))
    told = astray(host, ascent, resolve, HIJACKED, words)
    return told._replace(facts={"misled_by": invented.servers})


def astray(host: str, ascent: Ascent, resolve: Step, cause: str, words: str) -> Ascent:
    """A climb that ends with the name after all, for a reason in `words`: no step beyond it counts."""
    beyond = (step for step in ascent.steps if step.layer is not Layer.RESOLVE)
    seen = "all that was tried passes" if ascent.cause is None else f"{ascent.cause}, {ascent.summary}"
    return Ascent(
        None,
        Verdict.FAIL,
        (
            resolve._replace(verdict=Verdict.FAIL, cause=cause),
            *(Step(step.layer, Verdict.SKIP) for step in beyond),
        ),
        cause,
        Layer.RESOLVE,
        Confidence.LIKELY,
        words,
        (f"what answers at {ascent.address} does not prove to be {host}: {seen}",),
        started=ascent.started,
        duration=ascent.duration,
    )
