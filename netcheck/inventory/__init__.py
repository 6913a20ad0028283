"""The inventory: what is to be checked, from where, and what is expected (CONTRACT: the inventory)."""
