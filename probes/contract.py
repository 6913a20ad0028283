"""The contract between a probe and whoever runs it, on one screen.

A probe is asked about one service (`Target`, settings, `Timing`) through a `Network` and answers with
an `Outcome`: for every address one ladder of `Step`s on one connection. It knows neither the
inventory nor what was expected; it reports what happened, and judging that is the caller's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from probes.net.base import Network, Source
from probes.path.samples import Samples
from probes.path.waits import Bracket, Held

NOTHING: Mapping[str, Any] = {}  # shared, and never written to: a mapping proxy could not be pickled


class Verdict(StrEnum):
    """How one step, or a whole check, ended."""

    PASS = "pass"
    WARN = "warn"  # works now, but …
    FAIL = "fail"
    SKIP = "skip"  # not tried; the cause is the reason
    ERROR = "error"  # netcheck or the vantage could not check

    @property
    def works(self) -> bool:
        """Whether it works now, whatever is to be said of it."""
        return self in (Verdict.PASS, Verdict.WARN)


class Layer(StrEnum):
    """The rungs of a ladder, lowest first."""

    VANTAGE = "vantage"
    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    PROTOCOL = "protocol"
    AUTH = "auth"
    POLICY = "policy"


class Confidence(StrEnum):
    """How much the evidence carries."""

    CERTAIN = "certain"
    LIKELY = "likely"
    UNDETERMINED = "undetermined"


class Target(NamedTuple):
    """The service asked about. `port` is None where the protocol has none (dns)."""

    host: str
    port: int | None


class Timing(NamedTuple):
    """Seconds: `timeout` bounds one step on one address, `deadline` the whole look."""

    timeout: float = 5.0
    deadline: float = 20.0


class Step(NamedTuple):
    """One rung: its verdict, and the cause where the verdict is not `pass`. Duration in seconds."""

    layer: Layer
    verdict: Verdict
    cause: str | None = None
    duration: float | None = None
    detail: Mapping[str, Any] = NOTHING


class Caution(NamedTuple):
    """Something that works now, but … `cause` is None for a plain remark; `about`: the service beside the
    target that has it."""

    cause: str | None
    text: str
    layer: Layer = Layer.PROTOCOL
    about: Target | None = None


class Ascent(NamedTuple):
    """One ladder on one address, from `connect` up (dns: from `resolve`).

    `verdict` is `pass`, `fail`, `skip` or `error`; a `warn` is a pass with cautions, for the judge to
    make. `cause` and `layer` are those of the first step that did not pass, `summary` what came
    back in words, `evidence` the proofs, one sentence each. `signed_by` is the address that signed an
    ICMP rejection. `started` is a Unix time. `certificates`: what a TLS server sent, leaf first, DER.
    `port`: the one that was connected to, a proxy's where the way leads through one. `identified`: who
    answers proved to be who was asked for, by its certificate or host key.
    """

    address: str | None
    verdict: Verdict
    steps: tuple[Step, ...]
    cause: str | None = None
    layer: Layer | None = None
    confidence: Confidence = Confidence.CERTAIN
    summary: str = ""
    evidence: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()
    facts: Mapping[str, Any] = NOTHING
    source: Source | None = None
    signed_by: str | None = None
    started: float = 0.0
    duration: float = 0.0
    certificates: tuple[bytes, ...] = ()
    port: int | None = None
    identified: bool = False


class Outcome(NamedTuple):
    """What one look at a service showed. `started` is a Unix time, `duration` in seconds.

    `resolve` is the lookup's step (None where the host is an address). Where it failed, `ascents`
    holds one ladder without an address, whose cause is the lookup's. `left_out` names addresses
    that were not tried, each with the reason. `samples`, `held` and `bracket` are experiments after the
    look, where they were asked for and the look gave reason to make them.
    """

    resolve: Step | None
    ascents: tuple[Ascent, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    started: float = 0.0
    duration: float = 0.0
    samples: Samples | None = None
    held: Held | None = None
    bracket: Bracket | None = None


class Withheld(Exception):
    """A secret that is not to be had now; `cause` is a `credential.*` code, `text` says why."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause
        self.text = text


@dataclass(frozen=True, slots=True)
class Secret:
    """What an auth step sends. Never printed: the repr shows the user name only."""

    username: str
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)  # PEM or OpenSSH text
    passphrase: str | None = field(default=None, repr=False)
    agent_key: str | None = None  # comment or SHA256:… of a key held by ssh-agent


class Attempt(Protocol):
    """The one try at a credential; `failed` says that the target refused it, and which target."""

    @property
    def secret(self) -> Secret: ...

    def failed(self, by: str) -> None: ...


class Credential(Protocol):
    """A credential that is handed out for one attempt at a time.

    `pipeline()` is held during the whole ladder and keeps few ladders of one credential going, so
    that none waits for its turn with an open connection until the server gives up. `attempt()` is
    held during the auth step, and raises `Withheld` where there is to be none.
    """

    def pipeline(self) -> AbstractAsyncContextManager[None]: ...

    def attempt(self) -> AbstractAsyncContextManager[Attempt]: ...


class Run(Protocol):
    """The one function of a probe."""

    def __call__(
        self,
        target: Target,
        settings: Any,
        timing: Timing,
        network: Network,
        credential: Credential | None = None,
    ) -> Awaitable[Outcome]: ...


@dataclass(frozen=True, slots=True)
class Probe:
    """A protocol that can be checked; what the entry-point group `netcheck.probes` names.

    `settings` is a frozen dataclass whose fields are made by `probes.settings.option`; `layers` are
    the rungs of the ladder in order. A check without a port takes the `default_port`; where there is
    none it is an error, unless the protocol has no ports at all (`has_port`). `authenticates`: whether
    it uses a credential. `from_url` turns a URL's path and query into settings, where it has any.
    """

    name: str
    summary: str
    settings: type
    layers: tuple[Layer, ...]
    run: Run
    default_port: int | None = None
    has_port: bool = True
    authenticates: bool = False
    from_url: Callable[[str], Mapping[str, Any]] | None = None
