"""A field that may hold an image, and how sure that is."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final, NamedTuple

from krm_image_setter.locators import Form, Split
from krm_image_setter.locators.image_field import split_field
from krm_image_setter.paths import format_key
from krm_image_setter.yaml.tree import Location

#: Any item of a list, any value of a mapping, in the location of a Finding.
ITEMS: Final = "[*]"
VALUES: Final = ".*"
#: What every resource has and no kind specifies.
NOT_SPECIFIED: Final = ("apiVersion", "kind", "metadata", "status")
Steps = tuple[str, ...]


def name_of(steps: Steps) -> tuple[str, Steps]:
    """Return the name of the field that steps lead to or into, and the steps that enclose it."""
    end = len(steps)
    while end > 1 and steps[end - 1] in (ITEMS, VALUES):
        end -= 1
    return steps[end - 1], steps[: end - 1]


class Confidence(IntEnum):
    """How sure it is that a field holds a container image."""

    POSSIBLE = 0  # its name or its value alone speaks for it
    LIKELY = 1  # its name and its description, or its name and nothing against it
    SURE = 2  # its shape: a container, or a reference in parts


class Kind(NamedTuple):
    """The kind of a custom resource."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


class Finding(NamedTuple):
    """A field of a kind: `steps` lead to it, `form` is how the image is written there.

    `reason` is what the confidence rests on, `description` what the schema says of the field, on one line.
    """

    kind: Kind
    steps: Steps
    form: Form
    confidence: Confidence
    reason: str
    description: str = ""

    def value_at(self, root: Any, location: Location) -> str:
        """Return the image at a location that this leads to, a reference in parts as a whole."""
        for step in location:
            root = root[step]
        field = split_field(location, root, self.form, None) if isinstance(self.form, Split) else None
        return field.current if field is not None else str(root)

    @property
    def path(self) -> str:
        """The path in Kubernetes JSONPath."""
        steps = (step if step in (ITEMS, VALUES) else format_key(step) for step in self.steps)
        return "{" + "".join(steps) + "}"
