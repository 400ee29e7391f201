"""Moving images to another registry: one entry of `registries`, and `defaultRegistry`.

What moves keeps its whole normalized path: with `docker.io` -> `m.io`, `nginx` becomes `m.io/library/nginx`. That
is its path on Docker Hub, and so in a mirror or pull-through cache of it: Amazon ECR demands the `library` (user
guide, "Pulling an image with a pull through cache rule"), and imageswap-webhook had to add it in 1.4.1 for the
proxy projects of Harbor. Who copied official images without it adds `docker.io/library` -> `m.io`: the longest
`from` wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from krm_image_setter.images.reference import (
    HUB,
    HUB_NAMES,
    InvalidReference,
    Reference,
    check_reference,
    parse_reference,
)


class RegistryRule(NamedTuple):
    """Names under `from_` move under `to`, with the rest of their path.

    Both are a host, or host/path, and mean whole components: under `gcr.io/foo` is `gcr.io/foo/bar`, but neither
    `gcr.io/foobar` nor `gcr.io/foo` itself. Made by `registry_rule`, which checks and normalizes them.
    """

    from_: str
    to: str

    def matches(self, reference: Reference) -> bool:
        """Say whether `reference` moves. Where `to` is under `from_`, what is there already stays."""
        name = reference.normalized_name
        return _is_under(name, self.from_) and not (_is_under(self.to, self.from_) and _is_under(name, self.to))

    def rewrite(self, reference: Reference) -> str:
        """Return the new text for a reference that matches."""
        return str(reference._replace(name=self.to + reference.normalized_name.removeprefix(self.from_)))

    @property
    def keyword(self) -> str:
        """A text that every spelling of a reference that matches contains; empty where there is none such."""
        prefix = f"{self.from_}/"
        return prefix.removeprefix(f"{HUB}/").removeprefix("library/") if prefix.startswith(f"{HUB}/") else prefix


def registry_rule(from_: str, to: str) -> RegistryRule:
    """Return the rule of one entry. Raises InvalidReference, its `field` the entry's field that is wrong."""
    rule = RegistryRule(_prefix("from", from_), _prefix("to", to))
    if rule.from_ == rule.to:
        raise InvalidReference(f'"{to}" is the same registry as from: give another', field="to")
    return rule


class RegistryMap:
    """The rules of `registries`, found by the name of a reference: the longest `from` wins."""

    def __init__(self, rules: Iterable[RegistryRule]) -> None:
        self._by_prefix: dict[str, RegistryRule] = {}
        for rule in rules:
            self._by_prefix.setdefault(rule.from_, rule)

    def __bool__(self) -> bool:
        return bool(self._by_prefix)

    def new(self, text: str) -> str | None:
        """Return what the reference `text` becomes, or None if no rule moves it."""
        found = self.find(text)
        return None if found is None else found[1].rewrite(found[0])

    def find(self, text: str) -> tuple[Reference, RegistryRule] | None:
        """Return the reference that `text` is and the rule that moves it, or None where it stays."""
        reference = parse_reference(text)
        if reference is None:
            return None
        prefix, slash, _ = reference.normalized_name.rpartition("/")
        while slash:
            rule = self._by_prefix.get(prefix)
            if rule is not None:
                return (reference, rule) if rule.matches(reference) else None
            prefix, slash, _ = prefix.rpartition("/")
        return None


class DefaultRegistry(NamedTuple):
    """Where the images of `images` live that have no new name: Tilt's `default_registry`.

    Made by `default_registry`, which checks it.
    """

    host: str
    single_name: str | None = None

    def new_name(self, name: Reference) -> str:
        """Return the new name of an image. Raises InvalidReference where Docker would not take it.

        A name that is under the host already stays: users put the local registry into their YAML
        (tilt-dev/tilt#4911). The familiar name counts, as it does for Tilt, which has pushed the image by it.
        """
        familiar = name.familiar_name
        if _is_under(familiar, self.host):
            return name.name
        new_name = f"{self.host}/{self.single_name or familiar.translate(_ESCAPES)}"
        try:
            check_reference(new_name)
        except InvalidReference as error:
            raise InvalidReference(f'"{name.name}" under {self.host}: {error.message}, or give newName') from error
        return new_name


def default_registry(host: str, single_name: str | None = None) -> DefaultRegistry:
    """Return the default registry. Raises InvalidReference, its `field` the field that is wrong."""
    reference = parse_reference(f"{host}/x")
    if reference is None or reference.normalized_name != f"{host}/x":
        raise InvalidReference(
            f'"{host}" is no registry: give a host, or host/path, such as localhost:5000 or docker.io/org',
            field="host",
        )
    if single_name is not None and parse_reference(f"{host}/{single_name}") != Reference(f"{host}/{single_name}"):
        raise InvalidReference(
            f'"{single_name}" is no name below the host: give one such as my-team/dev, without tag',
            field="singleName",
        )
    return DefaultRegistry(host, single_name)


_ESCAPES: Final = str.maketrans("/:@", "___")


def _is_under(name: str, prefix: str) -> bool:
    return name.startswith(f"{prefix}/")


def _prefix(field: str, text: str) -> str:
    """Return the normalized form of a host or host/path."""
    reference = parse_reference(f"{text}/x/x")  # two components: one alone would be an official image's
    if reference is None:
        raise InvalidReference(
            f'"{text}" is no registry: give a host, or host/path, such as docker.io or quay.io/org', field=field
        )
    if reference.domain == HUB and text.partition("/")[0] not in HUB_NAMES:
        raise InvalidReference(
            f'"{text}" has no host: give {HUB}/{text}, or a host with a dot or a port', field=field
        )
    return reference.normalized_name.removesuffix("/x/x")
