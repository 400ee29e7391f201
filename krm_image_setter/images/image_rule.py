"""One entry of `images`: which references it sets, and to what (table R of the documentation).

The fields mean what kustomize documents; where its implementation differs (a regular expression for a name,
tagSuffix applied twice, rules applied to each other's results) this follows the documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from krm_image_setter.errors import ConfigLocation
from krm_image_setter.images.reference import (
    HUB,
    TAG_RULE,
    InvalidReference,
    Reference,
    check_reference,
    is_digest,
    is_tag,
    parse_reference,
)

IMAGE: Final = "image"
ENV: Final = "env"
ARGS: Final = "args"


class Place(NamedTuple):
    """Where a reference was found: the name of its container, if it is in one, and as what it is used there."""

    container: str | None = None
    use: str = IMAGE


ANYWHERE: Final = Place()


class Scope(NamedTuple):
    """Where a rule sets references: only in these containers unless there are none, and only these uses."""

    containers: tuple[str, ...] = ()
    uses: tuple[str, ...] = (IMAGE,)

    def contains(self, place: Place) -> bool:
        """Return whether a place is in this scope."""
        return place.use in self.uses and (not self.containers or place.container in self.containers)


class ImageRule(NamedTuple):
    """What to set an image to, and where. `name` with a tag or digest means exactly that one, without: any.

    It sets references in each of its `scopes`. If it has a `source`, `new_image` must be looked up there before
    the rule is used. `position` is its place in the configuration.

    Made by `image_rule`, which checks it.
    """

    name: Reference
    new_name: str | None = None
    new_tag: str | None = None
    digest: str | None = None
    tag_suffix: str | None = None
    new_image: str | None = None
    scopes: tuple[Scope, ...] = (Scope(),)
    source: Any = None
    position: int = -1
    config_location: ConfigLocation = ConfigLocation()

    def reaches(self, place: Place) -> bool:
        """Say whether this rule is for references in `place`."""
        return any(scope.contains(place) for scope in self.scopes)

    def matches(self, reference: Reference) -> bool:
        """Say whether this rule is for `reference`, in whatever spelling."""
        name = self.name
        return (
            name.normalized_name == reference.normalized_name
            and (name.tag is None or name.tag == reference.tag)
            and (name.digest is None or name.digest == reference.digest)
        )

    @property
    def uses(self) -> set[str]:
        """The uses of references that it sets, in whatever container."""
        return {use for scope in self.scopes for use in scope.uses}

    @property
    def places(self) -> set[Place]:
        """The places where it sets references; without a container it is every container."""
        return {
            Place(container, use)
            for scope in self.scopes
            for use in scope.uses
            for container in scope.containers or (None,)
        }

    def rewrite(self, reference: Reference) -> str:
        """Return the new text for a reference that matches."""
        if self.new_image is not None:
            return self.new_image
        if self.new_name is not None:
            is_done = key_of(self.target) in keys_of(reference)
            if is_done and check_reference(self.new_name) != Reference(self.new_name):
                return str(reference)
            reference = reference._replace(name=self.new_name)
        if self.new_tag is not None or self.digest is not None:
            # A digest pins one image: it never outlives a new tag, nor the old tag a new digest.
            reference = reference._replace(tag=self.new_tag, digest=self.digest)
        elif self.tag_suffix is not None and reference.tag and not reference.tag.endswith(self.tag_suffix):
            reference = reference._replace(tag=reference.tag + self.tag_suffix, digest=None)
        return str(reference)

    @property
    def target(self) -> Reference:
        """What a reference that matches becomes, as far as this rule alone says it."""
        if self.new_image is not None:
            return check_reference(self.new_image)
        name, tag, digest = check_reference(self.new_name or self.name.name)
        return Reference(name, self.new_tag or tag, self.digest or digest)

    @property
    def keyword(self) -> str:
        """A text that every spelling of a reference that matches contains."""
        path, domain = self.name.path, self.name.domain
        return path.removeprefix("library/") if domain == HUB else f"{domain}/{path}"


def image_rule(
    name: str,
    *,
    new_name: str | None = None,
    new_tag: str | None = None,
    digest: str | None = None,
    tag_suffix: str | None = None,
    new_image: str | None = None,
    containers: tuple[str, ...] = (),
    uses: tuple[str, ...] = (IMAGE,),
    source: Any = None,
    joined_name: bool = False,
) -> ImageRule:
    """Return the rule of one entry.

    `joined_name` allows a tag or digest in `new_name`, to be followed by the tag and digest of the reference or of
    the entry: kustomize joins the texts.

    Raises InvalidReference, its `field` the entry's field that is wrong.
    """
    for field, text in (("name", name), ("newImage", new_image), ("newName", new_name)):
        if text is not None:
            _check(field, text, joined_name=joined_name)
    if new_tag is not None and not is_tag(new_tag):
        raise InvalidReference(f'"{new_tag}" is no tag: give {TAG_RULE}', field="newTag")
    if digest is not None and not is_digest(digest):
        raise InvalidReference(
            f'"{digest}" is no digest: give one such as sha256: and 64 hex digits', field="digest"
        )
    if tag_suffix is not None and not (tag_suffix and is_tag("x" + tag_suffix)):
        raise InvalidReference(f'"{tag_suffix}" can\'t end a tag: give {TAG_RULE}', field="tagSuffix")
    if tag_suffix is not None and (new_tag is not None or digest is not None):
        raise InvalidReference(
            "tagSuffix adds to the old tag: give it without newTag and digest", field="tagSuffix"
        )
    parts = (new_name, new_tag, digest, tag_suffix)
    if new_image is not None and parts != (None,) * 4:
        raise InvalidReference(
            "newImage is the whole new reference: give it without newName, newTag, digest and tagSuffix",
            field="newImage",
        )
    if source is not None and (new_image, *parts) != (None,) * 5:
        raise InvalidReference(
            "from gives the whole new reference: give it without newName, newTag, digest, tagSuffix and newImage",
            field="from",
        )
    if source is None and new_image is None and parts == (None,) * 4:
        raise InvalidReference("this sets nothing: give newName, newTag, digest, tagSuffix, newImage or from")
    if joined_name and new_name is not None:
        joined = str(Reference(new_name, f"TAG{tag_suffix}" if tag_suffix else new_tag, digest))
        if parse_reference(joined) is None:
            raise InvalidReference(
                f'kustomize makes "{joined}" of this, which is no reference; use newTag and digest',
                field="newName",
            )
    scopes = (Scope(containers, uses),)
    return ImageRule(check_reference(name), new_name, new_tag, digest, tag_suffix, new_image, scopes, source)


def _check(field: str, text: str, *, joined_name: bool) -> None:
    try:
        reference = check_reference(text)
    except InvalidReference as error:
        raise error.at(field=field) from None
    if field != "newName" or joined_name:
        return
    if reference.tag is not None:
        raise InvalidReference(f'newName takes no tag: put "{reference.tag}" into newTag', field=field)
    if reference.digest is not None:
        raise InvalidReference(f'newName takes no digest: put "{reference.digest}" into digest', field=field)


def override(rules: Iterable[ImageRule], others: Iterable[ImageRule]) -> tuple[ImageRule, ...]:
    """Return `rules` such that each also sets its image where `others` of the same name, tag and digest do.

    So `--image nginx=nginx:2` changes the environment variables that an entry for nginx with `env: true` asks for.
    """
    scopes: dict[_Key, dict[Scope, None]] = {}
    for rule in others:
        scopes.setdefault(key_of(rule.name), {}).update(dict.fromkeys(rule.scopes))
    return tuple(
        rule._replace(scopes=tuple({**dict.fromkeys(rule.scopes), **scopes.get(key_of(rule.name), {})}))
        for rule in rules
    )


_Key = tuple[str, str | None, str | None]  # name, tag and digest


def key_of(name: Reference) -> _Key:
    """Return what the references that a name, or a name with a tag or digest, means have in common."""
    return name.normalized_name, name.tag, name.digest


def keys_of(reference: Reference) -> set[_Key]:
    """Return the keys of all names that mean `reference`: with its tag and digest, one of them, or neither."""
    name, tag, digest = key_of(reference)
    return {(name, None, None), (name, tag, None), (name, None, digest), (name, tag, digest)}


_Position = tuple[int, ImageRule]  # of a rule in the configuration

_REMEMBERED: Final = 4096  # the same few images are asked for again and again


class ImageMap:
    """The rules of `images`, found by the name of a reference and its place: 500 rules cost no more than one."""

    def __init__(self, rules: Iterable[ImageRule]) -> None:
        # Of the rules for one name in one place the first one counts.
        self._first: dict[_Key, dict[Place, _Position]] = {}
        self._targets: dict[_Key, set[Place]] = {}
        self._new_names: set[str] = set()
        self._set: dict[tuple[str, Place], tuple[str, ImageRule] | None] = {}
        self.rules = tuple(rules)
        for position, rule in enumerate(self.rules):
            first = self._first.setdefault(key_of(rule.name), {})
            places = rule.places
            for place in places:
                first.setdefault(place, (position, rule))
            self._targets.setdefault(key_of(rule.target), set()).update(places)
            self._new_names.add(rule.target.normalized_name)

    def find(self, text: str, place: Place = ANYWHERE) -> tuple[Reference, ImageRule] | None:
        """Return the reference that `text` is and the first rule for it, or None where there is no such rule."""
        reference = parse_reference(text)
        rule = None if reference is None else self._first_rule(keys_of(reference), place)
        return None if reference is None or rule is None else (reference, rule)

    def _first_rule(self, keys: Iterable[_Key], place: Place) -> ImageRule | None:
        """Return the first of the rules with these keys that sets references in a place."""
        found = [
            self._first[key][each]
            for key in keys
            if key in self._first
            for each in _including(place)
            if each in self._first[key]
        ]
        return min(found)[1] if found else None

    def replace(self, rule: ImageRule) -> bool:
        """Return whether these rules take the place of another, which comes after all of them.

        A rule of the very same name, tag and digest does, and so do rules that leave the other nothing.
        """
        return key_of(rule.name) in self._first or all(
            self._first_rule(keys_of(rule.name), place) is not None for place in rule.places
        )

    def is_overridden(self, rule: ImageRule) -> bool:
        """Return whether rules of the very same name, tag and digest before this one leave it nothing.

        A rule for any tag leaves nothing to one for a single tag either, but in that order they are a mistake.
        """
        return all(self._first_rule([key_of(rule.name)], place) is not rule for place in rule.places)

    def new(self, text: str, place: Place = ANYWHERE) -> tuple[str, ImageRule] | None:
        """Return what the reference `text` becomes and the rule that says so, or None where there is none."""
        key = (text, place)
        if key not in self._set:
            if len(self._set) > _REMEMBERED:
                self._set.clear()
            found = self.find(text, place)
            self._set[key] = (found[1].rewrite(found[0]), found[1]) if found else None
        return self._set[key]

    def has_set(self, text: str, place: Place = ANYWHERE) -> bool:
        """Return whether `text` can be what a rule for references in `place` has set, now or in an earlier run."""
        reference = parse_reference(text)
        return reference is not None and any(
            not self._targets[key].isdisjoint(_including(place))
            for key in keys_of(reference)
            if key in self._targets
        )

    def has_set_name(self, text: str) -> bool:
        """Return whether the name of the reference `text` can be what a rule has set, now or in an earlier run."""
        reference = parse_reference(text)
        return reference is not None and reference.normalized_name in self._new_names


def _including(place: Place) -> set[Place]:
    """Return a place, and the one that it is in: that of its use in every container."""
    return {place, place._replace(container=None)}
