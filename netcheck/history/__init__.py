"""Past runs: kept as JSON Lines in the user's state folder, found again by id or `last`."""
