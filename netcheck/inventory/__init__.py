"""The inventory: what is to be checked, from where, and what is expected."""

from netcheck.inventory.loader import load

__all__ = ["load"]
