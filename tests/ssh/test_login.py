"""The login, against a paramiko server that answers as each test says."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_PARTIALLY_SUCCESSFUL, AUTH_SUCCESSFUL

from probes.contract import Ascent, Layer, Secret, Verdict
from probes.ssh.hostkeys import HostKey

ME = pwd.getpwuid(os.getuid()).pw_name
USER, PASSWORD = "svc-netcheck", "correct horse"


class Target(paramiko.ServerInterface):
    """Lets USER in by PASSWORD; `methods` it admits to, `asks` are its interactive questions in turn."""

    def __init__(self, methods: str = "password", asks: tuple[str, ...] = (), none: bool = False) -> None:
        self.methods, self.asks, self.none = methods, list(asks), none
        self.heard: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return self.methods

    def check_auth_none(self, username: str) -> int:
        return AUTH_SUCCESSFUL if self.none else AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        self.heard.append(password)
        return AUTH_SUCCESSFUL if (username, password) == (USER, PASSWORD) else AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> paramiko.InteractiveQuery:
        return paramiko.InteractiveQuery("", "", (self.asks.pop(0), False))

    def check_auth_interactive_response(self, responses: list[str]) -> int | paramiko.InteractiveQuery:
        self.heard += responses
        if self.asks:
            return paramiko.InteractiveQuery("", "", (self.asks.pop(0), False))
        return AUTH_SUCCESSFUL if responses == [PASSWORD] else AUTH_FAILED


class HangsUp(Target):
    """Closes the connection instead of an answer to the password."""

    def __init__(self) -> None:
        super().__init__()
        self.transport: paramiko.Transport | None = None

    def check_auth_password(self, username: str, password: str) -> int:
        assert self.transport is not None
        self.transport.close()
        return AUTH_FAILED


class NeverAnswers(Target):
    """Thinks about the password until the test ends."""

    def __init__(self) -> None:
        super().__init__()
        self.done = threading.Event()

    def check_auth_password(self, username: str, password: str) -> int:
        self.done.wait(10)
        return AUTH_FAILED


class HalfWay(Target):
    """Takes the password as the first of two factors."""

    def check_auth_password(self, username: str, password: str) -> int:
        self.methods = "keyboard-interactive"
        return AUTH_PARTIALLY_SUCCESSFUL


class Echo(Target):
    """Refuses the password, and says it again as the name of a method."""

    def check_auth_password(self, username: str, password: str) -> int:
        self.methods = f"{password},publickey"
        return AUTH_FAILED


@pytest.fixture(scope="module")
def host_key() -> paramiko.ECDSAKey:
    return paramiko.ECDSAKey.generate()


@pytest.fixture
def log_in(look, host_key) -> Callable[..., Ascent]:
    """log_in(target, credential): the climb on a server with that target behind it, host key verified."""
    logging.getLogger("tests.ssh").disabled = True

    @contextlib.contextmanager
    def serving(target: Target) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve() -> None:
                connection, _ = listener.accept()
                transport = paramiko.Transport(connection)
                transport.set_log_channel("tests.ssh")
                transport.add_server_key(host_key)
                target.transport = transport
                with contextlib.suppress(EOFError, paramiko.SSHException):
                    transport.start_server(server=target)
                transport.join(10)
                transport.close()

            thread = threading.Thread(target=serve)
            thread.start()
            yield listener.getsockname()[1]
            thread.join()

    def climb(target: Target, credential, **options) -> Ascent:
        pin = HostKey(host_key.get_name(), host_key.asbytes()).fingerprint
        with serving(target) as port:
            ascent = look(port, credential=credential, host_key=(pin,), **options)
            getattr(target, "done", threading.Event()).set()
            return ascent

    return climb


@pytest.mark.parametrize(
    ("target", "method"),
    [
        (Target("password"), "password"),
        (Target("publickey,keyboard-interactive", ("Password: ",)), "keyboard-interactive"),
        (Target("keyboard-interactive", ("Kennwort für svc-netcheck: ",)), "keyboard-interactive"),
        (Target("keyboard-interactive", ("(svc-netcheck@token-01) Password: ",)), "keyboard-interactive"),
    ],
)
def test_a_password_logs_in_by_the_method_that_is_offered(log_in, credential, target, method):
    """As a password, or as the answer to the one question."""
    secret = credential(Secret(USER, PASSWORD))
    ascent = log_in(target, secret)
    assert ascent.verdict is Verdict.PASS, ascent.summary
    assert ascent.steps[-1].detail == {"method": method}
    assert target.heard == [PASSWORD]
    assert secret.refused == []


@pytest.mark.parametrize(
    "target", [Target("password,keyboard-interactive"), Target("keyboard-interactive", ("Password: ",))]
)
def test_a_wrong_password_is_tried_once(log_in, credential, target):
    """Refused by one method, it is not tried by the other."""
    secret = credential(Secret(USER, "wrong horse"))
    ascent = log_in(target, secret)
    assert (ascent.verdict, ascent.cause, ascent.layer) == (Verdict.FAIL, "auth.failed", Layer.AUTH)
    assert USER in ascent.summary
    assert target.heard == ["wrong horse"]
    assert secret.refused == ["127.0.0.1"]
    assert "wrong horse" not in repr(ascent)


@pytest.mark.parametrize("target", [Echo(), Target("keyboard-interactive", ("Password: ", f"{PASSWORD}?"))])
def test_a_target_that_says_the_password_again_is_not_quoted(log_in, credential, target):
    """A secret stands in no record, whoever says it."""
    ascent = log_in(target, credential(Secret(USER, PASSWORD)))
    assert (ascent.verdict, ascent.layer) == (Verdict.FAIL, Layer.AUTH)
    assert "****" in f"{ascent.summary} {ascent.evidence}"
    assert PASSWORD not in repr(ascent)


@pytest.mark.parametrize(
    ("target", "words", "heard"),
    [
        (Target("publickey"), "it lets in by publickey", []),
        (Target("keyboard-interactive", ("Verification code: ",)), "asks for `Verification code:`", []),
        (Target("keyboard-interactive", ("Password: ", "Token: ")), "after the password", [PASSWORD]),
        (HalfWay("password", ("Code: ",)), "asks for `Code:`", []),
    ],
)
def test_a_method_that_the_credential_is_no_good_for_does_not_burn_it(
    log_in, credential, target, words, heard
):
    """Only what asks for a password gets it; a second factor is named."""
    secret = credential(Secret(USER, PASSWORD))
    ascent = log_in(target, secret)
    assert (ascent.verdict, ascent.cause) == (Verdict.FAIL, "auth.method_not_offered")
    assert words in ascent.summary
    assert target.heard == heard
    assert secret.refused == []


def test_a_target_that_does_not_hold_the_key_that_it_shows_gets_no_secret(log_in, credential, monkeypatch):
    """The expected public key, and a signature of something else: anybody could have copied the key."""
    sign = paramiko.ECDSAKey.sign_ssh_data
    monkeypatch.setattr(paramiko.ECDSAKey, "sign_ssh_data", lambda key, *_: sign(key, b"else"))
    secret, target = credential(Secret(USER, PASSWORD)), Target()
    ascent = log_in(target, secret)
    assert (ascent.cause, ascent.layer) == ("protocol.malformed", Layer.PROTOCOL)
    assert "does not hold the host key that it shows" in ascent.summary
    assert (secret.tried, target.heard) == (0, [])


def test_a_target_that_asks_for_nothing_is_a_caution(log_in, credential):
    """Some switches let everybody in and ask later; the secret was not tried."""
    target = Target(none=True)
    ascent = log_in(target, credential(Secret(USER, PASSWORD)))
    assert ascent.verdict is Verdict.PASS
    assert "without asking for a secret" in ascent.cautions[0].text
    assert target.heard == []


def test_a_hang_up_after_the_password_is_told_as_it_was_and_burns_it(log_in, credential):
    """Some targets refuse like that: it may count towards a lock-out."""
    secret = credential(Secret(USER, PASSWORD))
    ascent = log_in(HangsUp(), secret)
    assert (ascent.verdict, ascent.layer) == (Verdict.FAIL, Layer.AUTH)
    assert ascent.cause in ("protocol.closed", "protocol.reset")
    assert secret.refused == ["127.0.0.1"]


def test_no_answer_to_the_password_ends_in_time_and_burns_it(log_in, credential):
    """The step's time-out bounds the login too."""
    secret = credential(Secret(USER, PASSWORD))
    ascent = log_in(NeverAnswers(), secret, timeout=0.5)
    assert (ascent.cause, ascent.layer) == ("protocol.silent", Layer.AUTH)
    assert len(secret.refused) == 1


@pytest.mark.parametrize(
    ("text", "passphrase", "why"),
    [
        ("no key at all", None, "this is no private key"),
        ("encrypted", None, "encrypted and no passphrase"),
        ("encrypted", "wrong", "can't be read with this passphrase"),
    ],
)
def test_a_key_that_can_not_be_read_is_a_missing_credential(
    log_in, credential, tmp_path, text, passphrase, why
):
    """Skipped before anything is sent, and the words don't quote the key."""
    if text == "encrypted":
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "right", "-f", str(tmp_path / "key")]
        subprocess.run(command, check=True)
        text = (tmp_path / "key").read_text()
    secret = credential(Secret(USER, private_key=text, passphrase=passphrase))
    ascent = log_in(Target("publickey"), secret)
    assert (ascent.verdict, ascent.cause, ascent.layer) == (Verdict.SKIP, "credential.missing", Layer.AUTH)
    assert why in ascent.summary
    assert secret.refused == []


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An ssh-agent of the test's own; gives the socket's path."""
    path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # printed once it listens
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield path
    process.terminate()
    process.communicate()


@pytest.mark.parametrize("by", ["comment", "fingerprint"])
def test_a_key_that_the_agent_holds_logs_in(sshd, look, credential, agent, tmp_path, keys, by):
    """Named by its comment or its fingerprint; RSA, so that the signature is one of SHA-2."""
    server = sshd()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "rsa", "-C", "netcheck@test", "-N", "", "-f", str(tmp_path / "key")],
        check=True,
    )
    (tmp_path / "authorized").write_text((tmp_path / "key.pub").read_text())
    subprocess.run(["ssh-add", "-q", str(tmp_path / "key")], check=True, env={**os.environ})
    listing = subprocess.run(["ssh-add", "-l"], check=True, capture_output=True, text=True).stdout
    name = "netcheck@test" if by == "comment" else listing.split()[1]
    secret = credential(Secret(ME, agent_key=name))
    ascent = look(server.port, host_key=(server.fingerprint(),), credential=secret)
    assert ascent.verdict is Verdict.PASS, ascent.summary
    assert ascent.steps[-1].detail == {"method": "publickey"}


def test_a_key_that_the_agent_does_not_hold_is_missing(log_in, credential, agent):
    """It names the key that was asked for."""
    ascent = log_in(Target("publickey"), credential(Secret(USER, agent_key="absent")))
    assert (ascent.verdict, ascent.cause) == (Verdict.SKIP, "credential.missing")
    assert "absent" in ascent.summary
