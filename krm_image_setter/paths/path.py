"""The types and formats that the notations of paths share: a path, a match, and the location of a match."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from krm_image_setter.errors import ImageSetterError
from krm_image_setter.typed import Any, Final, Protocol, Record, TypeAlias, TypeVar

T = TypeVar("T")

#: The keys and indexes of the path from the root of the data to a value, such as `("containers", 0, "image")`.
Location: TypeAlias = tuple[str | int, ...]


class Match(Record):
    """A value that a path matches, and its location."""

    location: Location
    value: Any


def each_once(values: Iterable[T], location_of: Callable[[T], Location]) -> list[T]:
    """Return the values. Of the values with the same location, return only the first value."""
    found: dict[Location, T] = {}
    for value in values:
        found.setdefault(location_of(value), value)
    return list(found.values())


class Path(Protocol):
    """A parsed path, in any of the notations."""

    @property
    def text(self) -> str:
        """The path as the user wrote it."""

    @property
    def keyword(self) -> str:
        """A key that all matching data contain, or an empty string if no such key is known."""

    @property
    def last_key(self) -> str:
        """The key of all values that the path matches, or an empty string if it is not known."""

    def find(self, data: Any) -> list[Match]:
        """Return the values in `data` that the path matches. No location occurs twice."""

    def steps(self, data: Any) -> Iterator[tuple[list[Match], str | None]]:
        """Yield, for each step of the path, the values where the step starts and the key that it looks up.

        The key is None if the step looks up items of a list. The last step is the first one that matches nothing.
        If the path cannot be followed step by step, nothing is yielded.
        """


class PathError(ImageSetterError):
    """The error for an invalid path. Its `column` counts from 1 in the path."""


# The images of thousands of Deployments have the same location.
@lru_cache(maxsize=1024)
def format_location(location: Location) -> str:
    """Format a location as messages show it: `spec.containers[0].image`, `data['a.b']`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else format_key(step) for step in location)
    return text.removeprefix(".")


def format_key(key: str) -> str:
    """Format a key as a step of a path in Kubernetes JSONPath: `.image`, `['a.b']`."""
    if key.replace("_", "").replace("-", "").isalnum():
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def type_of(value: Any) -> str:
    """Return the type of a value for a message, with an article: "a list"."""
    return next((name for kind, name in _TYPES.items() if isinstance(value, kind)), "null")


_TYPES: Final = {
    dict: "a mapping",
    list: "a list",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
}
