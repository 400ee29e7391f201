"""One path of one entry of `kinds`: which resources, and where their images are."""

from __future__ import annotations

import re
from typing import NamedTuple

from krm_image_setter.paths import Path
from krm_image_setter.resources import ResourceRef


class Selector(NamedTuple):
    """Which resources: each pattern is exact and case-sensitive, with `*` and `?` as wildcards; empty is any."""

    kind: str = ""
    api_version: str = ""
    name: str = ""
    namespace: str = ""

    def matches(self, ref: ResourceRef) -> bool:
        """Say whether a resource is selected."""
        return (
            _matches(self.kind, ref.kind)
            and _matches(self.api_version, ref.api_version)
            and _matches(self.name, ref.name)
            and _matches(self.namespace, ref.namespace)
        )

    @property
    def word(self) -> str:
        """A word that the text of every selected resource holds; empty where there is none."""
        for pattern in (self.kind, self.name, self.namespace):
            word = max(re.split(r"[*?]+", pattern), key=len)
            if word:
                return word
        return ""

    def __str__(self) -> str:
        return " ".join(
            part for part in (self.kind or "any kind", self.api_version, self.namespace, self.name) if part
        )


class KindRule(NamedTuple):
    """The resources of `selector` have an image at `path`."""

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
