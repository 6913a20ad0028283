"""What traces and experiments found out about a failure, as values."""

from __future__ import annotations

from typing import NamedTuple

from netcheck.diagnosis.varied import Varied
from netcheck.record import Control, Place
from probes.contract import Verdict
from probes.net.base import Reply
from probes.path.middlebox import Asked
from probes.path.reset import Sender
from probes.path.route import Route
from probes.words import icmp_words


class Traced(NamedTuple):
    """The way of one flow. `before`: the next hop, seen on a sibling flow; `sender`: who sent its RST;
    `unsure`: hops on the way limit their answers, and there was no time to ask them again. `routed`: an RST
    of another port is known to come from beyond the hop that says it has no route."""

    route: Route
    before: str | None = None
    sender: Sender | None = None
    controls: tuple[Control, ...] = ()
    unsure: bool = False
    nearer: str | None = None
    routed: bool = False

    @property
    def is_mute(self) -> bool:
        """Whether nothing at all answered, not even the first router."""
        return self.route.end is None and self.route.last is None


class Known(NamedTuple):
    """Where a flow ends that was not traced itself: as the traced flows beside it. `by`: a check of those."""

    place: Place
    by: str


class Sizes(NamedTuple):
    """With segments of `small` bytes the check works, and up to `largest`; without a limit it hangs.

    `fails`: the least segment size that was tried and hangs; None: all that were tried work.
    """

    small: int
    largest: int
    fails: int | None = None


class Stalled(NamedTuple):
    """What was tried where a connection stalled, or shows nothing but a handshake.

    `unused`: ports that nobody uses; `stranger`: such a port of an address drawn by chance. `shared`: the
    very port of many such addresses, where all of them open. `distinct`: connections to those, or to ports
    that nobody uses, are ended, and this one is kept. `late`: an SSH server spoke after so many seconds.
    """

    unused: tuple[Asked, ...] = ()
    stranger: Asked | None = None
    shared: tuple[Asked, ...] = ()
    distinct: bool = False
    sizes: Sizes | None = None
    late: float | None = None

    @property
    def anybody(self) -> bool:
        """Whether ports that nobody uses do the same, or this port of addresses that nobody uses."""
        unused = len(self.unused) > 1 and all(asked.answers for asked in self.unused)
        return not self.distinct and (unused or bool(self.shared))

    @property
    def proxied(self) -> bool:
        """Whether something completes handshakes that prove nothing of the target, whatever it does then."""
        return self.anybody or self.distinct or bool(self.shared)


def unused_control(asked: Asked) -> Control:
    """What a port that nobody uses showed."""
    reply = asked.reply
    ends = {
        "connected": "completes a handshake",
        "refused": "is refused by an RST",
        "silent": "is silent too",
    }
    verdict = Verdict.PASS if asked.answers else Verdict.FAIL
    end = f"gets {icmp_words(reply.icmp)}" if reply.icmp else ends[reply.kind]
    words = f"tcp/{asked.port} of {asked.address}, which nobody uses, {end}"
    met = {"refused": "tcp.refused", "connected": "path.middlebox_answers"}
    return Control("port", asked.port, verdict, words, None if reply.icmp else met.get(reply.kind))


class Patient(NamedTuple):
    """What further SYNs met where a host was called unreachable. `reply`: the one that took longest.

    `tried`: whether a router had tried to reach it; None: it can't be told.
    """

    reply: Reply
    tried: bool | None


class Found(NamedTuple):
    """All that was found out about one failure, beside its looks. `patient`: what more SYNs met, where a
    router may not have had the time to try; `swallowed`: this host itself drops the answers, None
    where it drops others' and it can't be told; `varied`: what else was tried, with one thing changed."""

    traced: Traced | None = None
    known: Known | None = None
    patient: Patient | None = None
    stalled: Stalled | None = None
    swallowed: bool | None = False
    varied: tuple[Varied, ...] = ()

    @property
    def explains(self) -> bool:
        """Whether the experiments on a connection that stalled tell why already."""
        found = self.stalled
        return found is not None and (found.proxied or found.sizes is not None or found.late is not None)
