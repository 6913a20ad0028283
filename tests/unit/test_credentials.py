"""References to secrets, and the guard round each credential."""

from __future__ import annotations

import asyncio
import sys
import types

import pytest

from netcheck import references
from netcheck.credentials import PIPELINE, Vault
from netcheck.inventory.model import CredentialRef, SecretRef
from probes.contract import Secret, Withheld


def vault(**parts: SecretRef) -> Vault:
    return Vault({"edge": CredentialRef("edge", "ops", **parts)})


def the_secret(a_vault: Vault) -> Secret:
    async def take() -> Secret:
        async with a_vault.get("edge").attempt() as attempt:
            return attempt.secret

    return asyncio.run(take())


def why_missing(a_vault: Vault) -> str:
    with pytest.raises(Withheld) as withheld:
        the_secret(a_vault)
    assert withheld.value.cause == "credential.missing"
    return withheld.value.text


def test_a_secret_comes_from_the_environment(monkeypatch):
    """And is not shown by its repr."""
    monkeypatch.setenv("NETCHECK_TEST", "hunter22")
    secret = the_secret(vault(password=SecretRef("env", "NETCHECK_TEST")))
    assert secret == Secret("ops", "hunter22")
    assert "hunter22" not in repr(secret)


@pytest.mark.parametrize(("value", "words"), [(None, "not set"), ("", "empty")])
def test_a_variable_that_gives_nothing_is_missing(monkeypatch, value, words):
    """Not set, or empty."""
    monkeypatch.delenv("NETCHECK_TEST", raising=False)
    if value is not None:
        monkeypatch.setenv("NETCHECK_TEST", value)
    assert (
        why_missing(vault(password=SecretRef("env", "NETCHECK_TEST"))) == f"edge ($NETCHECK_TEST is {words})"
    )


@pytest.mark.parametrize("data", [b"hunter22", b"hunter22\n", b"hunter22\r\n"])
def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path, data):
    """Editors add one."""
    (tmp_path / "secret").write_bytes(data)
    assert the_secret(vault(password=SecretRef("file", str(tmp_path / "secret")))).password == "hunter22"


def test_a_file_that_gives_nothing_is_missing(tmp_path, monkeypatch):
    """Absent, a folder, empty, binary, huge; the path is shown from the home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, data in (("empty", b""), ("binary", b"\xff\xfe"), ("huge", b"x" * 70000)):
        (tmp_path / name).write_bytes(data)
    said = {
        name: why_missing(vault(private_key=SecretRef("file", str(tmp_path / name))))
        for name in ("absent", "", "empty", "binary", "huge")
    }
    assert said["absent"] == "edge (~/absent does not exist)"
    assert "is a directory" in said[""]
    assert said["empty"] == "edge (~/empty is empty)"
    assert said["binary"] == "edge (~/binary gives no UTF-8 text)"
    assert "more than 65536 bytes" in said["huge"]


def python(code: str) -> SecretRef:
    return SecretRef("command", (sys.executable, "-c", code))


def test_a_secret_comes_from_a_command():
    """Its output without the line end."""
    assert the_secret(vault(password=python("print('hunter22')"))).password == "hunter22"


def test_a_command_that_gives_nothing_is_missing_and_neither_its_words_nor_its_stderr_are_shown():
    """Either may hold the secret."""
    said = why_missing(vault(password=python("import sys; sys.exit('hunter22')")))
    assert "failed (exit status 1)" in said
    assert "hunter22" not in said
    assert "is empty" in why_missing(vault(password=python("pass")))
    assert "no such file" in why_missing(vault(password=SecretRef("command", ("/absent/command",))))


def test_a_command_that_hangs_is_ended_with_its_children(monkeypatch):
    """A shell's child would keep the output open."""
    monkeypatch.setattr(references, "COMMAND_SECONDS", 0.2)
    hanging = SecretRef("command", ("/bin/sh", "-c", "sleep 60; true"))
    assert "gave no answer in 0.2 s" in why_missing(vault(password=hanging))


def test_a_secret_comes_from_the_keyring(monkeypatch):
    """SERVICE/NAME; whatever a backend raises means missing."""
    kept = {("netcheck", "edge/1"): "hunter22"}
    keyring = types.ModuleType("keyring")
    keyring.get_password = lambda service, name: kept.get((service, name))
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert the_secret(vault(password=SecretRef("keyring", "netcheck/edge/1"))).password == "hunter22"
    assert (
        why_missing(vault(password=SecretRef("keyring", "netcheck/x")))
        == "edge (the keyring has no netcheck/x)"
    )
    keyring.get_password = lambda service, name: 1 / 0
    assert "ZeroDivisionError" in why_missing(vault(password=SecretRef("keyring", "netcheck/x")))
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "netcheck[keyring]" in why_missing(vault(password=SecretRef("keyring", "netcheck/x")))


def test_a_prompt_is_asked_once_and_before_the_checks(monkeypatch):
    """Only on a terminal, and only for the credentials that the plan needs."""
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda text: asked.append(text) or "hunter22")
    prompting = vault(password=SecretRef("prompt", ""))
    prompting.prompt(["edge", "edge"])
    prompting.prompt(["edge"])
    assert asked == ["password of ops (edge): "]
    assert the_secret(prompting).password == "hunter22"


def test_a_prompt_without_a_terminal_is_missing(monkeypatch):
    """A run from cron does not hang."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    prompting = vault(password=SecretRef("prompt", ""))
    prompting.prompt(["edge"])
    assert "no terminal to ask on" in why_missing(prompting)


def test_an_agent_key_is_named_not_read():
    """The key stays with ssh-agent."""
    assert the_secret(vault(private_key=SecretRef("agent", "me@host"))) == Secret("ops", agent_key="me@host")


def test_a_secret_is_looked_for_once_a_run(monkeypatch):
    """Found or missing: a keyring or command is not asked again for each target."""
    calls: list[SecretRef] = []
    for found in ("hunter22", None):
        calls.clear()

        def follow(reference: SecretRef, found: str | None = found) -> str:
            calls.append(reference)
            if found is None:
                raise references.Missing("nowhere")
            return found

        monkeypatch.setattr("netcheck.credentials.follow", follow)
        a_vault = vault(password=SecretRef("env", "X"))

        async def take_twice(a_vault: Vault = a_vault) -> None:
            for _ in range(2):
                try:
                    async with a_vault.get("edge").attempt():
                        pass
                except Withheld:
                    pass

        asyncio.run(take_twice())
        assert len(calls) == 1


def test_a_wrong_password_is_tried_on_one_of_800_targets(monkeypatch):
    """All the others are skipped, those that were waiting already too, and name who refused."""
    monkeypatch.setenv("NETCHECK_TEST", "hunter22")
    guarded = vault(password=SecretRef("env", "NETCHECK_TEST")).get("edge")
    tried: list[str] = []
    skipped: list[tuple[str, str]] = []

    async def check(name: str) -> None:
        async with guarded.pipeline():
            try:
                async with guarded.attempt() as attempt:
                    tried.append(name)
                    await asyncio.sleep(0)
                    attempt.failed(name)
            except Withheld as withheld:
                skipped.append((withheld.cause, withheld.text))

    async def run() -> None:
        await asyncio.gather(*(check(f"web{number}") for number in range(800)))

    asyncio.run(run())
    assert len(tried) == 1
    assert len(skipped) == 799
    why = f"edge was refused by {tried[0]}; not tried again in this run"
    assert set(skipped) == {("credential.suspended", why)}


def test_a_good_credential_serves_everyone_one_at_a_time(monkeypatch):
    """Few ladders at once, one attempt at once."""
    monkeypatch.setenv("NETCHECK_TEST", "hunter22")
    guarded = vault(password=SecretRef("env", "NETCHECK_TEST")).get("edge")
    ladders, attempts, most = 0, 0, [0, 0]

    async def check() -> None:
        nonlocal ladders, attempts
        async with guarded.pipeline():
            ladders += 1
            async with guarded.attempt():
                attempts += 1
                most[:] = max(most[0], ladders), max(most[1], attempts)
                await asyncio.sleep(0)
                attempts -= 1
            ladders -= 1

    async def run() -> None:
        await asyncio.gather(*(check() for _ in range(50)))

    asyncio.run(run())
    assert most == [PIPELINE, 1]


def test_ladders_of_a_credential_that_will_not_be_used_do_not_wait_for_each_other():
    """Suspended, its targets are looked at as fast as all others."""
    guarded = vault().get("edge")
    guarded.suspend("web01")
    ladders = 0

    async def check(everyone: asyncio.Barrier) -> None:
        nonlocal ladders
        async with guarded.pipeline():
            ladders += 1
            await everyone.wait()

    async def run() -> None:
        everyone = asyncio.Barrier(20)
        async with asyncio.timeout(5):
            await asyncio.gather(*(check(everyone) for _ in range(20)))

    asyncio.run(run())
    assert ladders == 20


def test_secrets_that_the_run_has_seen_are_redacted(monkeypatch):
    """Passwords, and each line of a private key; very short ones would spoil every word."""
    monkeypatch.setenv("NETCHECK_TEST", "hunter22")
    a_vault = vault(
        password=SecretRef("env", "NETCHECK_TEST"), private_key=python("print('line one\\nline two')")
    )
    assert a_vault.redact("hunter22") == "hunter22"
    the_secret(a_vault)
    assert a_vault.redact("refused: hunter22, line two") == "refused: ****, ****"
    monkeypatch.setenv("NETCHECK_TEST", "abc")
    short = vault(password=SecretRef("env", "NETCHECK_TEST"))
    the_secret(short)
    assert short.redact("abcdef") == "abcdef"
