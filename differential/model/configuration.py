"""Decodes an ImageSetter from plain data, and computes the new reference for an image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from differential.model.data import Refused, Unspecified
from differential.model.paths import Resource, matches, selects
from differential.model.references import Reference, familiar, normalized, parse


class Image(NamedTuple):
    """An entry of `images`. `match` is its parsed name."""

    name: str
    match: Reference
    new_name: str
    new_tag: str
    digest: str
    suffix: str
    new_image: str
    containers: tuple[str, ...]
    env: bool
    args: bool

    def matches(self, old: Reference, *, has_open_tag: bool) -> bool:
        """Return whether the entry matches a reference. `has_open_tag` is true if the tag is in another field.

        configuration.md: "A name with a tag or a digest matches only that tag or digest. The tag `latest` also
        matches a reference that has neither a tag nor a digest, but not a split reference without a tag."
        """
        tag = old.tag if old.tag or old.digest or has_open_tag else "latest"
        return (
            normalized(self.match.name) == normalized(old.name)
            and self.match.tag in ("", tag)
            and self.match.digest in ("", old.digest)
        )


class Rules(NamedTuple):
    """A decoded configuration."""

    images: list[Image]
    kinds: list[dict[str, Any]]
    registries: list[tuple[str, str]]
    default_registry: dict[str, str]
    pull_policy: str
    pod_specs: bool
    on_unused: str

    def new_reference(self, image: Image, old: Reference) -> Reference:
        """Return the new reference for an old one. Quotes are from the table of `images` in configuration.md."""
        if image.new_image:  # "Complete new reference"
            new = parse(image.new_image)
            if new is None:
                raise Refused(f"not a reference: {image.new_image}")
            return new
        name = image.new_name or self._moved(old.name)
        if image.new_tag or image.digest:
            # "New tag. An old digest is removed." "New digest. An old tag is removed, unless `newTag` sets a new
            # one."
            return Reference(name, image.new_tag, image.digest)
        if image.suffix and old.tag:
            # "Suffix to add to the old tag, unless the tag already ends with it. A reference without a tag is not
            # changed."
            if old.digest:
                raise Unspecified("a suffix for a tag with a digest")
            return Reference(name, old.tag if old.tag.endswith(image.suffix) else old.tag + image.suffix)
        return Reference(name, old.tag, old.digest)

    def _moved(self, name: str) -> str:
        """Return the new name of an image to which `defaultRegistry` applies.

        configuration.md: "Registry for the entries of `images` without `newName`, `newImage` and `from`:
        `gcr.io/org/app` becomes `HOST/gcr.io_org_app`. A name that already starts with the host is not changed".
        """
        host = self.default_registry.get("host")
        if not host or name.startswith(f"{host}/"):
            return name
        moved = f"{host}/{self.default_registry.get('singleName') or re.sub('[/:@]', '_', familiar(name))}"
        if parse(moved) is None:
            raise Refused(f"not a reference: {moved}")
        return moved


def decode(config: dict[str, Any], resources: Sequence[Resource]) -> Rules:
    """Decode a configuration. `from` of an entry can select one of the `resources`."""
    if config.get("catalog", True) is not False:
        raise Unspecified("the catalog")
    images, kinds = config.get("images", []), config.get("kinds", [])
    if isinstance(images, dict):  # "a mapping from names to new references"
        names = [reference.name for name in images if (reference := parse(name))]
        if len({normalized(name) for name in names}) < len(names):
            raise Unspecified("the order of two entries in a mapping")
        images = [{"name": name, "newImage": new} for name, new in images.items()]
    if isinstance(kinds, dict):  # "a mapping from `Kind` or `Kind.group` to paths"
        kinds = [
            {"kind": name.partition(".")[0], "paths": paths}
            | ({"apiVersion": f"{name.partition('.')[2]}/*"} if "." in name else {})
            for name, paths in kinds.items()
        ]
    rules = Rules(
        [_decode_image(entry, resources) for entry in images],
        kinds,
        [(move["from"], move["to"]) for move in config.get("registries", [])],
        config.get("defaultRegistry", {}),
        config.get("imagePullPolicy", ""),
        config.get("podSpecs", True),
        config.get("onUnused", "warn"),
    )
    if not rules.images and not rules.registries:
        raise Unspecified("no images and no registries")
    for image in rules.images:
        new = rules.new_reference(image, image.match)
        if rules.pull_policy == "Never" and new.digest and (image.digest or image.new_image):
            raise Refused("`Never` together with a digest is an error")  # configuration.md
    return rules


def _decode_image(entry: dict[str, Any], resources: Sequence[Resource]) -> Image:
    match, new_name = parse(entry["name"]), entry.get("newName", "")
    if match is None:
        raise Refused(f"not a reference: {entry['name']}")
    if new_name and parse(new_name) != Reference(new_name):  # "New name, without a tag and a digest"
        raise Refused(f"not a name: {new_name}")
    containers = entry.get("containers", [])
    return Image(
        entry["name"],
        match,
        new_name,
        entry.get("newTag", ""),
        entry.get("digest", ""),
        entry.get("tagSuffix", ""),
        _taken_from(entry["from"], resources) if "from" in entry else entry.get("newImage", ""),
        (containers,) if isinstance(containers, str) else tuple(containers),
        entry.get("env", False),
        entry.get("args", False),
    )


def _taken_from(source: dict[str, str], resources: Sequence[Resource]) -> str:
    """Return the reference that `from` copies from a resource.

    configuration.md: "Field of a resource in the same input that contains the complete new reference […]. It is
    an error if no field matches, or if fields have different values".
    """
    fields = [
        match.value for each in resources if selects(source, each) for match in matches(source["path"], each.data)
    ]
    found = {value.strip() for value in fields if isinstance(value, str) and value.strip()}
    if len(found) != 1:
        raise Refused(f"{len(found)} values for `from`")
    return found.pop()
