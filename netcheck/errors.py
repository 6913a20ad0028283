"""What can go wrong before anything is checked; the command line turns each into exit status 2."""

from __future__ import annotations


class UsageError(Exception):
    """Nothing was checked, and the message says why and what to do. Shown as it is, without a trace."""


class NotAvailableYet(UsageError):
    """A part of the contract that is not there yet."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not available yet: {what}")
