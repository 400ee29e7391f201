"""Converts a configuration to the rules of a scan, and to keywords that show which resources must be parsed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from krm_image_setter.catalog import VALUES_KEY, catalog_rules, kinds_with_parts
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.images import IMAGE, ImageMap, RegistryMap
from krm_image_setter.locators import ImageField, KindRule, SelectorMap
from krm_image_setter.resources import ResourceRef


class Rules(NamedTuple):
    """The rules that set images, and the rules that find image fields.

    `pod_spec_uses` contains the uses of references, such as `env`, for which pod specs are searched. If it is
    empty, pod specs are not searched.
    """

    images: ImageMap
    registries: RegistryMap
    kinds: SelectorMap[KindRule]
    pod_spec_uses: Collection[str]
    catalog: bool = True
    image_pull_policy: str | None = None

    def kinds_for(self, ref: ResourceRef) -> list[KindRule]:
        """Return the rules for the kind of a resource, those of `kinds` before those of the catalog."""
        if not ref.kind:
            return []
        kinds = self.kinds.matching(ref)
        if self.catalog:
            kinds += catalog_rules(ref.api_version, ref.kind)
        return kinds

    def is_set(self, field: ImageField) -> bool:
        """Return whether an entry of `images` can have set a field, in this run or in an earlier run.

        If the field contains only a name, only the names are compared.
        """
        if field.part == "name":
            return self.images.has_set_name(field.current)
        return self.images.has_set(field.current, field.usage)


def rules_for(config: ImageSetter, references: Mapping[int, str]) -> Rules:
    """Convert a configuration to the rules for a scan.

    `references` contains the new reference of each entry with `from`. The keys are the positions in `images`.
    """
    images = [
        rule._replace(new_image=references[position], source=None) if position in references else rule
        for position, rule in enumerate(config.images)
    ]
    uses = {use for rule in images for use in rule.uses}
    return Rules(
        ImageMap(images),
        RegistryMap(config.registries),
        SelectorMap((rule.selector, rule) for rule in config.kinds),
        uses | {IMAGE} if config.pod_specs else (),
        config.catalog,
        config.image_pull_policy,
    )


def keywords_of(config: ImageSetter, text: str) -> list[str] | None:
    """Return keywords such that only resources with one of them must be parsed. None means: parse all resources.

    A resource that `kinds` selects must be parsed even if it contains no image to set. Only parsing can show
    whether the path matches a field.
    """
    keywords = [rule.keyword for rule in config.images] + [rule.keyword for rule in config.registries]
    keywords += [rule.selector.keyword for rule in config.kinds]
    usable = usable_keywords(keywords)
    if usable is None or not config.catalog:
        return usable
    return [*usable, VALUES_KEY, *kinds_with_parts().intersection(re.findall(_KIND, text))]


# Finds the kinds in a text. Searching for each kind of the catalog instead took ten times as long.
_KIND: Final = r"kind(?:: |[\"']?\s*:\s*[\"']?)([A-Za-z0-9]+)"


def usable_keywords(keywords: Iterable[str]) -> list[str] | None:
    """Return the keywords without duplicates, or None if one is empty or if parsing is faster than searching."""
    distinct = list(dict.fromkeys(keywords))
    return distinct if all(distinct) and len(distinct) <= _MOST_KEYWORDS else None


# Searching a resource for one keyword takes a hundredth of the time of parsing the resource.
_MOST_KEYWORDS: Final = 100
