"""Which silent flows are traced, and for whom a trace stands."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.judge import judge
from netcheck.diagnosis.places import ALL, SOME, Line, lines, lost_after
from netcheck.record import Place
from probes.contract import Ascent, Layer, Outcome, Step, Timing, Verdict
from probes.path.route import Hop, Route

LEFT, RIGHT = Place("after", "10.1.0.1"), Place("after", "10.2.0.1")


def silent(address: str | None, index: int = 0, port: int = 22, cause: str = "tcp.filtered") -> Failure:
    """A check of that address that met silence."""
    terms = Terms("local", "declared", "vault-to-target", "tcp", port, None, Timing())
    step = Step(Layer.CONNECT, Verdict.FAIL, cause)
    seen = Outcome(None, (Ascent(address, Verdict.FAIL, (step,), cause, Layer.CONNECT),))
    check = Check(address or "name", address or "name", terms)
    return Failure(index, check, seen, judge(check, seen))


def hosts(count: int) -> list[Failure]:
    """So many silent neighbours."""
    return [silent(f"10.20.0.{number}", number) for number in range(1, count + 1)]


def traced(line: Line, place: Callable[[Failure], Place | None]) -> list[int]:
    """The indices of those that were traced, in order, if traces show these places."""
    order = []
    while (one := line.take()) is not None:
        order.append(one.index)
        line.put(one, place(one))
    return order


@pytest.mark.parametrize("count", [1, 2, ALL])
def test_a_short_line_is_traced_whole(count: int) -> None:
    """Whatever the traces show."""
    line = Line(hosts(count))
    assert sorted(traced(line, lambda _: LEFT)) == list(range(1, count + 1))


def test_of_a_long_line_some_are_traced_spread_over_all() -> None:
    """The first and the last among them; where all agree, no more."""
    order = traced(Line(hosts(101)), lambda _: LEFT)
    assert len(order) == SOME
    assert (order[0], order[SOME // 2], order[-1]) == (1, 51, 101)


def test_a_line_is_plain_while_its_traces_agree() -> None:
    """Then a few stand for many; a short one, or one that is parted, is looked at with care."""
    line = Line(hosts(100))
    assert line.is_plain
    assert not Line(hosts(ALL)).is_plain
    line.put(line.failures[0], LEFT)
    line.put(line.failures[50], LEFT)
    assert line.is_plain
    line.put(line.failures[99], RIGHT)
    assert not line.is_plain


def test_between_two_that_differ_it_is_halved() -> None:
    """Until neighbours are known on both sides of where the network is parted."""
    line = Line(hosts(100))
    order = traced(line, lambda one: LEFT if one.index <= 61 else RIGHT)
    assert {61, 62} <= set(order)
    assert len(order) <= SOME + 6
    for one in line.failures:
        known = line.known(one)
        assert known is not None
        assert known.place == (LEFT if one.index <= 61 else RIGHT)


def test_a_place_stands_only_between_two_that_agree() -> None:
    """Traces that part are not yet followed up: those between them have no place."""
    line = Line(hosts(101))
    for at, place in ((0, LEFT), (50, LEFT), (100, RIGHT)):
        line.put(line.failures[at], place)
    assert line.known(line.failures[30]) is not None
    assert line.known(line.failures[60]) is None
    assert line.known(line.failures[99]) is None
    line.put(line.failures[75], RIGHT)
    assert line.known(line.failures[60]) is None
    known = line.known(line.failures[90])
    assert known is not None
    assert known.place == RIGHT


def test_outside_of_those_that_were_traced_nobody_has_a_place() -> None:
    """A trace of the middle alone says nothing of the ends."""
    line = Line(hosts(100))
    line.put(line.failures[50], LEFT)
    assert line.known(line.failures[49]) is None
    assert line.known(line.failures[51]) is None


def test_a_trace_without_an_answer_does_not_part_the_line() -> None:
    """Hops may limit their answers: no place was shown, and none is contradicted."""
    line = Line(hosts(101))
    assert len(traced(line, lambda one: None if one.index == 51 else LEFT)) == SOME
    known = line.known(line.failures[50])
    assert known is not None
    assert known.place == LEFT


def test_nobody_has_a_place_where_no_trace_shows_one() -> None:
    """Silence from the first hop on."""
    line = Line(hosts(30))
    traced(line, lambda _: None)
    assert not any(line.known(one) for one in line.failures)


def test_one_under_way_is_not_taken_twice_and_tells_nothing() -> None:
    """Several lines are traced at once, each flow once."""
    line = Line(hosts(ALL))
    taken = [line.take() for _ in range(ALL)]
    assert len({one.index for one in taken if one}) == ALL
    assert line.take() is None
    assert line.known(line.failures[3]) is None


def test_who_speaks_for_others_is_named() -> None:
    """By the check that was traced, the nearest one below."""
    line = Line(hosts(100))
    for at in (0, 25, 99):
        line.put(line.failures[at], LEFT)
    known = line.known(line.failures[29])
    assert known is not None
    assert known.by == "local/10.20.0.26/tcp/22"


def test_the_next_hop_is_kept_where_one_of_two_saw_it() -> None:
    """They agree on where silence begins; what follows is known of one."""
    line = Line(hosts(100))
    for at, place in ((0, LEFT), (25, LEFT), (50, LEFT._replace(before="10.3.0.1")), (99, LEFT)):
        line.put(line.failures[at], place)
    found = [line.known(line.failures[at]) for at in (10, 40, 60)]
    assert [known and known.place.before for known in found] == [None, "10.3.0.1", "10.3.0.1"]


def test_a_flow_that_is_next_itself_is_not_what_follows_for_others() -> None:
    """Right behind the hop was its own target."""
    line = Line(hosts(100))
    traced(line, lambda one: LEFT._replace(before=one.main.address))
    known = line.known(line.failures[10])
    assert known is not None
    assert known.place == LEFT


def test_addresses_are_ordered_as_numbers() -> None:
    """10.20.0.9 is before 10.20.0.10; a zone does not matter."""
    names = ["10.20.0.10", "10.20.0.9", "10.20.0.100"]
    line = Line([silent(name, index) for index, name in enumerate(names)])
    assert [one.main.address for one in line.failures] == ["10.20.0.9", "10.20.0.10", "10.20.0.100"]
    zoned = Line([silent("fe80::2%eth0", 0), silent("fe80::1%eth0", 1)])
    assert [one.index for one in zoned.failures] == [1, 0]


def test_lines_are_of_one_network_and_port_and_silent() -> None:
    """Who was refused, and who never had an address, is in none."""
    failures = [
        silent("10.20.0.1", 0),
        silent("10.20.0.2", 1),
        silent("10.20.1.1", 2),
        silent("10.20.0.1", 3, port=443),
        silent("10.20.0.3", 4, cause="tcp.refused"),
        silent(None, 5),
    ]
    assert [[one.index for one in line.failures] for line in lines(failures)] == [[0, 1], [2], [3]]


def test_four_hundred_silent_hosts_need_few_traces() -> None:
    """Two networks, the second parted in the middle: the second look may add little time."""
    first = ipaddress.ip_address("10.20.0.1")
    networks = lines(silent(str(first + number), number) for number in range(400))
    orders = [traced(line, lambda one: LEFT if one.index < 300 else RIGHT) for line in networks]
    assert [len(line.failures) for line in networks] == [255, 145]
    assert sum(map(len, orders)) <= 2 * SOME + 7


@pytest.mark.parametrize(
    ("hops", "place"),
    [
        ((), None),
        ((Hop(1),), None),
        ((Hop(1, "10.1.0.1"),), Place("after", "10.1.0.1", "10.9.0.1")),
        ((Hop(1), Hop(2, "10.2.0.1")), Place("after", "10.2.0.1", "10.9.0.1")),
        ((Hop(1, "10.1.0.1"), Hop(2), Hop(3)), Place("after", "10.1.0.1", "10.9.0.1")),
    ],
)
def test_silence_is_placed_after_the_last_answer(hops: tuple[Hop, ...], place: Place | None) -> None:
    """Where nobody answers there is no place."""
    assert lost_after(Route(hops), "10.9.0.1") == place
