"""A judged check as its record: the place, who acts, the advice, and what the second look adds."""

from __future__ import annotations

import datetime

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.acts import Owners
from netcheck.diagnosis.judge import judge
from netcheck.diagnosis.write import Writer
from netcheck.record import CheckRecord, Control, Hop, Place, Trace
from probes import tcp, tls
from probes.contract import Ascent, Caution, Confidence, Layer, Outcome, Step, Target, Timing, Verdict

TERMS = Terms("local", "declared", "vault-to-target", "tcp", 22, tcp.Settings(), Timing())
WRITER = Writer(datetime.date(2026, 11, 24), Owners({"vendor": ("203.0.113.0/24",)}))
GOOD = Ascent("10.0.0.1", Verdict.PASS, (Step(Layer.CONNECT, Verdict.PASS),))
SILENT = Ascent(
    "10.0.0.1", Verdict.FAIL, (), "tcp.filtered", Layer.CONNECT, summary="silence", evidence=("3 SYNs",)
)
SIGNED = SILENT._replace(cause="tcp.rejected", signed_by="203.0.113.1")


def record(ascent: Ascent, flow: str = "vault-to-target", **more) -> CheckRecord:
    check = Check("db01", "10.0.0.1", TERMS._replace(flow=flow))
    outcome = Outcome(None, (ascent,))
    judgement = judge(check, outcome)._replace(confidence=more.pop("confidence", Confidence.CERTAIN))
    return WRITER.record(check, outcome, judgement, **more)


def test_a_pass_has_nobody_who_acts() -> None:
    """Nothing is to be done, and nothing is said of it."""
    written = record(GOOD)
    assert (written.responsible, written.evidence, written.where) == (None, (), None)


def test_who_acts_is_the_last_sentence_of_the_evidence() -> None:
    """After the proofs; the record's `responsible` says the same."""
    written = record(SILENT)
    assert written.responsible == "customer"
    assert written.evidence[:-1] == ("3 SYNs",)
    assert written.evidence[-1].startswith("who acts: customer, because ")


def test_who_signed_a_rejection_is_the_place_where_none_is_given() -> None:
    """The kernel's error queue named it on the first look."""
    written = record(SIGNED)
    assert written.where == Place("at", "203.0.113.1")
    assert written.responsible == "vendor"
    assert "on 203.0.113.1, which signed the rejection" in (written.advice or "")


def test_the_place_that_is_given_decides() -> None:
    """A trace knows more than the first look: the same flow, another owner."""
    place = Place("after", "203.0.113.1", "203.0.113.2")
    assert record(SILENT, where=place).responsible == "vendor"
    assert record(SILENT, where=place._replace(before=None)).responsible == "undetermined"
    assert record(SILENT, where=place).where == place


def test_undetermined_evidence_names_nobody() -> None:
    """A judgement without a settled cause blames nobody, though the flow is the customer's."""
    written = record(SILENT, confidence=Confidence.UNDETERMINED)
    assert written.responsible == "undetermined"
    assert written.evidence[-1].startswith("who acts: nobody can be named yet, because ")


@pytest.mark.parametrize("ascent", [GOOD, SILENT])
def test_what_the_second_look_found_is_written(ascent: Ascent) -> None:
    """Trace and controls stand in the record as given."""
    trace = Trace("tcp-ttl", (Hop(1, "10.1.0.1"),))
    controls = (Control("port", 443, Verdict.PASS, "answers"),)
    written = record(ascent, trace=trace, controls=controls, attempts=2)
    assert (written.trace, written.controls, written.attempts) == (trace, controls, 2)


def test_a_trace_says_whose_each_hop_is() -> None:
    """By the inventory's networks; where they name no hop, the trace stays as it is."""
    hops = (Hop(1, "10.1.0.1"), Hop(2), Hop(3, "203.0.113.1"))
    traced = record(SILENT, trace=Trace("tcp-ttl", hops)).trace
    assert traced == Trace("tcp-ttl", hops, owners=(None, None, "vendor"))
    assert record(SILENT, trace=Trace("tcp-ttl", hops[:2])).trace == Trace("tcp-ttl", hops[:2])


def test_what_the_dead_addresses_share_is_what_is_to_be_done() -> None:
    """A device that decrypts the way to one of them is no dead address."""
    good = GOOD._replace(address="10.0.0.1")
    steps = (Step(Layer.CONNECT, Verdict.PASS), Step(Layer.TLS, Verdict.FAIL, "tls.intercepted"))
    bad = SILENT._replace(address="10.0.0.2", cause="tls.intercepted", layer=Layer.TLS, steps=steps)
    check = Check(
        "relay", "relay.vault.example", TERMS._replace(flow="connector-to-saas", every_address=True)
    )
    outcome = Outcome(None, (good, bad))
    written = WRITER.record(check, outcome, judge(check, outcome))
    assert (written.verdict, written.cause) == (Verdict.FAIL, "path.some_addresses_dead")
    assert written.responsible == "customer"
    assert (written.advice or "").startswith("Exempt relay.vault.example:22 from TLS inspection")
    silent = Outcome(None, (good, SILENT._replace(address="10.0.0.2")))
    assert "Repair the addresses" in (WRITER.record(check, silent, judge(check, silent)).advice or "")


def test_a_public_name_is_first_of_all_decrypted() -> None:
    """Whoever names the CA that came as `ca_file` looks away from what decrypts."""
    bad = SILENT._replace(cause="tls.untrusted", layer=Layer.TLS)
    said = {}
    for public in (True, False):
        check = Check("saas", "a.vault.example", TERMS._replace(settings=tls.Settings(public=public)))
        outcome = Outcome(None, (bad,))
        said[public] = WRITER.record(check, outcome, judge(check, outcome)).advice or ""
    assert said[True].startswith("Find out who signs for a.vault.example")
    assert said[False].startswith("Name the CA of saas as `ca_file`")
    known = bad._replace(facts={"tls": {"known_publicly": True, "chain": []}})
    check = Check("saas", "a.vault.example", TERMS._replace(settings=tls.Settings(public=True)))
    written = WRITER.record(check, Outcome(None, (known,)), judge(check, Outcome(None, (known,))))
    assert (written.advice or "").startswith("Have saas verified by the system's store")


def test_what_works_through_a_proxy_alone_is_stopped_on_this_side() -> None:
    """No hop is known, and yet the customer acts; a vendor's hop that says no goes before."""
    forced = SILENT._replace(facts={"works_through": "http://10.0.0.9:3128"})
    assert record(forced, "user-to-saas").responsible == "customer"
    assert record(SILENT, "user-to-saas").responsible == "undetermined"
    assert record(SIGNED._replace(facts=forced.facts), "user-to-saas").responsible == "vendor"


def test_a_warning_about_another_host_advises_about_that_one() -> None:
    """What is blocked is the CRL's address, and the target's port has nothing to do with it."""
    about = Target("crl.ca.test", 80)
    caution = Caution("tcp.filtered", "revocation is not reached at http://crl.ca.test/", Layer.TLS, about)
    written = record(GOOD._replace(cautions=(caution,)))
    assert (written.verdict, written.cause) == (Verdict.WARN, "tcp.filtered")
    assert "tcp/80" in (written.advice or "")
    assert "to crl.ca.test" in (written.advice or "")
    assert "10.0.0.1" not in (written.advice or "")
