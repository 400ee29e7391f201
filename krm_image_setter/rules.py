"""The rules of a configuration, ready to be applied, and the keywords without which they need not be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from krm_image_setter.catalog import catalog_rules, kinds_in_parts
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.images import IMAGE, ImageMap, RegistryMap
from krm_image_setter.locators import ImageField, KindRule, SelectorMap
from krm_image_setter.resources import ResourceRef


class Rules(NamedTuple):
    """What is set, and where images are.

    `pod_spec_uses` are the uses of references that are searched in pod specs; none means that pod specs are not
    searched.
    """

    images: ImageMap
    registries: RegistryMap
    kinds: SelectorMap[KindRule]
    pod_spec_uses: Collection[str]
    catalog: bool = True
    image_pull_policy: str | None = None

    def kinds_for(self, ref: ResourceRef) -> list[KindRule]:
        """Return the rules for the kind of a resource: those of `kinds` come before those of the catalog."""
        if not ref.kind:
            return []
        kinds = self.kinds.matching(ref)
        if self.catalog:
            kinds += catalog_rules(ref.api_version, ref.kind)
        return kinds

    def is_set(self, field: ImageField) -> bool:
        """Return whether an entry of `images` can have set a field, now or in an earlier run.

        A field that holds only a name has no tag that could tell: the name is enough.
        """
        if field.part == "name":
            return self.images.has_set_name(field.current)
        return self.images.has_set(field.current, field.place)


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
    """Return words of which at least one is in every resource of `text` that matters; None if all must be read.

    A resource that `kinds` selects matters even if no image of `images` is in it, because its path can match
    nothing.
    """
    words = [rule.keyword for rule in config.images] + [rule.keyword for rule in config.registries]
    words += [rule.selector.keyword for rule in config.kinds]
    distinct = few(words)
    if distinct is None or not config.catalog:
        return distinct
    return [*distinct, *kinds_in_parts().intersection(re.findall(_KIND, text))]


# What can be the kind of a resource: one pass takes a tenth of the time that a search for each known kind does.
_KIND: Final = r"kind(?:: |[\"']?\s*:\s*[\"']?)([A-Za-z0-9]+)"


def few(words: Iterable[str]) -> list[str] | None:
    """Return words to search texts for; None if one is empty, or if it is faster to read all texts."""
    distinct = list(dict.fromkeys(words))
    return distinct if all(distinct) and len(distinct) <= _MOST_WORDS else None


# To search a resource for one word takes a hundredth of the time that it takes to read the resource.
_MOST_WORDS: Final = 100
