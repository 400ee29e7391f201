"""What a locator finds: a field that holds an image, in whatever form, and what to write for a new one.

A locator turns each form into a whole reference, `current`; `changes` turns a new one back. So whoever decides on
images need not know how they are written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from krm_image_setter.images import ANYWHERE, Place, Reference, check_reference, parse_reference
from krm_image_setter.locators.kind_rule import KindRule, Part, Parts
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Change, Fragment, Location


class Written(NamedTuple):
    """The changes that write a new reference; `omitted` says which part of it has no place in the field."""

    changes: list[Change]
    omitted: str = ""


class ImageField(NamedTuple):
    """A field that holds a reference: `current`, from `start` on in its value.

    `location` counts from the resource; it is that of the mapping for a reference in parts. `rule` is None in pod
    specs. `changes` gives what to write for a new reference, and raises ValueError where it can't be written.
    `policy` is the field beside it that tells when to pull, and whether to add it where it is missing. `shown` is
    what stands in the field where that is only a part of `current`; `holds` are the locations of the parts of a
    reference in parts.
    """

    location: Location
    current: str
    changes: Callable[[str], Written]
    start: int = 0
    rule: KindRule | None = None
    place: Place = ANYWHERE
    policy: tuple[Location, bool] | None = None
    shown: str = ""
    holds: tuple[Location, ...] = ()


class OtherField(NamedTuple):
    """A field that a path leads to and that is no reference: not a string, or a document of its own."""

    location: Location
    value: Any
    rule: KindRule
    start: int = 0


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

    def field(start: int, end: int, current: str) -> ImageField:
        def changes(new: str) -> Written:
            return Written([Change(location, Fragment(start, end, new))])

        return ImageField(location, current, changes, start, rule, place)

    return [field(start, end, str(reference)) for start, end, reference in find_tokens(value)]


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

    return ImageField(location, current, changes, start, rule, shown=value)


def parts_field(location: Location, node: tree.Mapping, form: Parts, rule: KindRule | None) -> ImageField | None:
    """Return the field of a mapping that holds a reference in parts, or None where it holds none."""
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
        location, str(split.reference), changes, rule=rule, holds=tuple((*location, key) for key in form if key)
    )


def source_text(holder: Any, location: Location) -> str:
    """Return the text of the scalar at a location as it is written, for a tag 1.20 is no number; else nothing."""
    for step in location[:-1]:
        holder = holder[step]
    written = holder.origin(location[-1])
    text: str = getattr(written.target if isinstance(written, tree.Alias) else written, "value", "")
    return text
