"""Image fields: the reference in a field, and the changes that write a new one, for all forms.

A locator converts each form to a whole reference, `current`, and `changes` converts a new reference back.
Therefore the code that decides on images does not depend on their form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from krm_image_setter.images import HUB, NO_CONTAINER, Reference, Usage, check_reference, parse_reference
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Change, Fragment, Location

if TYPE_CHECKING:
    from krm_image_setter.locators.forms import Embedded, Part, Split
    from krm_image_setter.locators.kind_rule import KindRule


class Written(NamedTuple):
    """The changes that write a new reference; `omitted` is a warning if the field cannot contain a part of it."""

    changes: list[Change]
    omitted: str = ""


class ImageField(NamedTuple):
    """A field with a reference, `current`, which starts at code point `start` of its value.

    `location` starts at the resource. For a split reference it is the location of the mapping, and `parts` has the
    locations of its fields, starting with the repository. `changes` returns the changes for a new reference, and
    raises ValueError if the field cannot contain it. `rule` is None in pod specs. `policy` is the location of the
    pull policy next to the image, and whether to add a missing one. If the field contains only a part of the
    reference, `part` is the name of the part, and `shown` is its text. `is_bare_name` is true for a name without a
    tag in a longer text, which might not be an image.
    """

    location: Location
    current: str
    changes: Callable[[str], Written]
    start: int = 0
    rule: KindRule | None = None
    usage: Usage = NO_CONTAINER
    policy: tuple[Location, bool] | None = None
    part: str = ""
    shown: str = ""
    parts: tuple[Location, ...] = ()
    is_bare_name: bool = False


class OtherField(NamedTuple):
    """A field that a path matches but that is not a reference: a value of another type, or a `document`."""

    location: Location
    value: Any
    rule: KindRule
    expected: str
    document: Embedded | None = None
    start: int = 0
    parts: tuple[Location, ...] = ()


def whole_field(
    location: Location,
    value: str,
    *,
    rule: KindRule | None = None,
    usage: Usage = NO_CONTAINER,
    policy: tuple[Location, bool] | None = None,
) -> ImageField:
    """Return the field of a string that is a reference, with or without surrounding white space."""
    current = value.strip()
    start = 0 if current == value else value.index(current)

    def changes(new: str) -> Written:
        return Written([Change(location, Fragment(start, start + len(current), new))])

    return ImageField(location, current, changes, start, rule, usage, policy)


def text_fields(
    location: Location, value: str, *, rule: KindRule | None = None, usage: Usage = NO_CONTAINER
) -> list[ImageField]:
    """Return the fields of the references in a longer text."""
    from krm_image_setter.images.tokens import find_tokens  # noqa: PLC0415  (few configurations need it)

    def field(start: int, end: int, reference: Reference) -> ImageField:
        def changes(new: str) -> Written:
            return Written([Change(location, Fragment(start, end, new))])

        is_bare_name = rule is not None and reference == Reference(reference.name) and reference.domain == HUB
        return ImageField(location, str(reference), changes, start, rule, usage, is_bare_name=is_bare_name)

    return [field(*token) for token in find_tokens(value)]


def part_field(location: Location, text: str, form: Part, rule: KindRule) -> ImageField:
    """Return the field of a string that is a name, or the tag or digest of another image."""
    from krm_image_setter.locators.split_reference import missing_algorithm  # noqa: PLC0415  (few runs need it)

    value = text.strip()
    prefix = missing_algorithm(value) if form.part == "digest" else ""
    current = {"name": value, "tag": f"{form.of}:{value}", "digest": f"{form.of}@{prefix}{value}"}[form.part]
    start = text.index(value)

    def changes(new: str) -> Written:
        name, tag, digest = check_reference(new)
        old = parse_reference(current)
        omitted = ""
        if form.part == "name":
            if old is not None and old != Reference(old.name):
                raise ValueError("the field also contains a tag or digest")
            part = name
        elif form.part == "digest":
            part = (digest or "").removeprefix(prefix)
        else:
            part = tag or ""
            if tag and digest and old is not None and old.digest:
                part = f"{tag}@{digest}"
            elif tag and digest:
                omitted = f'the digest of "{new}" was not written: the field contains only a tag'
        if not part:
            raise ValueError(f"the new reference has no {form.part}")
        fragment = Fragment(start, start + len(value), part)
        return Written([Change(location, fragment)] if part != value else [], omitted)

    return ImageField(location, current, changes, start, rule, part=form.part, shown=value)


def split_field(location: Location, node: Any, form: Split, rule: KindRule | None) -> ImageField | None:
    """Return the field of a mapping with a split reference, or None if it has no repository."""
    from krm_image_setter.locators.split_reference import join_parts  # noqa: PLC0415  (few runs need it)

    written = {key: source_text(node, (key,)) for key in form if key and key in node}
    split = join_parts(form, {key: text for key, text in written.items() if node[key] is not None})
    if split is None:
        return None

    def changes(new: str) -> Written:
        return Written(
            [
                Change((*location, key), Fragment(0, len(written.get(key, "")), text), beside=form.repository)
                for key, text in split.parts_of(check_reference(new)).items()
            ]
        )

    return ImageField(
        location, str(split.reference), changes, rule=rule, parts=tuple((*location, key) for key in form if key)
    )


def source_text(parent: Any, location: Location) -> str:
    """Return the source text of the scalar at a location, because the tag 1.20 is not a number; empty if none."""
    for step in location[:-1]:
        parent = parent[step]
    written = parent.origin(location[-1])
    text: str = getattr(written.target if isinstance(written, tree.Alias) else written, "value", "")
    return text
