"""One entry of `images`: which references it sets, and to what (table R of the documentation).

The fields mean what kustomize documents; where its implementation differs (a regular expression for a name,
tagSuffix applied twice, rules applied to each other's results) this follows the documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any, Final, NamedTuple

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

    def includes(self, other: Scope) -> bool:
        """Return whether each place of another scope is in this one."""
        return set(other.uses) <= set(self.uses) and (
            not self.containers or (other.containers != () and set(other.containers) <= set(self.containers))
        )


class ImageRule(NamedTuple):
    """What to set an image to, and where. `name` with a tag or digest means exactly that one, without: any.

    It sets references in each of its `scopes`. Where there is a `source`, `new_image` is to be looked up there
    before the rule is used.

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

    def overrides(self, other: ImageRule) -> bool:
        """Say whether this rule, standing before `other` for the same references, leaves it nothing."""
        return all(any(mine.includes(theirs) for mine in self.scopes) for theirs in other.scopes)

    @property
    def uses(self) -> set[str]:
        """The uses of references that it sets, in whatever container."""
        return {use for scope in self.scopes for use in scope.uses}

    def rewrite(self, reference: Reference) -> str:
        """Return the new text for a reference that matches."""
        if self.new_image is not None:
            return self.new_image
        if self.new_name is not None:
            if self.is_done(reference) and check_reference(self.new_name) != Reference(self.new_name):
                return str(reference)
            reference = reference._replace(name=self.new_name)
        if self.new_tag is not None or self.digest is not None:
            # A digest pins one image: it never outlives a new tag, nor the old tag a new digest.
            reference = reference._replace(tag=self.new_tag, digest=self.digest)
        elif self.tag_suffix is not None and reference.tag and not reference.tag.endswith(self.tag_suffix):
            reference = reference._replace(tag=reference.tag + self.tag_suffix, digest=None)
        return str(reference)

    def is_done(self, reference: Reference) -> bool:
        """Say whether `reference` may be what this rule has set in an earlier run."""
        return self._replace(name=self.target).matches(reference)

    @property
    def target(self) -> Reference:
        """What a reference that matches becomes, as far as this rule alone says it."""
        if self.new_image is not None:
            return check_reference(self.new_image)
        name, tag, digest = check_reference(self.new_name or self.name.name)
        return Reference(name, self.new_tag or tag, self.digest or digest)

    @property
    def mention(self) -> str:
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
    scopes: dict[tuple[str, str | None, str | None], dict[Scope, None]] = {}
    for rule in others:
        scopes.setdefault(_key(rule.name), {}).update(dict.fromkeys(rule.scopes))
    return tuple(
        rule._replace(scopes=tuple({**dict.fromkeys(rule.scopes), **scopes.get(_key(rule.name), {})}))
        for rule in rules
    )


def _key(name: Reference) -> tuple[str, str | None, str | None]:
    return name.normalized_name, name.tag, name.digest


_REMEMBERED: Final = 4096  # the same few images are asked for again and again


class ImageMap:
    """The rules of `images`, found by the name of a reference: 500 rules cost no more than one."""

    def __init__(self, rules: Iterable[ImageRule]) -> None:
        # By name, tag and digest, each with its position.
        self._by_name: dict[tuple[str, str | None, str | None], list[tuple[int, ImageRule]]] = {}
        self._by_new_name: dict[str, list[ImageRule]] = {}
        self._set: dict[tuple[str, Place], tuple[str, ImageRule] | None] = {}
        for position, rule in enumerate(rules):
            self._by_name.setdefault(_key(rule.name), []).append((position, rule))
            self._by_new_name.setdefault(rule.target.normalized_name, []).append(rule)

    def find(self, text: str, place: Place = ANYWHERE) -> tuple[Reference, ImageRule] | None:
        """Return the reference that `text` is and the first rule for it, or None where there is no such rule."""
        reference = parse_reference(text)
        if reference is None:
            return None
        rule = next((rule for rule in self._matching(reference) if rule.reaches(place)), None)
        return None if rule is None else (reference, rule)

    def _matching(self, reference: Reference) -> Iterator[ImageRule]:
        """Yield the rules for a reference in the configuration's order, wherever they set it."""
        name, tag, digest = reference.normalized_name, reference.tag, reference.digest
        keys = {(name, None, None), (name, tag, None), (name, None, digest), (name, tag, digest)}
        for _, rule in sorted(found for key in keys for found in self._by_name.get(key, ())):
            yield rule

    def replace(self, rule: ImageRule) -> bool:
        """Return whether one of these rules takes the place of another, which comes after all of them.

        A rule of the very same name, tag and digest does, and so does each that leaves the other nothing.
        """
        return _key(rule.name) in self._by_name or any(
            other.overrides(rule) for other in self._matching(rule.name)
        )

    def is_overridden(self, rule: ImageRule) -> bool:
        """Say whether a rule of the very same name, tag and digest before this one leaves it nothing.

        A rule for any tag leaves nothing to one for a single tag either, but in that order they are a mistake.
        """
        before = takewhile(lambda other: other[1] is not rule, self._by_name[_key(rule.name)])
        return any(other.overrides(rule) for _, other in before)

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
            rule.is_done(reference) and rule.reaches(place) for rule in self.that_name(text)
        )

    def that_name(self, text: str) -> list[ImageRule]:
        """Return the rules whose new reference has the name of the reference `text`."""
        reference = parse_reference(text)
        return [] if reference is None else self._by_new_name.get(reference.normalized_name, [])
