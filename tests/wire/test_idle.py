"""Connections left idle on a path that forgets, and on servers that do not wait."""

import asyncio
import itertools

import pytest

from probes.net.base import ConnectFailed, TimedOut
from probes.net.scripted import (
    Act,
    Close,
    Forgets,
    Handshake,
    Pause,
    Reset,
    Script,
    Scripted,
    ScriptedConnection,
    Silence,
)
from probes.path.idle import bracket, hold
from probes.path.waits import Bracket, End, Held, Kept, Wait, judged, spread

ADDRESS, PORT = "10.0.0.1", 22
BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"


def network(*acts: Act, forgets: Forgets | None = None) -> Scripted:
    """A server that does this on every connection."""
    return Scripted({(ADDRESS, PORT): list(acts)}, forgets=forgets)


def held(scripted: Scripted, seconds: float = 600.0) -> Held:
    return asyncio.run(hold(ADDRESS, PORT, seconds, 5.0, scripted))


def test_a_connection_that_lives() -> None:
    """It was idle for as long as was asked, the greeting notwithstanding, and no control was needed."""
    found = held(network(BANNER))
    assert (found.end, found.kept_every) == (End.LIVED, None)
    assert found.idle == pytest.approx(600.0)


@pytest.mark.parametrize(("resets", "end"), [(False, End.DROPPED), (True, End.FORGOTTEN)])
def test_a_path_that_forgets(resets: bool, end: End) -> None:
    """The idle one is dead, a new one works, and one with keep-alives lived as long."""
    found = held(network(BANNER, forgets=Forgets(300.0, resets)))
    assert (found.end, found.kept_every) == (end, 30)


def test_this_host_forgets() -> None:
    """What its own filter drops is never under way: no fault of the path."""
    forgets = Forgets(300.0, here=True)
    assert held(network(BANNER, forgets=forgets)).end is End.SWALLOWED
    found = asyncio.run(bracket(ADDRESS, PORT, 1800.0, network(BANNER, forgets=forgets), 0.1))
    assert (found.dropped, found.swallowed) == (None, pytest.approx(347.5, abs=1))
    assert found.words() == "this host itself swallows what is sent after 5.8 min of idleness"


def test_keep_alives_fit_the_wait() -> None:
    """Twenty of them in the wait, at most one a second: so a minute finds a path that forgets after 5 s."""
    assert held(network(forgets=Forgets(6.0)), 40.0).kept_every == 2
    assert held(network(forgets=Forgets(5.0)), 60.0).kept_every == 3
    assert held(network(forgets=Forgets(1.5)), 2.0).kept_every == 1


def test_keep_alives_that_do_not_help() -> None:
    """A path that forgets sooner than the first keep-alive, or that failed over."""
    found = held(network(BANNER, forgets=Forgets(20.0)))
    assert (found.end, found.kept_every) == (End.DROPPED, None)
    assert found.kept == Kept(30, Wait(600.0, End.DROPPED))


class Cutting(Scripted):
    """A path that ends a connection idle for six seconds by an RST or a FIN; keep-alives are no idleness."""

    def __init__(self, act: Act) -> None:
        super().__init__({})
        self._act = act

    async def connect(self, address: str, port: int, until: float) -> ScriptedConnection:
        cut = [BANNER, Pause(6.0), self._act]
        return CutConnection(self, cut, None, Handshake(0.001))


class CutConnection(ScriptedConnection):
    """One of them."""

    def keep_alive(self, every: int) -> None:
        self._acts = [BANNER]


@pytest.mark.parametrize(
    ("act", "end", "sign"), [(Reset(), End.RESET, "an RST"), (Close(), End.CLOSED, "a FIN")]
)
def test_a_path_that_ends_idle_connections_by_a_segment(act: Act, end: End, sign: str) -> None:
    """The one with keep-alives lives, so it is no timer of the server's; half of what lived is to be set."""
    found = held(Cutting(act), 15.0)
    assert (found.end, found.idle, found.kept_every) == (end, pytest.approx(6.0, abs=0.1), 1)
    bracketed = asyncio.run(bracket(ADDRESS, PORT, 30.0, Cutting(act), 0.1))
    assert bracketed.words() == (
        f"idle connections are ended by {sign} between 5.8 s and 6 s (RFC 5382 asks for 2 h 4 min); "
        "set keep-alive to at most 2 s"
    )
    assert (bracketed.cut, bracketed.dropped) == (pytest.approx(6.0, abs=0.1), None)


@pytest.mark.parametrize(("act", "sign"), [(Reset(), "an RST ends them"), (Close(), "a FIN ends them")])
def test_a_server_that_ends_idle_connections(act: Act, sign: str) -> None:
    """It can't see keep-alives, so the one that has them is ended too: then it may be the server."""
    found = asyncio.run(bracket(ADDRESS, PORT, 30.0, network(BANNER, Pause(6.0), act), 0.1))
    assert (found.cut, found.keep_alive) == (None, None)
    assert found.words() == (
        f"idle connections live for 5.8 s at least; {sign} after 6 s, from the server or a firewall: "
        "longer can't be tried without a login"
    )


def test_a_kernel_that_gives_up_is_no_end_by_the_server() -> None:
    """Nobody acknowledges the keep-alives any more: ETIMEDOUT, long before the wait is over."""

    class Failed(Scripted):
        async def connect(self, address: str, port: int, until: float) -> ScriptedConnection:
            return GivenUp(self, [], None, Handshake(0.001))

    class GivenUp(ScriptedConnection):
        async def receive(self, until: float, limit: int = 65536) -> bytes:
            await self._network.wait_until(min(until, 90.0))
            raise TimedOut(90.0)

    found = asyncio.run(bracket(ADDRESS, PORT, 1800.0, Failed({}), 0.1))
    assert found.kept is not None
    assert found.kept.wait.end is End.DROPPED
    assert not found.proved


@pytest.mark.parametrize(
    ("acts", "end", "idle"),
    [
        ((BANNER, Pause(120.0), Close()), End.CLOSED, 120.0),
        ((Pause(240.0), Reset()), End.RESET, 240.0),
        ((Close(),), End.CLOSED, 0.0),
    ],
)
def test_a_server_that_does_not_wait(acts: tuple[Act, ...], end: End, idle: float) -> None:
    """Its FIN or RST during the wait is no drop; how long it was idle until then is said."""
    found = held(network(*acts, forgets=Forgets(60.0)))
    assert (found.end, found.kept_every) == (end, None)
    assert found.kept is not None
    assert found.kept.wait.end is end
    assert found.idle == pytest.approx(idle, abs=0.01)


def test_a_server_that_keeps_speaking() -> None:
    """No connection to it is ever idle for ten minutes."""
    assert held(network(*[Pause(400.0), b"still here\r\n"] * 9)).end is End.SPOKE


def test_a_late_greeting_starts_the_wait_anew() -> None:
    """What counts is the time without a segment."""
    scripted = network(Pause(20.0), BANNER)
    assert held(scripted, 100.0).idle == pytest.approx(100.0)
    assert scripted.now() > 120.0


def test_nothing_works_any_more() -> None:
    """The look had passed, but now no connection can be made."""
    assert held(Scripted({(ADDRESS, PORT): Silence()})) == Held(ADDRESS, End.GONE, 600.0, 0.0)


@pytest.mark.parametrize(
    ("end", "new", "means"),
    [
        (End.LIVED, None, End.LIVED),
        (End.CLOSED, End.LIVED, End.CLOSED),
        (End.DROPPED, End.LIVED, End.DROPPED),
        (End.DROPPED, End.CLOSED, End.DROPPED),
        (End.DROPPED, End.FORGOTTEN, End.DROPPED),
        (End.FORGOTTEN, End.LIVED, End.FORGOTTEN),
        (End.FORGOTTEN, End.FORGOTTEN, End.UNKNOWN),
        (End.DROPPED, End.DROPPED, End.GONE),
        (End.SWALLOWED, End.LIVED, End.SWALLOWED),
        (End.SWALLOWED, End.SWALLOWED, End.UNKNOWN),
        (End.DROPPED, End.SWALLOWED, End.UNKNOWN),
        (End.FORGOTTEN, None, End.GONE),
        (End.DROPPED, None, End.GONE),
    ],
)
def test_a_new_connection_decides(end: End, new: End | None, means: End) -> None:
    """Only beside one that works is the idle one's death the path's forgetting."""
    assert judged(end, new) is means


def test_a_bracket_encloses_the_time() -> None:
    """Eight waits at once; the wait of the longest is the time it takes."""
    scripted = network(BANNER, forgets=Forgets(360.0))
    found = asyncio.run(bracket(ADDRESS, PORT, 1800.0, scripted, 0.1))
    assert found.works
    assert [wait.end for wait in found.waits] == [End.LIVED] * 3 + [End.DROPPED] * 5
    assert (found.lived, found.dropped) == (pytest.approx(347.5, abs=1), pytest.approx(482.7, abs=1))
    assert found.kept is not None
    assert (found.kept.every, found.kept.lived, found.keep_alive) == (30, True, 173)
    assert 1800.0 < scripted.now() < 1802.0


@pytest.mark.parametrize("script", [Silence(), ConnectFailed(111)])
def test_a_bracket_of_nothing(script: Script) -> None:
    """Where not one connection can be made, the caller is told why."""
    with pytest.raises((TimedOut, ConnectFailed)):
        asyncio.run(bracket(ADDRESS, PORT, 60.0, Scripted({(ADDRESS, PORT): script})))


def of(*waits: tuple[float, End], works: bool = True, kept: End = End.LIVED) -> Bracket:
    beside = Kept(30, Wait(waits[-1][0], kept))
    return Bracket(ADDRESS, PORT, tuple(Wait(*wait) for wait in waits), works, beside)


@pytest.mark.parametrize(
    ("found", "words", "keep_alive"),
    [
        (
            of((300.0, End.LIVED), (420.0, End.DROPPED), (600.0, End.DROPPED)),
            "idle connections are dropped between 5 min and 7 min (RFC 5382 asks for 2 h 4 min); "
            "set keep-alive to at most 150 s",
            150,
        ),
        (
            of((180.0, End.FORGOTTEN), (240.0, End.DROPPED)),
            "idle connections are dropped within 3 min (RFC 5382 asks for 2 h 4 min); "
            "set keep-alive to at most 30 s",
            30,
        ),
        (
            of((300.0, End.LIVED), (420.0, End.DROPPED), (600.0, End.DROPPED), kept=End.DROPPED),
            "idle connections died between 5 min and 7 min (RFC 5382 asks for 2 h 4 min)",
            None,
        ),
        (
            of((90.0, End.LIVED), (120.0, End.RESET), (120.0, End.RESET), (180.0, End.RESET)),
            "idle connections are ended by an RST between 90 s and 120 s (RFC 5382 asks for 2 h 4 min); "
            "set keep-alive to at most 45 s",
            45,
        ),
        (
            of((60.0, End.DROPPED), (90.0, End.LIVED)),
            "idle connections are dropped now and then: one after 60 s, while another lived for 90 s; "
            "set keep-alive to at most 30 s",
            30,
        ),
        (
            of((60.0, End.LIVED), (1800.0, End.LIVED)),
            "idle connections live for 30 min at least",
            None,
        ),
        (
            of((83.0, End.LIVED), (120.0, End.CLOSED), (120.0, End.CLOSED), kept=End.CLOSED),
            "idle connections live for 83 s at least; a FIN ends them after 120 s, "
            "from the server or a firewall: longer can't be tried without a login",
            None,
        ),
        (of((60.0, End.UNKNOWN)), "nothing can be said of idle connections", None),
        (
            of((60.0, End.GONE), works=False),
            "a new connection does not work either: nothing can be said of idle ones",
            None,
        ),
    ],
)
def test_what_a_bracket_says(found: Bracket, words: str, keep_alive: int | None) -> None:
    """The limits, and half of what is survived as the keep-alive to set."""
    assert (found.words(), found.keep_alive) == (words, keep_alive)


def test_the_waits_grow_by_one_factor() -> None:
    """From a tenth of the longest up to it; one alone is the longest."""
    waits = spread(1800.0)
    assert (len(waits), waits[0], waits[-1]) == (8, pytest.approx(180.0), 1800.0)
    assert len({round(longer / shorter, 6) for shorter, longer in itertools.pairwise(waits)}) == 1
    assert spread(60.0, 1) == (60.0,)
