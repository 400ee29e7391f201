"""Recognizes images by the names of their keys: the words of a name, and the keys of split references.

Helm values, custom resources and the schemas of CustomResourceDefinitions use the same names. `values` applies
these rules to data, and `discovery` also applies them to schemas.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from krm_image_setter.locators.image_field import Keys
from krm_image_setter.typed import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
#: A name that is not an image, although its key can contain an image: a number, a duration, a picture, or a word
#: that YAML or a program reads as another type.
NO_IMAGE: Final = re.compile(
    r"[0-9.]+(?:ms|[smhd])?|true|false|yes|no|on|off|null|none|enabled|disabled|.*\.(?:gif|ico|jpe?g|png|svg|webp)"
)
#: The words that mean an image.
IMAGE_WORDS: Final = frozenset(("image", "images", "img"))
# Words that follow "image" in field names such as `imagePullPolicy`. These fields contain no image.
_OTHER_AFTER: Final = frozenset(
    (
        "archive", "base64", "cache", "catalog", "checksum", "class", "config", "count", "digest", "family",
        "features", "file", "filename", "format", "gc", "health", "hub", "id", "ids", "info", "key", "lookup",
        "minimum", "mode", "namespace", "owner", "path", "policies", "policy", "prefix", "project", "publisher",
        "pull", "registry", "repository", "secret", "secrets", "sha", "sha256", "sha512", "size", "snapshot",
        "source", "state", "status", "stream", "streams", "suffix", "tag", "template", "type", "types", "url",
        "urls", "version", "volume",
    )
)  # fmt: skip
# Words that precede "image" in field names such as `vmImage`. These fields contain other kinds of images.
_OTHER_BEFORE: Final = frozenset(
    (
        "ami", "backing", "boot", "disk", "iso", "kernel", "machine", "os", "pull", "qcow", "rbd", "snapshot",
        "vhd", "vm",
    )
)  # fmt: skip
# A mapping with `repository` and `tag` is not an image below a key with one of these words, or next to these keys.
_OTHER_SOURCES: Final = frozenset(("chart", "charts", "git", "plugin", "plugins", "source", "sources"))
_OTHER_SIBLINGS: Final = frozenset(("branch", "chart", "ref", "revision", "url"))
_POLICIES: Final = frozenset(("pullPolicy", "imagePullPolicy"))
_PART_KEYS: Final = frozenset(("repository", "repo", "newName", "newTag"))
_NAME_KEYS: Final = frozenset(("name", "path", "url", "registry"))
_DIGESTS: Final = ("digest", "sha", "sha256")


@lru_cache(maxsize=4096)  # many files have the same keys
def words(name: str) -> tuple[str, ...]:
    """Split a name in camel case, snake case or kebab case into its words. The words are in lower case."""
    return tuple(word.lower() for word in _WORD.findall(name))


def has_image_word(name: str) -> bool:
    """Return whether one of the words of a name means an image."""
    return not IMAGE_WORDS.isdisjoint(words(name))


def means_image(name: str) -> bool:
    """Return whether a name means a whole container image, such as `webImage`, but not `imageTag` or `vmImage`."""
    in_name = words(name)
    index = next((index for index, word in enumerate(in_name) if word in ("image", "images")), None)
    if index is None:
        return False
    return _OTHER_AFTER.isdisjoint(in_name[index:]) and _OTHER_BEFORE.isdisjoint(in_name[:index])


def is_part(name: str) -> bool:
    """Return whether a name means a part or a property of an image, such as `tag`, not an image itself."""
    return not _OTHER_AFTER.isdisjoint(words(name))


def contains_images(around: Sequence[str]) -> bool:
    """Return whether the last of the outer keys `around` contains images, as in `images: {web: …}`."""
    return bool(around) and words(around[-1])[-1:] == ("images",) and means_image(around[-1])


@lru_cache(maxsize=4096)  # mappings with the same keys occur in many files
def split_references(
    name: str, fields: tuple[str, ...], around: tuple[str, ...] = (), *, is_complete: bool = False
) -> list[Keys]:
    """Return the keys of the split references in a mapping with the key `name` and with the scalar `fields`.

    `around` contains the keys of the mappings around the mapping. If `is_complete` is true, `fields` contains all
    fields that the mapping can have, as in a schema. Otherwise a tag can be added, and `version` can be a tag.
    """
    if is_override(fields):
        tag, digest = ("newTag" if "newTag" in fields else ""), ("digest" if "digest" in fields else "")
        return [Keys("newName", "", tag, digest)] if "newName" in fields else []
    if {"repository", "image", "version"} <= set(fields):  # the operators of NVIDIA use these names
        return [Keys("image", "repository", "version", _named(fields, *_DIGESTS))]
    # In values, other words in front mean other images, as in `{repository: …, sidecarTag: …}`. Schemas have names
    # such as `versionTag` for the tag.
    before = None if is_complete else (("image",), words(name))
    tag = _named(fields, "tag", before=before) or ("version" if "version" in fields and not is_complete else "")
    digest = _named(fields, *_DIGESTS, "hash", before=before)
    registry = _named(fields, "registry", "hub", before=before)
    has_part = bool(tag or digest) or not (is_complete or _POLICIES.isdisjoint(fields))
    repository = _repository(name, fields, around, has_part=has_part)
    found = [keys for keys in _flat(fields, is_complete=is_complete) if keys.repository != repository]
    if (tag or digest) and not (repository or found or is_complete):
        repository = _other_name(name, fields, around)
        registry = "" if repository == registry else registry
    if repository and (tag or digest or not is_complete):
        found.insert(0, Keys(repository, registry, tag or ("" if is_complete else "tag"), digest))
    return found


def is_override(fields: Collection[str]) -> bool:
    """Return whether a mapping overrides an image, as in kustomize. Its `name` only selects the image."""
    return "newName" in fields or "newTag" in fields


def can_be_split(name: str, fields: Collection[str]) -> bool:
    """Return whether `split_references` can find something in a mapping. Few mappings pass this fast test."""
    if not _PART_KEYS.isdisjoint(fields):
        return True
    if not _NAME_KEYS.isdisjoint(fields) and has_image_word(name):
        return True
    return any("mage" in key or "MAGE" in key for key in fields)


def _repository(name: str, fields: Collection[str], around: Sequence[str], *, has_part: bool) -> str:
    """Return the key of the repository in a mapping that is a split reference, or an empty string."""
    key = next((key for key in ("repository", "repo") if key in fields), "")
    if has_image_word(name):
        return key or ("name" if "name" in fields and (has_part or "registry" in fields) else "")
    others = {word for outer in (*around, name) for word in words(outer)}
    is_image = has_part and _OTHER_SOURCES.isdisjoint(others) and _OTHER_SIBLINGS.isdisjoint(fields)
    return key if is_image else ""


def _other_name(name: str, fields: Collection[str], around: Sequence[str]) -> str:
    """Return the key that contains the name in an image without a repository or name, or an empty string.

    democratic-csi writes `{registry: docker.io/democraticcsi/democratic-csi, tag: latest}`. Next to a key that is
    not a part of an image, or below `global`, a registry can belong to other images.
    """
    if words(name)[-1:] not in (("image",), ("img",)) or "global" in around:
        return ""
    if "registry" in fields:
        return "path" if "path" in fields else "registry" if all(map(is_part, fields)) else ""
    return "url" if "url" in fields else ""


def _flat(fields: Collection[str], *, is_complete: bool) -> Iterator[Keys]:
    """Yield the keys of the images in a mapping with other fields, such as `webImage` and `webImageTag`."""
    by_words = {words(key): key for key in fields}
    for key in fields:
        stem = _stem(words(key))
        if stem is None:
            continue
        starts = (words(key), (*stem, "image"), stem, ("image",), ())

        def key_of(*ends: tuple[str, ...], starts: Iterable[tuple[str, ...]] = starts[:3]) -> str:
            found = (by_words.get((*start, *end)) for end in ends for start in starts)
            return next((other for other in found if other), "")

        tag = key_of(("tag",), ("tag", "version"), *(() if is_complete and not stem else (("version",),)))
        digest = key_of(*((word,) for word in _DIGESTS))
        registry = key_of(("registry",), ("hub",), starts=starts)
        is_name = words(key)[-1] in ("repository", "repo") or (key == "image" and registry)
        if tag or digest or (is_name and not is_complete):  # the tag can be in another mapping
            yield Keys(key, registry, tag, digest)


def _stem(in_name: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the words before `image`, `imageName`, `imageRepository` or `imageRepo`; None for other names."""
    end = len(in_name) - (in_name[-1:] in (("name",), ("repository",), ("repo",)))
    if not end or in_name[end - 1] != "image" or not _OTHER_BEFORE.isdisjoint(in_name[: end - 1]):
        return None
    return in_name[: end - 1]


def _named(fields: Collection[str], *last: str, before: Collection[tuple[str, ...]] | None = None) -> str:
    """Return the field whose name, or the last word of its name, is in `last`; or an empty string.

    `before` contains the words that can precede the last word; None for all words.
    """
    exact = [name for name in fields if name in last]
    found = (name for name in fields if words(name)[-1:] and words(name)[-1] in last)
    return next(iter(exact or sorted(name for name in found if before is None or words(name)[:-1] in before)), "")
