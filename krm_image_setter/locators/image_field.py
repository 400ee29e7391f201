"""What a locator finds: a field that holds an image."""

from __future__ import annotations

from typing import Any, NamedTuple

from krm_image_setter.locators.kind_rule import KindRule
from krm_image_setter.yaml.sharing import Location


class ImageField(NamedTuple):
    """A field of a resource: where it is, counted from the resource, what it holds, and the rule that leads there.

    `value` is whatever stands there; `rule` is None for the fields of pod specs.
    """

    location: Location
    value: Any
    rule: KindRule | None = None
