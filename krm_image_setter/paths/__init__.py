"""Paths to fields of dicts and lists, in several notations. This package does not depend on YAML or on images."""

from __future__ import annotations

import re

from krm_image_setter.paths.path import Location, Match, Path, PathError, format_key, format_location, type_of

__all__ = ["Location", "Match", "Path", "PathError", "format_key", "format_location", "parse_path", "type_of"]


def parse_path(text: str) -> Path:
    """Parse a path, and detect its notation from its characters. Raises PathError if the path is invalid."""
    stripped = text.strip()
    if not stripped:
        raise PathError("path is empty; expected one such as {.spec.image}", column=1)
    if stripped.startswith("$"):
        from krm_image_setter.paths import jsonpath  # noqa: PLC0415  (importing jsonpath-ng takes 32 ms)

        return jsonpath.parse(text)
    # Apply the pattern only up to the last `]`, because thousands of `[` without `]` take quadratic time.
    last = stripped.rfind("]") + 1
    outside = re.sub(r"\[[^\]]+\]", "", stripped[:last]) + stripped[last:]
    if stripped[0] not in "{.[" and "\\." not in stripped and "/" in outside:
        from krm_image_setter.paths import field_spec  # noqa: PLC0415

        return field_spec.parse(text)
    from krm_image_setter.paths import kubernetes  # noqa: PLC0415  (importing it takes 1 ms)

    return kubernetes.parse(text)
