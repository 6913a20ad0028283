"""Host keys: fingerprints, pins from the settings, and known_hosts files (sshd(8), SSH_KNOWN_HOSTS)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public host key as it goes over the wire (RFC 4253 6.6). `bits` 0: not known."""

    type: str
    blob: bytes
    bits: int = 0

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: `SHA256:` and base64 without padding."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return "SHA256:" + digest.rstrip("=")
