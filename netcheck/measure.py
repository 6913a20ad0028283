"""What `samples` and `idle` ask for, carried out after a check's own look."""

from __future__ import annotations

from netcheck.check import Check, Origin
from netcheck.diagnosis.ascents import connected, furthest
from probes.contract import Ascent, Caution, Layer, Outcome, Verdict
from probes.net.base import Network, NetworkFailure
from probes.path.idle import bracket, hold
from probes.path.samples import sample
from probes.path.waits import Bracket

EXPERIMENTS = ("samples", "idle")
INHERITED = Origin("built-in")


async def measured(check: Check, outcome: Outcome, network: Network) -> Outcome:
    """The outcome with its experiments, on the address that decided; unchanged where none makes sense.

    What must not get through is not tried any further, nor what has no TCP connection.
    """
    terms, main = check.terms, _deciding(outcome)
    if main.verdict is Verdict.PASS and not connected(main):
        return _remarked(check, outcome)
    if terms.expect == "blocked" or main.address is None or terms.port is None:
        return outcome
    if terms.samples is not None and (connected(main) or main.cause == "tcp.filtered"):
        trip = round_trip(main)
        taken = await sample(main.address, terms.port, terms.samples, network, trip)
        outcome = outcome._replace(samples=taken)
    if terms.idle is not None and connected(main) and main.verdict is Verdict.PASS:
        if terms.bracket:
            return outcome._replace(bracket=await _bracketed(main.address, terms.port, check, network))
        held = await hold(main.address, terms.port, terms.idle, terms.timing.timeout, network)
        outcome = outcome._replace(held=held)
    return outcome


def _remarked(check: Check, outcome: Outcome) -> Outcome:
    """The outcome of a check without a TCP connection: it says so where it asks for an experiment itself."""
    asked = [name for name in EXPERIMENTS if check.terms.origins.get(name, INHERITED).level == "check"]
    if not asked:
        return outcome
    words = f"no {' or '.join(asked)} here: {check.terms.probe} makes no TCP connection"
    caution = Caution(None, words, Layer.CONNECT)
    ascents = (one._replace(cautions=(*one.cautions, caution)) for one in outcome.ascents)
    return outcome._replace(ascents=tuple(ascents))


async def _bracketed(address: str, port: int, check: Check, network: Network) -> Bracket:
    """How connections fare that are left idle for longer and longer times; none, where none can be made."""
    terms = check.terms
    try:
        return await bracket(address, port, terms.idle or 0.0, network, terms.timing.timeout)
    except NetworkFailure:
        return Bracket(address, port, (), works=False)


def _deciding(outcome: Outcome) -> Ascent:
    passed = (ascent for ascent in outcome.ascents if ascent.verdict is Verdict.PASS)
    return next(passed, None) or furthest(outcome.ascents)


def round_trip(ascent: Ascent) -> float:
    """The seconds that the way there and back takes, as far as connecting shows it; 0.0 where it does not.

    Of a SYN that was repeated only the kernel knows it.
    """
    step = next((step for step in ascent.steps if step.layer is Layer.CONNECT), None)
    if step is None or step.verdict is not Verdict.PASS:
        return 0.0
    measured_ms = step.detail.get("rtt_ms")
    return measured_ms / 1000 if measured_ms is not None else step.duration or 0.0
