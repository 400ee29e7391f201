"""Defines ImageField: the reference in a field, and the function that writes a new reference to the field.

Each form of an image converts its fields to whole references (`current`), and new references back to changes.
Therefore the code that decides which images to set does not depend on the form.
"""

from __future__ import annotations

from collections.abc import Callable

from krm_image_setter.images import HUB, NO_CONTAINER, Reference, Usage
from krm_image_setter.typed import TYPE_CHECKING, Any, Record
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Change, Fragment, Location

if TYPE_CHECKING:
    from krm_image_setter.locators.kind_rule import Embedded


class Written(Record):
    """The changes that write a new reference. `omitted` is a warning if a part of the reference has no field."""

    changes: list[Change]
    omitted: str = ""


class ImageField(Record):
    """A field with the reference `current`, which starts at code point `start` of the field's value.

    For a split reference, `location` is that of the mapping, and `parts` contains the locations of its fields,
    starting with the repository. `changes` returns the changes that write a new reference. It raises ValueError if
    the field cannot contain the new reference. `policy` is the location of the pull policy of the image, and
    whether to add the policy if it is missing. If the field contains only a part of the reference, `part` is the
    name of the part and `shown` is its text. `is_bare_name` is true for a name without a tag in a longer text,
    because such a name might not be an image. If the field overrides images in other resources, as an entry of
    `images` does, `overrides` is their name, which `changes` keeps.
    """

    location: Location
    current: str
    changes: Callable[[str], Written]
    start: int = 0
    usage: Usage = NO_CONTAINER
    policy: tuple[Location, bool] | None = None
    part: str = ""
    shown: str = ""
    parts: tuple[Location, ...] = ()
    is_bare_name: bool = False
    overrides: str = ""

    @property
    def first_location(self) -> Location:
        """The location of the scalar that contains the reference, or the repository of a split reference."""
        return self.parts[0] if self.parts else self.location


class OtherField(Record):
    """A field that a path matches and that is not an image: a document, or a value that is not `expected`.

    If the value can be a document, `embedded` is the form of the document.
    """

    location: Location
    value: Any
    expected: str
    embedded: Embedded | None = None


class Keys(Record):
    """The keys that contain the parts of a split reference. A part with an empty key does not exist."""

    repository: str
    registry: str = ""
    tag: str = ""
    digest: str = ""


def whole_field(
    location: Location,
    value: str,
    *,
    usage: Usage = NO_CONTAINER,
    policy: tuple[Location, bool] | None = None,
) -> ImageField:
    """Return the image field for a string that contains only a reference, apart from white space."""
    current = value.strip()
    start = 0 if current == value else value.index(current)

    def changes(new: str) -> Written:
        return Written([Change(location, Fragment(start, start + len(current), new))])

    return ImageField(location, current, changes, start, usage, policy)


def text_fields(location: Location, value: str, usage: Usage = NO_CONTAINER) -> list[ImageField]:
    """Return an image field for each reference in a longer text."""
    from krm_image_setter.images.tokens import find_tokens  # noqa: PLC0415  (rarely needed)

    def field(start: int, end: int, reference: Reference) -> ImageField:
        def changes(new: str) -> Written:
            return Written([Change(location, Fragment(start, end, new))])

        is_name = reference == Reference(reference.name) and reference.domain == HUB
        return ImageField(
            location, str(reference), changes, start, usage, is_bare_name=is_name and usage == NO_CONTAINER
        )

    return [field(*token) for token in find_tokens(value)]


def source_text(parent: Any, location: Location) -> str:
    """Return the source text of a scalar, such as `1.20` for the number 1.2, or "" for other values."""
    return tree.text_of(tree.at(parent, location[:-1]).origin(location[-1])) or ""
