"""A field that seems to contain an image, and the confidence that it does."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final, NamedTuple

from krm_image_setter.locators import Form
from krm_image_setter.locators.image_field import ImageField
from krm_image_setter.paths import format_key
from krm_image_setter.yaml.tree import Location

#: Steps to every item of a list and to every value of a mapping.
ITEMS: Final = "[*]"
VALUES: Final = ".*"
#: Fields that are the same in every kind.
NOT_SPECIFIED: Final = ("apiVersion", "kind", "metadata", "status")
Steps = tuple[str, ...]


def name_of(steps: Steps) -> tuple[str, Steps]:
    """Return the name of the last field in `steps`, and the steps before it."""
    end = len(steps)
    while end > 1 and steps[end - 1] in (ITEMS, VALUES):
        end -= 1
    return steps[end - 1], steps[: end - 1]


class Confidence(IntEnum):
    """The confidence that a field contains a container image, by the evidence for it."""

    POSSIBLE = 0  # only a part of the name, or only the value
    LIKELY = 1  # the name, if the description does not contradict it
    SURE = 2  # the structure: a container or a split reference


class Kind(NamedTuple):
    """The kind of a custom resource."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


class Finding(NamedTuple):
    """A field of a kind. `steps` are the keys on the path to the field, and `form` is the notation of its image.

    `reason` explains the confidence. `description` comes from the schema, on one line.
    """

    kind: Kind
    steps: Steps
    form: Form
    confidence: Confidence
    reason: str
    description: str = ""

    def value_at(self, root: Any, location: Location) -> str:
        """Return the image at a location that matches this field; a split reference as one string."""
        for step in location:
            root = root[step]
        fields = self.form.fields(root, location, root) if isinstance(root, dict) else ()
        return next((field.current for field in fields if isinstance(field, ImageField)), str(root))

    @property
    def path(self) -> str:
        """The path of the field in Kubernetes JSONPath."""
        steps = (step if step in (ITEMS, VALUES) else format_key(step) for step in self.steps)
        return "{" + "".join(steps) + "}"
