"""The rules of a configuration in the form that a scan uses, and the keywords of the prefilter."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from krm_image_setter.catalog import catalog_rules, kinds_with_parts
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.images import IMAGE, ImageMap, RegistryMap
from krm_image_setter.locators import ImageField, KindRule, SelectorMap
from krm_image_setter.resources import ResourceRef


class Rules(NamedTuple):
    """The rules that set images, and the rules that locate them.

    `pod_spec_uses` are the uses of references in pod specs that are searched; if empty, pod specs are not
    searched.
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
        """Return whether an entry of `images` can have set a field, now or in an earlier run.

        Without a tag in the field, its name is compared.
        """
        if field.part == "name":
            return self.images.has_set_name(field.current)
        return self.images.has_set(field.current, field.usage)


def rules_for(config: ImageSetter, references: Mapping[int, str]) -> Rules:
    """Return the rules of a configuration.

    `references` has the new references of the entries with `from`, by their position in `images`.
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
    """Return keywords; a resource of `text` without any of them need not be parsed. Return None if all must be.

    A resource that `kinds` selects must be parsed to find out whether the path matches a field.
    """
    keywords = [rule.keyword for rule in config.images] + [rule.keyword for rule in config.registries]
    keywords += [rule.selector.keyword for rule in config.kinds]
    usable = usable_keywords(keywords)
    if usable is None or not config.catalog:
        return usable
    return [*usable, *kinds_with_parts().intersection(re.findall(_KIND, text))]


# The kinds in a text. This takes a tenth of the time of a search for each kind of the catalog.
_KIND: Final = r"kind(?:: |[\"']?\s*:\s*[\"']?)([A-Za-z0-9]+)"


def usable_keywords(keywords: Iterable[str]) -> list[str] | None:
    """Return the distinct keywords; None if one is empty, or if parsing is faster than searching for all."""
    distinct = list(dict.fromkeys(keywords))
    return distinct if all(distinct) and len(distinct) <= _MOST_KEYWORDS else None


# Searching a resource for one keyword takes a hundredth of the time for parsing the resource.
_MOST_KEYWORDS: Final = 100
