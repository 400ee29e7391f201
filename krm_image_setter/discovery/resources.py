"""Finds values that look like images in custom resources, in fields that no rule covers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from krm_image_setter.discovery.finding import ITEMS, NOT_SPECIFIED, Confidence, Finding, Kind, Steps, name_of
from krm_image_setter.discovery.judging import judged, split_reference
from krm_image_setter.images import HUB, parse_reference
from krm_image_setter.locators import WHOLE, Form
from krm_image_setter.resources import CRD, Resource
from krm_image_setter.yaml.tree import Location


def find_in_resource(resource: Resource, covered: Collection[Location]) -> Iterator[tuple[Finding, Location]]:
    """Yield the fields of a resource that probably contain images, with the location of each value.

    `covered` contains the locations that rules found. The location of a mapping covers all values in the mapping.
    A Secret is skipped, because its values must not be printed.
    """
    if resource.ref.kind == CRD or resource.is_secret:
        return
    search = _Search(Kind(resource.group, resource.ref.kind), frozenset(covered))
    for key, value in resource.node.items():
        if key not in NOT_SPECIFIED:
            yield from search.walk(value, (key,), (key,))


class _Search(NamedTuple):
    """A search for images in one resource. It skips the locations in `covered`."""

    kind: Kind
    covered: frozenset[Location]

    def walk(self, value: Any, location: Location, steps: Steps) -> Iterator[tuple[Finding, Location]]:
        """Yield the fields that probably contain images: the field at `location`, and all fields in its value."""
        if location in self.covered or steps[-1] == "status":
            return
        if isinstance(value, str):
            found = self._judged(value, steps)
            if found is not None:
                yield self._finding(steps, *found), location
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.walk(item, (*location, index), (*steps, ITEMS))
        elif isinstance(value, dict):
            strings = {key for key, item in value.items() if isinstance(item, str | int | float)}
            split = split_reference(name_of(steps)[0], strings) if self.is_custom else None
            if split and parse_reference(str(value.get(split.repository))):
                yield self._finding(steps, Confidence.SURE, "split reference", split), location
                return
            for key, item in value.items():
                yield from self.walk(item, (*location, key), (*steps, str(key)))

    @property
    def is_custom(self) -> bool:
        """Whether the resource is a custom resource. In other kinds, all image fields are known."""
        return "." in self.kind.group

    def _finding(self, steps: Steps, confidence: Confidence, reason: str, form: Form = WHOLE) -> Finding:
        return Finding(self.kind, steps, form, confidence, reason)

    def _judged(self, value: str, steps: Steps) -> tuple[Confidence, str] | None:
        """Return the confidence that a value is an image, with the reason for it. Return None if it is not."""
        reference = parse_reference(value.strip())
        if reference is None:
            return None
        name, enclosing = name_of(steps)
        judgement = judged(name, "", enclosing) if self.is_custom else None
        # A string with a registry host, and with a tag or a digest, cannot be anything but an image reference.
        has_registry = reference.domain != HUB and "." in reference.domain
        if judgement is None and has_registry and (reference.tag or reference.digest):
            return Confidence.POSSIBLE, "value"
        return judgement
