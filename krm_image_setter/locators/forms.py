"""The forms of an image at a path, such as a split reference: the configuration of each, and how it is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from krm_image_setter.locators.image_field import (
    ImageField,
    OtherField,
    part_field,
    source_text,
    split_field,
    text_fields,
    whole_field,
)
from krm_image_setter.yaml.tree import Location

if TYPE_CHECKING:
    from krm_image_setter.locators.kind_rule import KindRule

Fields = Iterable[ImageField | OtherField]


class Form(Protocol):
    """The form of an image at a path."""

    @property
    def options(self) -> dict[str, Any]:
        """The keys of a path object that specify this form, with their values; empty for a whole reference."""

    def fields(self, root: Any, location: Location, value: Any, rule: KindRule) -> Fields:
        """Return the fields in `value`, which is at a location below `root`."""


class Whole(NamedTuple):
    """A string that is a whole reference."""

    part: str = "reference"

    @property
    def options(self) -> dict[str, Any]:
        """See Form."""
        return {}

    def fields(self, root: Any, location: Location, value: Any, rule: KindRule) -> Fields:
        """See Form."""
        del root
        if not isinstance(value, str):
            return [OtherField(location, value, rule, "a string")]
        policy = ((*location[:-1], "imagePullPolicy"), False)
        return [whole_field(location, value, rule=rule, policy=policy)]


#: The form that needs no options.
WHOLE: Final = Whole()


class Split(NamedTuple):
    """A mapping whose keys contain the parts of a reference. An empty key means that the part does not exist."""

    repository: str
    registry: str = ""
    tag: str = ""
    digest: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """See Form."""
        return {"fields": {part: key for part, key in self._asdict().items() if key}}

    def fields(self, root: Any, location: Location, value: Any, rule: KindRule) -> Fields:
        """See Form."""
        del root
        if not isinstance(value, dict):
            return [OtherField(location, value, rule, "a mapping")]
        other = next((key for key in self if key and isinstance(value.get(key), dict | list)), None)
        if other is not None:
            return [OtherField((*location, other), value[other], rule, "a string")]
        field = split_field(location, value, self, rule)
        return [] if field is None else [field]


class Part(NamedTuple):
    """A string that is one part of a reference: its `name`, or the `tag` or `digest` of the image `of`."""

    part: str
    of: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """See Form."""
        return {"part": self.part, **({"of": self.of} if self.of else {})}

    def fields(self, root: Any, location: Location, value: Any, rule: KindRule) -> Fields:
        """See Form."""
        # YAML reads a tag such as 1.20 as a number.
        written = str if self.part == "name" else str | int | float
        if isinstance(value, bool) or not isinstance(value, written):
            return [OtherField(location, value, rule, "a string")]
        return [part_field(location, source_text(root, location), self, rule)]


class Text(NamedTuple):
    """A string that contains references as tokens of a longer text."""

    syntax: str = "text"

    @property
    def options(self) -> dict[str, Any]:
        """See Form."""
        return {"as": self.syntax}

    def fields(self, root: Any, location: Location, value: Any, rule: KindRule) -> Fields:
        """See Form."""
        del root
        if not isinstance(value, str):
            return [OtherField(location, value, rule, "a string")]
        return text_fields(location, value, rule=rule)


class Embedded(NamedTuple):
    """A string that is a YAML or JSON document; `rules` locate images in addition to those of its resources."""

    syntax: str = "yaml"
    rules: tuple[KindRule, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """See Form."""
        paths = [rule.path_data for rule in self.rules]
        return {"as": self.syntax, **({"paths": paths} if paths else {})}

    def fields(self, root: Any, location: Location, value: Any, rule: KindRule) -> Fields:
        """See Form."""
        del root
        document = self if isinstance(value, str) else None
        return [OtherField(location, value, rule, "a string", document)]
