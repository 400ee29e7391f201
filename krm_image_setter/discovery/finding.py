"""Defines Finding: a field that probably contains an image, and how certain that is."""

from __future__ import annotations

from enum import IntEnum

from krm_image_setter.globs import escaped_glob
from krm_image_setter.locators import Form, KindRule, Part, Selector
from krm_image_setter.paths import format_key, parse_path
from krm_image_setter.typed import Final, Record

#: Two steps of a path: ITEMS matches every item of a list, and VALUES matches every value of a mapping.
ITEMS: Final = "[*]"
VALUES: Final = ".*"
# A step that is not a key starts with `[` (an index, all items, or named items) or with `.*` (all values).
_NOT_KEYS: Final = ("[", ".*")
#: Top-level fields that have the same meaning in every kind. They are not searched.
NOT_SPECIFIED: Final = ("apiVersion", "kind", "metadata", "status")
Steps = tuple[str, ...]


def name_of(steps: Steps) -> tuple[str, Steps]:
    """Return the name of the last field in `steps`, and the steps before that field."""
    end = len(steps)
    while end > 1 and steps[end - 1].startswith(_NOT_KEYS):
        end -= 1
    return steps[end - 1], steps[: end - 1]


class Confidence(IntEnum):
    """The confidence that a field contains a container image. It depends on the kind of evidence."""

    POSSIBLE = 0  # evidence: only a part of the field's name, or only the value
    LIKELY = 1  # evidence: the name of the field, if the description fits
    SURE = 2  # evidence: the structure is a container or a split reference


class Kind(Record):
    """The API group and kind of a custom resource. `file` is set for a document that is not a resource."""

    group: str
    kind: str
    file: str = ""

    @property
    def section(self) -> str:
        """The field of the configuration for rules of this kind."""
        return "files" if self.file else "kinds"

    def __str__(self) -> str:
        if self.file:
            return self.file
        return f"{self.kind}.{self.group}" if self.group else self.kind


class Finding(Record):
    """A field that probably contains an image. `steps` are the steps of its path. `form` is the form of the image.

    `reason` explains the confidence. `description` is the description in the schema, on one line.
    """

    kind: Kind
    steps: Steps
    form: Form
    confidence: Confidence
    reason: str
    description: str = ""

    @property
    def path(self) -> str:
        """The path of the field in the notation of Kubernetes JSONPath."""
        steps = (step if step.startswith(_NOT_KEYS) else format_key(step) for step in self.steps)
        return "{" + ("".join(steps) or "$") + "}"

    @property
    def is_complete(self) -> bool:
        """Whether an entry can be written for the field. A tag or digest also needs the name of its image."""
        return not isinstance(self.form, Part) or self.form.part == "name"

    @property
    def selector(self) -> Selector:
        """The selector of the entry in `kinds` or `files` for this field."""
        if self.kind.file:
            return Selector(files=(escaped_glob(self.kind.file),))
        return Selector(self.kind.kind, f"{self.kind.group}/*" if self.kind.group else "")

    @property
    def rule(self) -> KindRule:
        """The rule of the entry in `kinds` or `files` for this field."""
        return KindRule(self.selector, parse_path(self.path), self.form)
