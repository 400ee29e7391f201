"""One entry of `images`: which references it sets, and to what (table R of the documentation).

The fields mean what kustomize documents; where its implementation differs (a regular expression for a name,
tagSuffix applied twice, rules applied to each other's results) this follows the documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

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


class ImageRule(NamedTuple):
    """What to set an image to. `name` with a tag or digest means exactly that tag or digest, without: any.

    Made by `image_rule`, which checks it.
    """

    name: Reference
    new_name: str | None = None
    new_tag: str | None = None
    digest: str | None = None
    tag_suffix: str | None = None
    new_image: str | None = None

    def matches(self, reference: Reference) -> bool:
        """Say whether this rule is for `reference`, in whatever spelling."""
        name = self.name
        return (
            name.normalized_name == reference.normalized_name
            and (name.tag is None or name.tag == reference.tag)
            and (name.digest is None or name.digest == reference.digest)
        )

    def rewrite(self, reference: Reference) -> str:
        """Return the new text for a reference that matches."""
        if self.new_image is not None:
            return self.new_image
        if self.new_name is not None:
            reference = reference._replace(name=self.new_name)
        if self.new_tag is not None or self.digest is not None:
            # A digest pins one image: it never outlives a new tag, nor the old tag a new digest.
            reference = reference._replace(tag=self.new_tag, digest=self.digest)
        elif self.tag_suffix is not None and reference.tag and not reference.tag.endswith(self.tag_suffix):
            reference = reference._replace(tag=reference.tag + self.tag_suffix, digest=None)
        return str(reference)

    def is_done(self, reference: Reference) -> bool:
        """Say whether `reference` may be what this rule has set in an earlier run."""
        target = Reference(self.new_name or self.name.name, self.new_tag, self.digest)
        if self.new_image is not None:
            target = check_reference(self.new_image)
        return self._replace(name=target).matches(reference)

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
) -> ImageRule:
    """Return the rule of one entry.

    Raises InvalidReference, its `field` the entry's field that is wrong.
    """
    for field, text in (("name", name), ("newImage", new_image), ("newName", new_name)):
        if text is not None:
            _check(field, text)
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
    if new_image is None and parts == (None,) * 4:
        raise InvalidReference("this sets nothing: give newName, newTag, digest, tagSuffix or newImage")
    return ImageRule(check_reference(name), new_name, new_tag, digest, tag_suffix, new_image)


def _check(field: str, text: str) -> None:
    try:
        reference = check_reference(text)
    except InvalidReference as error:
        raise error.at(field=field) from None
    if field == "newName" and reference.tag is not None:
        raise InvalidReference(f'newName takes no tag: put "{reference.tag}" into newTag', field=field)
    if field == "newName" and reference.digest is not None:
        raise InvalidReference(f'newName takes no digest: put "{reference.digest}" into digest', field=field)


class ImageMap:
    """The rules of `images`, found by the name of a reference: 500 rules cost no more than one."""

    def __init__(self, rules: Iterable[ImageRule]) -> None:
        self.rules = tuple(rules)
        self._by_name: dict[str, list[ImageRule]] = {}
        for rule in self.rules:
            self._by_name.setdefault(rule.name.normalized_name, []).append(rule)

    def find(self, text: str) -> tuple[Reference, ImageRule] | None:
        """Return the reference that `text` is and the first rule for it, or None where there is no such rule."""
        reference = parse_reference(text)
        if reference is None:
            return None
        for rule in self._by_name.get(reference.normalized_name, ()):
            if rule.matches(reference):
                return reference, rule
        return None
