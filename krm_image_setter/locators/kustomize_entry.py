"""Reads the image that an entry of `images` of kustomize makes, and changes the keys of such an entry.

Flux has the same entries in `spec.images` of a Kustomization and in `postRenderers` of a HelmRelease. See
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/.
"""

from __future__ import annotations

from krm_image_setter.images import OPEN_TAG, check_reference
from krm_image_setter.locators.forms import Fields, Syntax
from krm_image_setter.locators.image_field import ImageField, OtherField, Written, source_text
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.tree import Change, Fragment, Location

_KEYS: Final = {
    "name": "name",
    "new_name": "newName",
    "new_tag": "newTag",
    "digest": "digest",
    "tag_suffix": "tagSuffix",
}
#: The keys that can be renamed to each other. kustomize applies only one of them, except `newTag` with `digest`.
_TAGS: Final = ("new_tag", "digest", "tag_suffix")


class EntryKeys(Record):
    """The values of an entry. A missing key is an empty string, which kustomize reads in the same way."""

    name: str = ""
    new_name: str = ""
    new_tag: str = ""
    digest: str = ""
    tag_suffix: str = ""

    @property
    def sets_tag(self) -> bool:
        """Whether the entry sets the tag or the digest of an image."""
        return bool(self.new_tag or self.digest or self.tag_suffix)

    @property
    def renames(self) -> bool:
        """Whether the entry sets another name than the one it matches."""
        return self.new_name not in ("", self.name)

    @property
    def image(self) -> str:
        """The image that the entry makes. The tag or digest is missing if the entry does not set it."""
        return joined(self.new_name or self.name, self.new_tag, self.digest)

    def with_tag(self, tag: str, digest: str) -> EntryKeys:
        """Return the keys that set a tag and a digest. `tagSuffix` is kept only if it already has no effect."""
        suffix = self.tag_suffix if self.new_tag or self.digest else ""
        return self._replace(new_tag=tag, digest=digest, tag_suffix=suffix)

    def applied(self, image: str) -> str:
        """Return the image that kustomize makes of `image` if the entry matches it."""
        name, tag, digest = split_image(image)
        if self.new_tag or self.digest:
            tag, digest = self.new_tag, self.digest
        elif self.tag_suffix:
            tag, digest = tag + self.tag_suffix, ""
        return joined(self.new_name or name, tag, digest)


def split_image(image: str) -> tuple[str, str, str]:
    """Split an image into its name, tag and digest in the same way as kustomize. The image can be invalid."""
    rest, _, digest = image.partition("@")
    head, slash, last = rest.rpartition("/")
    base, _, tag = last.partition(":")
    return head + slash + base, tag, digest


def joined(name: str, tag: str, digest: str) -> str:
    """Return the image with a name, a tag and a digest. The tag and the digest can be empty."""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def key_in(mapping: Any, key: str) -> str | None:
    """Return the key that kustomize reads as `key`. kustomize ignores case, and uses the last of equal keys."""
    if key in mapping and len(mapping) == 1:
        return key
    return next((name for name in reversed(mapping) if name.lower() == key.lower()), None)


def entry_keys(entry: Any) -> EntryKeys:
    """Return the values of an entry, which is a mapping of a tree."""
    values = {}
    for argument, key in _KEYS.items():
        name = key_in(entry, key)
        value = None if name is None else entry[name]
        # kustomize rejects a number. The source text of the number shows the tag that the user meant.
        values[argument] = value if isinstance(value, str) else _number(entry, name)
    return EntryKeys(**values)


def _number(entry: Any, name: str | None) -> str:
    is_number = name is not None and isinstance(entry[name], int | float) and not isinstance(entry[name], bool)
    return source_text(entry, (str(name),)) if is_number else ""


def entry_changes(
    entry: Any, location: Location, old: EntryKeys, new: EntryKeys, *, can_rename: bool
) -> list[Change]:
    """Return the changes that write new values to the keys of an entry at a location.

    No line is removed. An unused key is renamed to a missing key, such as `newTag` to `digest`. Otherwise its
    value becomes empty. `can_rename` must be false if the document has aliases.
    """
    changes = []
    gone = [argument for argument in _TAGS if getattr(old, argument) and not getattr(new, argument)]
    free = list(gone) if can_rename else []
    for argument, key in _KEYS.items():
        value, name = getattr(new, argument), key_in(entry, key)
        if value == getattr(old, argument) or argument in gone:
            continue
        if name is not None:
            changes.append(_written(entry, location, name, value))
        elif free and argument in _TAGS:
            name = str(key_in(entry, _KEYS[free.pop(0)]))
            changes.append(Change((*location, name), Fragment(0, len(name), key), is_key=True))
            changes.append(_written(entry, location, name, value))
        else:
            changes.append(Change((*location, key), Fragment(0, 0, value), beside=list(entry)[-1]))
    kept = free if can_rename else gone
    return changes + [_written(entry, location, str(key_in(entry, _KEYS[argument])), "") for argument in kept]


def _written(entry: Any, location: Location, key: str, value: str) -> Change:
    return Change((*location, key), Fragment(0, len(source_text(entry, (key,))), value))


def _fields(location: Location, entry: Any) -> Fields:
    if not isinstance(entry, dict):
        return [OtherField(location, entry, "a mapping")]
    keys = entry_keys(entry)
    if not keys.name or key_in(entry, "name") is None:
        return ()

    def changes(new: str) -> Written:
        name, tag, digest = check_reference(new)
        wanted = keys if name == (keys.new_name or keys.name) else keys._replace(new_name=name)
        if (tag or "", digest or "") != (keys.new_tag, keys.digest):
            wanted = wanted.with_tag(tag or "", digest or "")
        return Written(entry_changes(entry, location, keys, wanted, can_rename=False))

    parts = tuple((*location, name) for name in entry)
    return [ImageField(location, keys.image, changes, usage=OPEN_TAG, parts=parts, overrides=keys.name)]


#: The form of an entry of `images` whose resources are unknown: a new name is written to `newName`.
KUSTOMIZE: Final = Syntax("kustomize", _fields)
