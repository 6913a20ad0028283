"""netcheck: verifies that the vault reaches its targets and the users reach the vault."""

__version__ = "0.1.0"
