"""Reads Helm parameters, such as `image.tag: v1`, as the tree of values that they set.

Parameters are a list of `{name: image.tag, value: v1}` (Argo CD, Crossplane), or a mapping with names as keys
(the `set` of k3s). See https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set.
"""

from __future__ import annotations

import re

from krm_image_setter.locators.image_field import ImageField, Written
from krm_image_setter.paths import format_location
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.tree import Location, Mapping

_STEP: Final = r"(?:\\.|[^.\\])+"  # a dot after a backslash is a part of a key


class _Parameters(dict[str, Any]):
    """A mapping in the tree of values. `nodes` contains the node of each value in the source."""

    def __init__(self) -> None:
        self.nodes: dict[str, Any] = {}

    def origin(self, key: str) -> Any:
        """Return the node of the value of `key` in the source."""
        return self.nodes[key]


class Parameters(Record):
    """The tree of values that parameters set. `locations` maps each location in the tree to its parameter."""

    tree: _Parameters
    locations: dict[Location, Location]

    def moved(self, field: ImageField) -> ImageField:
        """Convert an image field of the tree to an image field of the parameters."""

        def changes(new: str) -> Written:
            written = field.changes(new)
            missing = next(
                (each.location for each in written.changes if each.location not in self.locations), None
            )
            if missing is not None:
                raise ValueError(f'there is no parameter "{format_location(missing)}"; add it')
            return written._replace(
                changes=[
                    each._replace(location=self.locations[each.location], beside="") for each in written.changes
                ]
            )

        parts = tuple(self.locations.get(part, part) for part in field.parts)
        location = parts[0] if parts else self.locations[field.location]
        return field._replace(location=location, changes=changes, parts=parts, policy=None)


def parameters_in(location: Location, value: Any) -> Parameters | None:
    """Return the parameters in the value at `location`, or None if the value does not consist of parameters."""
    if isinstance(value, dict):
        if not any("." in key for key in value) or any(isinstance(item, dict | list) for item in value.values()):
            return None
        entries: list[tuple[str, Any, str, Location]] = [(key, value, key, (*location, key)) for key in value]
    else:
        if not value or not all(isinstance(item, Mapping) and isinstance(item.get("name"), str) for item in value):
            return None
        entries = [
            (item["name"], item, "value", (*location, index, "value"))
            for index, item in enumerate(value)
            if "value" in item
        ]
    found = Parameters(_Parameters(), {})
    for name, holder, key, at in entries:
        steps = [step.replace("\\.", ".") for step in re.findall(_STEP, name)]
        inner: Any = found.tree
        for step in steps[:-1]:
            inner = inner.setdefault(step, _Parameters())
            if not isinstance(inner, _Parameters):
                break
        if steps and isinstance(inner, _Parameters):
            inner[steps[-1]] = holder[key]
            inner.nodes[steps[-1]] = holder.origin(key)
            found.locations[tuple(steps)] = at
    return found
