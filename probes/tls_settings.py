"""What may be asked of a server's certificate."""

from __future__ import annotations

from dataclasses import dataclass

from probes.certificates import Fingerprint
from probes.settings import BadValue, Choice, Duration, File, Flag, Text, option, shown
from probes.urls import ascii_name

VERIFY = ("full", "chain", "pin", "none")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked of the server's certificate."""

    server_name: str | None = option(
        Text("a host name", r"[^\s/:@]{1,253}", "vault.acme.example"),
        None,
        "the name sent as SNI and looked for in the certificate, instead of the host",
    )
    verify: str = option(
        Choice(VERIFY, "a way to verify"),
        "full",
        "`full`: chain and name; `chain`: any name; `pin`: only the fingerprint; `none`",
    )
    ca_file: str | None = option(File(), None, "trusted CAs in PEM form, in place of the system's")
    issuer: str | None = option(
        Text("an issuer"),
        None,
        "text that the certificate's issuer must contain; it proves nothing, for a device may copy a name",
    )
    fingerprint: str | None = option(Fingerprint(), None, "SHA-256 that the certificate must have")
    expires_in: float = option(Duration(), 30 * 86400.0, "warn when it expires within this time")
    public: bool = option(
        Flag(),
        False,
        "a name for which only a public CA signs: another one decrypts on the way (flows to the SaaS: true,"
        " unless `ca_file` is given)",
    )
    fetch_issuer: bool = option(
        Flag(),
        False,
        "fetch a missing intermediate from where the certificate says (AIA)",
    )
    revocation: bool = option(
        Flag(), False, "ask whether the CRL and OCSP addresses of the chain are reached, by http"
    )

    def __post_init__(self) -> None:
        if self.verify == "pin" and self.fingerprint is None:
            raise BadValue("`verify: pin` needs a `fingerprint`", ("verify",))
        try:
            ascii_name(self.server_name or "")
        except UnicodeError:
            raise BadValue(f"{shown(self.server_name)} is not a host name", ("server_name",)) from None
