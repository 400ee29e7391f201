"""Paths to fields, in three notations. Knows no YAML and no images: works on any dict and list."""

from __future__ import annotations

import re

from krm_image_setter.paths.path import Location, Match, Path, PathError, format_key, format_location, type_of

__all__ = ["Location", "Match", "Path", "PathError", "format_key", "format_location", "parse_path", "type_of"]


def parse_path(text: str) -> Path:
    """Return the path in the notation that its look tells (api.md, 1.4). Raises PathError."""
    stripped = text.strip()
    if not stripped:
        raise PathError("the path is empty: give one such as {.spec.image}", column=1)
    if stripped.startswith("$"):
        from krm_image_setter.paths import jsonpath  # noqa: PLC0415  (jsonpath-ng costs 32 ms)

        return jsonpath.parse(text)
    # Behind the last ] no [ is closed: to look for its end from each of thousands takes quadratic time.
    last = stripped.rfind("]") + 1
    outside = re.sub(r"\[[^\]]+\]", "", stripped[:last]) + stripped[last:]
    if stripped[0] not in "{.[" and "\\." not in stripped and "/" in outside:
        from krm_image_setter.paths import field_spec  # noqa: PLC0415  (as few runs need it)

        return field_spec.parse(text)
    from krm_image_setter.paths import kubernetes  # noqa: PLC0415  (1 ms, and a run without kinds needs none)

    return kubernetes.parse(text)
