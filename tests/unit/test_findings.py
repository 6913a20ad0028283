"""Failures of a fleet reasoned together: one sentence, the flows to open, who opens them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Contact
from netcheck.diagnosis.findings import findings
from netcheck.record import (
    Accepted,
    AddressRecord,
    CheckRecord,
    Control,
    Finding,
    Hop,
    Place,
    Trace,
    VantageRecord,
)
from probes.contract import Confidence, Layer, Step, Verdict

UNIX, CORE = Contact("Unix team", "unix@acme.example"), Contact("Core network")
VANTAGES = {"dc-connector": VantageRecord("10.1.0.9"), "local": VantageRecord("pc7")}
AFTER_FIRST = {"where": Place("after", "10.1.0.1"), "trace": Trace("tcp-ttl", (Hop(1, "10.1.0.1"), Hop(2)))}
CONNECTED = (Step(Layer.CONNECT, Verdict.PASS),)
DEAF = Trace("tcp-ttl")

Make = Callable[..., CheckRecord]


@pytest.fixture
def passing(a_check: Make) -> Make:
    """A pass of tcp at an address and port."""

    def make(host: str, port: int = 22, /, **changes: Any) -> CheckRecord:
        given = {"probe": "tcp", "port": port, "target": host, "host": host, "address": host}
        return a_check(**{"groups": (), **given, **changes})

    return make


@pytest.fixture
def failing(passing: Make) -> Make:
    """A failure of tcp at an address and port: silence, unless told otherwise."""

    def make(host: str, port: int = 22, cause: str = "tcp.filtered", /, **changes: Any) -> CheckRecord:
        given = {
            "verdict": Verdict.FAIL,
            "cause": cause,
            "layer": Layer.CONNECT,
            "responsible": "customer",
            "summary": "no answer to 3 SYNs in 5.0 s",
            "advice": "Open it.",
            "steps": (Step(Layer.CONNECT, Verdict.FAIL, cause),),
        }
        return passing(host, port, **{**given, **changes})

    return make


def found(*checks: CheckRecord) -> tuple[Finding, ...]:
    return findings(checks, VANTAGES)


def test_one_place_is_one_finding_across_networks_and_services(failing: Make, passing: Make) -> None:
    """What is lost after one hop is said once, with the flows of each owner in a line of its own."""
    lost = [
        *(failing(f"10.20.0.{n}", 5432, owner=UNIX, **AFTER_FIRST) for n in (11, 12, 13, 14, 20)),
        *(failing(f"10.20.0.{n}", 22, owner=UNIX, **AFTER_FIRST) for n in (11, 12, 13, 14, 20)),
        failing("10.21.0.5", 22, owner=CORE, **AFTER_FIRST),
    ]
    [finding] = found(*lost, passing("10.21.0.9"))
    assert finding.where == Place("after", "10.1.0.1")
    assert finding.owners == (UNIX, CORE)
    assert finding.summary == (
        "tcp/5432 and tcp/22 to 6 hosts in 10.20.0.0/24 and 10.21.0.0/24 are lost after 10.1.0.1; "
        "10.21.0.9 in the same networks passes"
    )
    assert finding.advice.split("\n") == [
        "Open the flows below on 10.1.0.1 or what follows it, and make sure that the hosts are up.",
        "tcp/22, tcp/5432 from 10.9.0.7 to 10.20.0.11-14, 10.20.0.20 (Unix team)",
        "tcp/22 from 10.9.0.7 to 10.21.0.5 (Core network)",
    ]


def test_the_group_and_the_contrast_are_in_the_sentence(failing: Make, passing: Make) -> None:
    """All forty of a group, and what of the same hosts passes: then the hosts need no looking after."""
    group = {"groups": ("linux-servers",)}
    lost = [failing(f"10.20.0.{n}", 5432, **group, **AFTER_FIRST) for n in range(11, 51)]
    [finding] = found(*lost, *(passing(f"10.20.0.{n}", **group) for n in range(11, 51)))
    assert finding.summary == (
        "tcp/5432 to all 40 hosts of group linux-servers (10.20.0.0/24) is lost after 10.1.0.1; "
        "tcp/22 of the same hosts passes"
    )
    assert finding.advice == "Open tcp/5432 from 10.9.0.7 to 10.20.0.11-50 on 10.1.0.1 or what follows it."


def test_a_part_of_a_group_is_called_a_part(failing: Make, passing: Make) -> None:
    """Two of five: the others are the contrast."""
    group = {"groups": ("db",)}
    checks = [failing("10.20.0.1", 5432, **group), failing("10.20.0.2", 5432, **group)]
    [finding] = found(*checks, *(passing(f"10.20.0.{n}", 5432, **group) for n in (3, 4, 5)))
    assert finding.summary == (
        "tcp/5432 to 2 of 5 hosts of group db (10.20.0.0/24) gets no answer; "
        "tcp/5432 passes on 3 others in the same network"
    )


def test_flows_that_part_after_a_hop_are_two_findings(failing: Make, passing: Make) -> None:
    """After the same hop, but seen to go on to different ones: two devices may stop them."""
    one, other = Place("after", "10.1.0.1", "10.2.0.1"), Place("after", "10.1.0.1", "10.3.0.1")
    checks = [failing("10.20.0.1", where=one), failing("10.30.0.1", where=other), passing("10.4.0.1")]
    assert [finding.where for finding in found(*checks)] == [one, other]


def test_a_next_hop_that_a_sibling_shows_is_everybodys(failing: Make, passing: Make) -> None:
    """Where only some flows know what comes next, and none another, it is said of all."""
    checks = [
        failing("10.20.0.1", where=Place("after", "10.1.0.1")),
        failing("10.20.0.2", where=Place("after", "10.1.0.1", "10.2.0.1")),
        passing("10.4.0.1"),
    ]
    [finding] = found(*checks)
    assert finding.where == Place("after", "10.1.0.1", "10.2.0.1")
    assert "on 10.1.0.1, on 10.2.0.1 or between them" in finding.advice


def test_hosts_right_behind_the_last_hop_are_one_finding(failing: Make, passing: Make) -> None:
    """Each host is what follows for its own flow: that does not part them. It shows the host alive, too."""
    checks = [failing(f"10.20.0.{n}", where=Place("after", "10.1.0.1", f"10.20.0.{n}")) for n in (1, 2, 3)]
    [finding] = found(*checks, passing("10.4.0.1"))
    assert finding.where == Place("after", "10.1.0.1")
    assert "is lost after 10.1.0.1, the last hop before the hosts" in finding.summary
    assert finding.advice == (
        "Open tcp/22 from 10.9.0.7 to 10.20.0.1-3 on 10.1.0.1, in the hosts' own filters or between them."
    )


def test_one_host_that_follows_speaks_for_itself(failing: Make, passing: Make) -> None:
    """Where others of the same place showed nothing beyond, hosts right behind it are not claimed."""
    seen = failing("10.20.0.1", where=Place("after", "10.1.0.1", "10.20.0.1"))
    unseen = [failing(f"10.20.0.{n}", where=Place("after", "10.1.0.1")) for n in (2, 3)]
    [finding] = found(seen, *unseen, passing("10.4.0.1"))
    assert "is lost after 10.1.0.1" in finding.summary
    assert "the last hop before" not in finding.summary


def test_a_siblings_host_is_nobody_elses_next_hop(failing: Make, passing: Make) -> None:
    """A flow that takes its place from a neighbour's trace does not go through that neighbour."""
    place = Place("after", "10.1.0.1", "10.20.0.1")
    [finding] = found(*(failing(f"10.20.0.{n}", where=place) for n in (1, 2, 3)), passing("10.4.0.1"))
    assert finding.where == Place("after", "10.1.0.1")
    assert "before 10.20.0.1" not in finding.summary


def test_one_size_is_one_tunnel(failing: Make, passing: Make) -> None:
    """Wherever the hosts are; another size is another finding."""
    hung = {"layer": Layer.PROTOCOL, "summary": "packets above 994 bytes get lost"}
    checks = [failing(f"10.{n}.0.5", 22, "path.mtu_blackhole", **hung) for n in range(4)]
    other = failing("10.9.0.5", 22, "path.mtu_blackhole", layer=Layer.TLS, summary="above 1280 bytes")
    first, second = found(*checks, other, passing("10.4.0.1"))
    assert first.summary == "tcp/22 to 4 hosts in 4 networks fails: packets above 994 bytes get lost"
    assert second.checks == (other.id,)


def test_one_size_is_one_tunnel_whoever_it_was_tried_for(failing: Make) -> None:
    """Who was not looked at again has the size of who was; the sentence quotes one that is sure."""
    size = Control("mss", 1329, Verdict.PASS, "packets of 1369 bytes pass")
    cause, layer = "path.mtu_blackhole", Layer.TLS
    seen = {"layer": layer, "summary": "packets of 1369 bytes pass, of 1384 do not"}
    heard = {
        "layer": layer,
        "summary": "the TLS handshake did not end in 5.0 s",
        "confidence": Confidence.LIKELY,
    }
    of_another = size._replace(summary="packets of 1369 bytes pass, as tried for local/10.0.0.20/tcp/22")
    checks = [
        failing("10.0.0.1", 22, cause, controls=(of_another,), **heard),
        failing("10.0.0.20", 22, cause, controls=(size._replace(value=536), size), **seen),
        failing("10.0.0.3", 22, cause, controls=(of_another,), **heard),
    ]
    [finding] = found(*checks)
    assert finding.confidence is Confidence.LIKELY
    assert finding.summary.endswith("such as 10.0.0.20: packets of 1369 bytes pass, of 1384 do not")


def test_what_answers_for_others_is_one_finding(failing: Make, passing: Make) -> None:
    """The device is to be looked behind first; the flows are listed below."""
    checks = [failing(f"10.{n}.0.5", 22, "path.middlebox_answers") for n in range(4)]
    [finding] = found(*checks, passing("10.4.0.1"))
    assert "is answered, likely by something in the target's place" in finding.summary
    first, flows = finding.advice.split("\n")
    assert first.endswith("Below are the flows.")
    assert flows == "tcp/22 from 10.9.0.7 to 10.0.0.5, 10.1.0.5, 10.2.0.5, 10.3.0.5"


@pytest.mark.parametrize("traced", [1, 3])
def test_one_proxy_is_one_finding_traced_or_not(failing: Make, passing: Make, traced: int) -> None:
    """Those that were not traced stand with those of their network, in whatever order; others don't."""
    after = {"where": Place("after", "10.1.0.1"), "trace": Trace("tcp-ttl", (Hop(1, "10.1.0.1"),))}
    here, unseen = {**after, "responsible": "customer"}, {"responsible": "undetermined"}
    checks = [
        failing(f"10.20.0.{n}", 22, "path.middlebox_answers", **(here if n < traced else unseen))
        for n in (5, 0, 6, 1, 2, 7)
    ]
    other = failing("10.21.0.5", 22, "path.middlebox_answers", **unseen)
    both = found(*checks, other, passing("10.22.0.1"))
    assert [(one.where, one.responsible, len(one.checks)) for one in both] == [
        (Place("after", "10.1.0.1"), "customer", 6),
        (None, "undetermined", 1),
    ]
    assert (
        "6 hosts in 10.20.0.0/24 is answered, likely by something in the target's place after 10.1.0.1"
        in (both[0].summary)
    )


def test_a_network_whose_handshakes_end_in_two_places_lends_none(failing: Make, passing: Make) -> None:
    """Which of them an untraced one meets is not known."""
    places = (Place("after", "10.1.0.1"), Place("after", "10.1.0.2"), None)
    checks = [
        failing(f"10.20.0.{n}", 22, "path.middlebox_answers", where=where) for n, where in enumerate(places)
    ]
    assert {one.where for one in found(*checks, passing("10.22.0.1"))} == set(places)


def test_a_wrong_answer_is_no_missing_one(failing: Make, passing: Make) -> None:
    """Names that resolve to something else are not called unresolved."""
    given = {"layer": Layer.RESOLVE, "address": None, "summary": "10.0.0.53 says 10.9.9.9"}
    checks = [failing(f"db{n}.acme.example", 22, "dns.mismatch", **given) for n in (1, 2)]
    [finding] = found(*checks, passing("10.4.0.1"))
    assert finding.summary == (
        "the names db1.acme.example and db2.acme.example get wrong answers: 10.0.0.53 says 10.9.9.9"
    )


def test_different_judgements_are_not_lumped(failing: Make, passing: Make) -> None:
    """The same place with another cause, responsible or vantage is another finding."""
    where = {"where": Place("at", "10.1.0.1")}
    checks = [
        failing("10.20.0.1", cause="tcp.rejected", **where),
        failing("10.20.0.2", cause="tcp.no_route", **where),
        failing("10.20.0.3", cause="tcp.rejected", responsible="undetermined", **where),
        failing("10.20.0.4", cause="tcp.rejected", vantage="local", **where),
    ]
    assert len(found(*checks, passing("10.4.0.1"), passing("10.4.0.1", vantage="local"))) == 4


def test_a_rejection_names_its_sender(failing: Make, passing: Make) -> None:
    """The device that signed is in the sentence and in what to do."""
    checks = [
        failing(f"10.20.0.{n}", cause="tcp.rejected", where=Place("at", "10.1.0.1")) for n in (8, 9, 10, 11)
    ]
    [finding] = found(*checks, passing("10.4.0.1"))
    assert finding.summary.startswith("tcp/22 to 4 hosts in 10.20.0.0/24 is rejected by 10.1.0.1")
    assert finding.advice == "Open tcp/22 from 10.9.0.7 to 10.20.0.8/30 on 10.1.0.1, which turns them away."


def test_hosts_that_reject_for_themselves_are_no_firewall_on_the_way(failing: Make, passing: Make) -> None:
    """Four hosts with the same rule of their own: one finding, without a place."""
    checks = [
        failing(f"10.20.0.{n}", 5432, "tcp.rejected", where=Place("at", f"10.20.0.{n}"), groups=("db",))
        for n in (1, 2, 3, 4)
    ]
    [finding] = found(*checks, passing("10.4.0.1"))
    assert finding.where is None
    assert "all 4 hosts of group db (10.20.0.0/24) is rejected by the hosts themselves" in finding.summary
    assert finding.advice.endswith("in the hosts' own firewalls.")


def test_two_services_refused_on_one_host_are_the_hosts(failing: Make, passing: Make) -> None:
    """And two refused on two hosts of the network have nothing in common."""
    same = [failing("10.20.0.1", port, "tcp.refused", target="db01") for port in (22, 5432)]
    [finding] = found(*same, passing("10.20.0.1", 443))
    assert finding.summary == (
        "tcp/22 and tcp/5432 of db01 are refused there: nothing listens, or a filter refuses; "
        "tcp/443 of the same host passes"
    )
    apart = [failing("10.20.0.1", 22, "tcp.refused"), failing("10.20.0.2", 5432, "tcp.refused")]
    assert len(found(*apart, passing("10.20.0.1", 443), passing("10.20.0.2", 443))) == 2


def test_one_service_refused_by_a_group_is_the_groups(failing: Make, passing: Make) -> None:
    """Wherever its hosts stand; a stray refusal elsewhere keeps its own finding."""
    group = {"groups": ("linux-servers",)}
    refused = [failing(f"10.20.{n % 4}.{n}", 5432, "tcp.refused", **group) for n in range(40)]
    stray = failing("10.90.0.1", 5432, "tcp.refused")
    works = passing("10.91.0.1", 5432)
    first, second = found(*refused, stray, works)
    assert first.summary == (
        "tcp/5432 of all 40 hosts of group linux-servers (4 networks) is refused there: "
        "nothing listens, or a filter refuses"
    )
    assert "\n" not in first.advice  # opening a flow repairs no refusal
    assert second.checks == (stray.id,)


def test_silence_without_a_hop_is_split_by_network(failing: Make, passing: Make) -> None:
    """Two dead networks are two findings; a network where nothing answers is called that."""
    dead = [failing(f"10.{net}.0.{n}", port) for net in (5, 6) for n in (1, 2) for port in (22, 443)]
    first, second = found(*dead, passing("10.7.0.1", 22), passing("10.7.0.1", 443))
    assert first.summary == (
        "tcp/22 and tcp/443 to 10.5.0.1 and 10.5.0.2 in 10.5.0.0/24 get no answer; "
        "nothing that was tried in 10.5.0.0/24 answers"
    )
    assert len(second.checks) == 4


def test_a_service_dead_everywhere_is_the_services(failing: Make, passing: Make) -> None:
    """In eight networks, while another service of the same hosts passes: one rule is missing, not eight."""
    [finding] = found(
        *(failing(f"10.{n}.0.5", 5432) for n in range(8)), *(passing(f"10.{n}.0.5") for n in range(8))
    )
    assert (
        finding.summary == "tcp/5432 to 8 hosts in 8 networks gets no answer; tcp/22 of the same hosts passes"
    )


def test_a_host_dead_as_a_whole(failing: Make, passing: Make) -> None:
    """Twelve of twelve, and the neighbour passes."""
    checks = [failing("10.20.0.5", port, target="db01") for port in range(8001, 8013)]
    [finding] = found(*checks, passing("10.20.0.6", target="web01"))
    assert finding.summary == ("12 of 12 checks on db01 get no answer; web01 in the same network passes")
    assert "tcp/8001-8012 from 10.9.0.7 to 10.20.0.5" in finding.advice


def test_the_same_from_another_vantage(failing: Make, passing: Make) -> None:
    """What passes from elsewhere puts the fault on the way from here."""
    [finding] = found(failing("10.20.0.5", target="db01"), passing("10.20.0.5", vantage="local"))
    assert finding.summary == ("db01 tcp/22: no answer to 3 SYNs in 5.0 s; from local the same passes")
    assert finding.advice == "Open it."  # one check's own advice says it best


def test_only_contrast_of_the_same_vantage_counts_for_neighbours(failing: Make, passing: Make) -> None:
    """A neighbour that passes from elsewhere says nothing about the way from here."""
    [finding] = found(failing("10.20.0.5"), passing("10.20.0.6", vantage="local"), passing("10.99.0.1", 443))
    assert finding.summary == "10.20.0.5 tcp/22: no answer to 3 SYNs in 5.0 s"


def test_silence_that_is_due_is_no_contrast(failing: Make, passing: Make) -> None:
    """A flow that must be blocked and is shows no host alive."""
    blocked = passing("10.20.0.6", 3389, expect="blocked", target="kiosk", steps=())
    [finding] = found(failing("10.20.0.5"), blocked, passing("10.99.0.1", 443))
    assert "kiosk" not in finding.summary


def test_answers_of_the_targets_are_grouped_by_their_cause(failing: Make, passing: Make) -> None:
    """Twelve switches without a common algorithm: one finding, nothing to open."""
    checks = [
        failing(f"10.0.{n}.2", 22, "ssh.no_common_algorithm", layer=Layer.PROTOCOL, probe="ssh",
                groups=("switches",), summary="no common key exchange")
        for n in range(12)
    ]  # fmt: skip
    [finding] = found(*checks, passing("10.4.0.1"))
    assert finding.summary == (
        "ssh/22 to all 12 hosts of group switches (12 networks) fails: no common key exchange"
    )
    assert "\n" not in finding.advice


def test_names_are_grouped_by_their_zone(failing: Make, passing: Make) -> None:
    """Four names of one zone, and one of another."""
    gone = {"cause": "dns.nxdomain", "layer": Layer.RESOLVE, "address": None, "summary": "NXDOMAIN"}
    checks = [failing(f"db{n}.acme.example", **gone) for n in range(4)]
    first, second = found(*checks, failing("www.other.example", **gone), passing("10.4.0.1"))
    assert first.summary == "the names of 4 hosts in acme.example are not resolved: NXDOMAIN"
    assert second.checks == ("dc-connector/www.other.example/tcp/22",)


@pytest.mark.parametrize("cause", ["tcp.filtered", "tcp.rejected"])
def test_every_address_of_a_name_is_in_the_flow(cause: str, failing: Make, passing: Make) -> None:
    """A name with two dead addresses needs both opened; one that passes needs nothing."""
    tried = (
        AddressRecord("10.20.0.5", Verdict.FAIL, cause, Layer.CONNECT, "", 5.0),
        AddressRecord("10.20.0.6", Verdict.FAIL, cause, Layer.CONNECT, "", 5.0),
        AddressRecord("10.20.0.7", Verdict.PASS, None, None, "", 0.1),
        AddressRecord("2001:db8::1", Verdict.SKIP, None, None, "no route to it", None),
    )
    [finding] = found(failing("10.20.0.5", cause=cause, addresses=tried), passing("10.4.0.1"))
    assert "tcp/22 from 10.9.0.7 to 10.20.0.5-6 " in finding.advice


def test_what_must_not_be_open_is_to_be_blocked(failing: Make, passing: Make) -> None:
    """The flows of a policy's breach are listed to be closed."""
    checks = [
        failing(f"10.20.0.{n}", 3389, "policy.unexpectedly_open", expect="blocked", layer=Layer.POLICY)
        for n in (1, 2)
    ]
    [finding] = found(*checks, passing("10.4.0.1"))
    assert finding.advice.startswith("Block tcp/3389 from 10.9.0.7 to 10.20.0.1-2 in the firewall")


def test_a_vantage_that_reaches_nothing_is_one_finding(failing: Make) -> None:
    """Forty targets, and not even a first hop. Routers that never answer are no evidence against anybody."""
    [finding] = found(*(failing(f"10.{n}.0.5", trace=DEAF) for n in range(40)))
    assert finding.summary == (
        "nothing at all is reachable from dc-connector (10.1.0.9): 40 of 40 checks fail, "
        "to 40 hosts in 40 networks; all get no answer, and no hop on the way answers"
    )
    assert finding.advice == (
        "Look at the connection of dc-connector (10.1.0.9) itself first: link, address, default route."
    )
    assert (finding.responsible, finding.confidence) == ("undetermined", Confidence.LIKELY)


def test_a_gateway_that_is_gone_is_the_vantages(failing: Make) -> None:
    """The vantage's own kernel gives up: nobody answers as its next hop."""
    here = {"where": Place("at", "10.9.0.7"), "trace": DEAF}
    [finding] = found(*(failing(f"10.{n}.0.5", 22, "tcp.host_down", **here) for n in range(3)))
    assert finding.summary.endswith(
        "all are called unreachable by the vantage itself: nobody answers as the next hop"
    )
    assert finding.responsible == "operator"
    assert finding.advice.startswith("Look at the connection of dc-connector (10.1.0.9) itself first")


def test_silent_neighbours_do_not_blame_the_vantage(failing: Make) -> None:
    """Hosts of one network with filters of their own: there is no router between that could answer."""
    dead = {"where": Place("at", "10.9.0.7"), "trace": DEAF}
    for cause, changes in (("tcp.filtered", {"trace": DEAF}), ("tcp.host_down", dead)):
        [finding] = found(*(failing(f"10.9.0.{n}", 22, cause, **changes) for n in (11, 12, 13)))
        assert finding.responsible == "customer"
        assert "nothing at all" not in finding.summary


def test_without_a_trace_nobody_is_named(failing: Make) -> None:
    """That no hop is known because nobody looked is no evidence against the operator."""
    [finding] = found(*(failing(f"10.{n}.0.5") for n in range(3)))
    assert finding.responsible == "undetermined"


def test_nobody_is_asked_to_start_hosts_behind_a_dead_gateway(failing: Make) -> None:
    """One cause, and one place, this very host: its connection, and the network's people."""
    dead = {"where": Place("at", "10.9.0.7"), "trace": DEAF, "owner": UNIX}
    [finding] = found(*(failing(f"10.{n}.0.5", 22, "tcp.host_down", **dead) for n in range(5)))
    assert finding.advice.startswith("Look at the connection of dc-connector")
    assert "first hop" not in finding.advice
    assert finding.ask == "network"


def test_what_must_stay_blocked_is_not_asked_to_be_opened(failing: Make) -> None:
    """Beside an outage, and on its own: what must answer is to be tried, nothing is to be opened."""
    blocked = {
        "expect": "blocked",
        "verdict": Verdict.ERROR,
        "advice": "Try what must answer.",
        **AFTER_FIRST,
    }
    errors = [failing(f"10.20.0.{n}", 3389, **blocked) for n in (7, 8)]
    [finding] = found(*(failing(f"10.20.0.{n}", n, **AFTER_FIRST) for n in (1, 2, 3)), *errors)
    assert "tcp/1 from" in finding.advice
    assert "3389" not in finding.advice
    [alone] = found(*errors)
    assert alone.advice == "Try what must answer."


def test_an_undetermined_outage_names_nobody(failing: Make) -> None:
    """As any judgement that the evidence does not carry."""
    doubtful = [failing(f"10.{n}.0.5", trace=DEAF, confidence=Confidence.UNDETERMINED) for n in range(3)]
    [finding] = found(*doubtful)
    assert (finding.responsible, finding.confidence) == ("undetermined", Confidence.UNDETERMINED)


def test_all_lost_after_the_first_hop(failing: Make) -> None:
    """Two ports of one network are enough: on the doorstep. The records say who acts, flows are listed."""
    ports = {1: 22, 2: 22, 3: 22, 4: 5432}
    [finding] = found(*(failing(f"10.20.0.{n}", ports[n], owner=UNIX, **AFTER_FIRST) for n in ports))
    assert finding.summary.endswith("all are lost after 10.1.0.1, its first hop")
    assert (finding.responsible, finding.where) == ("customer", Place("after", "10.1.0.1"))
    assert "(first hop 10.1.0.1)" in finding.advice
    assert "tcp/22 from 10.9.0.7 to 10.20.0.1-3" in finding.advice


def test_one_port_of_one_network_is_a_rule_and_no_outage(failing: Make) -> None:
    """It may be one line of a firewall that is the first hop: the ordinary finding, by its place."""
    [finding] = found(*(failing(f"10.20.0.{n}", **AFTER_FIRST) for n in (1, 2, 3, 4)))
    assert "nothing at all" not in finding.summary
    assert finding.where == Place("after", "10.1.0.1")


@pytest.mark.parametrize(
    ("cause", "ends"), [("tcp.filtered", ", lost after"), ("path.middlebox_answers", ", answered after")]
)
def test_what_something_answers_is_not_lost(cause: str, ends: str, failing: Make, passing: Make) -> None:
    """A handshake that something completes behind a hop did not get lost there."""
    [finding] = found(failing("10.20.0.5", 22, cause, where=Place("after", "10.3.0.1")), passing("10.4.0.1"))
    assert f"{ends} 10.3.0.1" in finding.summary


def test_records_that_disagree_name_nobody(failing: Make) -> None:
    """Of a vantage's outage, as of anything else."""
    both = ("customer", "vendor")
    [finding] = found(*(failing(f"10.{n}.0.5", responsible=both[n % 2], **AFTER_FIRST) for n in range(4)))
    assert finding.responsible == "undetermined"


def test_different_causes_of_one_outage_are_counted(failing: Make) -> None:
    """The commonest is the finding's cause."""
    checks = [failing(f"10.{n}.0.5", trace=DEAF) for n in range(3)]
    [finding] = found(*checks, failing("db.example", cause="dns.timeout", address=None, layer=Layer.RESOLVE))
    assert finding.cause == "tcp.filtered"
    assert "4 of 4 checks fail" in finding.summary
    assert "3 with tcp.filtered and 1 with dns.timeout" in finding.summary


@pytest.mark.parametrize(
    "sign",
    [
        {"verdict": Verdict.PASS, "cause": None},
        {"verdict": Verdict.WARN, "cause": "path.unstable"},
        {"verdict": Verdict.FAIL, "cause": "tcp.refused"},
        {"verdict": Verdict.FAIL, "cause": "tcp.rejected", "where": Place("at", "10.50.0.1")},
        {"verdict": Verdict.FAIL, "cause": "tls.expired", "layer": Layer.TLS},
        {"where": Place("after", "10.1.0.1", "10.50.0.1")},
        {"controls": (Control("port", 41873, Verdict.FAIL, "in any words", "tcp.refused"),)},
        {"verdict": Verdict.SKIP, "cause": "credential.missing", "steps": CONNECTED},
    ],
)  # fmt: skip
def test_one_answer_and_the_vantage_is_not_to_blame(sign: dict[str, Any], failing: Make) -> None:
    """Whatever a target sent back, packets get out and return."""
    checks = [failing(f"10.{n}.0.5", trace=DEAF) for n in range(8)]
    answer = failing("10.50.0.1", **sign)
    assert not any("nothing at all" in finding.summary for finding in found(*checks, answer))


def test_few_failures_are_not_everywhere(failing: Make) -> None:
    """Two targets, or many of one network without a known place, say nothing about the vantage."""
    two = [failing("10.1.0.5", trace=DEAF), failing("10.2.0.5", trace=DEAF)]
    one_network = [failing(f"10.20.0.{n}", where=Place("after", "10.2.0.1")) for n in range(9)]
    for checks in (two, one_network):
        assert not any("nothing at all" in finding.summary for finding in found(*checks))


def test_a_router_that_looked_for_hosts_was_reached(failing: Make) -> None:
    """Dead hosts behind the first hop are no fault of the vantage's own connection."""
    dead = {"where": Place("at", "10.1.0.1"), "trace": Trace("tcp-ttl", (Hop(1, "10.1.0.1"),))}
    [finding] = found(*(failing(f"10.{n}.0.5", 22, "tcp.host_down", **dead) for n in range(4)))
    assert finding.summary == "tcp/22 to 4 hosts in 4 networks is called unreachable by 10.1.0.1"


def test_an_outage_at_one_place_further_out(failing: Make) -> None:
    """Nothing is reachable, and one device says that it is the reason: there the flows are to be opened."""
    where = {"where": Place("at", "10.3.0.1")}
    [finding] = found(*(failing(f"10.{n}.0.5", 22, "tcp.rejected", **where) for n in range(3)))
    assert finding.summary.endswith("all are rejected by 10.3.0.1")
    assert finding.advice == (
        "Open tcp/22 from 10.9.0.7 to 10.0.0.5, 10.1.0.5, 10.2.0.5 on 10.3.0.1, which turns them away."
    )


def test_different_places_far_out_are_different_faults(failing: Make) -> None:
    """Each keeps its place, though nothing answers: the vantage's own link carries packets."""
    places = [Place("after", "10.1.0.1"), Place("at", "10.2.0.1"), Place("after", "10.3.0.1")]
    checks = [failing(f"10.{n}.0.5", where=place) for n, place in enumerate(places)]
    assert [finding.where for finding in found(*checks)] == places


def test_names_that_are_not_resolved_are_no_outage(failing: Make) -> None:
    """Nothing was sent to the targets; the resolver is what they share."""
    gone = {"cause": "dns.timeout", "layer": Layer.RESOLVE, "address": None}
    [finding] = found(*(failing(f"db.zone{n}.example", **gone) for n in range(5)))
    assert "not resolved" in finding.summary
    assert "nothing at all" not in finding.summary


@pytest.mark.parametrize("cause", ["vantage.blocked_locally", "tcp.no_route"])
def test_what_this_machine_refuses_is_the_operators(cause: str, failing: Make) -> None:
    """A local rule or a missing route, of all it tried: certain, for the machine itself says so."""
    [finding] = found(*(failing(f"10.{n}.0.5", cause=cause) for n in range(3)))
    assert (finding.responsible, finding.confidence) == ("operator", Confidence.CERTAIN)


def test_what_was_never_sent_is_no_outage(failing: Make) -> None:
    """A vantage that does not stand for the flow sent nothing; it is one finding of its own."""
    given = {"cause": "vantage.not_the_origin", "verdict": Verdict.ERROR, "responsible": "operator"}
    [finding] = found(*(failing(f"10.{n}.0.5", **given, summary="it is not asked") for n in range(3)))
    assert "could not be checked: it is not asked" in finding.summary


def test_another_vantage_is_not_drawn_in(failing: Make, passing: Make) -> None:
    """One vantage reaches nothing, the other has a failure of its own."""
    dead = [failing(f"10.{n}.0.5", trace=DEAF) for n in range(3)]
    well = [passing("10.1.0.5", vantage="local"), failing("10.2.0.5", vantage="local")]
    first, second = found(*dead, *well)
    assert "from local 1 of them pass" in first.summary
    assert second.checks == ("local/10.2.0.5/tcp/22",)


def test_accepted_failures_passes_and_warnings_make_no_finding(failing: Make, passing: Make) -> None:
    """Nobody has to act on them for the run to count as good."""
    accepted = failing("10.1.0.5", accepted=Accepted("2026-12-31", "CHG-1", "ops"))
    warned = [passing(f"10.2.0.{n}", verdict=Verdict.WARN, cause="path.unstable") for n in range(9)]
    assert found(accepted, *warned, passing("10.3.0.1")) == ()


def test_the_weakest_confidence_is_the_findings(failing: Make, passing: Make) -> None:
    """One guess among three proofs, and the whole is a guess."""
    checks = [failing(f"10.20.0.{n}") for n in (1, 2)]
    guess = failing("10.20.0.3", confidence=Confidence.UNDETERMINED)
    [finding] = found(*checks, guess, passing("10.4.0.1"))
    assert finding.confidence is Confidence.UNDETERMINED


def test_the_widest_comes_first_then_the_inventorys_order(failing: Make, passing: Make) -> None:
    """And each finding's checks are in that order too."""
    checks = [
        failing("10.1.0.1"),
        failing("10.2.0.1", cause="tcp.refused"),
        *(failing(f"10.3.0.{n}", 22 + n % 2) for n in range(6)),
    ]
    first, *rest = found(*checks, passing("10.4.0.1"), passing("10.4.0.1", 23))
    assert first.checks == tuple(check.id for check in checks[2:])
    assert [finding.checks for finding in rest] == [(checks[0].id,), (checks[1].id,)]


def test_every_failure_is_in_one_finding(failing: Make, passing: Make) -> None:
    """None is lost and none told twice, however they overlap."""
    groups = [(), ("a",), ("a", "b"), ("b",)]
    causes = ["tcp.filtered", "tcp.refused", "tls.expired", "dns.nxdomain"]
    checks = [
        failing(f"10.{n % 5}.0.{n % 17}", 22 + n % 3, causes[n % 4], groups=groups[n % 4], target=f"t{n}")
        for n in range(300)
    ]
    told = [check for finding in found(*checks, passing("10.4.0.99")) for check in finding.checks]
    assert sorted(told) == sorted(check.id for check in checks)


def test_a_fleet_is_grouped_in_linear_time(failing: Make, passing: Make) -> None:
    """Ten times as many failures take about ten times as long, not a hundred times."""
    one = failing("10.0.0.1", groups=("fleet",))

    def fleet(size: int) -> list[CheckRecord]:
        hosts = (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(size))
        return [one._replace(id=host, target=host, address=host) for host in hosts]

    def took(checks: list[CheckRecord]) -> float:
        began = time.process_time()
        assert len(findings(checks)) == 2
        return time.process_time() - began

    small = [*fleet(2_000), passing("10.200.0.1"), failing("10.201.0.1", 443, "tcp.refused")]
    large = [*fleet(20_000), *small[-2:]]
    assert took(large) < 40 * max(took(small), 0.005)


@pytest.mark.parametrize("confidence", [Confidence.CERTAIN, Confidence.LIKELY])
@pytest.mark.parametrize("number", [1, 2])
def test_an_unsure_refusal_may_be_a_firewalls(
    confidence: Confidence, number: int, failing: Make, passing: Make
) -> None:
    """Where nothing tells who sent the RST, the service may well run."""
    refused = [failing(f"10.20.0.{n}", 22, "tcp.refused", confidence=confidence) for n in range(number)]
    [finding] = found(*refused, passing("10.4.0.1"))
    assert ("a firewall on the way" in finding.advice) is (confidence is Confidence.LIKELY)


def decrypted(failing: Make, host: str, issuer: str = "CN=Gateway", /, **changes: Any) -> CheckRecord:
    """A public name that something signs for."""
    facts = {"tls": {"known_publicly": False, "chain": [{"issuer": issuer}]}}
    given = {"cause": "tls.intercepted", "layer": Layer.TLS, "host": host, "target": host, "facts": facts}
    return failing("203.0.113.7", 443, **{**given, **changes})


def test_a_name_with_a_decrypted_address_is_not_exempt(failing: Make, passing: Make) -> None:
    """Nor is one of which another service is decrypted."""
    plain = {"tls": {"known_publicly": True, "chain": [{"issuer": "CN=Public"}]}}
    names = ("relay.vault.example", "acme.vault.example", "login.sso.test")
    open_ones = [passing(f"203.0.113.{n}", 8443, host=name, facts=plain) for n, name in enumerate(names)]
    dead = AddressRecord("203.0.113.9", Verdict.FAIL, "tls.intercepted", Layer.TLS, "x", 0.1)
    some = failing(
        "203.0.113.8",
        51445,
        "path.some_addresses_dead",
        host="relay.vault.example",
        facts=plain,
        addresses=(dead,),
    )
    found = findings([decrypted(failing, "acme.vault.example"), some, *open_ones])
    [one] = [each for each in found if each.cause == "tls.intercepted"]
    assert one.summary.endswith("not decrypted: login.sso.test")
    [other] = [each for each in found if each.cause == "path.some_addresses_dead"]
    assert other.advice.startswith("Exempt relay.vault.example:51445 from TLS inspection")
    assert "on the device that decrypts" in other.advice


def test_what_was_not_sent_is_not_counted(failing: Make) -> None:
    """Two checks that could not be made, of none that was."""
    unmade = [
        failing("10.0.0.1", 22, "probe.unsupported", verdict=Verdict.ERROR, name=name, responsible="operator")
        for name in ("a", "b")
    ]
    [one] = findings(unmade)
    assert " of 0 " not in one.summary
    assert one.summary.startswith("2 checks on 10.0.0.1")


def test_what_works_through_a_proxy_is_up(failing: Make) -> None:
    """The direct way is closed, and no host has to be looked after."""
    facts = {"works_through": "http://10.0.0.9:3128"}
    lost = [
        failing(f"203.0.113.{n}", 443, flow="user-to-saas", facts=facts, target=f"saas{n}") for n in (1, 2, 3)
    ]
    [one] = findings(lost)
    assert (
        "through the proxy http://10.0.0.9:3128 they work, which the vendor does not support" in one.summary
    )
    assert "hosts are up" not in one.advice


def test_what_is_seen_through_one_proxy_is_of_several_hosts(failing: Make) -> None:
    """The address is the proxy's, and no host's."""
    behind = [
        decrypted(failing, f"{name}.vault.example", address="10.0.0.9", facts=facts)
        for name in ("a", "b")
        for facts in [{"proxy": "http://10.0.0.9:3128", "tls": {"chain": [{"issuer": "CN=Gateway"}]}}]
    ]
    [one] = findings(behind)
    assert one.summary.startswith(
        "tcp/443 to a.vault.example and b.vault.example in vault.example is decrypted"
    )


def test_a_server_that_misleads_is_one_finding(failing: Make) -> None:
    """Whatever the zones of the names: who invents answers does so for all."""
    names = ["a.one.test", "b.two.test", "c.three.test", "d.four.test"]
    liars = ["10.0.0.53", "10.0.0.53", "10.0.0.53", "10.0.0.54"]
    wrong = [
        failing(
            name,
            53,
            "dns.hijacked",
            layer=Layer.RESOLVE,
            address=None,
            facts={"misled_by": liar},
            summary=f"{liar} answers 10.9.9.9, as it does for names that can't exist",
        )
        for name, liar in zip(names, liars, strict=True)
    ]
    first, second = findings(wrong)
    assert first.summary.startswith(
        "the names a.one.test, b.two.test and c.three.test get wrong answers: 10.0.0.53"
    )
    assert second.checks == (wrong[3].id,)


def test_what_one_proxy_refuses_is_one_finding(failing: Make) -> None:
    """Whatever the service: by the proxy, and not by the address that all of them seem to have."""
    facts = {"proxy": "http://10.0.0.9:3128"}
    wants = "the proxy http://10.0.0.9:3128 wants a login (Basic)"
    asked = (("a", 443), ("b", 443), ("a", 80), ("c", 51445), ("d", 443))
    checks = [
        failing(
            "10.0.0.9",
            port,
            "proxy.auth_required",
            target=target,
            host=f"{target}.example",
            facts=facts,
            summary=wants,
        )
        for target, port in asked
    ]
    elsewhere = failing(
        "10.0.0.8", 443, "proxy.auth_required", target="e", facts={"proxy": "http://10.0.0.8:3128"}
    )
    first, second = findings([*checks, elsewhere])
    assert first.summary == f"tcp/443, tcp/80 and tcp/51445 of 4 targets fail: {wants}"
    assert first.advice.startswith("Exempt the 5 services below from the proxy")
    assert first.advice.endswith(
        "\na.example:443, b.example:443, a.example:80, c.example:51445, d.example:443"
    )
    assert second.checks == (elsewhere.id,)


def test_decrypted_names_are_one_request(failing: Make, passing: Make) -> None:
    """To exempt all of them, with the device's own name, and what is not decrypted beside them."""
    plain = {"tls": {"known_publicly": True, "chain": [{"issuer": "CN=Public"}]}}
    open_one = passing("203.0.113.9", 443, host="login.sso.test", target="sso", facts=plain)
    names = [f"node-{number}.vault.example" for number in range(1, 6)]
    [found] = findings([*(decrypted(failing, name) for name in names), open_one])
    first, second = found.advice.split("\n")
    assert first.startswith("Exempt the 5 services below from TLS inspection")
    assert "CN=Gateway" in first
    assert second == ", ".join(f"{name}:443" for name in names)
    assert "not decrypted: login.sso.test" in found.summary
    assert found.ask == "network"


def test_two_devices_that_decrypt_are_two_findings(failing: Make) -> None:
    """Each signs by its own name."""
    found = findings([decrypted(failing, "a.example"), decrypted(failing, "b.example", "CN=Other")])
    assert len(found) == 2
    assert "no public name that was tried is left undecrypted" in found[0].summary


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("operator", "Set this host's clock by NTP"),
        ("customer", "Set the clock of"),
        ("undetermined", "Compare both clocks with a third"),
    ],
)
def test_several_clocks_that_differ(failing: Make, who: str, words: str) -> None:
    """The advice says which to set, where that is known."""
    skewed = [failing(f"10.20.0.{n}", 123, "clock.skew", responsible=who) for n in (5, 6)]
    assert all(one.advice.startswith(words) for one in found(*skewed))
