"""Who acts: the table is complete, follows the published split, and names nobody without evidence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from netcheck.diagnosis.acts import HERE, OURS, SIDES, THERE, Case, Owned, Owners, acts, deciding, table
from netcheck.diagnosis.catalogue import all_entries, entry
from netcheck.inventory.model import FLOWS
from netcheck.record import RESPONSIBLE, Place
from probes.codes import ALL_CODES
from probes.contract import Confidence

OWNERS = Owners({"customer": ("10.0.0.0/8", "2001:db8:1::/48"), "vendor": ("203.0.113.0/24", "10.9.0.0/16")})
TO_TARGETS = ("vault-to-target", "user-to-target", "vault-to-service")
TO_SAAS = ("user-to-saas", "connector-to-saas")
CUSTOMERS, VENDORS, NOBODYS = "10.1.0.1", "203.0.113.1", "198.51.100.1"
ENTRIES = (*all_entries(), entry("x-acme.licence_missing"))


def cases() -> Iterator[Case]:
    """Every flow with every evidence that there can be."""
    places = [(place, None, None) for place in ("none", HERE, OURS, THERE)]
    places += [(place, hop, None) for place in ("at", "loop") for hop in SIDES]
    places += [("after", hop, following) for hop in SIDES for following in SIDES]
    for flow, confidence, place in itertools.product(FLOWS, Confidence, places):
        yield Case(flow, confidence, *place)


def who(code: str, flow: str, where: Place | None = None) -> str:
    return acts(entry(code), flow, Confidence.CERTAIN, where, OWNERS).who


@pytest.mark.parametrize("found", [pytest.param(found, id=found.code) for found in ENTRIES])
def test_every_case_has_a_rule(found) -> None:
    """Whatever the evidence, a rule decides, and its answer is one of the four."""
    assert {deciding(found, case).who for case in cases()} <= set(RESPONSIBLE)


def test_every_rule_decides_something() -> None:
    """No rule is hidden behind those above it."""
    decided = {deciding(found, case) for found in ENTRIES for case in cases()}
    assert decided == set(table().rules)


def test_the_table_names_only_what_exists() -> None:
    """Families, codes, flows and sides of the rules are known, and every code's family is there."""
    named, families = {word for rule in table().rules for word in rule.of}, set(table().families)
    assert named <= families | set(ALL_CODES)
    assert {found.family for found in ENTRIES} == families
    assert {flow for rule in table().rules for flow in rule.flows} == set(FLOWS)
    sides = {side for rule in table().rules for side in (rule.hop, rule.next)}
    assert sides <= {*SIDES, None}


@pytest.mark.parametrize("found", [pytest.param(found, id=found.code) for found in ENTRIES])
def test_an_undetermined_finding_names_nobody(found) -> None:
    """Without a cause that the evidence settles, nobody is to blame, whatever the place."""
    for case in cases():
        if case.confidence is Confidence.UNDETERMINED:
            assert deciding(found, case).who == "undetermined"


@pytest.mark.parametrize(
    ("code", "flow", "expected"),
    [
        ("tcp.filtered", "vault-to-target", "customer"),
        ("tcp.refused", "vault-to-target", "customer"),
        ("path.middlebox_answers", "vault-to-target", "undetermined"),
        ("tcp.filtered", "user-to-saas", "undetermined"),
        ("tcp.filtered", "connector-to-saas", "undetermined"),
        ("tcp.refused", "user-to-saas", "undetermined"),
        ("tcp.no_route", "connector-to-saas", "undetermined"),
        ("tls.untrusted", "user-to-saas", "undetermined"),
        ("tls.expired", "vault-to-target", "customer"),
        ("tls.expired", "user-to-saas", "vendor"),
        ("dns.timeout", "user-to-saas", "customer"),
        ("dns.nxdomain", "user-to-saas", "undetermined"),
        ("proxy.refused", "connector-to-saas", "customer"),
        ("tls.intercepted", "user-to-saas", "customer"),
        ("path.unstable", "vault-to-target", "undetermined"),
        ("path.slow", "user-to-saas", "undetermined"),
        ("policy.unexpectedly_open", "user-to-target", "customer"),
        ("vantage.blocked_locally", "vault-to-target", "operator"),
        ("credential.missing", "vault-to-target", "operator"),
        ("probe.crashed", "user-to-saas", "operator"),
        ("x-acme.licence_missing", "vault-to-target", "undetermined"),
    ],
)
def test_without_a_place_the_published_split_decides(code: str, flow: str, expected: str) -> None:
    """The customer answers for the network and the targets, the vendor only where the code proves it."""
    assert who(code, flow) == expected


@pytest.mark.parametrize("flow", TO_TARGETS)
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Place("at", CUSTOMERS), "customer"),
        (Place("at", NOBODYS), "customer"),
        (Place("at", VENDORS), "vendor"),
        (Place("at", "10.9.3.1"), "vendor"),
        (Place("after", CUSTOMERS), "customer"),
        (Place("after", CUSTOMERS, "10.2.0.1"), "customer"),
        (Place("after", NOBODYS), "customer"),
        (Place("after", VENDORS, "203.0.113.9"), "vendor"),
        (Place("after", VENDORS), "undetermined"),
        (Place("after", VENDORS, NOBODYS), "undetermined"),
        (Place("after", VENDORS, CUSTOMERS), "undetermined"),
        (Place("after", CUSTOMERS, VENDORS), "undetermined"),
        (Place("after", NOBODYS, VENDORS), "undetermined"),
    ],
)
def test_the_way_to_a_target_is_the_customers_but_for_the_vendors_own_hops(
    flow: str, where: Place, expected: str
) -> None:
    """Inside the vendor's networks the vendor acts; at their border nobody is named."""
    assert who("tcp.filtered", flow, where) == expected


@pytest.mark.parametrize("flow", TO_SAAS)
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Place("at", CUSTOMERS), "customer"),
        (Place("at", VENDORS), "vendor"),
        (Place("at", NOBODYS), "undetermined"),
        (Place("after", CUSTOMERS, "10.2.0.1"), "customer"),
        (Place("after", CUSTOMERS, VENDORS), "undetermined"),
        (Place("after", CUSTOMERS, NOBODYS), "undetermined"),
        (Place("after", CUSTOMERS), "undetermined"),
        (Place("after", VENDORS, CUSTOMERS), "undetermined"),
        (Place("after", VENDORS, NOBODYS), "vendor"),
        (Place("after", VENDORS), "vendor"),
        (Place("after", NOBODYS), "undetermined"),
        (Place("after", NOBODYS, VENDORS), "undetermined"),
    ],
)
def test_on_the_way_to_the_service_the_place_decides(flow: str, where: Place, expected: str) -> None:
    """Who owns the hop acts; where that is not known, nobody is named."""
    assert who("tcp.filtered", flow, where) == expected


@pytest.mark.parametrize("code", ["tls.untrusted", "dns.nxdomain", "http.status", "path.slow", "auth.failed"])
def test_a_place_says_nothing_of_what_was_answered(code: str) -> None:
    """Where packets end explains a connection, not an answer that came."""
    assert who(code, "user-to-saas", Place("after", VENDORS)) == who(code, "user-to-saas")


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize(
    ("cycle", "expected"),
    [
        ((CUSTOMERS, "10.2.0.1"), "customer"),
        ((VENDORS, "203.0.113.9"), "vendor"),
        ((CUSTOMERS, VENDORS), "undetermined"),
        ((VENDORS, CUSTOMERS), "undetermined"),
        ((NOBODYS, "198.51.100.2"), "undetermined"),
        ((VENDORS,), "undetermined"),
    ],
)
def test_of_a_routing_loop_only_a_side_that_owns_all_of_it_acts(
    flow: str, cycle: tuple[str, ...], expected: str
) -> None:
    """Who of them is met last depends on the time to live that a packet begins with; nobody rejects."""
    found = acts(entry("tcp.no_route"), flow, Confidence.LIKELY, Place("at", cycle[0], cycle=cycle), OWNERS)
    assert found.who == expected
    assert "signed" not in found.why


def test_without_declared_networks_no_hop_names_anybody_on_the_way_to_the_service() -> None:
    """The same place, and an inventory without `networks`."""
    for where in (Place("at", CUSTOMERS), Place("after", VENDORS, "203.0.113.9")):
        found = acts(entry("tcp.filtered"), "user-to-saas", Confidence.CERTAIN, where, Owners())
        assert found.who == "undetermined"
        assert where.address in found.why


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (
            Place("at", CUSTOMERS),
            "who acts: customer, because 10.1.0.1 signed the rejection, and 10.0.0.0/8 is in"
            " `networks: customer`",
        ),
        (
            Place("at", NOBODYS),
            "who acts: nobody can be named yet, because 198.51.100.1 signed the rejection, and no network of"
            " `networks` has it: ask whose it is, and declare it",
        ),
        (
            Place("after", "2001:db8:1::1", "10.2.0.1"),
            "who acts: customer, because the last hop that answers is 2001:db8:1::1, and a flow beside it"
            " goes on from there to 10.2.0.1, both in `networks: customer` (2001:db8:1::/48, 10.0.0.0/8)",
        ),
    ],
)
def test_the_sentence_quotes_the_evidence(where: Place, sentence: str) -> None:
    """Addresses and the networks that declare them stand in it."""
    found = acts(entry("tcp.rejected"), "user-to-saas", Confidence.CERTAIN, where, OWNERS)
    assert found.sentence == sentence


@pytest.mark.parametrize(
    ("address", "owned"),
    [
        ("10.1.0.1", Owned("customer", "10.0.0.0/8")),
        ("10.9.0.1", Owned("vendor", "10.9.0.0/16")),
        ("198.51.100.1", Owned()),
        ("2001:db8:1::9", Owned("customer", "2001:db8:1::/48")),
        ("fe80::1%eth0", Owned()),
    ],
)
def test_the_longest_prefix_says_whose_a_hop_is(address: str, owned: Owned) -> None:
    """IPv4, IPv6, with an interface or without; nobody's where nothing is declared."""
    assert OWNERS.of(address) == owned


def test_a_network_that_both_sides_declare_is_nobodys() -> None:
    """Two declarations that contradict each other prove nothing; a longer prefix still does."""
    both = Owners({"customer": ("10.0.0.0/8", "10.1.0.0/16"), "vendor": ("10.0.0.0/8",)})
    assert both.of("10.2.0.1") == Owned()
    assert both.of("10.1.0.1") == Owned("customer", "10.1.0.0/16")


def test_no_sentence_takes_the_next_hop_of_another_flow_for_its_own() -> None:
    """The sibling that showed the next hop may take another path: the sentence says what is known."""
    naming = [rule for rule in table().rules if "{next}" in rule.why]
    assert naming
    assert all("a flow beside it goes on" in rule.why for rule in naming)


@pytest.mark.parametrize(("before", "doubt"), [("203.0.113.2", False), (None, True)])
def test_the_vendors_hop_is_evidence_but_answers_may_get_lost(before: str | None, doubt: bool) -> None:
    """Without an answer from beyond it, the flow may go on, and the way back be at fault."""
    owners = Owners({"vendor": ("203.0.113.0/24",)})
    place = Place("after", "203.0.113.1", before)
    said = acts(entry("tcp.filtered"), "user-to-saas", Confidence.CERTAIN, place, owners)
    assert said.who == "vendor"
    assert ("get lost on their way back" in said.why) is doubt


@pytest.mark.parametrize("flow", FLOWS)
def test_who_is_slow_to_answer(flow: str) -> None:
    """A target that speaks late, for sure, is the customer's; once only it may have been by chance."""
    assert who("protocol.slow", flow) == ("customer" if flow in TO_TARGETS else "undetermined")
    assert acts(entry("protocol.slow"), flow, Confidence.LIKELY, None, OWNERS).who == "undetermined"
