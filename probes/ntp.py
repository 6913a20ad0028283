"""ntp: what a time server says, and how far this host's clock is from it (RFC 5905, mode 3)."""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass
from typing import NamedTuple

from probes.codes import Failed
from probes.contract import Credential, Layer, Outcome, Probe, Target, Timing
from probes.ladder import Ladder, look
from probes.net.base import Network
from probes.settings import Duration, option
from probes.words import duration_words, span_words

LAYERS = (Layer.CONNECT, Layer.PROTOCOL)
EPOCH = 2_208_988_800  # seconds from NTP's 1900 to Unix' 1970 (RFC 5905 6)
ERA = 2**32  # seconds after which NTP's timestamps begin anew, in 2036 next
PACKET = struct.Struct("!BBbbII4sQQQQ")
CLIENT, SERVER = 3, 4
VERSION = 4
UNSYNCHRONIZED, MOST_STRATUM = 3, 15
# Beyond MAXDISP the packet's header is invalid, beyond MAXDIST clients don't follow the server (RFC 5905 7.2,
# 11.2). Windows' own servers without a source are between the two, and Windows follows them.
MAXDISP, MAXDIST = 16.0, 1.0
GRAIN = 0.1  # seconds by which timestamps may contradict each other: coarse clocks, and clocks being set
# Beyond it a TOTP code is another one (RFC 6238 5.2); Kerberos bears 300 s (RFC 4120 5.5.1).
TOTP, KERBEROS = 30.0, 300.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How far the clocks may be apart."""

    max_offset: float = option(
        Duration(0.001), TOTP, "how far this host's clock may be from the server's (TOTP: 30s, Kerberos: 5m)"
    )


class Said(NamedTuple):
    """A server's answer. `offset`: by how many seconds it is ahead of this host; `delay`: the round trip.

    `distance`: by how much its time may be wrong, as it says; `broken`: why its timestamps tell nothing.
    """

    offset: float
    delay: float
    stratum: int
    leap: int
    reference: str
    distance: float = 0.0
    broken: str = ""

    @property
    def synchronised(self) -> bool:
        """Whether it has time to give, as it says itself."""
        known = self.leap != UNSYNCHRONIZED and 0 < self.stratum <= MOST_STRATUM
        return known and self.distance < MAXDISP


async def run(
    target: Target,
    settings: Settings,
    timing: Timing,
    network: Network,
    credential: Credential | None = None,
) -> Outcome:
    """Ask every address of the target for the time."""

    async def climb(ladder: Ladder) -> None:
        said = await _ask(ladder, target.port or 123)
        with ladder.step(Layer.PROTOCOL) as rung:
            if said.synchronised and not said.broken:
                rung.detail["offset_ms"] = round(said.offset * 1000, 1)
            _judge(ladder, said, settings.max_offset)

    return await look(target, timing, network, LAYERS, climb)


async def _ask(ladder: Ladder, port: int) -> Said:
    """The step `connect`: a question there, and its answer back."""
    network = ladder.network
    ours = secrets.randbits(64)  # instead of our time, which is nobody's business (RFC 8915 7)
    query = PACKET.pack(VERSION << 3 | CLIENT, 0, 0, 0, 0, 0, b"", 0, 0, 0, ours)
    sent, began = network.time(), network.now()

    def read(data: bytes) -> Said | None:
        return answer(data, ours, sent, sent + network.now() - began)

    return await ladder.ask(port, query, read)


def answer(data: bytes, ours: int, sent: float, received: float) -> Said | None:
    """A server's packet read; None where it is not the answer to ours (RFC 5905 8)."""
    if len(data) < PACKET.size:
        return None
    flags, stratum, _, _, delay, dispersion, reference, _, origin, arrived, left = PACKET.unpack(
        data[: PACKET.size]
    )
    if flags & 7 != SERVER or origin != ours:
        return None
    there, back = _unix(arrived, sent), _unix(left, received)
    took, held = received - sent, back - there
    return Said(
        offset=((there - sent) + (back - received)) / 2,
        delay=min(max(took - held, 0.0), took),
        stratum=stratum,
        leap=flags >> 6,
        reference=_letters(reference) if stratum < 2 else reference.hex(),
        distance=(delay / 2 + dispersion) / 2**16,
        broken=_contradiction(arrived and left, held, took),
    )


def _letters(reference: bytes) -> str:
    """The four letters of a kiss code or of a clock's kind, without what is none."""
    return "".join(char for char in reference.decode("ascii", "replace") if char.isprintable())


def _contradiction(stamped: int, held: float, took: float) -> str:
    """Why the two timestamps of an answer can't be true, whatever clock they are of; "" where they can.

    The server held the question for a part of the time that we measured (RFC 5905 8). An offset from
    others would be worth nothing, and a round trip from them would excuse any offset.
    """
    if not stamped:
        return "one of its timestamps is zero"
    if held < -GRAIN:
        return f"it says that it answered {span_words(-held)} before it was asked"
    if held > took + GRAIN:
        return f"it says that it took {span_words(held)} to answer, and did so in {duration_words(took)}"
    return ""


def _unix(stamp: int, near: float) -> float:
    """A timestamp as Unix time, of the era that is nearest to ours."""
    seconds = stamp / 2**32 - EPOCH
    return seconds + round((near - seconds) / ERA) * ERA


def _judge(ladder: Ladder, said: Said, most: float) -> None:
    """Raises Failed where the server has no time to give, or ours is too far from it."""
    usable = said.synchronised and not said.broken
    ladder.facts["ntp"] = {
        "clock_offset_s": round(said.offset, 3) if usable else None,
        "delay_ms": round(said.delay * 1000, 1),
        "stratum": said.stratum,
        "reference": said.reference,
        "synchronised": said.synchronised,
    }
    if said.stratum == 0:
        words = f"it turns us away: kiss code {said.reference or 'not given'}"
        raise Failed("protocol.mismatch", words, evidence=("kiss-o'-death packets: RFC 5905 7.4",))
    if not said.synchronised:
        raise Failed("clock.skew", f"the server itself has no synchronised time{_doubt(said, MAXDISP)}")
    if said.broken:
        raise Failed("protocol.malformed", f"its answer holds no time: {said.broken}")
    ladder.prove(f"stratum {said.stratum}, {offset_words(said.offset)}")
    if doubt := _doubt(said, MAXDIST):
        ladder.caution(None, f"a time server that other servers and Linux clients do not follow{doubt}")
    if abs(said.offset) - said.delay / 2 > most:  # of a slow answer half may be on either way
        raise Failed("clock.skew", f"{offset_words(said.offset)}{breaks(said.offset)}")


def _doubt(said: Said, most: float) -> str:
    """By how much its time may be wrong, as it says, to follow a statement of what that means."""
    if said.distance < most:
        return ""
    return f": it may be wrong by {span_words(said.distance)}, as it says (root delay and dispersion)"


def offset_words(offset: float) -> str:
    """How this host's clock stands to another's, that many seconds ahead of it.

    >>> offset_words(95.2), offset_words(-0.004)
    ('this host\\'s clock is 95 s behind it', 'this host\\'s clock is 4 ms ahead of it')
    """
    words = duration_words(abs(offset)) if abs(offset) < 1 else span_words(abs(offset))
    return f"this host's clock is {words} {'behind' if offset > 0 else 'ahead of'} it"


def breaks(offset: float) -> str:
    """What such an offset breaks, to follow a statement of it."""
    if abs(offset) > KERBEROS:
        return ": Kerberos refuses tickets above 5 min, and TOTP codes above 30 s"
    return ": TOTP codes are refused above 30 s" if abs(offset) > TOTP else ""


PROBE = Probe(
    name="ntp",
    summary="a time server, and this host's clock beside it",
    settings=Settings,
    layers=LAYERS,
    run=run,
    default_port=123,
)
