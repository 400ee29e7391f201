"""A field that holds an image, in whatever form, and how a new reference is written into it.

A locator turns each form into a whole reference, `current`; `changes` turns a new one back. So the code that
decides on images does not know how they are written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from krm_image_setter.images import ANYWHERE, HUB, Place, Reference, check_reference, parse_reference
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Change, Fragment, Location

if TYPE_CHECKING:
    from krm_image_setter.locators.forms import Embedded, Part, Split
    from krm_image_setter.locators.kind_rule import KindRule


class Written(NamedTuple):
    """The changes that write a new reference; `omitted` says which part of it has no place in the field."""

    changes: list[Change]
    omitted: str = ""


class ImageField(NamedTuple):
    """A field that holds a reference, `current`, from code point `start` of its value on.

    `location` counts from the resource; for a split reference it is that of the mapping, and `parts` has those
    of the fields, the repository first. `changes` returns what writes a new reference, and raises ValueError if
    that is not possible. `rule` is None in pod specs. `policy` is the location of the pull policy next to it, and
    whether it is added if it is missing. If the field holds only a part of the reference, `part` is its name and
    `shown` its text. `is_word` is whether it is a bare word of a text, which can be something else than an image.
    """

    location: Location
    current: str
    changes: Callable[[str], Written]
    start: int = 0
    rule: KindRule | None = None
    place: Place = ANYWHERE
    policy: tuple[Location, bool] | None = None
    part: str = ""
    shown: str = ""
    parts: tuple[Location, ...] = ()
    is_word: bool = False


class OtherField(NamedTuple):
    """A field that a path matches and that holds no reference: not what the form expects, or a `document`."""

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
    place: Place = ANYWHERE,
    policy: tuple[Location, bool] | None = None,
) -> ImageField:
    """Return the field of a string that is a reference, perhaps with white space around it."""
    current = value.strip()
    start = 0 if current == value else value.index(current)

    def changes(new: str) -> Written:
        return Written([Change(location, Fragment(start, start + len(current), new))])

    return ImageField(location, current, changes, start, rule, place, policy)


def text_fields(
    location: Location, value: str, *, rule: KindRule | None = None, place: Place = ANYWHERE
) -> list[ImageField]:
    """Return the fields of a longer text, one for each reference in it."""
    from krm_image_setter.images.tokens import find_tokens  # noqa: PLC0415  (few configurations need it)

    def field(start: int, end: int, reference: Reference) -> ImageField:
        def changes(new: str) -> Written:
            return Written([Change(location, Fragment(start, end, new))])

        is_word = rule is not None and reference == Reference(reference.name) and reference.domain == HUB
        return ImageField(location, str(reference), changes, start, rule, place, is_word=is_word)

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
            raise ValueError(f"it has no {form.part}")
        fragment = Fragment(start, start + len(value), part)
        return Written([Change(location, fragment)] if part != value else [], omitted)

    return ImageField(location, current, changes, start, rule, part=form.part, shown=value)


def split_field(location: Location, node: Any, form: Split, rule: KindRule | None) -> ImageField | None:
    """Return the field of a mapping that holds a split reference, or None if it has no repository."""
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


def source_text(holder: Any, location: Location) -> str:
    """Return the text of the scalar at a location as it is written, for a tag 1.20 is no number; else nothing."""
    for step in location[:-1]:
        holder = holder[step]
    written = holder.origin(location[-1])
    text: str = getattr(written.target if isinstance(written, tree.Alias) else written, "value", "")
    return text
