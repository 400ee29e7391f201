"""One path of one entry of `kinds`: which resources, where in them, and how an image is written there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

from krm_image_setter.errors import ConfigLocation
from krm_image_setter.locators.forms import WHOLE, Form
from krm_image_setter.paths import Path
from krm_image_setter.resources import ResourceRef

CRD: Final = "CustomResourceDefinition"
T = TypeVar("T")


class Selector(NamedTuple):
    """Which resources: each pattern is exact and case-sensitive, with `*` and `?` as wildcards; empty is any."""

    kind: str = ""
    api_version: str = ""
    name: str = ""
    namespace: str = ""

    def matches(self, ref: ResourceRef) -> bool:
        """Say whether a resource is selected; a CustomResourceDefinition only by its very kind.

        What its schema is about has the keys of images, but none.
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
        """A word that the text of every selected resource contains; empty if there is none."""
        for pattern in (self.kind, self.name, self.namespace):
            word = max(re.split(r"[*?]+", pattern), key=len)
            if word:
                return word
        return ""

    def __str__(self) -> str:
        return " ".join(
            part for part in (self.kind or "any kind", self.api_version, self.namespace, self.name) if part
        )


class SelectorMap(Generic[T]):
    """Items by the resources that they are for, in order: a thousand kinds cost a resource no more than one.

    An item is looked up by the kind and name of its selector, except if these are patterns.
    """

    def __init__(self, items: Iterable[tuple[Selector, T]]) -> None:
        self._items: dict[tuple[str, str], list[tuple[int, Selector, T]]] = {}
        for position, (selector, item) in enumerate(items):
            key = _without_wildcard(selector.kind), _without_wildcard(selector.name)
            self._items.setdefault(key, []).append((position, selector, item))

    def matching(self, ref: ResourceRef) -> list[T]:
        """Return the items whose selectors match a resource."""
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
    """The resources of `selector` have an image, or several, at `path`, written in a form.

    `origin` is the field of the configuration that says so, or "catalog"; `position` is the place among the rules
    of `kinds`, -1 if it is none of them.
    """

    selector: Selector
    path: Path
    form: Form = WHOLE
    origin: str = "kinds"
    position: int = -1
    config_location: ConfigLocation = ConfigLocation()

    @property
    def path_data(self) -> Any:
        """The path as it is written in `paths`: a string, or a path object."""
        options = self.form.options
        return {"path": self.path.text, **options} if options else self.path.text


class ImageSource(NamedTuple):
    """Where the new reference of an entry of `images` comes from: a field of a resource in the same stream."""

    selector: Selector
    path: Path


def _matches(pattern: str, text: str) -> bool:
    if not pattern or pattern == text:
        return True
    if "*" not in pattern and "?" not in pattern:
        return False
    import fnmatch  # noqa: PLC0415  (few configurations have a wildcard)

    # Its patterns run in linear time; `[` is no wildcard of ours.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
