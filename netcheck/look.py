"""One look at one check: the probe is found, given its credential and run; nothing it does escapes."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from netcheck import registry
from netcheck.check import TO_SAAS, Check
from netcheck.measure import measured
from probes.codes import LAYERS, verdict_of
from probes.contract import Ascent, Caution, Credential, Layer, Outcome, Target, Verdict
from probes.net.base import Network


def no_credential(name: str) -> Credential | None:
    """No credential is to be had: the auth step is left out."""
    return None


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at checks through one network. `credential` gives the guarded credential of a name."""

    network: Network
    credential: Callable[[str], Credential | None] = no_credential
    redact: Callable[[str], str] = str

    async def __call__(self, check: Check) -> Outcome:
        """What this look showed. A probe that crashes, or cancels itself, is an `error`, not ours."""
        terms = check.terms
        if terms.stopped is not None:
            return not_sent(*terms.stopped)
        started = self.network.time()
        try:
            probe = registry.get(terms.probe)
            credential = (
                self.credential(terms.credential)
                if terms.credential is not None and probe.authenticates
                else None
            )
            target = Target(check.host, terms.port)
            outcome = await probe.run(target, terms.settings, terms.timing, self.network, credential)
            if terms.flow in TO_SAAS and through_proxy(outcome) is not None:
                settings = replace(terms.settings, proxy="none")
                direct = await probe.run(target, settings, terms.timing, self.network)
                outcome = beside_direct(outcome, direct, terms.every_address)
            if terms.samples is None and terms.idle is None:  # nearly always
                return outcome
            return await measured(check, outcome, self.network)
        except asyncio.CancelledError as error:
            if _is_to_end():
                raise
            return self._crashed(error, started)
        except Exception as error:
            return self._crashed(error, started)

    def _crashed(self, error: BaseException, started: float) -> Outcome:
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}" for frame in frames]
        summary = self.redact(f"{type(error).__name__}: {error}")[:300]
        ascent = Ascent(
            None,
            Verdict.ERROR,
            (),
            "probe.crashed",
            Layer.VANTAGE,
            summary=summary,
            evidence=(summary, "at " + " ← ".join(reversed(places))),
            started=started,
        )
        return Outcome(None, (ascent,), (), started)


def _is_to_end() -> bool:
    """Whether the run itself is ending this task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def through_proxy(outcome: Outcome) -> str | None:
    """The proxy through which a look passed; None where it did not pass, or went directly."""
    main = outcome.ascents[0]
    named = main.facts.get("proxy")
    return str(named) if named is not None and main.verdict is Verdict.PASS else None


def beside_direct(proxied: Outcome, direct: Outcome, every: bool) -> Outcome:
    """What a look through a proxy comes to beside one without, on the way to the service.

    The vendor supports no proxy between users, connector and vault, so what works through one alone fails,
    for the reason that the direct way has. `every`: of several addresses each must work directly.
    """
    url = through_proxy(proxied)
    works = [ascent.verdict is Verdict.PASS for ascent in direct.ascents]
    if all(works) if every else any(works):
        caution = Caution(None, f"directly it works too, without the proxy {url}", Layer.CONNECT)
        ascents = (one._replace(cautions=(*one.cautions, caution)) for one in proxied.ascents)
        return proxied._replace(ascents=tuple(ascents))
    forced = f"it works only through the proxy {url}, and the vendor supports none on this way"
    return direct._replace(
        ascents=tuple(
            one._replace(
                summary=f"{one.summary}; {forced}",
                evidence=(*one.evidence, forced),
                facts={**one.facts, "works_through": url},
            )
            if one.verdict is not Verdict.PASS
            else one
            for one in direct.ascents
        )
    )


def not_sent(cause: str, why: str) -> Outcome:
    """The outcome of a check that was planned as not to be sent."""
    verdict = Verdict.SKIP if cause == "probe.unsupported" else verdict_of(cause)
    layer = LAYERS[cause.partition(".")[0]]
    ascent = Ascent(None, verdict, (), cause, layer, summary=why)
    return Outcome(None, (ascent,))
