"""Defines KindRule: a path in an entry of `kinds`, with the selected resources and the form of the image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import itemgetter

from krm_image_setter.errors import ConfigLocation
from krm_image_setter.locators.forms import WHOLE, Fields, Form
from krm_image_setter.locators.image_field import OtherField
from krm_image_setter.paths import Match, Path
from krm_image_setter.resources import CRD, ResourceRef
from krm_image_setter.typed import Any, Generic, Record, TypeVar
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Location

T = TypeVar("T")


class Selector(Record):
    """Case-sensitive patterns that select resources. They can contain `*` and `?`. An empty pattern matches all.

    If `files` contains globs, the selector is for the documents in these files that are not resources.
    """

    kind: str = ""
    api_version: str = ""
    name: str = ""
    namespace: str = ""
    files: tuple[str, ...] = ()

    def matches(self, ref: ResourceRef) -> bool:
        """Return whether the patterns match a resource.

        To match a CustomResourceDefinition, `kind` must be exactly `CustomResourceDefinition`, without a wildcard
        and not empty. The reason: a schema contains the keys of image fields, but no images.
        """
        if ref.kind == CRD != self.kind:
            return False
        return (
            _matches(self.kind, ref.kind)
            and _matches(self.api_version, ref.api_version)
            and _matches(self.name, ref.name)
            and _matches(self.namespace, ref.namespace)
        )

    @property
    def keyword(self) -> str:
        """A text that occurs in every selected resource, or an empty string if there is no such text."""
        for pattern in (self.kind, self.name, self.namespace):
            longest = max(re.split(r"[*?]+", pattern), key=len)
            if longest:
                return longest
        return ""

    def __str__(self) -> str:
        if self.files:
            return self.files[0] + ", …" * (len(self.files) > 1)
        return " ".join(
            part for part in (self.kind or "any kind", self.api_version, self.namespace, self.name) if part
        )


class SelectorMap(Generic[T]):
    """Items with selectors, indexed by kind and name, so that the search for an item stays fast.

    Only selectors with wildcards are tested for every resource.
    """

    def __init__(self, items: Iterable[tuple[Selector, T]]) -> None:
        self._pairs = list(items)
        self._items: dict[tuple[str, str], list[tuple[int, Selector, T]]] = {}
        for position, (selector, item) in enumerate(self._pairs):
            key = _without_wildcard(selector.kind), _without_wildcard(selector.name)
            self._items.setdefault(key, []).append((position, selector, item))

    def with_items(self, items: Iterable[tuple[Selector, T]]) -> SelectorMap[T]:
        """Return a map that also has other items, after the items of this map."""
        return SelectorMap([*self._pairs, *items])

    def __bool__(self) -> bool:
        return bool(self._items)

    def has_kind(self, kind: str) -> bool:
        """Return whether a selector contains exactly this kind."""
        return any(key[0] == kind for key in self._items)

    def matching(self, ref: ResourceRef) -> list[T]:
        """Return the items whose selectors match a resource, in the order of the items."""
        if not self._items:
            return []
        keys = {(kind, name) for kind in (ref.kind, "") for name in (ref.name, "")}
        found = [
            (position, item)
            for key in keys
            for position, selector, item in self._items.get(key, ())
            if selector.matches(ref)
        ]
        return [item for _, item in sorted(found, key=itemgetter(0))]


def _without_wildcard(pattern: str) -> str:
    return "" if "*" in pattern or "?" in pattern else pattern


class KindRule(Record):
    """A rule of `kinds`: the resources that `selector` matches contain images in the form `form` at `path`.

    `origin` is the configuration field that contains the rule, or "catalog". It is empty if a form creates the
    rule. `position` is the index of the rule in `kinds` and `files` together, or -1 for other rules. If the rule
    is for a resource inside another resource, the path starts at the location `start`.
    """

    selector: Selector
    path: Path
    form: Form = WHOLE
    origin: str = "kinds"
    position: int = -1
    config_location: ConfigLocation = ConfigLocation()
    start: Location = ()

    def find(self, root: Any) -> list[Match]:
        """Return the values in the resource `root` that the path matches, with their locations in `root`."""
        start = self.start
        if not start:
            return self.path.find(root)
        found = self.path.find(tree.at(root, start))
        return [Match(start + location, value) for location, value in found]

    @property
    def path_data(self) -> Any:
        """The path as an item of `paths` in a configuration: a string or a path object."""
        options = self.form.options
        return {"path": self.path.text, **options} if options else self.path.text


class FileRule(Record):
    """An entry of `files`: the rules for documents that are not resources, in the files that `globs` select.

    If `pod_specs` is true, images in the pod specs of these documents are found too.
    """

    globs: tuple[str, ...]
    paths: tuple[KindRule, ...] = ()
    pod_specs: bool = False

    def selects(self, file: str) -> bool:
        """Return whether the globs select a file. `file` is relative to the directory that the user named."""
        from krm_image_setter.globs import matches  # noqa: PLC0415  (pathspec is slow to import)

        return matches(self.globs, file)


class Embedded(Record):
    """The form of a string that is a YAML or JSON document. `rules` are additional rules for this document."""

    syntax: str = "yaml"
    rules: tuple[KindRule, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """The keys and values of the path object; see `Form.options`."""
        paths = [rule.path_data for rule in self.rules]
        return {"as": self.syntax, **({"paths": paths} if paths else {})}

    def fields(self, _root: Any, location: Location, value: Any) -> Fields:
        """Return the image fields in `value`; see `Form.fields`."""
        return [OtherField(location, value, "a string", self)]


class ImageSource(Record):
    """The value of `from` in an entry of `images`: the resource and field that contain the new reference."""

    selector: Selector
    path: Path


def _matches(pattern: str, text: str) -> bool:
    if not pattern or pattern == text:
        return True
    if "*" not in pattern and "?" not in pattern:
        return False
    if "*" not in pattern[:-1] and "?" not in pattern:  # such as `kafka.strimzi.io/*`, and most patterns are
        return text.startswith(pattern[:-1])
    import fnmatch  # noqa: PLC0415  (0.3 ms, and few patterns need it)

    # fnmatch needs only linear time. Escape `[`, which is a wildcard of fnmatch but an ordinary character here.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
