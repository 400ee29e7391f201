"""The forms that an image can have at a path, such as a split reference, and how each form is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple, Protocol

from krm_image_setter.images import Reference, check_reference, parse_reference
from krm_image_setter.locators.image_field import (
    ImageField,
    Keys,
    OtherField,
    Written,
    source_text,
    text_fields,
    whole_field,
)
from krm_image_setter.yaml.tree import Change, Fragment, Location

Fields = Iterable[ImageField | OtherField]


class Form(Protocol):
    """The form of the image at a path, such as a whole reference or a split reference."""

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values of the path object that specifies this form. A whole reference needs no keys."""

    def fields(self, root: Any, location: Location, value: Any) -> Fields:
        """Return the image fields in `value`. `location` is the location of `value` in the tree `root`."""


class Whole(NamedTuple):
    """The form of a string that is a whole reference, such as `nginx:1.27`."""

    part: str = "reference"

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values of the path object; see `Form.options`."""
        return {}

    def fields(self, root: Any, location: Location, value: Any) -> Fields:
        """Return the image fields in `value`; see `Form.fields`."""
        del root
        if not isinstance(value, str):
            return [OtherField(location, value, "a string")]
        policy = ((*location[:-1], "imagePullPolicy"), False)
        return [whole_field(location, value, policy=policy)]


#: The form of a whole reference, which has no options.
WHOLE: Final = Whole()


class Split(Keys):
    """The form of a mapping that contains the parts of a reference under several keys."""

    __slots__ = ()

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values of the path object; see `Form.options`."""
        return {"fields": {part: key for part, key in self._asdict().items() if key}}

    def fields(self, root: Any, location: Location, value: Any) -> Fields:
        """Return the image fields in `value`; see `Form.fields`."""
        del root
        if not isinstance(value, dict):
            return [OtherField(location, value, "a mapping")]
        other = next((key for key in self if key and isinstance(value.get(key), dict | list)), None)
        if other is not None:
            return [OtherField((*location, other), value[other], "a string")]
        field = split_field(location, value, self)
        return [] if field is None else [field]


class Part(NamedTuple):
    """The form of a string that is a part of a reference: a `name`, or the `tag` or `digest` of the image `of`."""

    part: str
    of: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values of the path object; see `Form.options`."""
        return {"part": self.part, **({"of": self.of} if self.of else {})}

    def fields(self, root: Any, location: Location, value: Any) -> Fields:
        """Return the image fields in `value`; see `Form.fields`."""
        # A tag can be a number, because YAML reads a tag such as 1.20 as a number.
        written = str if self.part == "name" else str | int | float
        if isinstance(value, bool) or not isinstance(value, written):
            return [OtherField(location, value, "a string")]
        return [_part_field(location, source_text(root, location), self)]


class Text(NamedTuple):
    """The form of a text that contains references between other words, such as a command line."""

    syntax: str = "text"

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values of the path object; see `Form.options`."""
        return {"as": self.syntax}

    def fields(self, root: Any, location: Location, value: Any) -> Fields:
        """Return the image fields in `value`; see `Form.fields`."""
        del root
        if not isinstance(value, str):
            return [OtherField(location, value, "a string")]
        return text_fields(location, value)


def _part_field(location: Location, text: str, form: Part) -> ImageField:
    """Return the image field for a string that is a name, or the tag or digest of another image."""
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

    return ImageField(location, current, changes, start, part=form.part, shown=value)


def split_field(
    location: Location, node: Any, keys: Keys, *, keeps_tag: bool = False, shared: Collection[str] = ()
) -> ImageField | None:
    """Return the image field for a mapping with a split reference, or None if it contains no repository.

    If `keeps_tag` is true, a tag is never emptied. The keys in `shared` are never changed, because they also
    belong to other images.
    """
    from krm_image_setter.locators.split_reference import join_parts  # noqa: PLC0415  (few runs need it)

    written = {key: source_text(node, (key,)) for key in keys if key and key in node}
    split = join_parts(keys, {key: text for key, text in written.items() if node[key] is not None})
    if split is None:
        return None

    def changes(new: str) -> Written:
        parts = split.parts_of(check_reference(new), keeps_tag=keeps_tag)
        other = next((key for key in parts if key in shared), None)
        if other is not None:
            raise ValueError(f'"{other}" belongs to several images; change it by hand')
        return Written(
            [
                Change((*location, key), Fragment(0, len(written.get(key, "")), text), beside=keys.repository)
                for key, text in parts.items()
            ]
        )

    return ImageField(
        location, str(split.reference), changes, parts=tuple((*location, key) for key in keys if key)
    )
