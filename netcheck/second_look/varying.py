"""Experiments that make the same again with one thing changed: the proxy, the ClientHello, an SSH algorithm.

Each is asked of any failure, and answers None where it has nothing to vary.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from netcheck.check import TO_SAAS, Check
from netcheck.diagnosis import chosen, facts, greeted, proxied
from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.varied import Varied
from netcheck.look import Looker, no_credential
from probes import hellos
from probes.contract import Ascent, Outcome, Verdict
from probes.net.base import TlsHello
from probes.opening import DIRECT
from probes.proxy import from_environment
from probes.ssh import choices
from probes.ssh import probe as ssh
from probes.tls import hello_of
from probes.urls import asked_name
from probes.variation import Variation

UNKNOWN = object()  # a probe without that option
ANY_FLOW = "vault-to-target"

Experiment = Callable[[Failure, Looker], Awaitable[Varied | None]]


async def vary(failure: Failure, look: Looker, *, explained: bool) -> tuple[Varied, ...]:
    """All experiments that apply, one after the other; where it is `explained` already, another way alone."""
    wanted = ANY_FAILURE if explained else (*ANY_FAILURE, *UNEXPLAINED)
    made = [await experiment(failure, look) for experiment in wanted]
    return tuple(one for one in made if one is not None)


async def once(check: Check, look: Looker) -> Outcome:
    """One more look, without what counts or costs: a credential, samples, idleness."""
    terms = check.terms._replace(credential=None, samples=None, idle=None)
    return await replace(look, credential=no_credential)(check._replace(terms=terms))


async def by_proxy(failure: Failure, look: Looker) -> Varied | None:
    """The same through the proxy that this host's environment names, or without the proxy in use."""
    check = failure.check
    asked = getattr(check.terms.settings, "proxy", UNKNOWN)
    if asked is UNKNOWN or asked == DIRECT:
        return None
    used = "proxy" in failure.main.facts
    named = None if used else _by_environment(check)
    if not used and named is None:
        return None
    settings = replace(check.terms.settings, proxy=named or DIRECT)
    # As of any flow: on the way to the service a look through a proxy also makes the direct one.
    terms = check.terms._replace(settings=settings, flow=ANY_FLOW)
    outcome = await once(check._replace(terms=terms), look)
    main = next((one for one in outcome.ascents if one.verdict is Verdict.PASS), outcome.ascents[0])
    works, to_service = main.verdict is Verdict.PASS, check.terms.flow in TO_SAAS
    return proxied.varied(named, works, main.summary, to_service=to_service)


def _by_environment(check: Check) -> str | None:
    """The URL of the environment's proxy, if there is one that can be gone through."""
    try:
        way = from_environment(check.terms.probe, check.host)
    except ValueError:
        return None
    return None if way is None else way.url


async def by_hello(failure: Failure, look: Looker) -> Varied | None:
    """Handshakes that differ in one thing from the one that failed."""
    if not greeted.may_be_greeted(failure.main):
        return None
    return await _shaken(hellos.vary, failure.check, failure.main, look)


async def by_version(check: Check, main: Ascent, look: Looker) -> Varied | None:
    """Handshakes with each version of TLS alone, where one with both came about."""
    if "tls" not in main.facts or "proxy" in main.facts:
        return None
    return await _shaken(hellos.versions, check, main, look)


async def _shaken(
    shake: Callable[..., Awaitable[tuple[Variation, ...]]], check: Check, main: Ascent, look: Looker
) -> Varied | None:
    settings, port = check.terms.settings, main.port or check.terms.port
    if main.address is None or port is None or not hasattr(settings, "server_name"):
        return None
    hello: TlsHello = hello_of(asked_name(settings, check.host), settings)
    timeout = check.terms.timing.timeout
    return greeted.varied(await shake(main.address, port, hello, look.network, timeout))


async def by_algorithm(failure: Failure, look: Looker) -> Varied | None:
    """SSH key exchanges that choose other algorithms than the one at which the target went no further."""
    main, check, port = failure.main, failure.check, failure.port
    offered = facts.refusable(main)
    if offered is None or main.address is None or port is None or check.terms.probe != "ssh":
        return None
    _, vault = ssh.asked(check.terms.settings, check.host, main.address, port)
    silent = main.cause == "protocol.silent"
    tried = await choices.vary(
        main.address, port, vault, offered, look.network, check.terms.timing, silent=silent
    )
    return chosen.varied(tried)


ANY_FAILURE: tuple[Experiment, ...] = (by_proxy,)
UNEXPLAINED: tuple[Experiment, ...] = (by_hello, by_algorithm)
