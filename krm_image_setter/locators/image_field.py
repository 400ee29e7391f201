"""Image fields: the reference in a field, and the changes that write a new one, for all forms.

A locator converts each form to a whole reference, `current`, and `changes` converts a new reference back.
Therefore the code that decides on images does not depend on their form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from krm_image_setter.images import HUB, NO_CONTAINER, Reference, Usage
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Change, Fragment, Location


class Written(NamedTuple):
    """The changes that write a new reference; `omitted` is a warning if the field cannot contain a part of it."""

    changes: list[Change]
    omitted: str = ""


class ImageField(NamedTuple):
    """A field with a reference, `current`, which starts at code point `start` of its value.

    `location` starts at the resource. For a split reference it is the location of the mapping, and `parts` has the
    locations of its fields, starting with the repository. `changes` returns the changes for a new reference, and
    raises ValueError if the field cannot contain it. `policy` is the location of the
    pull policy next to the image, and whether to add a missing one. If the field contains only a part of the
    reference, `part` is the name of the part, and `shown` is its text. `is_bare_name` is true for a name without a
    tag in a longer text, which might not be an image.
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


class OtherField(NamedTuple):
    """A field that a path matches but that is not a reference: a document, or not of the `expected` type."""

    location: Location
    value: Any
    expected: str


class Keys(NamedTuple):
    """The keys of the parts of a split reference. An empty key means that the part does not exist."""

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
    """Return the field of a string that is a reference, with or without surrounding white space."""
    current = value.strip()
    start = 0 if current == value else value.index(current)

    def changes(new: str) -> Written:
        return Written([Change(location, Fragment(start, start + len(current), new))])

    return ImageField(location, current, changes, start, usage, policy)


def text_fields(location: Location, value: str, usage: Usage = NO_CONTAINER) -> list[ImageField]:
    """Return the fields of the references in a longer text."""
    from krm_image_setter.images.tokens import find_tokens  # noqa: PLC0415  (few configurations need it)

    def field(start: int, end: int, reference: Reference) -> ImageField:
        def changes(new: str) -> Written:
            return Written([Change(location, Fragment(start, end, new))])

        is_name = reference == Reference(reference.name) and reference.domain == HUB
        return ImageField(
            location, str(reference), changes, start, usage, is_bare_name=is_name and usage == NO_CONTAINER
        )

    return [field(*token) for token in find_tokens(value)]


def source_text(parent: Any, location: Location) -> str:
    """Return the source text of the scalar at a location, because the tag 1.20 is not a number; empty if none."""
    for step in location[:-1]:
        parent = parent[step]
    written = parent.origin(location[-1])
    text: str = getattr(written.target if isinstance(written, tree.Alias) else written, "value", "")
    return text
