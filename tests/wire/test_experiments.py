"""Experiments on stalled connections: what a small segment size shows, and what it does not."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from netcheck.check import Check
from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.found import Stalled
from netcheck.diagnosis.judge import judge
from netcheck.engine import Depth
from netcheck.look import Looker
from netcheck.record import RunRecord
from netcheck.second_look.experiments import AGAIN, MOST_LATE, Experimenter
from netcheck.second_look.unused import Unused
from probes import http, ssh, tls
from probes.contract import Confidence, Probe, Verdict
from probes.net.base import Reply, TlsSession
from probes.net.scripted import Close, Pause, Reset, Scripted, Silence
from probes.path import mtu
from probes.tls import Settings
from tests.wire.roads import scripted

Checks = Callable[..., Check]
Runs = Callable[..., RunRecord]
HERE = ("10.0.0.1", 443)
UNTRUSTED = TlsSession("TLSv1.3", "AES", None, (), ((20, 0, "unable to get local issuer certificate"),))


def tried(check: Checks, run: Runs, small: TlsSession | None) -> tuple[Verdict, str | None]:
    """What becomes of a TLS handshake that hangs, if with small segments it ends like this (None: hangs)."""
    hangs = {HERE: [Silence()]}
    with_small = Scripted({HERE: []}, tls={HERE: small}) if small else Scripted(hangs)
    network = Scripted(hangs, small=with_small)
    (record,) = run([check("10.0.0.1", 443, probe="tls", settings=Settings())], network).checks
    return record.verdict, record.cause


def test_what_comes_only_in_small_segments_is_lost_for_its_size(check: Checks, run: Runs) -> None:
    """Whatever is wrong with the certificate besides: it came, and with big segments it does not."""
    assert tried(check, run, UNTRUSTED) == (Verdict.FAIL, "path.mtu_blackhole")


def test_what_hangs_with_any_size_has_another_reason(check: Checks, run: Runs) -> None:
    """The server is slow, or something before it keeps silent."""
    assert tried(check, run, None) == (Verdict.FAIL, "tls.timeout")


class Sized(Scripted):
    """A path that loses packets whose segments are above so many bytes."""

    def __init__(self, most: int, big: Scripted, small: Scripted) -> None:
        super().__init__(big._servers, tls=big._tls, replies=refusing)
        self._most, self._fits = most, small

    def shaped(self, mss: int) -> Scripted:
        return self._fits if mss <= self._most else self


class Pool(Scripted):
    """Servers that take connections in turn, as a load balancer hands them out; True: this one hangs.

    The size of segments makes no difference.
    """

    def __init__(self, hangs: Sequence[bool]) -> None:
        super().__init__({HERE: [Silence()]}, replies=refusing)
        self._turns = itertools.cycle(hangs)
        self._good = works()

    async def connect(self, address: str, port: int, until: float) -> Any:
        network = super() if next(self._turns) else self._good
        return await network.connect(address, port, until)


def refusing(*_: object) -> Reply:
    return Reply("refused", 0.001)


def hanging(here: tuple[str, int] = HERE) -> Scripted:
    """A server whose handshake hangs, and whose unused ports are refused."""
    return Scripted({here: [Silence()]}, replies=refusing)


def works(here: tuple[str, int] = HERE) -> Scripted:
    """The same server, heard."""
    return Scripted({here: []}, tls={here: UNTRUSTED}, replies=refusing)


def experiment(check: Checks, network: Scripted, here: tuple[str, int] = HERE) -> Stalled:
    """What experiments through this network show of a TLS handshake that hung."""

    async def scene() -> Stalled:
        one = check(*here, probe="tls", settings=Settings())
        outcome = await Looker(hanging(here))(one)
        return await Experimenter(Looker(network)).on(Failure(0, one, outcome, judge(one, outcome)))

    return asyncio.run(scene())


@pytest.mark.parametrize("most", [600, 1000, 1358, 1440])
def test_the_working_size_is_told_by_halving(check: Checks, most: int) -> None:
    """The largest that works, to within a few bytes, and never one that does not."""
    found = experiment(check, Sized(most, hanging(), works()))
    assert found.sizes is not None
    assert found.sizes.small == mtu.SMALL
    assert most - mtu.CLOSE <= found.sizes.largest <= most < (found.sizes.fails or mtu.FULL)
    assert (found.sizes.fails or mtu.FULL) - found.sizes.largest <= mtu.CLOSE


@pytest.mark.parametrize("most", [600, 1000, 1219])
def test_ipv6_below_its_least_size(check: Checks, most: int) -> None:
    """A tunnel that carries less than IPv6 promises: 1,220 bytes hang too, and then 536 are tried."""
    here = ("2001:db8::1", 443)
    found = experiment(check, Sized(most, hanging(here), works(here)), here)
    assert found.sizes is not None
    assert found.sizes.small == mtu.SMALL
    assert most - mtu.CLOSE <= found.sizes.largest <= most


def rotations() -> list[tuple[bool, ...]]:
    """Pools of two, three and four servers of which some hang, whichever of them comes first."""
    pools = (pool for count in (2, 3, 4) for pool in itertools.product((True, False), repeat=count))
    return [pool for pool in pools if any(pool) and not all(pool)]


@pytest.mark.parametrize("hangs", rotations())
def test_servers_that_take_turns_are_no_lost_size(check: Checks, hangs: tuple[bool, ...]) -> None:
    """A load balancer with a server that hangs: sizes tried in turn with plain ones would meet it in turn."""
    assert experiment(check, Pool(hangs)).sizes is None


@pytest.mark.parametrize("hangs", rotations())
def test_the_run_calls_no_such_pool_a_lost_size(check: Checks, run: Runs, hangs: tuple[bool, ...]) -> None:
    """The same through the first and the second look, which shift whose turn it is."""
    (record,) = run([check("10.0.0.1", 443, probe="tls", settings=Settings())], Pool(hangs)).checks
    assert record.cause != "path.mtu_blackhole"


def test_what_works_again_without_a_limit_is_no_lost_size(check: Checks) -> None:
    """A server that was slow for a while passes with small segments, and then without: by luck."""
    assert experiment(check, Sized(1358, works(), works())).sizes is None


def test_a_server_that_is_slow_whatever_the_size_is_not_claimed(check: Checks) -> None:
    """One look with small segments is all that it takes, and none with others."""
    network = hanging()
    assert experiment(check, network).sizes is None
    assert len(network.connected) == 1


def test_the_size_is_told_with_few_connections(check: Checks) -> None:
    """Two small ones, a plain one, the halving, and both again to be sure."""
    big, small = hanging(), works()
    network = Sized(1358, big, small)
    experiment(check, network)
    assert len(network.connected) + len(small.connected) <= 10 + len(AGAIN)


class Fickle(Sized):
    """Without a limit every second connection works."""

    async def connect(self, address: str, port: int, until: float) -> Any:
        found = await super().connect(address, port, until)
        if len(self.connected) % 2 == 0:
            return await self._fits.connect(address, port, until)
        return found


def test_a_server_that_answers_now_and_then_is_no_lost_size(check: Checks) -> None:
    """Small segments had luck each time; without a limit it works as well, if it is tried often enough."""
    assert experiment(check, Fickle(1358, hanging(), works())).sizes is None


@pytest.mark.parametrize("most", [537, 700, 1220, 1459])
@pytest.mark.parametrize("low", [mtu.SMALL, mtu.SMALL_IPV6])
def test_halving_never_claims_what_does_not_work(low: int, most: int) -> None:
    """Between what works and what does not; at the least the small size itself."""
    tried: list[int] = []

    async def passes(mss: int) -> bool:
        tried.append(mss)
        return mss <= most

    found = asyncio.run(mtu.halved(passes, low))
    assert found.works == low or found.works <= most
    assert found.works >= min(most, mtu.FULL) - mtu.CLOSE or found.works == low
    assert found.fails is None or most < found.fails <= max(most, low) + mtu.CLOSE
    assert len(tried) <= 7


@pytest.mark.parametrize(
    ("address", "small", "packet"),
    [("10.0.0.1", (536,), [576]), ("2001:db8::1", (1220, 536), [1280, 596])],
)
def test_the_small_size_is_what_every_path_carries(
    address: str, small: tuple[int, ...], packet: list[int]
) -> None:
    """IPv4's least that hosts must take (RFC 791), IPv6's least MTU (RFC 8200), and then IPv4's."""
    assert mtu.smalls(address) == small
    assert [mtu.packet(size, address) for size in small] == packet
    assert mtu.packet(mtu.full(address), address) == 1500


@pytest.mark.parametrize("silent", [[Silence()], []])
def test_a_live_silent_server_is_silent_and_nothing_else(check: Checks, run: Runs, silent: list[Any]) -> None:
    """Its unused ports are refused: nobody answers for it."""
    network = Scripted({HERE: silent}, replies=lambda *_: Reply("refused", 0.001))
    (record,) = run([check("10.0.0.1", 443, probe="ssh", settings=ssh.PROBE.settings())], network).checks
    assert (record.verdict, record.cause) == (Verdict.FAIL, "protocol.silent")
    assert [(one.varied, one.verdict) for one in record.controls] == [("port", Verdict.FAIL)]


def test_a_silent_handshake_that_anybody_gets_is_a_middleboxs(check: Checks, run: Runs) -> None:
    """The look-alike: two unused ports and a stranger's complete handshakes too."""
    network = scripted("10.1.0.1 10.2.0.1!accept 10.0.0.*#")
    (record,) = run([check("10.0.0.1", 443, probe="ssh", settings=ssh.PROBE.settings())], network).checks
    assert (record.cause, record.confidence) == ("path.middlebox_answers", Confidence.LIKELY)
    assert record.where is not None
    assert record.where.address == "10.2.0.1"
    assert [one.varied for one in record.controls] == ["port", "port", "address"]


def test_a_server_that_hangs_up_is_not_tried_with_other_sizes(check: Checks, run: Runs) -> None:
    """It said so itself: no packet was lost."""
    small = works()
    network = Scripted({HERE: [Close()]}, small=small, replies=lambda *_: Reply("refused", 0.001))
    (record,) = run([check("10.0.0.1", 443, probe="ssh", settings=ssh.PROBE.settings())], network).checks
    assert record.cause == "protocol.closed"
    assert small.connected == []


def test_without_retries_nothing_is_experimented_on(check: Checks, run: Runs) -> None:
    """`retries: 0` leaves the second look and its controls out."""
    network = hanging()
    one = check("10.0.0.1", 443, probe="tls", settings=Settings(), retries=0)
    (record,) = run([one], network).checks
    assert (record.cause, record.controls) == ("tls.timeout", ())
    assert (len(network.connected), network.knocked) == (1, [])


SILENT_PORT = "10.1.0.1 10.2.0.1!accept#443 10.3.0.1!drop 10.0.0.*#"


@pytest.mark.parametrize("probe", [ssh.PROBE, http.HTTPS, tls.PROBE])
def test_a_port_that_is_silent_for_everybody_is_a_middleboxs(check: Checks, run: Runs, probe: Probe) -> None:
    """Ports that nobody uses show nothing of a proxy for this one; the strangers do."""
    one = check("10.0.0.1", 443, probe=probe.name, settings=probe.settings())
    (record,) = run([one], scripted(SILENT_PORT)).checks
    assert (record.cause, record.confidence) == ("path.middlebox_answers", Confidence.LIKELY)
    assert {one.varied for one in record.controls if one.verdict is Verdict.PASS} == {"address"}
    assert any("16 of 16 addresses drawn by chance" in sentence for sentence in record.evidence)


def test_a_silent_server_among_dead_addresses_is_silent_itself(check: Checks, run: Runs) -> None:
    """The look-alike: behind a firewall that drops all other ports, and nobody else opens this one."""
    network = scripted("10.1.0.1 10.0.0.1#443!drop")
    (record,) = run([check("10.0.0.1", 443, probe="ssh", settings=ssh.PROBE.settings())], network).checks
    assert (record.cause, record.confidence) == ("protocol.silent", Confidence.CERTAIN)


def test_a_silent_server_among_others_that_speak_is_silent_itself(check: Checks, run: Runs) -> None:
    """The look-alike: a full network behind a firewall that lets this port through only."""
    speaking = {(f"10.0.0.{number}", 443): [b"SSH-2.0-OpenSSH_9.2\r\n"] for number in range(2, 255)}
    network = scripted("10.1.0.1 10.0.0.*#443!drop", scripts=speaking)
    (record,) = run([check("10.0.0.1", 443, probe="ssh", settings=ssh.PROBE.settings())], network).checks
    assert record.cause == "protocol.silent"


def test_a_silent_server_behind_a_proxy_that_asks_it_is_silent_itself(check: Checks, run: Runs) -> None:
    """Connections to strangers are completed and ended, and this one is kept."""
    ended = {(f"10.0.0.{number}", 443): [Close()] for number in range(2, 255)}
    network = scripted(SILENT_PORT, scripts={**ended, ("10.0.0.1", 443): [Silence()]})
    (record,) = run([check("10.0.0.1", 443, probe="ssh", settings=ssh.PROBE.settings())], network).checks
    assert record.cause == "protocol.silent"


def test_strangers_are_asked_once_a_network_and_port(check: Checks, run: Runs) -> None:
    """However many servers of it are silent."""
    servers = [f"10.0.0.{number}" for number in range(1, 4)]
    network = scripted(*(f"10.1.0.1 {server}#443" for server in servers))
    run([check(one, 443, probe="ssh", settings=ssh.PROBE.settings()) for one in servers], network)
    assert len({address for address, port, _ in network.knocked if port == 443} - set(servers)) == 1


class Proxied(dict[tuple[str, int], Any]):
    """Every port opens; what is then done at port 22 and at all others."""

    def __init__(self, at_22: Any, elsewhere: Any) -> None:
        super().__init__()
        self._at_22, self._elsewhere = at_22, elsewhere

    def get(self, key: tuple[str, int], default: Any = None) -> Any:
        return self._at_22 if key[1] == 22 else self._elsewhere


@pytest.mark.parametrize(
    ("at_22", "elsewhere", "anybody"),
    [
        ([Silence()], [Close()], False),
        ([b"SSH-2.0-x\r\n"], [Reset()], False),
        ([Close()], [Close()], True),
        ([Silence()], [Silence()], True),
        ([Close()], [Silence()], True),
        (Silence(), [Close()], True),
        ([Silence()], Silence(), True),
    ],
)
def test_a_proxy_that_ends_what_the_target_refuses(at_22: Any, elsewhere: Any, anybody: bool) -> None:
    """It keeps the port that is asked for, and ends those that nobody uses: this port is another. Where both
    are kept, or both ended, or one can't be made again, anybody's handshake is what was seen."""
    network = Scripted(Proxied(at_22, elsewhere), replies=lambda *_: Reply("connected", 0.001))
    found = asyncio.run(Unused(network).answers("10.0.0.1", 22))
    assert (found.anybody, found.distinct) == (anybody, not anybody)


@pytest.mark.parametrize(
    ("after", "everyone", "cause"),
    [
        (12.0, False, "protocol.slow"),
        (30.0, False, "protocol.silent"),
        (30.0, True, "protocol.slow"),
        (50.0, True, "protocol.silent"),
    ],
)
def test_a_banner_that_comes_late_is_no_silence(
    check: Checks, run: Runs, after: float, everyone: bool, cause: str
) -> None:
    """A reverse lookup takes its time: it is waited for as long as a look may take, and longer where one
    target is looked into."""
    late = [Pause(after), b"SSH-2.0-OpenSSH_9.2\r\n"]
    asked = check("10.20.0.9", 22, probe="ssh", settings=ssh.PROBE.settings())
    network = Scripted({("10.20.0.9", 22): late}, replies=lambda *_: Reply("refused", 0.001))
    (record,) = run([asked], network, depth=Depth(trace=False, everyone=everyone)).checks
    assert (record.verdict, record.cause) == (Verdict.FAIL, cause)
    assert cause == "protocol.silent" or f"{after:.1f} s" in record.summary


class NowAndThen(Scripted):
    """An SSH server that greets at once, but not on its first two connections."""

    def __init__(self) -> None:
        super().__init__({("10.20.0.9", 22): [Silence()]}, replies=refusing)
        self._mute = 2
        self._good = Scripted({("10.20.0.9", 22): [b"SSH-2.0-OpenSSH_9.2\r\n", Silence()]})

    async def connect(self, address: str, port: int, until: float) -> Any:
        self._mute -= 1
        return await (super() if self._mute >= 0 else self._good).connect(address, port, until)


def test_a_banner_that_comes_now_and_then_is_not_late(check: Checks, run: Runs) -> None:
    """It spoke at once when it was waited for: no lookup is what holds it up."""
    asked = check("10.20.0.9", 22, probe="ssh", settings=ssh.PROBE.settings())
    (record,) = run([asked], NowAndThen(), depth=Depth(trace=False)).checks
    assert record.cause == "protocol.silent"


def test_few_are_waited_for(check: Checks, run: Runs) -> None:
    """A fleet of servers that never speak does not hold up the run."""
    hosts = [f"10.{network}.0.9" for network in range(2 * MOST_LATE)]
    asked = [check(host, 22, probe="ssh", settings=ssh.PROBE.settings()) for host in hosts]
    scripts = {(host, 22): [Pause(12.0), b"SSH-2.0-OpenSSH_9.2\r\n"] for host in hosts}
    network = Scripted(scripts, replies=lambda *_: Reply("refused", 0.001))
    found = [record.cause for record in run(asked, network, depth=Depth(trace=False)).checks]
    assert found.count("protocol.slow") == MOST_LATE
    assert found.count("protocol.silent") == MOST_LATE
