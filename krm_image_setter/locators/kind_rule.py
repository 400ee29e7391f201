"""One path of one entry of `kinds`: the selected resources, the path, and the form of the image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

from krm_image_setter.errors import ConfigLocation
from krm_image_setter.locators.forms import WHOLE, Fields, Form
from krm_image_setter.locators.image_field import OtherField
from krm_image_setter.paths import Path
from krm_image_setter.resources import ResourceRef
from krm_image_setter.yaml.tree import Location

CRD: Final = "CustomResourceDefinition"
T = TypeVar("T")


class Selector(NamedTuple):
    """Patterns for resources. Each is case-sensitive, with the wildcards `*` and `?`; an empty one matches all."""

    kind: str = ""
    api_version: str = ""
    name: str = ""
    namespace: str = ""

    def matches(self, ref: ResourceRef) -> bool:
        """Return whether a resource is selected.

        Only the exact kind selects a CustomResourceDefinition, because its schema has the keys of images, but does
        not contain images.
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
        """A text that every selected resource contains; empty if there is none."""
        for pattern in (self.kind, self.name, self.namespace):
            longest = max(re.split(r"[*?]+", pattern), key=len)
            if longest:
                return longest
        return ""

    def __str__(self) -> str:
        return " ".join(
            part for part in (self.kind or "any kind", self.api_version, self.namespace, self.name) if part
        )


class SelectorMap(Generic[T]):
    """Items with selectors, indexed by kind and name, so that the time for a resource does not grow with them.

    A selector with wildcards is compared with every resource.
    """

    def __init__(self, items: Iterable[tuple[Selector, T]]) -> None:
        self._items: dict[tuple[str, str], list[tuple[int, Selector, T]]] = {}
        for position, (selector, item) in enumerate(items):
            key = _without_wildcard(selector.kind), _without_wildcard(selector.name)
            self._items.setdefault(key, []).append((position, selector, item))

    def matching(self, ref: ResourceRef) -> list[T]:
        """Return the items whose selectors match a resource, in their order."""
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


class KindRule(NamedTuple):
    """The resources of `selector` have images at `path`, in a form.

    `origin` is the field of the configuration that contains the rule, or "catalog". `position` is the index among
    the rules of `kinds`; -1 for other rules.
    """

    selector: Selector
    path: Path
    form: Form = WHOLE
    origin: str = "kinds"
    position: int = -1
    config_location: ConfigLocation = ConfigLocation()

    @property
    def path_data(self) -> Any:
        """The path as an item of `paths`: a string, or a path object."""
        options = self.form.options
        return {"path": self.path.text, **options} if options else self.path.text


class Embedded(NamedTuple):
    """A string that is a YAML or JSON document; `rules` locate images in addition to those of its resources."""

    syntax: str = "yaml"
    rules: tuple[KindRule, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """See Form."""
        paths = [rule.path_data for rule in self.rules]
        return {"as": self.syntax, **({"paths": paths} if paths else {})}

    def fields(self, root: Any, location: Location, value: Any) -> Fields:
        """See Form."""
        del root
        return [OtherField(location, value, "a string")]


class ImageSource(NamedTuple):
    """The field of a resource that contains the new reference of an entry of `images`."""

    selector: Selector
    path: Path


def _matches(pattern: str, text: str) -> bool:
    if not pattern or pattern == text:
        return True
    if "*" not in pattern and "?" not in pattern:
        return False
    import fnmatch  # noqa: PLC0415  (few configurations have a wildcard)

    # fnmatch takes linear time. It has the wildcard `[`, which is an ordinary character in a selector.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
