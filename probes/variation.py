"""The same tried again with one thing changed."""

from __future__ import annotations

from typing import NamedTuple


class Variation(NamedTuple):
    """What was varied, to which value, and how that ended, in words too; `cause` None: it worked."""

    varied: str
    value: str | None
    cause: str | None
    summary: str

    @property
    def works(self) -> bool:
        return self.cause is None
