"""ssh: identification, algorithms, key exchange, host key and, with a credential, a login."""

from __future__ import annotations

import functools
from contextlib import nullcontext
from dataclasses import dataclass

from probes.codes import Failed
from probes.contract import Attempt, Credential, Layer, Outcome, Probe, Target, Timing, Verdict, Withheld
from probes.ladder import Ladder, Rung, look
from probes.net.base import Network
from probes.settings import BadValue, File, Listing, NamedOrFile, option
from probes.ssh.algorithms import known_first, profile, profile_names
from probes.ssh.hostkeys import Expectation, Pin, Standing, expected
from probes.ssh.proof import GRACE, Proof, Visit, load
from probes.ssh.wire import Algorithms

LAYERS = (Layer.CONNECT, Layer.PROTOCOL, Layer.AUTH)

# NIST SP 800-57 part 1, table 2: below this an RSA key has less than 112 bits of strength.
LEAST_RSA_BITS = 2048

UNKNOWN_KEY, MISMATCH = "ssh.host_key_unknown", "ssh.host_key_mismatch"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the ssh probe is asked."""

    host_key: tuple[str, ...] = option(
        Listing(Pin()), (), "the host's key: `SHA256:…` or a public key line; a list where it has several"
    )
    known_hosts: str | None = option(File(), None, "an OpenSSH known_hosts file with the host's key")
    ssh_profile: str = option(
        NamedOrFile(profile_names(), "a list of algorithms"),
        "openssh",
        "the vault's algorithms: a list's name, or a file with the output of `ssh -G`, `sshd -T` or `ssh -Q`",
    )

    def __post_init__(self) -> None:
        try:
            profile(self.ssh_profile)
        except Failed as unreadable:
            raise BadValue(unreadable.summary, ("ssh_profile",)) from None


async def run(
    target: Target,
    settings: Settings,
    timing: Timing,
    network: Network,
    credential: Credential | None = None,
) -> Outcome:
    """Climb to the host key on every address of the target, and on to a login with a credential.

    One at a time at a server: one with MaxStartups 1 would turn the others away.
    """
    climb = functools.partial(_climb, target=target, settings=settings, credential=credential)
    await load(network, network.now() + timing.deadline)
    verifiable = bool(settings.host_key or settings.known_hosts)  # else no secret will be sent
    async with credential.pipeline() if credential and verifiable else nullcontext():
        return await look(target, timing, network, LAYERS if credential else LAYERS[:2], climb, alone=True)


def asked(settings: Settings, host: str, address: str, port: int) -> tuple[Expectation, Algorithms]:
    """What is known of the host's keys, and the vault's algorithms in the order in which they are offered."""
    known = expected(settings.host_key, settings.known_hosts, host, address, port)
    return known, known_first(profile(settings.ssh_profile), known.types)


async def _climb(ladder: Ladder, target: Target, settings: Settings, credential: Credential | None) -> None:
    assert ladder.address is not None
    assert target.port is not None
    known, vault = asked(settings, target.host, ladder.address, target.port)
    ladder.facts["vault_list"] = settings.ssh_profile
    visit = Visit(ladder, target.port, vault, known, keep=credential is not None)
    try:
        connection = await ladder.connect(target.port)
        with ladder.step(Layer.PROTOCOL) as rung:
            proof = await visit.prove(connection, rung.until)
            _judge(proof, known, ladder)
        if credential is not None:
            await _log_in(proof, credential, ladder, target.host)
    finally:
        visit.close()


def _judge(proof: Proof, known: Expectation, ladder: Ladder) -> None:
    """Say what the host key is to us; raises `ssh.host_key_mismatch`."""
    key, standing = proof.key, proof.standing
    named = f"{key.fingerprint} ({key.type})"
    ladder.facts["host_key"] = {
        "type": key.type,
        "bits": key.bits,
        "fingerprint": key.fingerprint,
        "standing": str(standing),
    }
    if key.type == "ssh-rsa" and key.bits and key.bits < LEAST_RSA_BITS:
        ladder.caution("ssh.weak", f"its RSA host key has {key.bits} bits only")
    match standing:
        case Standing.VERIFIED:
            ladder.identified = True
            ladder.prove(f"host key {named}, as expected; the target proved to hold it")
        case Standing.OTHER:
            wanted = " or ".join(known.fingerprints)
            shown = (f"the target proved to hold {named}", f"expected {wanted}")
            raise Failed(MISMATCH, f"host key {key.fingerprint}, expected {wanted}", evidence=shown)
        case Standing.REVOKED:
            raise Failed(MISMATCH, f"host key {named} is revoked in {known.known_hosts}")
        case Standing.UNKNOWN:
            ladder.caution(UNKNOWN_KEY, f"host key {named} {_why_unknown(known)}")
        case Standing.NOT_COMPARED:
            ladder.prove(f"host key {named} (not compared with anything: give host_key or known_hosts)")


def _why_unknown(known: Expectation) -> str:
    if known.known_hosts is None:
        return "is not compared yet: `host_key` is still to be filled in"
    others = f", which has {' and '.join(sorted(known.types))} for it" if known.types else ""
    return f"is not in {known.known_hosts}{others}"


async def _log_in(proof: Proof, credential: Credential, ladder: Ladder, host: str) -> None:
    """The step `auth`: one attempt, and only with a host that is the expected one."""
    try:
        if proof.standing is not Standing.VERIFIED:
            raise Withheld(UNKNOWN_KEY, "no login tried: a secret goes only to a host whose key is verified")
        async with credential.attempt() as attempt:
            with ladder.step(Layer.AUTH) as rung:
                await _attempt(proof, attempt, ladder, rung, host)
    except Withheld as withheld:
        with ladder.step(Layer.AUTH):
            raise Failed(withheld.cause, withheld.text, verdict=Verdict.SKIP) from None


async def _attempt(proof: Proof, attempt: Attempt, ladder: Ladder, rung: Rung, host: str) -> None:
    from probes.ssh.auth import Login

    network, user = ladder.network, attempt.secret.username
    login = Login(proof.session, attempt.secret, rung.until - network.now())
    try:
        method: str = await network.in_thread(login.run, until=rung.until + GRACE)
    finally:
        if login.at_stake:  # refused, or never answered: either may count towards a lock-out
            attempt.failed(host)
    rung.detail["method"] = method
    if method == "none":
        ladder.caution(None, f"it lets {user} in without asking for a secret", Layer.AUTH)
    else:
        ladder.prove(f"logged in as {user} by {method}")


PROBE = Probe(
    name="ssh",
    summary="SSH identification, algorithms, host key and login",
    settings=Settings,
    layers=LAYERS,
    run=run,
    default_port=22,
    authenticates=True,
)
