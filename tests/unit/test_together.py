"""What several answers tell together: chains, issuers, host keys, clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from netcheck.check import Check
from netcheck.diagnosis.hostkeys import unverified
from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.together import together
from netcheck.second_look.answers import Answers, zone_of
from probes import certificates, ssh, tls
from probes.contract import Ascent, Confidence, Layer, Outcome, Step, Verdict

CERTAIN, LIKELY, UNDETERMINED = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNDETERMINED
PIN = "SHA256:" + "A" * 43


def der(blob: trustme.Blob) -> bytes:
    return x509.load_pem_x509_certificate(blob.bytes()).public_bytes(Encoding.DER)


def seen(cause: str | None, *, facts: dict[str, Any] | None = None, sent: tuple[bytes, ...] = ()) -> Ascent:
    """One ladder that ended so."""
    verdict = Verdict.FAIL if cause else Verdict.PASS
    return Ascent("10.0.0.1", verdict, (), cause, Layer.TLS, facts=facts or {}, certificates=sent)


def shows(key: str, address: str, standing: str = "not compared") -> Ascent:
    """One ladder that passed with this host key."""
    facts = {"host_key": {"fingerprint": key, "standing": standing}}
    return Ascent(address, Verdict.PASS, (Step(Layer.PROTOCOL, Verdict.PASS),), None, None, facts=facts)


def judged(ascent: Ascent, confidence: Confidence = CERTAIN) -> Judgement:
    return Judgement(ascent.verdict, ascent.cause, ascent.layer, confidence, "as seen", ascent, ascent.steps)


def inspected(issuer: str = "CN=Gateway") -> dict[str, Any]:
    return {"tls": {"known_publicly": False, "chain": [{"issuer": issuer}]}}


@pytest.fixture
def checks(a_plain_check: Callable[..., Check]) -> Callable[..., Check]:
    """Checks of a host by tls, unless other settings are given."""

    def make(host: str, settings: Any = None) -> Check:
        return a_plain_check(host, settings=settings or tls.Settings())

    return make


@pytest.fixture
def a_plain_check() -> Callable[..., Check]:
    """A check with default terms."""
    from netcheck.check import Terms
    from probes.contract import Timing

    def make(host: str, settings: Any) -> Check:
        return Check(host, host, Terms("local", "assumed", "user-to-saas", "tls", 443, settings, Timing()))

    return make


def test_a_chain_is_completed_by_what_another_server_sent(
    checks: Callable[..., Check], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intermediate that one left out, another sent: certain, and it is named."""
    root = trustme.CA()
    middle = root.create_child_ca()
    whole, bare = (middle.issue_cert(name).cert_chain_pems for name in ("a.example", "b.example"))
    store = tmp_path / "store.pem"
    store.write_bytes(root.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    answers = Answers()
    answers.note(
        checks("a.example"), Outcome(None, (seen(None, facts={"x": 1}, sent=tuple(map(der, whole))),))
    )
    untrusted = judged(seen("tls.untrusted", sent=(der(bare[0]),)))
    told = together(untrusted, checks("b.example"), answers.to_others())
    assert (told.cause, told.confidence) == ("tls.incomplete_chain", CERTAIN)
    assert any("a.example sent it" in proof for proof in told.evidence)
    assert together(untrusted, checks("b.example"), Answers().to_others()) == untrusted


def test_a_chain_of_a_public_name_that_a_company_completes(
    checks: Callable[..., Check], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that sends its leaf alone is no server that left something out."""
    company, public = trustme.CA(), trustme.CA()
    middle = company.create_child_ca()
    whole, bare = (middle.issue_cert(name).cert_chain_pems for name in ("a.example", "b.example"))
    for variable, root in (("SSL_CERT_FILE", company), ("NETCHECK_PUBLIC_CAS", public)):
        (tmp_path / variable).write_bytes(root.cert_pem.bytes())
        monkeypatch.setenv(variable, str(tmp_path / variable))
    answers = Answers()
    answers.note(
        checks("a.example"), Outcome(None, (seen(None, facts={"x": 1}, sent=tuple(map(der, whole))),))
    )
    untrusted = judged(seen("tls.untrusted", sent=(der(bare[0]),)))
    others = answers.to_others()
    told = together(untrusted, checks("b.example", tls.Settings(public=True)), others)
    assert (told.cause, told.confidence) == ("tls.intercepted", LIKELY)
    assert together(untrusted, checks("b.example"), others).cause == "tls.incomplete_chain"
    # The expected name proves nothing, a fingerprint does.
    named = tls.Settings(public=True, issuer="trustme")
    assert together(untrusted, checks("b.example", named), others).cause == "tls.intercepted"
    [leaf] = certificates.read([der(bare[0])])
    proved = tls.Settings(public=True, fingerprint=leaf.sha256)
    assert together(untrusted, checks("b.example", proved), others).cause == "tls.incomplete_chain"
    # Under another name a wrong server answers, be it decrypted or not.
    assert (
        together(untrusted, checks("c.example", tls.Settings(public=True)), others).cause == "tls.untrusted"
    )
    # Another issuer than the pinned one is likely interception, unless the public knows the whole chain.
    (tmp_path / "NETCHECK_PUBLIC_CAS").write_bytes(company.cert_pem.bytes())
    pinned = tls.Settings(public=True, issuer="Other")
    renewed = judged(seen("tls.intercepted", sent=(der(bare[0]),)), LIKELY)
    assert together(renewed, checks("b.example", pinned), others).cause == "tls.incomplete_chain"


def test_addresses_are_no_unrelated_names(checks: Callable[..., Check]) -> None:
    """Every instance of one service may be asked by its address."""
    answers = Answers()
    for host in ("10.20.1.5", "10.20.2.6", "2001:db8::5"):
        answers.note(checks(host), Outcome(None, (seen("tls.untrusted", facts=inspected()),)))
    untrusted = judged(seen("tls.untrusted", facts=inspected()))
    assert together(untrusted, checks("10.20.1.5"), answers.to_others()) == untrusted


def test_one_issuer_of_unrelated_public_names_decrypts(checks: Callable[..., Check]) -> None:
    """What was likely is certain, and what was only untrusted is known for what it is."""
    answers = Answers()
    for host in ("acme.vault.example", "login.sso.test", "updates.os.test"):
        answers.note(checks(host), Outcome(None, (seen("tls.untrusted", facts=inspected()),)))
    others = answers.to_others()
    for cause, confidence in (("tls.untrusted", CERTAIN), ("tls.intercepted", LIKELY)):
        told = together(
            judged(seen(cause, facts=inspected()), confidence), checks("acme.vault.example"), others
        )
        assert (told.cause, told.confidence) == ("tls.intercepted", CERTAIN)


def test_one_vendors_private_ca_is_no_interception(checks: Callable[..., Check]) -> None:
    """All names are of one zone."""
    answers = Answers()
    for host in ("acme.vault.example", "relay.vault.example"):
        answers.note(checks(host), Outcome(None, (seen("tls.untrusted", facts=inspected()),)))
    untrusted = judged(seen("tls.untrusted", facts=inspected()))
    assert together(untrusted, checks("acme.vault.example"), answers.to_others()) == untrusted


def test_a_service_may_have_two_domains(checks: Callable[..., Check]) -> None:
    """Two zones, all of flows to the service, are likely only; one that is none of its own proves it."""
    answers = Answers()
    for host in ("acme.vault.example", "cdn.vaultcdn.test"):
        answers.note(checks(host), Outcome(None, (seen("tls.untrusted", facts=inspected()),)))
    untrusted = judged(seen("tls.untrusted", facts=inspected()))
    told = together(untrusted, checks("acme.vault.example"), answers.to_others())
    assert (told.cause, told.confidence) == ("tls.intercepted", LIKELY)
    other = checks("login.sso.test")
    other = other._replace(terms=other.terms._replace(flow="vault-to-service"))
    answers.note(other, Outcome(None, (seen("tls.untrusted", facts=inspected()),)))
    told = together(untrusted, checks("acme.vault.example"), answers.to_others())
    assert (told.cause, told.confidence) == ("tls.intercepted", CERTAIN)


def test_addresses_are_no_names(checks: Callable[..., Check]) -> None:
    """A service that is reached by its addresses is one party all the same."""
    answers = Answers()
    for host in ("203.0.113.5", "198.51.100.7"):
        answers.note(checks(host), Outcome(None, (seen("tls.untrusted", facts=inspected()),)))
    untrusted = judged(seen("tls.untrusted", facts=inspected()))
    assert together(untrusted, checks("203.0.113.5"), answers.to_others()) == untrusted


def test_a_key_that_is_its_twins(checks: Callable[..., Check]) -> None:
    """The other member of a pair answers: its key is declared for another target."""
    answers = Answers()
    twin = checks("fw-b", ssh.PROBE.settings(host_key=(PIN,)))
    answers.note(twin, Outcome(None, ()))
    mismatch = judged(seen("ssh.host_key_mismatch", facts={"host_key": {"fingerprint": PIN}}))
    told = together(mismatch, checks("fw-a", ssh.PROBE.settings()), answers.to_others())
    assert "declared for fw-b" in " ".join(told.evidence)


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        (("10.0.0.1", "10.0.1.1", "10.0.2.1"), True),
        (("10.0.0.1", "10.0.0.2", "10.0.1.1"), True),
        (("10.0.0.1", "10.0.0.2", "10.0.0.3"), False),  # a cluster
        (("10.0.0.1", "10.0.1.1"), False),  # a pair
        (("127.0.0.1", "127.0.1.1", "127.0.2.1"), False),  # one host
        (("10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1"), False),  # another family is another network anyhow
        (("fd00:0:0:1::1", "fd00:0:0:1::2", "fd00:0:0:2::1"), True),
    ],
)
def test_a_key_that_unrelated_hosts_show(
    checks: Callable[..., Check], addresses: tuple[str, ...], said: bool
) -> None:
    """Nothing verifies it: whoever decrypts SSH shows one key for all."""
    answers = Answers()
    for number, address in enumerate(addresses):
        answers.note(checks(f"h{number}", ssh.PROBE.settings()), Outcome(None, (shows(PIN, address),)))
    told = unverified(judged(shows(PIN, addresses[0])), answers.to_others())
    assert (told.verdict, told.cause) == (
        (Verdict.WARN, "ssh.host_key_unknown") if said else (Verdict.PASS, None)
    )
    assert ("something answers for them" in told.summary) is said
    assert [step.verdict for step in told.steps] == ([Verdict.WARN] if said else [Verdict.PASS])
    other = shows("SHA256:" + "B" * 43, addresses[0])
    assert unverified(judged(other), answers.to_others()).verdict is Verdict.PASS
    verified = shows(PIN, addresses[0], standing="verified")
    assert unverified(judged(verified), answers.to_others()).verdict is Verdict.PASS


def test_one_host_of_many_addresses_is_one_host(checks: Callable[..., Check]) -> None:
    """A router that one target names has a foot in each network."""
    answers = Answers()
    shown = tuple(shows(PIN, f"10.0.{number}.1") for number in range(5))
    answers.note(checks("router", ssh.PROBE.settings()), Outcome(None, shown))
    assert unverified(judged(shown[0]), answers.to_others()).verdict is Verdict.PASS


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3), (3, 2, 1, 0)])
def test_a_host_under_two_names_is_one(checks: Callable[..., Check], order: tuple[int, ...]) -> None:
    """A router by its name, with two addresses, and by one of these; and one more host: a pair."""
    answers = Answers()
    shown = [("router", "10.0.0.1"), ("router", "10.0.1.1"), ("10.0.0.1", "10.0.0.1"), ("twin", "10.0.2.1")]
    for host, address in (shown[number] for number in order):
        answers.note(checks(host, ssh.PROBE.settings()), Outcome(None, (shows(PIN, address),)))
    assert unverified(judged(shows(PIN, "10.0.0.1")), answers.to_others()).verdict is Verdict.PASS


def test_a_warning_keeps_its_cause_beside_a_key_that_repeats(checks: Callable[..., Check]) -> None:
    """What is weak stays weak; the key is one more warning."""
    answers = Answers()
    for number in range(3):
        answers.note(checks(f"h{number}"), Outcome(None, (shows(PIN, f"10.0.{number}.1"),)))
    weak = judged(shows(PIN, "10.0.0.1"))._replace(verdict=Verdict.WARN, cause="ssh.weak")
    told = unverified(weak, answers.to_others())
    assert (told.cause, [one.cause for one in told.warnings]) == ("ssh.weak", ["ssh.host_key_unknown"])


@pytest.mark.parametrize("service_last", [True, False])
def test_a_zone_that_is_the_services_once_is_so_for_good(
    checks: Callable[..., Check], service_last: bool
) -> None:
    """The same name is asked on the way of another flow as well: in whatever order, it is no stranger."""
    service = checks("acme.vault.example")
    also = service._replace(terms=service.terms._replace(flow="vault-to-service"))
    told = (also, service) if service_last else (service, also)
    answers = Answers()
    for one in (*told, checks("cdn.vaultcdn.test")):
        answers.note(one, Outcome(None, (seen("tls.untrusted", facts=inspected()),)))
    untrusted = judged(seen("tls.untrusted", facts=inspected()))
    found = together(untrusted, service, answers.to_others())
    assert (found.cause, found.confidence) == ("tls.intercepted", LIKELY)


@pytest.mark.parametrize("names", [("a", "b", "c"), ("c", "b", "a"), ("b", "a", "c")])
def test_a_pair_of_many_names_is_a_pair(checks: Callable[..., Check], names: tuple[str, ...]) -> None:
    """Targets that share an address are one host, in whatever order they were seen."""
    answers = Answers()
    for name in names:
        for address in ("10.0.0.1", "10.0.1.1"):
            answers.note(checks(name, ssh.PROBE.settings()), Outcome(None, (shows(PIN, address),)))
    others = answers.to_others()
    assert others.shown_by(PIN) == {"10.0.0.1": "10.0.0.1", "10.0.1.1": "10.0.0.1"}
    assert unverified(judged(shows(PIN, "10.0.0.1")), others).verdict is Verdict.PASS


@pytest.mark.parametrize("last", ["x", "a"])
def test_the_order_of_two_targets_on_one_address(checks: Callable[..., Check], last: str) -> None:
    """Three hosts show the key, one of them as two targets: who of the two ends last does not matter."""
    first = "a" if last == "x" else "x"
    answers = Answers()
    for target, address in ((first, "10.0.0.1"), ("a", "10.0.1.1"), (last, "10.0.0.1"), ("b", "10.0.2.1")):
        answers.note(checks(target, ssh.PROBE.settings()), Outcome(None, (shows(PIN, address),)))
    told = unverified(judged(shows(PIN, "10.0.0.1")), answers.to_others())
    assert told.verdict is Verdict.PASS  # a and x are one host: two in all


def test_whose_a_key_is_declared(checks: Callable[..., Check]) -> None:
    """Named are the same targets in whatever order they ended."""
    for order in (("a", "b"), ("b", "a")):
        answers = Answers()
        for name in order:
            answers.note(checks(name, ssh.PROBE.settings(host_key=(PIN,))), Outcome(None, (seen(None),)))
        assert answers.declared_for(PIN) == ("a", "b")


def test_zones() -> None:
    """Names of one vendor share theirs."""
    assert zone_of("a.b.example") == zone_of("c.b.example") != zone_of("a.c.example")
