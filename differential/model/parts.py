"""Reads and writes split references. The rules are from configuration.md (`fields`) and issue 17, point 2."""

from __future__ import annotations

import re
from typing import Any, Final

from differential.model.data import NULL, Unspecified
from differential.model.references import Reference, host_and_path, parse

_HEX_KEY: Final = "@sha256"


def read_parts(mapping: dict[Any, Any], keys: dict[str, str]) -> Reference | None:
    """Join the split reference in a mapping. Return None if the mapping contains no reference.

    configuration.md: "Keys of a split reference: the path matches a mapping, and `fields` contains the keys of the
    parts of the reference in this mapping".
    """
    if not isinstance(mapping.get(keys["repository"], ""), str):
        return None
    registry, repository, tag, digest = (
        _text(mapping, keys.get(part)) for part in ("registry", "repository", "tag", "digest")
    )
    if keys.get("registry") in mapping and not registry:
        raise Unspecified("an empty registry")
    if "/" in registry:
        raise Unspecified("a path in a registry")
    if _is_hexadecimal(repository, tag):
        # "`{repository: org/app@sha256, tag: HEX}` is read and written as a digest."
        written = Reference(repository.removesuffix(_HEX_KEY), "", f"sha256:{tag}")
    else:
        head = parse(repository)
        in_tag, _, tag_digest = tag.partition("@")
        if head is None:
            if re.search(r"@\w+$", repository):
                raise Unspecified("an algorithm in the repository that is not sha256")
            return None
        if (head.tag or head.digest) and (keys.keys() - {"repository"}):
            raise Unspecified("a repository with a tag or digest, and keys for them")
        if tag_digest and digest:
            raise Unspecified("two digests")
        written = Reference(head.name, head.tag or in_tag, head.digest or tag_digest or digest)
    old = written._replace(name=f"{registry}/{written.name}" if registry else written.name)
    return old if parse(str(old)) else None


def new_parts(
    mapping: dict[Any, Any], keys: dict[str, str], old: Reference, new: Reference
) -> dict[str, str] | None:
    """Return the new value of each part; None if the field is not changed and a warning is printed."""
    repository, tag = _text(mapping, keys["repository"]), _text(mapping, keys.get("tag"))
    is_hexadecimal = _is_hexadecimal(repository, tag)
    has_digest_key = keys.get("digest") in mapping
    parts = {"repository": new.name, "tag": new.tag, "digest": ""}
    if keys.get("registry") in mapping:
        host, path = host_and_path(new.name)
        if new.name == old.name:
            parts["repository"] = repository.removesuffix(_HEX_KEY)
        elif host:
            # SECURITY.md: "Only Docker Hub has several hosts, such as `index.docker.io`."
            parts |= {"registry": "docker.io" if host == "index.docker.io" else host, "repository": path}
        else:
            raise Unspecified("a name without a host for a field with a registry")
    head = parse(repository)
    if head is not None and (head.tag or head.digest):
        # "Each field keeps the form of its value."
        return {"repository": str(new)}
    if is_hexadecimal and new.digest and not new.tag:
        if not new.digest.startswith("sha256:"):
            raise Unspecified("a digest of another algorithm")
        parts |= {"repository": parts["repository"] + _HEX_KEY, "tag": new.digest.removeprefix("sha256:")}
    elif new.digest and "digest" in keys and ("@" not in tag or not (new.tag or has_digest_key)):
        # "It also adds a missing digest key if `fields` has `digest`."
        parts["digest"] = new.digest
    elif new.digest and has_digest_key:
        raise Unspecified("a tag with a digest, next to a digest key")
    elif "tag" not in keys and (new.tag or new.digest):
        raise Unspecified("no key for the tag")
    elif new.digest and new.tag:
        # "If `fields` has no `digest`, a new digest is written after the tag (`TAG@DIGEST`)."
        parts["tag"] = f"{new.tag}@{new.digest}"
    elif new.digest:
        # "In this case a digest without a tag is not written, and a warning reports it."
        return None
    for part in ("tag", "digest"):
        if part not in keys and parts[part]:
            raise Unspecified(f"no key for the {part}")
        if part not in keys or (not parts[part] and mapping.get(keys[part], NULL) in (NULL, "")):
            del parts[part]  # a missing part is added only if it has a value
    return parts


def _text(mapping: dict[Any, Any], key: str | None) -> str:
    """Return the value of a part; an empty string if it is missing, null or empty."""
    value = mapping.get(key, "")
    if value == NULL:
        return ""
    if not isinstance(value, str) or value != value.strip():
        raise Unspecified("a part that is not a plain string")
    return value


def _is_hexadecimal(repository: str, tag: str) -> bool:
    return repository.endswith(_HEX_KEY) and re.fullmatch("[0-9a-f]{64}", tag) is not None
