"""Names that belong together, pair by pair: in whatever order the pairs came, the groups are the same."""

from __future__ import annotations


class Groups:
    """Each name belongs to one group, which is called by the smallest of its names."""

    def __init__(self) -> None:
        self._next: dict[str, str] = {}  # a name to a smaller one of its group

    def join(self, one: str, other: str) -> None:
        """Say that the two belong together."""
        first, last = sorted((self.of(one), self.of(other)))
        self._next[last] = first

    def of(self, name: str) -> str:
        """The name of the group to which this one belongs.

        >>> groups = Groups()
        >>> groups.join("web", "10.0.0.5")
        >>> groups.join("www", "10.0.0.5")
        >>> groups.of("www") == groups.of("web"), groups.of("db")
        (True, 'db')
        """
        following = self._next
        while (beyond := following.setdefault(name, name)) != name:
            following[name] = following[beyond]
            name = beyond
        return name
