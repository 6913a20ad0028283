"""The probe against OpenSSH's own server: key exchange, host keys, algorithms of the past."""

from __future__ import annotations

import os
import pwd

import pytest

from probes.contract import Layer, Secret, Verdict

ME = pwd.getpwuid(os.getuid()).pw_name  # sshd without root's rights logs nobody else in


def test_the_host_key_is_proved_and_its_fingerprint_is_what_ssh_keygen_prints(sshd, look):
    """Without anything to compare with it passes, and says that nothing was compared."""
    server = sshd()
    ascent = look(server.port)
    assert (ascent.verdict, ascent.cautions) == (Verdict.PASS, ())
    assert [step.layer for step in ascent.steps] == [Layer.CONNECT, Layer.PROTOCOL]
    assert ascent.facts["host_key"]["fingerprint"] == server.fingerprint()
    assert ascent.facts["host_key"]["type"] == "ssh-ed25519"
    assert ascent.facts["identification"].startswith("SSH-2.0-OpenSSH_")
    assert any("not compared with anything" in line for line in ascent.evidence)


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        (
            "KexAlgorithms diffie-hellman-group14-sha1",
            "key exchange",
            "offers only diffie-hellman-group14-sha1",
        ),
        ("Ciphers aes128-cbc,3des-cbc", "cipher to the target", "offers only aes128-cbc, 3des-cbc"),
        ("Ciphers aes128-ctr\nMACs hmac-md5", "MAC to the target", "offers only hmac-md5"),
        ("HostKeyAlgorithms ssh-rsa", "host key", "offers only ssh-rsa"),
    ],
)
def test_a_target_of_the_past_has_nothing_in_common_with_the_vault(sshd, look, line, kind, words):
    """It says which kind, and both lists are in the evidence."""
    server = sshd(line, host_keys=("rsa",) if "ssh-rsa" in line else ("ed25519",))
    ascent = look(server.port)
    assert (ascent.verdict, ascent.cause) == (Verdict.FAIL, "ssh.no_common_algorithm")
    assert ascent.layer is Layer.PROTOCOL
    assert ascent.summary.startswith(f"{kind}: it {words}; the vault needs one of")
    assert " · vault " in ascent.evidence[-2]
    assert ascent.evidence[-1] == "the vault's list is `openssh`, by `ssh_profile`"


@pytest.mark.parametrize(
    ("line", "weak"),
    [
        ("KexAlgorithms diffie-hellman-group14-sha1", "key exchange diffie-hellman-group14-sha1"),
        ("KexAlgorithms diffie-hellman-group1-sha1", "key exchange diffie-hellman-group1-sha1"),
        (
            "KexAlgorithms diffie-hellman-group-exchange-sha1",
            "key exchange diffie-hellman-group-exchange-sha1",
        ),
        ("Ciphers 3des-cbc", "cipher 3des-cbc"),
        ("Ciphers aes128-ctr\nMACs hmac-md5", "MAC hmac-md5"),
        ("HostKeyAlgorithms ssh-rsa", "host key ssh-rsa"),
    ],
)
def test_a_vault_that_allows_the_past_reaches_it_and_is_told_that_it_is_weak(sshd, look, line, weak):
    """Each old algorithm of the legacy profile really completes a key exchange."""
    server = sshd(line, host_keys=("rsa",) if "ssh-rsa" in line else ("ed25519",))
    ascent = look(server.port, ssh_profile="legacy")
    assert ascent.verdict is Verdict.PASS, ascent.summary
    assert [caution.cause for caution in ascent.cautions] == ["ssh.weak"]
    assert weak in ascent.cautions[0].text


@pytest.mark.parametrize(
    "line",
    [
        "KexAlgorithms curve25519-sha256",
        "KexAlgorithms curve25519-sha256@libssh.org",
        "KexAlgorithms ecdh-sha2-nistp521",
        "KexAlgorithms diffie-hellman-group16-sha512",
        "KexAlgorithms diffie-hellman-group14-sha256",
        "KexAlgorithms diffie-hellman-group-exchange-sha256",
        "Ciphers aes256-gcm@openssh.com\nMACs umac-64@openssh.com,hmac-md5",
        "Ciphers aes256-ctr\nMACs hmac-sha1-etm@openssh.com",
        "Compression no",
    ],
)
def test_what_the_vault_offers_today_completes_a_key_exchange(sshd, look, line):
    """The library's own preferences don't stand in the way."""
    assert look(sshd(line).port).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("line", "agreed"),
    [
        ("Ciphers chacha20-poly1305@openssh.com", "cipher to the target chacha20-poly1305@openssh.com"),
        (
            "KexAlgorithms sntrup761x25519-sha512@openssh.com",
            "key exchange sntrup761x25519-sha512@openssh.com",
        ),
        ("Ciphers aes128-ctr\nMACs umac-64@openssh.com", "MAC to the target umac-64@openssh.com"),
    ],
)
def test_what_only_our_library_lacks_is_no_fault_of_the_target(sshd, look, line, agreed):
    """It is an error of netcheck's, which says on what vault and target agree."""
    ascent = look(sshd(line).port)
    assert (ascent.verdict, ascent.cause) == (Verdict.ERROR, "probe.unsupported")
    assert agreed in ascent.summary
    assert any(line.startswith("vault and target agree on") for line in ascent.evidence)


def test_a_cipher_without_mac_beside_macs_that_our_library_lacks_is_no_fault_of_the_target(sshd, look):
    """paramiko insists on a common MAC although AES-GCM uses none."""
    ascent = look(sshd("Ciphers aes128-gcm@openssh.com\nMACs umac-64@openssh.com").port)
    assert (ascent.verdict, ascent.cause) == (Verdict.ERROR, "probe.unsupported")


def test_a_pinned_fingerprint_verifies_the_host(sshd, look):
    """`host_key` as ssh-keygen prints it."""
    server = sshd()
    ascent = look(server.port, host_key=(server.fingerprint(),))
    assert (ascent.verdict, ascent.facts["host_key"]["standing"]) == (Verdict.PASS, "verified")


def test_a_fingerprint_of_any_of_the_hosts_keys_will_do(sshd, look):
    """A bare fingerprint does not tell its key's type, so each type that the host has is asked for."""
    server = sshd(host_keys=("ed25519", "ecdsa", "rsa"))
    for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"):
        ascent = look(server.port, host_key=(server.fingerprint(kind),))
        assert (ascent.verdict, ascent.facts["host_key"]["type"]) == (Verdict.PASS, kind)


def test_another_host_key_is_a_mismatch_that_names_both(sshd, look):
    """A key that none of the host's types has."""
    server, wanted = sshd(host_keys=("ed25519", "rsa")), "SHA256:" + "A" * 43
    ascent = look(server.port, host_key=(wanted,))
    assert (ascent.verdict, ascent.cause) == (Verdict.FAIL, "ssh.host_key_mismatch")
    assert server.fingerprint() in ascent.summary
    assert wanted in ascent.summary


def test_a_known_type_is_asked_for_first(sshd, look, tmp_path):
    """known_hosts has the RSA key only: RSA is what the host is asked to show, as OpenSSH does."""
    server = sshd(host_keys=("ed25519", "rsa"))
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {server.keys['ssh-rsa']}\n")
    ascent = look(server.port, known_hosts=str(known))
    assert ascent.facts["host_key"]["type"] == "ssh-rsa"
    assert ascent.facts["host_key"]["standing"] == "verified"


def test_a_key_that_known_hosts_has_otherwise_is_a_mismatch(sshd, look, tmp_path, keys):
    """Same type, other key."""
    server = sshd()
    known = tmp_path / "known_hosts"
    known.write_text(f"127.0.0.1 {(keys / 'user.pub').read_text()}\n")
    assert look(server.port, known_hosts=str(known)).cause == "ssh.host_key_mismatch"


def test_a_revoked_key_is_a_mismatch_even_where_it_is_pinned(sshd, look, tmp_path):
    """`@revoked` outweighs."""
    server = sshd()
    known = tmp_path / "known_hosts"
    known.write_text(f"@revoked * {server.keys['ssh-ed25519']}\n")
    ascent = look(server.port, known_hosts=str(known), host_key=(server.fingerprint(),))
    assert ascent.cause == "ssh.host_key_mismatch"
    assert "revoked" in ascent.summary


def test_a_host_that_known_hosts_does_not_have_is_a_caution(sshd, look, tmp_path):
    """It works, and nobody vouches for the key."""
    known = tmp_path / "known_hosts"
    known.write_text("")
    ascent = look(sshd().port, known_hosts=str(known))
    assert ascent.verdict is Verdict.PASS
    assert [caution.cause for caution in ascent.cautions] == ["ssh.host_key_unknown"]


def test_a_key_that_the_target_knows_logs_in(sshd, look, credential):
    """The private key as text, to the verified host."""
    server = sshd()
    secret = credential(Secret(ME, private_key=server.user_key.read_text()))
    ascent = look(server.port, host_key=(server.fingerprint(),), credential=secret)
    assert ascent.verdict is Verdict.PASS, ascent.summary
    assert ascent.steps[-1].detail == {"method": "publickey"}
    assert secret.refused == []


def test_a_key_that_the_target_does_not_know_is_refused_once(sshd, look, credential, keys):
    """auth.failed, and the credential hears by whom."""
    server = sshd()
    secret = credential(Secret(ME, private_key=(keys / "host_rsa").read_text()))
    ascent = look(server.port, host_key=(server.fingerprint(),), credential=secret)
    assert (ascent.verdict, ascent.cause, ascent.layer) == (Verdict.FAIL, "auth.failed", Layer.AUTH)
    assert secret.refused == ["127.0.0.1"]


def test_no_secret_goes_to_a_host_that_is_not_verified(sshd, look, credential):
    """The login is skipped, the credential not even asked for."""
    secret = credential(Secret(ME, password="hunter22"))
    ascent = look(sshd().port, credential=secret)
    assert (ascent.verdict, ascent.cause, ascent.layer) == (Verdict.SKIP, "ssh.host_key_unknown", Layer.AUTH)
    assert secret.tried == 0


def test_a_password_is_not_sent_where_only_keys_are_taken(sshd, look, credential):
    """It says what the target takes, and the credential is not burnt."""
    server = sshd("PasswordAuthentication no", "KbdInteractiveAuthentication no")
    secret = credential(Secret(ME, password="hunter22"))
    ascent = look(server.port, host_key=(server.fingerprint(),), credential=secret)
    assert (ascent.verdict, ascent.cause) == (Verdict.FAIL, "auth.method_not_offered")
    assert "publickey" in ascent.summary
    assert secret.refused == []


def test_a_password_that_is_wrong_is_auth_failed(sshd, look, credential):
    """OpenSSH asks for it and refuses."""
    server = sshd("PermitRootLogin yes", "PasswordAuthentication yes", "KbdInteractiveAuthentication no")
    secret = credential(Secret(ME, password="hunter22"))
    ascent = look(server.port, host_key=(server.fingerprint(),), credential=secret)
    assert ascent.cause == "auth.failed"
    assert len(secret.refused) == 1
    assert "hunter22" not in repr(ascent)


def test_two_factors_are_given_as_far_as_the_credential_goes(sshd, look, credential):
    """The key is accepted, then a password is wanted that the credential does not have."""
    server = sshd(
        "PermitRootLogin yes", "PasswordAuthentication yes", "AuthenticationMethods publickey,password"
    )
    secret = credential(Secret(ME, private_key=server.user_key.read_text()))
    ascent = look(server.port, host_key=(server.fingerprint(),), credential=secret)
    assert ascent.cause == "auth.method_not_offered"
    assert "accepted publickey, and wants a second factor: password" in ascent.summary
    assert secret.refused == []


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ed25519", "-N", ""),
        ("-t", "rsa", "-N", "right"),
        ("-t", "ecdsa", "-b", "384", "-N", "right", "-m", "PEM"),
        ("-t", "rsa", "-N", "right", "-m", "PKCS8"),
    ],
)
def test_private_keys_of_every_form_log_in(sshd, look, credential, keygen, tmp_path, options):
    """OpenSSH's form, PEM and PKCS #8, with a passphrase and without."""
    server = sshd()
    (tmp_path / "authorized").write_text(keygen(tmp_path / "key", *options))
    secret = Secret(ME, private_key=(tmp_path / "key").read_text(), passphrase="right")
    ascent = look(server.port, host_key=(server.fingerprint(),), credential=credential(secret))
    assert ascent.verdict is Verdict.PASS, ascent.summary
