"""Explain why a path matches nothing: which step fails, and which type of data it finds. Values are not shown."""

from __future__ import annotations

from itertools import islice

from krm_image_setter.paths.path import Location, Match, Path, format_location, type_of
from krm_image_setter.typed import Any, Final, Record


class Mismatch(Record):
    """The number of the first step (from 1) that matches nothing, and the reason why it matches nothing."""

    steps: int
    reason: str


def find_mismatch(path: Path, data: Any) -> Mismatch | None:
    """Return the first step of `path` that matches nothing in `data`, with the reason.

    Return None if the path matches something, or if it cannot be followed step by step.
    """
    steps = list(path.steps(data))
    if not steps or path.find(data):
        return None
    return Mismatch(len(steps), _reason(*steps[-1]))


def _reason(nodes: list[Match], key: str | None) -> str:
    """Return why a step from `nodes` matches nothing. If `key` is None, the step looks up items of a list."""
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


# The maximum number of keys to compare for a suggestion. A comparison takes about 0.2 ms.
_MOST_COMPARED: Final = 1_000
