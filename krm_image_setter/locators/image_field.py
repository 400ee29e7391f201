"""What a locator finds: a field that holds an image, in whatever form, and what to write for a new one.

A locator turns each form into a whole reference, `current`; `changes` turns a new one back. So whoever decides on
images need not know how they are written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from krm_image_setter.images import ANYWHERE, Place, Reference, parse_reference
from krm_image_setter.locators.kind_rule import KindRule, Part, Parts
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.scalar import Fragment
from krm_image_setter.yaml.sharing import Change, Location


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
    changes: Callable[[str], list[Change]]
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

    def changes(new: str) -> list[Change]:
        return [Change(location, Fragment(start, start + len(current), new))]

    return ImageField(location, current, changes, start, rule, place, policy)


def text_fields(
    location: Location, value: str, *, rule: KindRule | None = None, place: Place = ANYWHERE
) -> list[ImageField]:
    """Return the fields of a longer text, one for each reference in it."""
    from krm_image_setter.images.tokens import find_tokens  # noqa: PLC0415  (few configurations need it)

    def field(start: int, end: int, current: str) -> ImageField:
        def changes(new: str) -> list[Change]:
            return [Change(location, Fragment(start, end, new))]

        return ImageField(location, current, changes, start, rule, place)

    return [field(start, end, str(reference)) for start, end, reference in find_tokens(value)]


def part_field(location: Location, text: str, form: Part, rule: KindRule) -> ImageField:
    """Return the field of a string that is a name, or the tag or digest of another image."""
    value = text.strip()
    prefix = ""
    if form.part == "digest":
        prefix = _missing_algorithm(value)
    current = {"name": value, "tag": f"{form.of}:{value}", "digest": f"{form.of}@{prefix}{value}"}[form.part]
    start = text.index(value)

    def changes(new: str) -> list[Change]:
        old = parse_reference(current)
        if form.part == "name" and old is not None and old != Reference(old.name):
            raise ValueError("the field has a tag or digest too")
        said = getattr(parse_reference(new), form.part)
        if said is None:
            raise ValueError(f"it has no {form.part}")
        said = said.removeprefix(prefix)
        return [Change(location, Fragment(start, start + len(value), said))] if said != value else []

    return ImageField(location, current, changes, start, rule, shown=value)


def parts_field(location: Location, node: tree.Mapping, form: Parts, rule: KindRule | None) -> ImageField | None:
    """Return the field of a mapping that holds a reference in parts, or None where it holds none."""
    spelt = {key: source_text(node, (key,)) for key in form if key in node}
    texts = {key: text for key, text in spelt.items() if node[key] is not None}
    repository = parse_reference(texts.get(form.repository, ""))
    if repository is None:
        return None
    registry, tag, digest = (texts.get(key, "") for key in (form.registry, form.tag, form.digest))
    prefix = _missing_algorithm(digest)
    old_name = f"{registry.rstrip('/')}/{repository.name}" if registry else repository.name
    current = Reference(old_name, tag or repository.tag, prefix + digest if digest else repository.digest)

    def changes(new: str) -> list[Change]:
        reference = parse_reference(new)
        if reference is None:
            raise ValueError(f"{new} is no reference")
        # Where a part has no key of its own it stands in the repository: the tag too then, if a digest must.
        inline_digest = reference.digest if not form.digest else None
        inline_tag = reference.tag if not form.tag or inline_digest else None
        said: dict[str, str] = {}
        if reference.name == old_name:
            name = repository.name
        elif registry:
            name, said[form.registry] = reference.path, reference.domain
        else:
            name = reference.name
        said[form.repository] = str(Reference(name, inline_tag, inline_digest))
        if form.tag:
            said[form.tag] = "" if inline_tag else reference.tag or ""
        if form.digest:
            said[form.digest] = (reference.digest or "").removeprefix(prefix)
        return [
            Change((*location, key), Fragment(0, len(spelt.get(key, "")), text), beside=form.repository)
            for key, text in said.items()
            if text != texts.get(key, "")
        ]

    return ImageField(
        location, str(current), changes, rule=rule, holds=tuple((*location, key) for key in form if key)
    )


def _missing_algorithm(digest: str) -> str:
    """Return what a digest lacks that is written as bare hex digits, as Prometheus' `sha` is."""
    return "sha256:" if len(digest) == 64 and not digest.strip("0123456789abcdef") else ""


def source_text(holder: Any, location: Location) -> str:
    """Return the text of the scalar at a location as it is written, for a tag 1.20 is no number; else nothing."""
    for step in location[:-1]:
        holder = holder[step]
    written = holder.origin(location[-1])
    text: str = getattr(written.target if isinstance(written, tree.Alias) else written, "value", "")
    return text
