"""Collects the accepted changes of one YAML tree, so that no two changes overlap."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from krm_image_setter.yaml.tree import Change, Location


class AcceptedChanges:
    """The accepted changes of one tree, sorted at each location. One text can have thousands of changes."""

    def __init__(self) -> None:
        self._by_location: dict[Location, list[Change]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_location)

    def accept(self, changes: list[Change]) -> list[Change]:
        """Accept either all `changes` or none. Return the changes that were not accepted before.

        If one of the changes overlaps or touches an accepted change, none of them is accepted.
        """
        if self._by_location:
            changes = [change for change in changes if not self._has(change)]
            if any(map(self._overlaps, changes)):
                return []
        for change in changes:
            others = self._by_location.setdefault(change.location, [])
            others.insert(_index(change, others) if others else 0, change)
        return changes

    def all(self) -> Iterable[Change]:
        """Return all accepted changes."""
        return [change for others in self._by_location.values() for change in others]

    def _has(self, change: Change) -> bool:
        return any(other.fragment == change.fragment for other in self._neighbors(change))

    def _overlaps(self, change: Change) -> bool:
        start, end, _ = change.fragment
        return any(
            start <= other.fragment.end and other.fragment.start <= end for other in self._neighbors(change)
        )

    def _neighbors(self, change: Change) -> list[Change]:
        """Return the accepted changes directly before and after `change`. The later one can equal `change`."""
        others = self._by_location.get(change.location)
        if not others:
            return []
        index = _index(change, others)
        return others[max(index - 1, 0) : index + 1]


def _index(change: Change, others: list[Change]) -> int:
    from bisect import bisect_left  # noqa: PLC0415  (only needed if a location has two changes)

    return bisect_left(others, change.fragment, key=attrgetter("fragment"))
