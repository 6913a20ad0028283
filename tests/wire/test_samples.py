"""Single handshakes: what counts as answered, and how long each is waited for."""

import asyncio
from collections.abc import Iterable

import pytest

from probes.net.base import ConnectFailed, Reply
from probes.net.scripted import Scripted
from probes.path.samples import Samples, sample, summed_up

ADDRESS = "10.0.0.1"


def taken(replies: Iterable[Reply], count: int, round_trip: float = 0.0) -> tuple[Samples | None, Scripted]:
    """So many samples of a port that answers like this, and the network that they were taken in."""
    left = iter(replies)
    network = Scripted({}, replies=lambda *_: next(left))
    return asyncio.run(sample(ADDRESS, 22, count, network, round_trip)), network


def connected(rtt: float = 0.01) -> Reply:
    return Reply("connected", rtt)


def test_the_lost_are_counted_and_the_others_timed() -> None:
    """Silence and an ICMP error are no answers; an RST is one."""
    replies = [
        connected(0.03),
        Reply("silent"),
        Reply("refused", 0.01),
        Reply("rejected", 0.01),
        connected(0.02),
    ]
    found, _ = taken(replies, 5)
    assert found == Samples(ADDRESS, 5, 3, 1, 1, 0.95, (0.01, 0.02, 0.03))
    assert (found.lost, found.median) == (2, 0.02)


def test_silence_is_waited_for_less_than_a_second() -> None:
    """The kernel's repeat follows after 1.0 s and would hide the loss; a pause comes between two samples."""
    _, network = taken([Reply("silent")] * 3, 3)
    assert network.now() == pytest.approx(3 * 0.95 + 2 * 0.2)


def test_a_far_target_is_given_its_round_trip() -> None:
    """An answer after 1.2 s is on time where the way takes 1.1 s."""
    found, network = taken([connected(1.2), Reply("silent")], 2, round_trip=1.1)
    assert found is not None
    assert (found.answered, found.lost, found.within) == (1, 1, 2.0)
    assert network.now() == pytest.approx(1.2 + 0.2 + 2.0)


def test_a_round_trip_that_was_only_guessed_is_corrected() -> None:
    """The look met a lost SYN; the first fast answer shows how long to wait from then on."""
    replies = [connected(1.02), connected(0.02), Reply("silent"), connected(0.02)]
    found, network = taken(replies, 4, round_trip=1.05)
    assert found is not None
    assert (found.answered, found.lost, found.within) == (2, 2, 0.95)
    assert network.now() == pytest.approx(1.02 + 0.02 + 0.95 + 0.02 + 3 * 0.2)


def test_the_answer_to_a_repeat_is_a_loss() -> None:
    """A second later than the fastest: the first SYN, or its answer, got lost."""
    found = summed_up(ADDRESS, [connected(0.7), connected(1.75), connected(0.8)], 1.6)
    assert (found.answered, found.lost, found.rtts) == (2, 1, (0.7, 0.8))


def test_what_was_looked_at_too_late_is_taken_again() -> None:
    """A busy process can't tell the SYN's answer from the repeat's: neither a loss nor an answer."""
    found, network = taken([connected(1.4), connected(), connected()], 2)
    assert found is not None
    assert (found.sent, found.answered, len(network.knocked)) == (2, 2, 3)


def test_nothing_answered() -> None:
    """There is no round trip then."""
    found, _ = taken([Reply("silent")] * 2, 2)
    assert found is not None
    assert (found.answered, found.median, found.rtts) == (0, None, ())


def test_a_host_that_can_send_nothing_has_no_samples() -> None:
    """A rule of this host is not the path's loss."""

    def refuse(*_: object) -> Reply:
        raise ConnectFailed(1, local=True)

    assert asyncio.run(sample(ADDRESS, 22, 3, Scripted({}, replies=refuse))) is None
