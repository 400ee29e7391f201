"""Why a path matches nothing: how far it gets in the data, and what is there. Never shows values, only keys."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final, NamedTuple

from krm_image_setter.paths.path import Location, Match, Path, format_location, type_of


class Mismatch(NamedTuple):
    """The number of steps that matched, and the reason why the next one does not."""

    steps: int
    reason: str


def find_mismatch(path: Path, data: Any) -> Mismatch | None:
    """Return where a path that matches nothing in `data` ends.

    Return None if the path matches something, or if its notation cannot be followed step by step.
    """
    steps = list(path.steps(data))
    if not steps or path.find(data):
        return None
    return Mismatch(len(steps), _reason(*steps[-1]))


def _reason(nodes: list[Match], key: str | None) -> str:
    """Return why a step from `nodes` matches nothing: the field `key`, or items of a list if it is None."""
    location, value = next((node for node in nodes if isinstance(node.value, dict)), nodes[0]) if key else nodes[0]
    at = _shown(location)
    if key is not None and isinstance(value, dict):
        in_mapping = f" in {at}" if location else ""
        return f'no field "{key}"{in_mapping}{_suggestion(key, value)}'
    if isinstance(value, list):
        if not value:
            return f"{at} is an empty list"
        return f"{at} is a list; use [*]" if key is not None else f"no item of {at} matches"
    return f"{at} is {type_of(value)}, not a {'mapping' if key is not None else 'list'}"


def _shown(location: Location) -> str:
    text = format_location(location)
    return text if text.startswith("[") else f".{text}"


def _suggestion(key: str, mapping: dict[Any, Any]) -> str:
    import difflib  # noqa: PLC0415  (only for a path that matches nothing)

    keys = [other for other in islice(mapping, _MOST_COMPARED) if isinstance(other, str)]
    close = difflib.get_close_matches(key, keys, n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


# Comparing two keys takes about a fifth of a millisecond.
_MOST_COMPARED: Final = 1_000
