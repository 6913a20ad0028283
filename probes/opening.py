"""How a connection to a service is opened: directly, or through the proxy that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from probes import portals, proxy
from probes.contract import Ascent, Credential, Layer, Outcome, Target, Timing, Verdict
from probes.ladder import Ladder, Stopped, look
from probes.net.base import Connection, Network
from probes.proxy import Way

DIRECT, ENVIRONMENT = "none", "env"


def way_of(settings: Any, scheme: str, host: str) -> Way | None:
    """The proxy to go through; None: directly. `env` is what this host's environment names.

    Raises ValueError where that is none that can be gone through.
    """
    if settings.proxy == ENVIRONMENT:
        return proxy.from_environment(scheme, host)
    return proxy.way(settings.proxy) if settings.proxy and settings.proxy != DIRECT else None


class Visit(Protocol):
    """What is asked of one address, over connections that an Opening makes."""

    async def climb(self) -> None: ...


async def look_opened(
    visit: Callable[[Ladder, str, Target, Any, Opening], Visit],
    scheme: str,
    layers: tuple[Layer, ...],
    target: Target,
    settings: Any,
    timing: Timing,
    network: Network,
    credential: Credential | None = None,
) -> Outcome:
    """One ladder on each address of the target, or of the proxy that leads to it."""
    try:
        way = way_of(settings, scheme, target.host)
    except ValueError:  # of the environment: the inventory's is read strictly
        return _no_such_way()

    async def climb(ladder: Ladder) -> None:
        try:
            await visit(ladder, scheme, target, settings, Opening(ladder, target.host, way)).climb()
        except Stopped:
            await portals.explain(ladder, settings)
            raise

    if way is None:
        return await look(target, timing, network, layers, climb)
    return await proxy.look_through(way, timing, network, layers, climb)


def _no_such_way() -> Outcome:
    """Its words are the environment's, and may hold a password: they are not repeated."""
    words = (
        "the environment's proxy is no URL of a proxy that is known (http, https, socks5): correct"
        " HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"
    )
    layer = Layer.VANTAGE
    return Outcome(None, (Ascent(None, Verdict.ERROR, (), "probe.unsupported", layer, summary=words),))


class Opening:
    """Opens the connections of one climb; the first is a step of its own."""

    def __init__(self, ladder: Ladder, host: str, way: Way | None) -> None:
        self._ladder = ladder
        self._host = host
        self.way = way

    def relays(self, scheme: str) -> bool:
        """Whether requests go to the proxy itself, in absolute form (RFC 9112 3.2.2)."""
        return self.way is not None and scheme == "http" and self.way.scheme in ("http", "https")

    async def first(self, scheme: str, port: int) -> Connection:
        """The step `connect`."""
        if self.way is None:
            return await self._ladder.connect(port)
        if self.relays(scheme):
            with self._ladder.step(Layer.CONNECT) as rung:
                connection = await proxy.reach(self._ladder, self.way, rung.until)
            proxy.note(self._ladder, self.way)
            return connection
        return await proxy.connect(self._ladder, self.way, self._host, port)

    async def again(self, scheme: str, port: int, until: float) -> Connection:
        """A further one, within a step. Raises Failed."""
        ladder = self._ladder
        if self.way is not None:
            connection = await proxy.reach(ladder, self.way, until)
            if not self.relays(scheme):
                await proxy.tunnel(ladder, connection, self.way, self._host, port, until)
            return connection
        return await ladder.connect_again(port, until)
