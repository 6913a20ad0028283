"""The ladder: order, deadlines, several addresses, what was not reached."""

import asyncio
import pickle
from typing import Any

import pytest

from probes import tcp
from probes.contract import Ascent, Confidence, Layer, Outcome, Target, Timing, Verdict
from probes.ladder import MOST_ADDRESSES, Ladder, is_address, look
from probes.net.base import LookupFailed, Network, PeerClosed, Reply
from probes.net.scripted import Close, Handshake, Pause, Scripted, ScriptedConnection, Silence

THREE = (Layer.CONNECT, Layer.TLS, Layer.PROTOCOL)


def ask(network: Scripted, host: str, timing: Timing | None = None) -> Outcome:
    """One tcp look at port 22."""
    return asyncio.run(tcp.run(Target(host, 22), tcp.Settings(), timing or Timing(), network))


def test_a_failure_skips_the_steps_above_it() -> None:
    """After the first failure every later step is there, as skip, without a cause."""

    async def climb(ladder: Ladder) -> None:
        connection = await ladder.connect(22)
        with ladder.step(Layer.TLS) as rung:
            await connection.receive(rung.until)

    network = Scripted({("10.0.0.1", 22): [Close()]})
    outcome = asyncio.run(look(Target("10.0.0.1", 22), Timing(), network, THREE, climb))
    steps = [(step.layer, step.verdict, step.cause) for step in outcome.ascents[0].steps]
    assert steps == [
        (Layer.CONNECT, Verdict.PASS, None),
        (Layer.TLS, Verdict.FAIL, "tls.closed"),
        (Layer.PROTOCOL, Verdict.SKIP, None),
    ]
    assert outcome.ascents[0].layer is Layer.TLS


def test_a_step_ends_at_the_timeout_and_a_look_at_the_deadline() -> None:
    """Each step has `timeout`; together they never pass `deadline`."""
    spent: list[float] = []

    async def climb(ladder: Ladder) -> None:
        connection = await ladder.connect(22)
        for layer in (Layer.TLS, Layer.PROTOCOL, Layer.AUTH):
            with ladder.step(layer) as rung:
                spent.append(rung.until - ladder.network.now())
                await connection.receive(rung.until)

    network = Scripted({("10.0.0.1", 22): [Pause(3.9), b"a", Pause(3.9), b"b", Silence()]})
    asyncio.run(look(Target("10.0.0.1", 22), Timing(4.0, 10.0), network, THREE, climb))
    assert spent[:2] == pytest.approx([4.0, 4.0])
    assert 2.1 < spent[2] < 2.2  # what is left of the deadline


def test_every_address_is_tried() -> None:
    """One ladder an address, in the order of the lookup, whatever became of the others."""
    network = Scripted({("10.0.0.2", 22): []}, {"db": ("10.0.0.1", "10.0.0.2")})
    outcome = ask(network, "db")
    assert [(one.address, one.cause) for one in outcome.ascents] == [
        ("10.0.0.1", "tcp.refused"),
        ("10.0.0.2", None),
    ]
    assert outcome.resolve is not None
    assert outcome.resolve.detail == {"addresses": ["10.0.0.1", "10.0.0.2"]}


def test_hundreds_of_addresses_are_a_sample() -> None:
    """Of 500 addresses the first 32 are tried and the others named."""
    many = tuple(f"10.0.{number // 250}.{number % 250 + 1}" for number in range(500))
    network = Scripted({}, {"pool": many})
    outcome = ask(network, "pool")
    assert len(outcome.ascents) == len(network.connected) == MOST_ADDRESSES
    assert len(outcome.left_out) == 500 - MOST_ADDRESSES


def test_a_family_without_a_route_is_left_out() -> None:
    """An IPv6 address is no failure where the vantage has no IPv6."""
    network = Scripted(
        {("10.0.0.1", 22): []}, {"db": ("2001:db8::1", "10.0.0.1")}, unrouted=frozenset({"2001:db8::1"})
    )
    outcome = ask(network, "db")
    assert [one.address for one in outcome.ascents] == ["10.0.0.1"]
    assert outcome.left_out == (("2001:db8::1", "this host has no route to it"),)


@pytest.mark.parametrize("addresses", [("0.0.0.0",), ("::", "0.0.0.0"), ("::ffff:0.0.0.0",)])
def test_a_name_without_a_host_s_address(addresses: tuple[str, ...]) -> None:
    """A connection to 0.0.0.0 ends at this very host: none is made, and the lookup failed."""
    network = Scripted({(one, 22): [] for one in addresses}, {"db": addresses})
    ascent = ask(network, "db").ascents[0]
    assert (ascent.verdict, ascent.cause, ascent.layer) == (Verdict.FAIL, "dns.hijacked", Layer.RESOLVE)
    assert (ascent.confidence, network.connected) == (Confidence.LIKELY, [])


def test_what_is_no_host_s_address_is_left_out() -> None:
    """Beside an address of a host it is not tried, and said."""
    network = Scripted({("10.0.0.1", 22): [], ("0.0.0.0", 22): []}, {"db": ("0.0.0.0", "10.0.0.1")})
    outcome = ask(network, "db")
    assert network.connected == [("10.0.0.1", 22)]
    [(address, why)] = outcome.left_out
    assert (address, "no host's address" in why) == ("0.0.0.0", True)


def test_a_name_that_fails_is_one_ladder_without_an_address() -> None:
    """The lookup's failure is the check's, and connect is skipped."""
    network = Scripted({}, {"db": LookupFailed("servfail", "10.0.0.53 says SERVFAIL")})
    ascent = ask(network, "db").ascents[0]
    assert (ascent.address, ascent.cause, ascent.layer) == (None, "dns.servfail", Layer.RESOLVE)
    assert [step.verdict for step in ascent.steps] == [Verdict.FAIL, Verdict.SKIP]


def test_connections_are_closed_when_the_climb_ends() -> None:
    """Also when it ends with a failure."""
    kept = []

    async def climb(ladder: Ladder) -> None:
        kept.append(await ladder.connect(22))
        with ladder.step(Layer.PROTOCOL):
            raise PeerClosed(0)

    network: Network = Scripted({("10.0.0.1", 22): []})
    asyncio.run(look(Target("10.0.0.1", 22), Timing(), network, THREE, climb))
    assert [connection.closed for connection in kept] == [True]  # type: ignore[attr-defined]


def test_addresses_are_told_from_names() -> None:
    """Also with a zone; a name that looks like numbers is none."""
    assert [is_address(host) for host in ("10.0.0.1", "fe80::1%eth0", "::1")] == [True] * 3
    assert [is_address(host) for host in ("db1", "10.0.0", "1.2.3.4.example", "10.0.0.256")] == [False] * 4


def test_a_bug_in_one_of_several_climbs_is_raised_as_itself() -> None:
    """Not wrapped in a group: its own words are what a crash is told by."""

    async def climb(ladder: Ladder) -> None:
        raise ZeroDivisionError("oops")

    network = Scripted({}, names={"pair.example": ("10.0.0.1", "10.0.0.2")})
    with pytest.raises(ZeroDivisionError, match="oops"):
        asyncio.run(look(Target("pair.example", 22), Timing(), network, THREE, climb))


def test_this_hosts_own_shortage_is_not_the_targets_time() -> None:
    """A connect that had to wait for a free port leaves the steps after it their time."""

    class Short(Scripted):
        async def connect(self, address: str, port: int, until: float) -> ScriptedConnection:
            self.pass_time(60.0)
            return await super().connect(address, port, until + 60.0)

    async def climb(ladder: Ladder) -> None:
        connection = await ladder.connect(22)
        with ladder.step(Layer.TLS) as rung:
            await connection.receive(rung.until)

    network = Short({("10.0.0.1", 22): [Pause(2.0), b"late"]})
    outcome = asyncio.run(look(Target("10.0.0.1", 22), Timing(), network, (Layer.CONNECT, Layer.TLS), climb))
    assert outcome.ascents[0].verdict is Verdict.PASS


def test_a_climb_without_one_of_its_steps_is_no_pass() -> None:
    """A probe that forgets a step, or all of them, has proved nothing: that is its bug."""

    async def half(ladder: Ladder) -> None:
        await ladder.connect(22)

    async def nothing(ladder: Ladder) -> None:
        pass

    for climb, layers, words in ((half, THREE, "tls, protocol"), (nothing, (), "any")):
        network = Scripted({("10.0.0.1", 22): []})
        with pytest.raises(RuntimeError, match=f"without the step {words}"):
            asyncio.run(look(Target("10.0.0.1", 22), Timing(), network, layers, climb))


def test_an_outcome_travels() -> None:
    """What a remote vantage saw comes back as it was."""
    outcome = ask(Scripted({("10.0.0.2", 22): []}, {"db": ("10.0.0.1", "10.0.0.2")}), "db")
    assert pickle.loads(pickle.dumps(outcome)) == outcome


HERE = ("10.0.0.1", 22)
LOST = "a SYN or its answer was lost: connected by a repeat after 1.0 s"


def shaken(took: float, rtt: float | None, repeated: int, *again: Reply) -> Ascent:
    """A tcp look at a port that takes so long to connect; what further handshakes meet."""
    left = iter(again)
    scripted = Scripted(
        {HERE: []}, handshakes={HERE: Handshake(took, rtt, repeated)}, replies=lambda *_: next(left)
    )
    (ascent,) = ask(scripted, HERE[0]).ascents
    assert next(left, None) is None
    return ascent


def after(seconds: float) -> Reply:
    return Reply("connected", seconds)


@pytest.mark.parametrize(
    "handshake",
    [(0.95, 0.95, 0), (1.21, 1.2, 1, after(1.2), after(1.3), after(1.2)), (1.21, None, 1, *[after(1.2)] * 3)],
)
def test_a_long_way_is_slow(handshake: tuple[Any, ...]) -> None:
    """The kernel measured it on a SYN that was not repeated; else three more handshakes agree."""
    (caution,) = shaken(*handshake).cautions
    assert (caution.cause, caution.layer) == ("path.slow", Layer.CONNECT)
    assert caution.text.endswith("; the vendor's bound is 900 ms")


def test_the_echo_of_a_repeated_syn_shows_a_short_way() -> None:
    """Each first SYN may be dropped on purpose: no further handshake is needed, nor would it be faster."""
    ascent = shaken(1.03, 0.02, 1)
    (caution,) = ascent.cautions
    assert (caution.cause, caution.text) == (None, LOST)
    assert ascent.steps[0].detail == {"rtt_ms": 20.0}


@pytest.mark.parametrize("repeated", [0, 1])
def test_answers_to_repeats_alone_are_not_slow(repeated: int) -> None:
    """Each first SYN-ACK is lost: every handshake takes a second, and echoes the first SYN."""
    (caution,) = shaken(1.02, 1.02, repeated, after(1.01), after(3.04), after(1.03)).cautions
    assert caution.cause is None
    assert caution.text == "a SYN was not answered in time: connected by a repeat after 1.0 s"


@pytest.mark.parametrize(
    ("handshake", "cause", "words"),
    [
        (Handshake(1.02, 1.02, 1, least=0.02), None, LOST),
        (Handshake(1.3, 1.3, 0, least=0.02), None, "connecting took 1.3 s, a later round trip 20 ms"),
        (Handshake(1.3, 1.3, 0, least=1.2), "path.slow", "the round trip took 1.2 s;"),
        (Handshake(1.05, 1.05, 1, least=1.05), "path.slow", "the round trip took 1.1 s;"),
    ],
)
def test_the_bytes_that_follow_tell_a_long_way_from_a_lost_answer(
    handshake: Handshake, cause: str | None, words: str
) -> None:
    """Their round trips have no repeat of a SYN in them."""

    async def climb(ladder: Ladder) -> None:
        connection = await ladder.connect(22)
        with ladder.step(Layer.PROTOCOL) as rung:
            await connection.send(b"hello", rung.until)
            ladder.caution("ssh.weak", "afterwards")

    slow = after(1.02) if handshake.took < 1.1 else after(1.3)
    network = Scripted({HERE: []}, handshakes={HERE: handshake}, replies=lambda *_: slow)
    layers = (Layer.CONNECT, Layer.PROTOCOL)
    (ascent,) = asyncio.run(look(Target(*HERE), Timing(), network, layers, climb)).ascents
    caution, _ = ascent.cautions
    assert caution.cause == cause
    assert caution.text.startswith(words)
    assert ascent.steps[0].detail == {"rtt_ms": round((handshake.least or 0.0) * 1000, 1)}


@pytest.mark.parametrize("rtt", [1.02, None])
@pytest.mark.parametrize("again", [(after(0.02),), (after(1.02), Reply("silent"), Reply("refused", 0.02))])
def test_a_lost_syn_is_not_slow(rtt: float | None, again: tuple[Reply, ...]) -> None:
    """One fast handshake shows that the way is short, whatever the kernel says of a repeated SYN."""
    ascent = shaken(1.03, rtt, 1, *again)
    (caution,) = ascent.cautions
    assert (caution.cause, caution.text) == (None, LOST)
    assert ascent.steps[0].detail == {"rtt_ms": 20.0}


def test_what_can_not_be_told_is_not_slow() -> None:
    """No fast handshake, and not enough slow ones."""
    (caution,) = shaken(1.03, 1.03, 1, after(1.02), Reply("silent"), after(1.02)).cautions
    assert caution.cause is None
    assert caution.text == "a SYN was not answered in time: connected by a repeat after 1.0 s"


@pytest.mark.parametrize("handshake", [(2.0, 0.02, 0), (0.85, 0.85, 0)])
def test_neither_slow_nor_lost(handshake: tuple[float, float, int]) -> None:
    """This host was late itself, or the way is within the bound."""
    assert shaken(*handshake).cautions == ()
