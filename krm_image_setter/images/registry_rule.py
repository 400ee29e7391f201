"""Move images to another registry, as an entry of `registries` or `defaultRegistry` specifies.

An image keeps its whole normalized path: with `docker.io` -> `m.io`, `nginx` becomes `m.io/library/nginx`. Mirrors
and pull-through caches of Docker Hub use this path. For example, Amazon ECR requires `library` (user guide,
"Pulling an image with a pull through cache rule"). imageswap-webhook 1.4.1 added `library` for the proxy projects
of Harbor. A mirror without `library` needs a second entry, `docker.io/library` -> `m.io`. The longest `from` wins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from krm_image_setter.errors import ConfigLocation
from krm_image_setter.images.image_rule import IMAGE
from krm_image_setter.images.reference import (
    HUB,
    HUB_NAMES,
    InvalidReference,
    Reference,
    check_reference,
    parse_reference,
)
from krm_image_setter.typed import Final, Record


class RegistryRule(Record):
    """Replace the prefix `from_` of image names with `to`, and keep the rest of the path.

    A prefix is normalized, and consists of a host and any number of whole path components. For example,
    `gcr.io/foo/bar` is under `gcr.io/foo`, but `gcr.io/foobar` is not, nor is `gcr.io/foo` itself. Only
    references with one of `uses` move, and only if they match no pattern in `exclude`. Use `registry_rule` to
    create a rule.
    """

    from_: str
    to: str
    uses: tuple[str, ...] = (IMAGE,)
    exclude: tuple[str, ...] = ()
    config_location: ConfigLocation = ConfigLocation()

    def matches(self, reference: Reference, use: str = IMAGE) -> bool:
        """Return whether `reference` must move. If `to` is under `from_`, names under `to` do not move again."""
        name = reference.normalized_name
        if not is_under(name, self.from_) or (is_under(self.to, self.from_) and is_under(name, self.to)):
            return False
        if use not in self.uses or (use != IMAGE and not _is_certain(reference)):
            return False
        return not (self.exclude and self._excludes(reference))

    def _excludes(self, reference: Reference) -> bool:
        from krm_image_setter.images.pattern import matches_pattern  # noqa: PLC0415  (few rules exclude images)

        return any(matches_pattern(str(reference), pattern) for pattern in self.exclude)

    @property
    def is_shared(self) -> bool:
        """Whether to report the rule only if it seems to be mistyped: many runs can share a configuration."""
        return self.config_location.field is not None

    def concerns(self, names: Iterable[str]) -> bool:
        """Return whether one of the normalized `names` is in the old or in the new registry."""
        return any(is_under(name, self.from_) or is_under(name, self.to) for name in names)

    def rewrite(self, reference: Reference) -> str:
        """Return the new reference for a reference that the rule matches."""
        return str(reference._replace(name=self.to + reference.normalized_name.removeprefix(self.from_)))

    @property
    def keyword(self) -> str:
        """A text that every form of a matching reference contains; empty if they have no common text."""
        prefix = f"{self.from_}/"
        return prefix.removeprefix(f"{HUB}/").removeprefix("library/") if prefix.startswith(f"{HUB}/") else prefix


def registry_rule(
    from_: str, to: str, *, uses: tuple[str, ...] = (IMAGE,), exclude: tuple[str, ...] = ()
) -> RegistryRule:
    """Return the rule of one entry. Raises InvalidReference; its `field` is the name of the invalid field."""
    rule = RegistryRule(registry_prefix(from_, "from"), registry_prefix(to, "to"), uses, exclude)
    if rule.from_ == rule.to:
        raise InvalidReference(f'"{to}" is the same registry as `from`', field="to")
    return rule


# Registries with similar names, such as gcr.io and ghcr.io. One of them is not a mistyped form of another.
_KNOWN: Final = frozenset({
    HUB, "asia.gcr.io", "cgr.dev", "eu.gcr.io", "gcr.io", "ghcr.io", "icr.io", "k8s.gcr.io", "lscr.io",
    "mcr.microsoft.com", "nvcr.io", "public.ecr.aws", "quay.io", "registry.access.redhat.com",
    "registry.gitlab.com", "registry.k8s.io", "registry.redhat.io", "us.gcr.io",
})  # fmt: skip
# Hosts of services in which the registries of one user often have similar names: us-east1 and us-west1.
_OF_MANY: Final = (".amazonaws.com", ".azurecr.io", ".gcr.io", ".jfrog.io", "-docker.pkg.dev")
_CUTOFF: Final = 0.75  # for "qya.io" and "quay.io", the ratio is 0.77


class RegistryMap:
    """The rules of `registries`; the longest `from` wins."""

    def __init__(self, rules: Iterable[RegistryRule]) -> None:
        self._by_prefix: dict[str, RegistryRule] = {}
        for rule in rules:
            self._by_prefix.setdefault(rule.from_, rule)

    def __bool__(self) -> bool:
        return bool(self._by_prefix)

    def rules(self) -> list[RegistryRule]:
        """Return the rules. Of the rules with the same `from`, return only the first rule."""
        return list(self._by_prefix.values())

    def has_more_than(self, moved: Collection[str]) -> bool:
        """Return whether there are rules whose `from_` is not in `moved`, which contains only such texts."""
        return len(self._by_prefix) > len(moved)

    def unused(self, moved: Collection[str], names: Collection[str]) -> list[RegistryRule]:
        """Return the rules that have not moved an image, and that might be mistyped.

        `moved` contains `from_` of the rules that have moved an image. `names` contains normalized image names.
        """
        return [
            rule
            for rule in self._by_prefix.values()
            if rule.from_ not in moved
            and not (rule.is_shared and rule.from_ in _KNOWN)
            and not rule.concerns(names)
        ]

    def similar(self, rule: RegistryRule, names: Iterable[str]) -> list[str]:
        """Return up to three registries of the normalized `names` that the user might mean with `from_` of a rule.

        The registry of another rule is not suggested. For a rule in a configuration, only hosts are compared,
        because `quay.io/team-a` and `quay.io/team-b` are different paths that one configuration can contain.
        """
        import difflib  # noqa: PLC0415  (only needed for an unused rule)

        depth = rule.from_.count("/") + 1
        others = [one for one in self._by_prefix.values() if one is not rule]
        found = {"/".join(name.split("/")[:depth]): None for name in names if name.count("/") >= depth}
        registries = [each for each in found if not any(one.concerns([f"{each}/"]) for one in others)]
        if rule.is_shared:
            host, slash, path = rule.from_.partition("/")
            if host.endswith(_OF_MANY):
                return []
            hosts = [each.removesuffix(slash + path) for each in registries if each.partition("/")[2] == path]
            close = difflib.get_close_matches(host, [each for each in hosts if each != host], cutoff=_CUTOFF)
            return [each + slash + path for each in close]
        return difflib.get_close_matches(rule.from_, registries, cutoff=_CUTOFF)

    def new(self, text: str, use: str = IMAGE) -> str | None:
        """Return the new text for the reference `text`, or None if no rule for this use moves it."""
        found = self.find(text, use)
        return None if found is None else found[1].rewrite(found[0])

    def find(self, text: str, use: str = IMAGE) -> tuple[Reference, RegistryRule] | None:
        """Return the parsed reference and its rule, or None if no rule for this use moves it."""
        reference = parse_reference(text)
        if reference is None:
            return None
        prefix, slash, _ = reference.normalized_name.rpartition("/")
        while slash:
            rule = self._by_prefix.get(prefix)
            if rule is not None:
                return (reference, rule) if rule.matches(reference, use) else None
            prefix, slash, _ = prefix.rpartition("/")
        return None


class DefaultRegistry(Record):
    """The registry for entries of `images` without a new name, like Tilt's `default_registry`.

    Use `default_registry` to create an instance.
    """

    host: str
    single_name: str | None = None

    def new_name(self, name: Reference) -> str:
        """Return the new name of an image. Raises InvalidReference if the new name is not valid.

        A name that is already under `host` does not change, because users put the local registry into their YAML
        (tilt-dev/tilt#4911). The new name contains the familiar name, because Tilt pushes the image under it.
        """
        familiar = name.familiar_name
        if is_under(familiar, self.host):
            return name.name
        new_name = f"{self.host}/{self.single_name or familiar.translate(_ESCAPES)}"
        try:
            check_reference(new_name)
        except InvalidReference as error:
            message = f'cannot move "{name.name}" to registry "{self.host}": {error.message}; set `newName`'
            raise InvalidReference(message) from error
        return new_name


def default_registry(host: str, single_name: str | None = None) -> DefaultRegistry:
    """Return the default registry. Raises InvalidReference; its `field` is the name of the invalid field."""
    reference = parse_reference(f"{host}/x")
    if reference is None or reference.normalized_name != f"{host}/x":
        raise InvalidReference(
            f'invalid registry "{host}"; expected HOST or HOST/PATH, such as localhost:5000 or docker.io/org',
            field="host",
        )
    if single_name is not None and parse_reference(f"{host}/{single_name}") != Reference(f"{host}/{single_name}"):
        raise InvalidReference(
            f'invalid repository name "{single_name}"; expected a name without a tag, such as my-team/dev',
            field="singleName",
        )
    return DefaultRegistry(host, single_name)


_ESCAPES: Final = str.maketrans("/:@", "___")


def is_under(name: str, prefix: str) -> bool:
    """Return whether a normalized name is in a registry, which is a host, or a host and a path."""
    return name.startswith(f"{prefix}/")


def _is_certain(reference: Reference) -> bool:
    """Return whether a variable or an argument is certainly an image, and not a word or a host with a port.

    Such an image has a host, a digest, or a path of several components and a tag. `redis:6379` has none of them.
    """
    first, slash, _ = reference.name.partition("/")
    has_host = slash and (first in HUB_NAMES or reference.domain != HUB)
    return bool(has_host or reference.digest or (slash and reference.tag))


def registry_prefix(text: str, field: str | None = None) -> str:
    """Return the normalized form of a registry: a host, or a host and a path.

    Raises InvalidReference for the field `field`.
    """
    # Two components are appended, because normalizing adds `library/` before a single component on Docker Hub.
    reference = parse_reference(f"{text}/x/x")
    if reference is None:
        raise InvalidReference(
            f'invalid registry "{text}"; expected HOST or HOST/PATH, such as docker.io or quay.io/org', field=field
        )
    if reference.domain == HUB and text.partition("/")[0] not in HUB_NAMES:
        raise InvalidReference(
            f'"{text}" has no registry host; write {HUB}/{text}, or a host with a dot or a port', field=field
        )
    return reference.normalized_name.removesuffix("/x/x")
