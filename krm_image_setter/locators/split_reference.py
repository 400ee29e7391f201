"""References whose parts are in several fields of a mapping: joins the parts, and writes each one back.

Charts and operators join the parts as `registry/repository:tag`, and add `@digest` if a field contains the digest.
Therefore the field for the tag can also contain `TAG@DIGEST`. A digest without a field of its own is written
there: of 266 images in public Helm charts, 243 still render a valid reference with it, but only 2 with the digest
in the repository and an empty tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from krm_image_setter.images import Reference, parse_reference
from krm_image_setter.images.reference import is_digest
from krm_image_setter.locators.image_field import Keys

# `{repository: x@sha256, tag: HEX}`: joined, it is a reference with a digest.
_ENDS_WITH_ALGORITHM: Final = r"(?P<name>.+)@(?P<algorithm>[^@:]+)"


class SplitReference(NamedTuple):
    """The parts of a reference: the `texts` by key, and the joined `reference`.

    `repository` is the reference in the repository field, which can contain a tag or digest. `algorithm` is set if
    the tag field contains only the hexadecimal digits of a digest.
    """

    keys: Keys
    texts: Mapping[str, str]
    reference: Reference
    repository: Reference
    algorithm: str = ""

    def parts_of(self, new: Reference) -> dict[str, str]:
        """Return the text of each key that changes if the joined reference becomes `new`, including missing keys.

        Each part keeps its form, and an equal name does not change. Raises ValueError if no field can contain the
        digest.
        """
        keys, texts = self.keys, self.texts
        parts, name = self._name_parts(new)
        if (new.tag, new.digest) == self.reference[1:]:
            parts[keys.repository] = name + texts[keys.repository].removeprefix(self.repository.name)
        else:
            parts |= self._tag_and_digest_parts(name, new.tag or "", new.digest or "")
        return {key: text for key, text in parts.items() if text != texts.get(key, "")}

    def _name_parts(self, new: Reference) -> tuple[dict[str, str], str]:
        """Return the part for the registry, if it exists, and the name for the repository."""
        old_name, registry = self.repository.name, self.texts.get(self.keys.registry, "")
        if new.normalized_name == self.reference.normalized_name:
            return {}, old_name
        if not registry:
            return {}, new.name
        host, name = new.domain, new.original_path
        if "/" in registry.rstrip("/") and new.name.endswith(f"/{old_name}"):
            host, name = new.name.removesuffix(f"/{old_name}"), old_name
        return {self.keys.registry: host + "/" * registry.endswith("/")}, name

    def _tag_and_digest_parts(self, name: str, tag: str, digest: str) -> dict[str, str]:
        keys = self.keys
        old_tag, old_digest = self.texts.get(keys.tag, ""), self.texts.get(keys.digest, "")
        if digest and not tag:  # these two forms cannot contain a tag
            if self.algorithm:
                algorithm, _, hexadecimal = digest.partition(":")
                return {keys.repository: f"{name}@{algorithm}", keys.tag: hexadecimal}
            if self.repository.digest and not (old_tag or old_digest):
                return {keys.repository: f"{name}@{digest}"}
        parts: dict[str, str] = {}
        if keys.digest:
            stays_in_tag = tag and "@" in old_tag
            if old_digest or not stays_in_tag:
                parts[keys.digest] = digest.removeprefix(missing_algorithm(old_digest))
            digest = digest if stays_in_tag else ""
        if not keys.tag:
            return {**parts, keys.repository: str(Reference(name, tag or None, digest or None))}
        if digest and not tag:
            raise ValueError("no field can contain a digest without a tag; set `newTag` too")
        return {**parts, keys.repository: name, keys.tag: f"{tag}@{digest}" if digest else tag}


def join_parts(keys: Keys, texts: Mapping[str, str]) -> SplitReference | None:
    """Join the parts `texts`, by their `keys`; return None if the repository is not a name.

    `texts` has an entry for each field that exists and is not null. The joined reference might not be valid.
    """
    repository_text, tag_text = texts.get(keys.repository, ""), texts.get(keys.tag, "")
    digest_text, registry = texts.get(keys.digest, ""), texts.get(keys.registry, "").rstrip("/")
    split = re.fullmatch(_ENDS_WITH_ALGORITHM, repository_text)
    algorithm = split["algorithm"] if split and is_digest(f"{split['algorithm']}:{tag_text}") else ""
    repository = parse_reference(split["name"] if split and algorithm else repository_text)
    if repository is None:
        return None
    name = f"{registry}/{repository.name}" if registry else repository.name
    tag, _, tag_digest = tag_text.partition("@")
    if algorithm:
        tag, tag_digest = "", f"{algorithm}:{tag_text}"
    elif not (tag and is_digest(tag_digest)):
        tag, tag_digest = tag_text, ""
    digest = missing_algorithm(digest_text) + digest_text or tag_digest or repository.digest
    return SplitReference(keys, texts, Reference(name, tag or repository.tag, digest), repository, algorithm)


def missing_algorithm(digest: str) -> str:
    """Return "sha256:" if a digest consists only of its hexadecimal digits, as in Prometheus' `sha`."""
    return "sha256:" if len(digest) == 64 and not digest.strip("0123456789abcdef") else ""
