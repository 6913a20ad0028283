"""Run ids: ULIDs, 26 characters that sort by time (48 bits of milliseconds, 80 random bits)."""

from __future__ import annotations

import re
import secrets
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
ULID = re.compile(rf"[0-7][{ALPHABET}]{{25}}")


def new_id(moment: float | None = None) -> str:
    """A fresh id for a run that starts at `moment`, a Unix time; None: now."""
    milliseconds = int((time.time() if moment is None else moment) * 1000)
    number = (milliseconds << 80) | secrets.randbits(80)
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
