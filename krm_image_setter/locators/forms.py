"""The forms that an image can have at a path, such as a split reference, and how each form is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from krm_image_setter.images import NO_CONTAINER, OPEN_TAG, Reference, check_reference, parse_reference
from krm_image_setter.locators.image_field import (
    ImageField,
    Keys,
    OtherField,
    Written,
    source_text,
    text_fields,
    whole_field,
)
from krm_image_setter.typed import Any, Final, Protocol, Record
from krm_image_setter.yaml.tree import Change, Fragment, Location

Fields = Iterable[ImageField | OtherField]


class Form(Protocol):
    """The form of the image at a path, such as a whole reference or a split reference."""

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values that specify this form in a path object. Empty for a whole reference."""

    def fields(self, root: Any, location: Location, value: Any, /) -> Fields:
        """Return the image fields in `value`. `location` is the location of `value` in the tree `root`."""


class Whole(Record):
    """The form of a string that is a whole reference, such as `nginx:1.27`."""

    part: str = "reference"

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values of the path object; see `Form.options`."""
        return {}

    def fields(self, _root: Any, location: Location, value: Any) -> Fields:
        """Return the image fields in `value`; see `Form.fields`."""
        if not isinstance(value, str):
            return [OtherField(location, value, "a string")]
        policy = ((*location[:-1], "imagePullPolicy"), False)
        return [whole_field(location, value, policy=policy)]


#: The form of a whole reference, which has no options.
WHOLE: Final = Whole()


class Split(Keys):
    """The form of a mapping that contains the parts of a reference under several keys."""

    __slots__ = ()
    #: Whether the field of the tag can contain only a tag, not `TAG@DIGEST`.
    only_tag = False

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values of the path object; see `Form.options`."""
        return {"fields": {part: key for part, key in self._asdict().items() if key}}

    def has_repository(self, value: Any) -> bool:
        """Return whether a mapping has the key of the repository. Return true for other values."""
        if not isinstance(value, dict):
            return True
        steps = _steps(value, self.repository)
        return steps[-1] in (_parent(value, steps) or {})

    def fields(self, _root: Any, location: Location, value: Any) -> Fields:
        """Return the image fields in `value`; see `Form.fields`."""
        if not isinstance(value, dict):
            return [OtherField(location, value, "a mapping")]
        for key in filter(None, self):
            steps = _steps(value, key)
            part = (_parent(value, steps) or {}).get(steps[-1])
            if isinstance(part, dict | list):
                return [OtherField(location + steps, part, "a string")]
        field = split_field(location, value, self, only_tag=self.only_tag)
        return [] if field is None else [field]


class VersionSplit(Split):
    """The form of a split reference whose tag is a version that an operator also uses for other purposes.

    A new digest is not written to the field, because `1.2@sha256:…` is not a version.
    """

    __slots__ = ()
    only_tag = True


class Part(Record):
    """The form of a string that is only a name, a tag or a digest (`part`). `of` is the name of its image."""

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


class Syntax(Record):
    """The form that `as: NAME` specifies in a path object. `read` returns the image fields in a value."""

    name: str
    read: Callable[[Location, Any], Fields]

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values of the path object; see `Form.options`."""
        return {"as": self.name}

    def fields(self, _root: Any, location: Location, value: Any) -> Fields:
        """Return the image fields in `value`; see `Form.fields`."""
        return self.read(location, value)


def _related_image(location: Location, value: Any) -> Fields:
    if not isinstance(value, dict):
        return [OtherField(location, value, "a mapping")]
    text = value.get("value")
    if not str(value.get("name")).startswith("RELATED_IMAGE_") or not isinstance(text, str):
        return []
    return [whole_field((*location, "value"), text)]


#: The form of an environment variable that contains an image if its name starts with RELATED_IMAGE_.
#: Operators get the images that they deploy from such variables. Tools for offline registries rewrite them
#: (https://olm.operatorframework.io/docs/best-practices/common/).
RELATED_IMAGE: Final = Syntax("relatedImage", _related_image)


def _text(location: Location, value: Any) -> Fields:
    return text_fields(location, value) if isinstance(value, str) else [OtherField(location, value, "a string")]


#: The form of a text that contains references between other words, such as a command line.
TEXT: Final = Syntax("text", _text)


def _part_field(location: Location, text: str, form: Part) -> ImageField:
    """Return the image field for a string that contains only a name, only a tag or only a digest."""
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

    usage = OPEN_TAG if form.part == "name" else NO_CONTAINER
    return ImageField(location, current, changes, start, usage, part=form.part, shown=value)


def split_field(
    location: Location,
    node: Any,
    keys: Keys,
    *,
    keeps_tag: bool = False,
    only_tag: bool = False,
    shared: Collection[str] = (),
) -> ImageField | None:
    """Return the image field for a mapping with a split reference, or None if the mapping has no repository.

    If `keeps_tag` is true, the tag never becomes empty. If `only_tag` is true, a digest is not written to the key
    of the tag. The keys in `shared` are never changed, because they also belong to other images.
    """
    from krm_image_setter.locators.split_reference import join_parts  # noqa: PLC0415  (few runs need it)

    places = {key: _steps(node, key) for key in keys if key}
    parents = {key: _parent(node, steps) or {} for key, steps in places.items()}
    written = {key: source_text(node, at) for key, at in places.items() if at[-1] in parents[key]}
    texts = {key: text for key, text in written.items() if parents[key][places[key][-1]] is not None}
    repository = texts.get(keys.repository, "")
    scheme = next((scheme for scheme in _SCHEMES if repository.startswith(scheme)), "")
    if scheme:
        texts[keys.repository] = repository.removeprefix(scheme)
    split = join_parts(keys, texts)
    if split is None:
        return None

    def changes(new: str) -> Written:
        reference, omitted = check_reference(new), ""
        if only_tag and reference.tag and reference.digest and not split.reference.digest:
            omitted = f'the digest of "{new}" was not written: `{keys.tag}` contains only a version'
            reference = reference._replace(digest=None)
        parts = split.parts_of(reference, keeps_tag=keeps_tag)
        other = next((key for key in parts if key in shared), None)
        if other is not None:
            raise ValueError(f'"{other}" belongs to several images; change it by hand')
        changes: list[Change] = []
        for key, text in parts.items():
            steps, parent = places[key], parents[key]
            if not parent:
                raise ValueError(f"the field `{'.'.join(steps[:-1])}` is missing or empty")
            # Flux ignores the tag of an OCIRepository if `semver` specifies a range of versions.
            if key == keys.tag and "semver" in parent:
                raise ValueError("`semver` selects the tag; remove `semver`")
            start = len(scheme) if key == keys.repository else 0
            beside = keys.repository if len(steps) == 1 else next(iter(parent))
            fragment = Fragment(start, len(written.get(key, "")), text)
            changes.append(Change(location + steps, fragment, beside))
        return Written(changes, omitted)

    parts = tuple(location + steps for steps in places.values())
    return ImageField(location, str(split.reference), changes, usage=OPEN_TAG, parts=parts)


# A repository can start with a scheme: `url` of an OCIRepository (Flux) is `oci://ghcr.io/org/app`.
_SCHEMES: Final = ("oci://", "docker://")


def _steps(node: dict[str, Any], key: str) -> tuple[str, ...]:
    """Return the location of a key. `ref.tag` is the key `tag` of `ref` if the mapping has no key `ref.tag`."""
    return (key,) if key in node else tuple(key.split("."))


def _parent(node: Any, steps: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the mapping that contains the last of `steps`, or None if it does not exist."""
    for step in steps[:-1]:
        node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None
