"""What the three notations have in common: a path is found in data, and each match knows where it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeAlias

from krm_image_setter.errors import ImageSetterError

#: The keys and indexes from the root of the data to one match.
Location: TypeAlias = tuple[str | int, ...]


class Match(NamedTuple):
    """One value that a path leads to, and where it is."""

    location: Location
    value: Any


class Path(Protocol):
    """A path as its user wrote it."""

    @property
    def text(self) -> str:
        """The path as written."""

    def find(self, data: Any) -> list[Match]:
        """Return where it leads in `data`, each location once; where it leads nowhere, nothing."""


class PathError(ImageSetterError):
    """A path that does not parse; `column` counts from 1 in the path."""


@lru_cache(maxsize=1024)  # the images of a thousand Deployments stand in the same place
def format_location(location: Location) -> str:
    """Return a location as a path that people know: `spec.containers[0].image`, `data['a.b']`."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += format_key(step)
    return text.removeprefix(".")


def format_key(key: str) -> str:
    """Format a key as a step of a path in Kubernetes JSONPath: `.image`, `['a.b']`."""
    if key.replace("_", "").replace("-", "").isalnum():
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"
